# The whole path: raw files -> records -> models -> predictions -> tables, export, report.
#
#   snakemake --cores 2 --configfile models/phantom.yaml
#   snakemake --cores 8 --configfile models/paper.yaml --config raw=/data/raw    (real cohorts)
#
# Every rule runs one script, exactly as a person would. What a rule's result depends on in the
# configuration is its parameter: a change there repeats that rule and what follows, nothing else.
#
# What the longest chain of jobs waits for (encoder, segmenters, ensembles, export) goes first; the
# classifiers fill the other cores.

import re
from functools import reduce

from ichnet import runs
from ichnet.config import SEGMENTERS as NAMES_OF_SEGMENTERS

NAME = config["name"]
CONFIG = str(workflow.configfiles[0])
RUN = f"runs/{NAME}"
REPEATS = {f"{RUN}/repeats/{seed}": seed for seed in config["repeats"]["seeds"]}
WORK = f"work/{NAME}"
RAW = config.get("raw", f"{WORK}/raw")
SYNTHETIC = "raw" not in config
RECORDS = f"{WORK}/records"

BACKBONES = config["classifiers"]["backbones"]
ARMS = config["classifiers"]["arms"]
COMBINATIONS = list(config["ensembles"]["combinations"])
CLASSIFIERS = [runs.classifier_name(b, a) for b in BACKBONES for a in ARMS]
SEGMENTERS = [runs.segmenter_name(s) for s in NAMES_OF_SEGMENTERS]
BASELINES = [runs.baseline_name(b) for b in runs.BASELINES]
ENSEMBLES = [runs.ensemble_name(c) for c in COMBINATIONS]
MODELS = CLASSIFIERS + SEGMENTERS + BASELINES + ENSEMBLES + [runs.THRESHOLD]
REPEATED = [runs.classifier_name(b, a) for b in config["repeats"]["backbones"] for a in ARMS]
REPEATED += SEGMENTERS + BASELINES + ENSEMBLES
PREDICTIONS = [f"{{run}}/predictions/{{model}}/{c}.scans.csv" for c in runs.TEST_COHORTS]


# of the training patients, when weight models learn from out-of-fold maps
FOLDS = None
if config["ensembles"].get("maps") == "out-of-fold":
    FOLDS = config["ensembles"].get("folds", 5)

LISTS = {"backbones", "arms", "combinations"}


def section(*names):
    """Return the parts of the configuration that a rule depends on, e.g. `evaluation.threshold`.

    What the configuration leaves to its default is nothing. Which other models are trained changes
    no model, so the lists of models are not part of it.
    """
    parts = {name: reduce(dict.get, name.split("."), config) for name in ("seed", *names)}
    return {
        name: {key: part[key] for key in part if key not in LISTS} if isinstance(part, dict) else part
        for name, part in parts.items()
    }


def classifier_section(wildcards):
    """Return the parts of the configuration that a classifier depends on: of the trainings its own."""
    parts = section("image", "augmentation", "classifiers", "register")
    own = parts["classifiers"].pop("training_by_backbone", {})
    if wildcards.backbone in own:
        parts["classifiers"]["training"] = own[wildcards.backbone]
    return parts


def seed_of(wildcards):
    """Return the seed of a run: the configuration's, or a repeat's."""
    return REPEATS.get(wildcards.run, config["seed"])


def predictions_of(run, models):
    return expand(PREDICTIONS, run=run, model=models)


wildcard_constraints:
    run="|".join(map(re.escape, [RUN, *REPEATS])),
    backbone="|".join(BACKBONES),
    arm="|".join(ARMS),
    segmenter="|".join(NAMES_OF_SEGMENTERS),
    combination="|".join(COMBINATIONS),
    cohort="rsna|aihub|dumc|cq500",
    fold=r"\d+",
    folds=r"\d+",


# each job keeps to the cores it was given, whatever the libraries would take
shell.prefix("set -euo pipefail; export TF_NUM_INTRAOP_THREADS=$OMP_NUM_THREADS; ")


rule all:
    input:
        f"{RUN}/report.html",


# the page in docs/, with what takes too long for the demonstration
rule results:
    input:
        f"{RUN}/report.html",
        f"{RUN}/tables/localisation.csv",
        f"{RUN}/tables/lesions.csv",
        f"{RUN}/tables/slice_position.csv",
        f"{RUN}/metrics.json",
        f"{RUN}/figures/figure1.png",
        f"{RUN}/figures/efigure1.png",
        f"{RUN}/figures/efigure6.png",
        f"{RUN}/tables/calibration.csv",
        f"{RUN}/review/review.html",
    shell:
        "python eval/results.py --run {RUN}"


if SYNTHETIC:

    rule phantom:
        output:
            f"{RAW}/{{cohort}}/.phantom.json",
        params:
            section("phantom"),
        threads: 1
        benchmark:
            f"{RUN}/costs/phantom/{{cohort}}.tsv"
        shell:
            "python data_prep/phantom.py --config {CONFIG} --output {RAW} "
            "--cohorts {wildcards.cohort} --workers {threads}"


def raw_of(cohort):
    return f"{RAW}/{cohort}/.phantom.json" if SYNTHETIC else f"{RAW}/{cohort}"


PREPARE = (
    "python data_prep/{params.script}.py --config {CONFIG} --input {RAW}/{params.script} "
    "--output {RECORDS}/{wildcards.set} {params.option} --workers {threads}"
)


def script_of(wildcards):
    return wildcards.set.split("-")[0]


def set_option(wildcards):
    return f"--set {wildcards.set.split('-')[1]}" if "-" in wildcards.set else ""


# --config record_shares=8: one cohort's records are written by eight jobs, and joined by a ninth
rule record_share:
    input:
        lambda wildcards: raw_of(script_of(wildcards)),
    output:
        touch(f"{RECORDS}/shares/{{set}}/{{share}}-of-{{shares}}"),
    params:
        settings=section("image", "selection"),
        script=script_of,
        option=set_option,
    shell:
        PREPARE + " --shard {wildcards.share}/{wildcards.shares}"


def shares_of(wildcards):
    count = int(config.get("record_shares", 1))
    shares = range(1, count + 1) if count > 1 else []
    return [f"{RECORDS}/shares/{wildcards.set}/{share}-of-{count}" for share in shares]


rule records:
    input:
        lambda wildcards: raw_of(script_of(wildcards)),
        shares_of,
    output:
        f"{RECORDS}/{{set}}/info.json",
    params:
        settings=section("image", "selection"),
        script=script_of,
        option=set_option,
    benchmark:
        f"{RUN}/costs/records/{{set}}.tsv"
    shell:
        PREPARE


rule classifier:
    input:
        lambda wildcards: f"{RECORDS}/{runs.ARM_RECORDS[wildcards.arm]}/info.json",
    output:
        "{run}/models/{backbone}-{arm}/finished.json",
    params:
        settings=classifier_section,
        seed=seed_of,
    benchmark:
        "{run}/costs/classifier/{backbone}-{arm}.tsv"
    shell:
        "python models/train_classifier.py --config {CONFIG} --seed {params.seed} --records {RECORDS} "
        "--run {wildcards.run} --backbone {wildcards.backbone} --arm {wildcards.arm}"


rule encoder:
    input:
        f"{RECORDS}/aihub-scans/info.json",
    output:
        "{run}/models/encoder-subtype/finished.json",
    params:
        settings=section("image", "augmentation", "segmenters", "register"),
        seed=seed_of,
    priority: 2
    benchmark:
        "{run}/costs/encoder/encoder.tsv"
    shell:
        "python models/pretrain_encoder.py --config {CONFIG} --seed {params.seed} --records {RECORDS} "
        "--run {wildcards.run}"


rule segmenter:
    input:
        f"{RECORDS}/aihub-scans/info.json",
        lambda wildcards: [f"{wildcards.run}/models/encoder-subtype/finished.json"]
        if wildcards.segmenter == "subtype"
        else [],
    output:
        "{run}/models/segmenter-{segmenter}/finished.json",
    params:
        settings=section("image", "augmentation", "segmenters", "selection", "register"),
        seed=seed_of,
    priority: 1
    benchmark:
        "{run}/costs/segmenter/{segmenter}.tsv"
    shell:
        "python models/train_segmenter.py --config {CONFIG} --seed {params.seed} --records {RECORDS} "
        "--run {wildcards.run} --segmenter {wildcards.segmenter}"


# out-of-fold maps: the same trainings, each without the patients of one fold
rule encoder_of_fold:
    input:
        f"{RECORDS}/aihub-scans/info.json",
    output:
        "{run}/models/encoder-subtype-fold{fold}of{folds}/finished.json",
    params:
        settings=section("image", "augmentation", "segmenters", "register"),
        seed=seed_of,
    priority: 2
    benchmark:
        "{run}/costs/encoder_of_fold/encoder-fold{fold}of{folds}.tsv"
    shell:
        "python models/pretrain_encoder.py --config {CONFIG} --seed {params.seed} --records {RECORDS} "
        "--run {wildcards.run} --fold {wildcards.fold}"


rule segmenter_of_fold:
    input:
        f"{RECORDS}/aihub-scans/info.json",
        lambda wildcards: ["{run}/models/encoder-subtype-fold{fold}of{folds}/finished.json"]
        if wildcards.segmenter == "subtype"
        else [],
    output:
        "{run}/models/segmenter-{segmenter}-fold{fold}of{folds}/finished.json",
    params:
        settings=section("image", "augmentation", "segmenters", "selection", "register"),
        seed=seed_of,
    priority: 1
    benchmark:
        "{run}/costs/segmenter_of_fold/{segmenter}-fold{fold}of{folds}.tsv"
    shell:
        "python models/train_segmenter.py --config {CONFIG} --seed {params.seed} --records {RECORDS} "
        "--run {wildcards.run} --segmenter {wildcards.segmenter} --fold {wildcards.fold}"


def segmenters_of_folds(wildcards):
    """Return what the maps of a record set need beside the segmenters trained on all patients."""
    if wildcards.set != "aihub-scans" or FOLDS is None:
        return []
    return [
        f"{wildcards.run}/models/{runs.fold_name(model, fold, FOLDS)}/finished.json"
        for model in SEGMENTERS
        for fold in range(1, FOLDS + 1)
    ]


rule maps:
    input:
        f"{RECORDS}/{{set}}/info.json",
        expand("{{run}}/models/{model}/finished.json", model=SEGMENTERS),
        segmenters_of_folds,
    output:
        "{run}/maps/{set}/info.json",
    benchmark:
        "{run}/costs/maps/{set}.tsv"
    shell:
        "python models/cache_maps.py --config {CONFIG} --records {RECORDS} --run {wildcards.run} "
        "--set {wildcards.set}"


rule ensemble:
    input:
        "{run}/maps/aihub-scans/info.json",
    output:
        "{run}/models/ensemble-{combination}/finished.json",
    params:
        settings=section("image", "ensembles", "register"),
        members=lambda wildcards: config["ensembles"]["combinations"][wildcards.combination],
        seed=seed_of,
    priority: 1
    benchmark:
        "{run}/costs/ensemble/{combination}.tsv"
    shell:
        "python models/train_ensemble.py --config {CONFIG} --seed {params.seed} "
        "--run {wildcards.run} --combination {wildcards.combination}"


rule predict_classifier:
    input:
        "{run}/models/{backbone}-{arm}/finished.json",
        expand(f"{RECORDS}/{{set}}/info.json", set=["aihub-scans", *runs.TEST_COHORTS]),
    output:
        [path.replace("{model}", "{backbone}-{arm}") for path in PREDICTIONS],
    params:
        settings=section("evaluation.calibration"),
        seed=seed_of,
    benchmark:
        "{run}/costs/predict_classifier/{backbone}-{arm}.tsv"
    shell:
        "python eval/predict.py --config {CONFIG} --seed {params.seed} --records {RECORDS} "
        "--run {wildcards.run} --models {wildcards.backbone}-{wildcards.arm}"


rule predict_threshold:
    input:
        expand(f"{RECORDS}/{{set}}/info.json", set=["aihub-scans", *runs.TEST_COHORTS]),
    output:
        [path.format(run=RUN, model=runs.THRESHOLD) for path in PREDICTIONS],
    params:
        section("evaluation.calibration"),
    benchmark:
        f"{RUN}/costs/predict_threshold/all.tsv"
    shell:
        "python eval/predict.py --config {CONFIG} --records {RECORDS} --run {RUN} "
        f"--models {runs.THRESHOLD}"


rule localisation:
    input:
        expand(f"{RUN}/models/{{model}}/finished.json", model=CLASSIFIERS),
        f"{RECORDS}/dumc/info.json",
    output:
        f"{RUN}/tables/localisation.csv",
    params:
        section("evaluation.bootstrap_replicates"),
    benchmark:
        f"{RUN}/costs/localisation/all.tsv"
    shell:
        "python eval/localise.py --config {CONFIG} --records {RECORDS} --run {RUN}"


rule lesions:
    input:
        expand(PREDICTIONS, run=RUN, model=SEGMENTERS + BASELINES + ENSEMBLES),
    output:
        f"{RUN}/tables/lesions.csv",
    params:
        section("ensembles.pixel_threshold", "evaluation.bootstrap_replicates"),
    benchmark:
        f"{RUN}/costs/lesions/all.tsv"
    shell:
        "python eval/lesions.py --config {CONFIG} --records {RECORDS} --run {RUN}"


rule predict_segmenters:
    input:
        expand("{{run}}/models/{model}/finished.json", model=SEGMENTERS),
        expand("{{run}}/maps/{set}/info.json", set=["aihub-scans", *runs.TEST_COHORTS]),
    output:
        expand(PREDICTIONS, model=SEGMENTERS + BASELINES, allow_missing=True),
    params:
        settings=section("evaluation.top_pixels", "evaluation.calibration"),
        seed=seed_of,
    priority: 1
    benchmark:
        "{run}/costs/predict_segmenters/all.tsv"
    shell:
        "python eval/predict.py --config {CONFIG} --seed {params.seed} --records {RECORDS} "
        "--run {wildcards.run} --models {SEGMENTERS} {BASELINES}"


rule predict_ensembles:
    input:
        expand("{{run}}/models/{model}/finished.json", model=ENSEMBLES),
        expand("{{run}}/maps/{set}/info.json", set=["aihub-scans", *runs.TEST_COHORTS]),
    output:
        expand(PREDICTIONS, model=ENSEMBLES, allow_missing=True),
    params:
        settings=section("evaluation.top_pixels", "evaluation.calibration"),
        seed=seed_of,
    priority: 1
    benchmark:
        "{run}/costs/predict_ensembles/all.tsv"
    shell:
        "python eval/predict.py --config {CONFIG} --seed {params.seed} --records {RECORDS} "
        "--run {wildcards.run} --models {ENSEMBLES}"


rule table1:
    input:
        expand(f"{RECORDS}/{{set}}/info.json", set=runs.RECORD_SETS),
    output:
        f"{RUN}/tables/table1.csv",
    shell:
        "python eval/table1.py --run {RUN} --records {RECORDS}"


# measured once, and read by every table and figure of predictions
rule metrics:
    input:
        predictions_of(RUN, MODELS),
    output:
        f"{RUN}/metrics.json",
    params:
        section("evaluation", "selection.small_lesion_ml", "contrasts"),
    shell:
        "python eval/metrics.py --run {RUN}"


rule figure1:
    input:
        expand(f"{RECORDS}/{{set}}/info.json", set=["rsna", "aihub-slices", "aihub-scans"]),
    output:
        f"{RUN}/figures/figure1.png",
    params:
        section("selection.small_lesion_ml", "selection.ensemble_share"),
    shell:
        "python eval/figure1.py --run {RUN} --records {RECORDS}"


rule method_figures:
    input:
        expand(
            f"{RUN}/models/{{model}}/finished.json",
            model=[c for c in CLASSIFIERS if c.startswith(BACKBONES[0])]
            + [runs.segmenter_name("all"), runs.ensemble_name("all")],
        ),
        expand(f"{RUN}/maps/{{set}}/info.json", set=runs.TEST_COHORTS),
    output:
        [f"{RUN}/figures/efigure{number}.png" for number in (1, 2, 3, 4, 5)],
    shell:
        "python eval/method_figures.py --config {CONFIG} --records {RECORDS} --run {RUN}"


rule roc_panels:
    input:
        f"{RUN}/metrics.json",
    output:
        [f"{RUN}/figures/efigure{number}.png" for number in (6, 7)],
    params:
        section("evaluation.threshold"),
    shell:
        "python eval/roc_panels.py --run {RUN}"


rule calibration:
    input:
        f"{RUN}/metrics.json",
    output:
        f"{RUN}/tables/calibration.csv",
        f"{RUN}/figures/reliability.png",
    shell:
        "python eval/calibration.py --run {RUN}"


rule slice_position:
    input:
        expand(f"{RECORDS}/{{set}}/info.json", set=["aihub-scans", *runs.TEST_COHORTS]),
    output:
        f"{RUN}/tables/slice_position.csv",
    params:
        section("evaluation.bootstrap_replicates"),
    shell:
        "python eval/slice_position.py --config {CONFIG} --records {RECORDS} --run {RUN}"


rule table_or_figure:
    input:
        f"{RUN}/metrics.json",
    output:
        f"{RUN}/{{kind}}/{{script}}.csv",
    params:
        section("evaluation"),
    wildcard_constraints:
        script="table2|table3|figure2|difficult_cases",
    shell:
        "python eval/{wildcards.script}.py --run {RUN}"


rule costs:
    input:
        f"{RUN}/predict/predictions.csv",
        predictions_of(RUN, MODELS),
    output:
        f"{RUN}/tables/costs.csv",
    shell:
        "python eval/costs.py --run {RUN}"


# what experts read again; with synthetic heads also what simulated ones make of it
rule review:
    input:
        raw=[raw_of(cohort) for cohort in runs.TEST_COHORTS],
        tables=f"{RUN}/tables/difficult_cases.csv",
        model=f"{RUN}/export/ensemble-all/1/metadata.json",
    output:
        f"{RUN}/review/review.html",
        f"{RUN}/review/key.csv",
    params:
        dicom=[f"{RAW}/{cohort}" for cohort in runs.TEST_COHORTS],
        then=f"python eval/review.py --run {RUN} --simulate" if SYNTHETIC else "true",
    shell:
        "python eval/review_page.py --run {RUN} --dicom {params.dicom} "
        "--model {RUN}/export/ensemble-all/1 && {params.then}"


rule contrasts:
    input:
        f"{RUN}/metrics.json",
        predictions_of(list(REPEATS), REPEATED) if REPEATS else [],
    output:
        f"{RUN}/tables/contrasts.csv",
    params:
        section("contrasts", "repeats", "selection.small_lesion_ml"),
    shell:
        "python eval/contrasts.py --run {RUN}"


rule export:
    input:
        lambda wildcards: [
            f"{RUN}/predictions/{wildcards.model}/{c}.scans.csv" for c in runs.TEST_COHORTS
        ],
    output:
        f"{RUN}/export/{{model}}/1/metadata.json",
    params:
        section(
            "data_statement",
            "image",
            "evaluation",  # the model card tells of figures and intervals
            "ensembles.pixel_threshold",
            "selection.small_lesion_ml",
        ),
    priority: 1
    benchmark:
        f"{RUN}/costs/export/{{model}}.tsv"
    shell:
        "python models/export.py --config {CONFIG} --run {RUN} --model {wildcards.model} "
        "--version 1 --replace"


# exit code 1 says that something was excluded: it is listed, and no reason to stop
rule predict_dicom:
    input:
        raw_of("dumc"),
        f"{RUN}/export/{config['export'][0]}/1/metadata.json",
    output:
        f"{RUN}/predict/predictions.csv",
    params:
        model=config["export"][0],
        dicom=f"{RAW}/dumc/dicom" if SYNTHETIC else f"{RAW}/dumc",
    priority: 1
    benchmark:
        f"{RUN}/costs/predict_dicom/predict.tsv"
    shell:
        "ichnet predict --model {RUN}/export/{params.model}/1 --out {RUN}/predict {params.dicom} "
        "|| [ $? -eq 1 ]"


rule report:
    input:
        f"{RUN}/metrics.json",
        f"{RUN}/tables/table1.csv",
        f"{RUN}/tables/table2.csv",
        f"{RUN}/tables/table3.csv",
        f"{RUN}/tables/difficult_cases.csv",
        f"{RUN}/tables/contrasts.csv",
        f"{RUN}/tables/costs.csv",
        f"{RUN}/figures/figure2.csv",
        f"{RUN}/predict/predictions.csv",
        expand(f"{RUN}/export/{{model}}/1/metadata.json", model=config["export"]),
    output:
        f"{RUN}/report.html",
    shell:
        "python eval/report.py --run {RUN}"
