# The whole path: raw files -> records -> models -> predictions -> tables, export, report.
#
#   snakemake --cores 2 --configfile models/phantom.yaml
#   snakemake --cores 8 --configfile models/paper.yaml --config raw=/data/raw    (real cohorts)
#
# Every rule runs one script, exactly as a person would. What a rule's result depends on in the
# configuration is its parameter (ichnet/config/depends.py, the same list that trainings read): a
# change there repeats that rule and what follows, nothing else.
#
# What the longest chain of jobs waits for (encoder, segmenters, ensembles, export) goes first; the
# classifiers fill the other cores.

import re
from dataclasses import replace
from pathlib import Path

from snakemake.exceptions import WorkflowError

from ichnet import runs
from ichnet.config import SEGMENTERS as FIVE
from ichnet.config import SPECIALISTS, ConfigError, config_from_mapping, load_config
from ichnet.config.depends import settings_of, settings_of_model, settings_of_script
from ichnet.reporting.pages.sections import SECTIONS
from ichnet.runs.experiment import begin_run

CONFIG = str(workflow.configfiles[0])
OPTIONS = ("raw", "record_shares")  # what --config may say, beside the file

try:
    EXPERIMENT = load_config(Path(CONFIG))
    if config_from_mapping({k: config[k] for k in config if k not in OPTIONS}) != EXPERIMENT:
        raise WorkflowError(f"--config is for {' and '.join(OPTIONS)}; change {CONFIG} instead")
except ConfigError as error:
    raise WorkflowError(str(error))

RUN = f"runs/{EXPERIMENT.name}"
REPEATS = {f"{RUN}/repeats/{seed}": seed for seed in EXPERIMENT.repeats.seeds}
RAW = config.get("raw", f"work/{EXPERIMENT.name}/raw")
SYNTHETIC = "raw" not in config
RECORDS = f"work/{EXPERIMENT.name}/records"

BACKBONES, ARMS = EXPERIMENT.classifiers.backbones, EXPERIMENT.classifiers.arms
CLASSIFIERS = [runs.classifier_name(b, a) for b in BACKBONES for a in ARMS]
SEGMENTERS = [runs.segmenter_name(s) for s in FIVE]
BASELINES = [runs.baseline_name(b) for b in runs.BASELINES]
ENSEMBLES = [runs.ensemble_name(c) for c in EXPERIMENT.ensembles.combinations]
MODELS = CLASSIFIERS + SEGMENTERS + BASELINES + ENSEMBLES + [runs.THRESHOLD]
REPEATED = [runs.classifier_name(b, a) for b in EXPERIMENT.repeats.backbones for a in ARMS]
REPEATED += SEGMENTERS + BASELINES + ENSEMBLES
PREDICTIONS = [f"{{run}}/predictions/{{model}}/{c}.scans.csv" for c in runs.TEST_COHORTS]
METRICS = f"{RUN}/metrics.json"

# of the training patients, when weight models learn from out-of-fold maps
FOLDS = EXPERIMENT.ensembles.folds if EXPERIMENT.ensembles.maps == "out-of-fold" else 0


def experiment(wildcards):
    """Return the configuration of a run: this one, a repeat's with another seed."""
    return replace(EXPERIMENT, seed=REPEATS.get(wildcards.run, EXPERIMENT.seed))


def settings(result):
    """Return a function from wildcards to what a result depends on in the configuration."""
    return lambda wildcards: settings_of(experiment(wildcards), result)


def training(name):
    """Return a function from wildcards to what a model depends on, e.g. `segmenter-{segmenter}`."""
    return lambda wildcards: settings_of_model(experiment(wildcards), name.format(**wildcards))


def predictions_of(run, models):
    return expand(PREDICTIONS, run=run, model=models)


def records_of(*sets):
    return [f"{RECORDS}/{name}/info.json" for name in sets]


def finished(run, models):
    return [f"{run}/models/{model}/finished.json" for model in models]


def maps_of(run, sets):
    return [f"{run}/maps/{name}/info.json" for name in sets]


FOLD = r"(-fold\d+of\d+)?"

wildcard_constraints:
    run="|".join(map(re.escape, [RUN, *REPEATS])),
    cohort="rsna|aihub|dumc|cq500",


# each job keeps to the cores it was given, whatever the libraries would take
shell.prefix("set -euo pipefail; export TF_NUM_INTRAOP_THREADS=$OMP_NUM_THREADS; ")


# Whatever follows training reads the run's own configuration. It is no file of the workflow, or a
# change of it would make everything again; the parameters of the rules tell what to make again.
onstart:
    for run, seed in {RUN: EXPERIMENT.seed, **REPEATS}.items():
        begin_run(replace(EXPERIMENT, seed=seed), Path(RECORDS), runs.RunFolder(Path(run)), replace=True)


rule all:
    input: f"{RUN}/report.html"


if SYNTHETIC:

    rule phantom:
        output: f"{RAW}/{{cohort}}/.phantom.json"
        params: settings_of(EXPERIMENT, "phantom")
        threads: 1
        benchmark: f"{RUN}/costs/phantom/{{cohort}}.tsv"
        shell:
            "python data_prep/phantom.py --config {CONFIG:q} --output {RAW:q} "
            "--cohorts {wildcards.cohort} --workers {threads}"


def raw_of(cohort):
    return f"{RAW}/{cohort}/.phantom.json" if SYNTHETIC else f"{RAW}/{cohort}"


def script_of(wildcards):
    return wildcards.set.split("-")[0]


def set_option(wildcards):
    return f"--set {wildcards.set.split('-')[1]}" if "-" in wildcards.set else ""


def shares_of(wildcards):
    count = int(config.get("record_shares", 1))
    shares = range(1, count + 1) if count > 1 else []
    return [f"{RECORDS}/shares/{wildcards.set}/{share}-of-{count}" for share in shares]


rule records:
    input:
        lambda wildcards: raw_of(script_of(wildcards)),
        shares_of,
    output: f"{RECORDS}/{{set}}/info.json"
    params:
        settings=settings_of(EXPERIMENT, "records"),
        script=script_of,
        input=lambda wildcards: f"{RAW}/{script_of(wildcards)}",
        option=set_option,
    benchmark: f"{RUN}/costs/records/{{set}}.tsv"
    shell:
        "python data_prep/{params.script}.py --config {CONFIG:q} --input {params.input:q} "
        "--output {RECORDS:q}/{wildcards.set} {params.option} --workers {threads}"


# --config record_shares=8: one cohort's records are written by eight jobs, and joined by a ninth
use rule records as record_share with:
    input: lambda wildcards: raw_of(script_of(wildcards))
    output: touch(f"{RECORDS}/shares/{{set}}/{{share}}-of-{{shares}}")
    params:
        settings=settings_of(EXPERIMENT, "records"),
        script=script_of,
        input=lambda wildcards: f"{RAW}/{script_of(wildcards)}",
        option=lambda wildcards: f"{set_option(wildcards)} --shard {wildcards.share}/{wildcards.shares}",
    benchmark: f"{RUN}/costs/record_share/{{set}}-{{share}}-of-{{shares}}.tsv"


rule classifier:
    input:
        lambda wildcards: records_of(runs.ARM_RECORDS[wildcards.arm]),
    output: "{run}/models/{backbone}-{arm}/finished.json"
    params: training("{backbone}-{arm}")
    wildcard_constraints: backbone="|".join(BACKBONES), arm="|".join(ARMS)
    benchmark: "{run}/costs/classifier/{backbone}-{arm}.tsv"
    shell:
        "python models/train_classifier.py --run {wildcards.run:q} "
        "--backbone {wildcards.backbone} --arm {wildcards.arm}"


def fold_option(wildcards):
    """Return the option for a training without the patients of one fold, for out-of-fold maps."""
    return re.sub(r"-fold(\d+)of\d+", r"--fold \1", wildcards.fold)


rule encoder:
    input: records_of("aihub-scans")
    output: "{run}/models/encoder-subtype{fold}/finished.json"
    params:
        settings=settings("encoder"),
        fold=fold_option,
    wildcard_constraints: fold=FOLD
    priority: 2
    benchmark: "{run}/costs/encoder/encoder{fold}.tsv"
    shell: "python models/pretrain_encoder.py --run {wildcards.run:q} {params.fold}"


def starting_network(wildcards):
    """Return the training whose network a segmenter starts from, if any."""
    if wildcards.segmenter == "subtype":
        return finished(wildcards.run, [f"encoder-subtype{wildcards.fold}"])
    if wildcards.segmenter in SPECIALISTS and EXPERIMENT.segmenters.specialist_training:
        return finished(wildcards.run, [f"{runs.segmenter_name('all')}{wildcards.fold}"])
    return []


rule segmenter:
    input:
        records_of("aihub-scans"),
        starting_network,
    output: "{run}/models/segmenter-{segmenter}{fold}/finished.json"
    params:
        settings=training("segmenter-{segmenter}"),
        fold=fold_option,
    wildcard_constraints: segmenter="|".join(FIVE), fold=FOLD
    priority: 1
    benchmark: "{run}/costs/segmenter/{segmenter}{fold}.tsv"
    shell:
        "python models/train_segmenter.py --run {wildcards.run:q} "
        "--segmenter {wildcards.segmenter} {params.fold}"


def segmenters_of_folds(wildcards):
    """Return what the maps of a record set need beside the segmenters trained on all patients."""
    folds = range(1, FOLDS + 1) if wildcards.set == "aihub-scans" else ()
    names = [runs.fold_name(model, fold, FOLDS) for model in SEGMENTERS for fold in folds]
    return finished(wildcards.run, names)


rule maps:
    input:
        f"{RECORDS}/{{set}}/info.json",
        finished("{run}", SEGMENTERS),
        segmenters_of_folds,
    output: "{run}/maps/{set}/info.json"
    params: settings("maps")
    benchmark: "{run}/costs/maps/{set}.tsv"
    shell: "python models/cache_maps.py --run {wildcards.run:q} --set {wildcards.set}"


rule ensemble:
    input: maps_of("{run}", ["aihub-scans"])
    output: "{run}/models/ensemble-{combination}/finished.json"
    params: training("ensemble-{combination}")
    wildcard_constraints: combination="|".join(EXPERIMENT.ensembles.combinations)
    priority: 1
    benchmark: "{run}/costs/ensemble/{combination}.tsv"
    shell:
        "python models/train_ensemble.py --run {wildcards.run:q} "
        "--combination {wildcards.combination:q}"


# what the networks are compared with: a threshold on HU, and weights of maps by least squares
rule baselines:
    input:
        lambda wildcards: maps_of(wildcards.run, ["aihub-scans"])
        if wildcards.fit == "nnls/weights"
        else records_of("aihub-scans"),
    output: "{run}/models/baseline-{fit}.json"
    params:
        settings=settings("baselines"),
        only=lambda wildcards: wildcards.fit.replace("nnls/", "").replace("/rule", ""),
    wildcard_constraints: fit="threshold/rule|nnls/weights"
    benchmark: "{run}/costs/{fit}.tsv"
    shell: "python models/fit_baselines.py --run {wildcards.run:q} --only {params.only}"


# every model is calibrated on the first, and tested on the others
SETS = ["aihub-scans", *runs.TEST_COHORTS]

PREDICTED = [
    *[([name], records_of(*SETS), finished("{run}", [name])) for name in CLASSIFIERS],
    ([runs.THRESHOLD], records_of(*SETS), ["{run}/models/baseline-threshold/rule.json"]),
    (
        SEGMENTERS + BASELINES,
        maps_of("{run}", SETS),
        [*finished("{run}", SEGMENTERS), "{run}/models/baseline-nnls/weights.json"],
    ),
    (ENSEMBLES, maps_of("{run}", SETS), finished("{run}", ENSEMBLES)),
]
"""Models that are predicted together, what they read, and what they come from."""

# exit code 3 says that a model may only guess: the report says so, and is made
for NAMES, READ, MADE in PREDICTED:

    rule:
        name: f"predict_{NAMES[0]}".replace("-", "_")
        input: READ, MADE
        output: expand(PREDICTIONS, model=NAMES, allow_missing=True)
        params:
            settings=settings("predictions"),
            models=NAMES,
        priority: len(NAMES) > 1
        benchmark: f"{{run}}/costs/predict/{NAMES[0]}.tsv"
        shell:
            "(python models/calibrate.py --run {wildcards.run:q} --models {params.models:q} "
            "|| [ $? -eq 3 ]) && "
            "python eval/predict.py --run {wildcards.run:q} --models {params.models:q}"


# what the scripts of eval/ read; all others read metrics.json
READS = {
    "metrics": predictions_of(RUN, MODELS),
    "table1": records_of(*runs.RECORD_SETS),
    "figure1": records_of("rsna", "aihub-slices", "aihub-scans"),
    "slice_position": records_of(*SETS),
    "contrasts": [METRICS, *predictions_of(list(REPEATS), REPEATED if REPEATS else [])],
    "costs": [f"{RUN}/predict/predictions.csv", *predictions_of(RUN, MODELS)],
    "localise": [*finished(RUN, CLASSIFIERS), *records_of("dumc")],
    "lesions": predictions_of(RUN, SEGMENTERS + BASELINES + ENSEMBLES),
    "method_figures": [
        *finished(RUN, [c for c in CLASSIFIERS if c.startswith(BACKBONES[0])]),
        *finished(RUN, [runs.segmenter_name("all"), runs.ensemble_name("all")]),
        *maps_of(RUN, runs.TEST_COHORTS),
    ],
}
SCRIPTS = {one.files[0]: one.script for one in SECTIONS if one.script != "review"}
SCRIPTS["metrics.json"] = "metrics"


rule evaluate:
    input:
        lambda wildcards: READS.get(SCRIPTS[wildcards.result], METRICS),
    output: f"{RUN}/{{result}}"
    params:
        script=lambda wildcards: SCRIPTS[wildcards.result],
        settings=lambda wildcards: settings_of_script(EXPERIMENT, SCRIPTS[wildcards.result]),
    wildcard_constraints: result="|".join(map(re.escape, SCRIPTS))
    benchmark: f"{RUN}/costs/{{result}}.tsv"
    shell: "python eval/{params.script}.py --run {RUN:q}"


rule export:
    input:
        lambda wildcards: predictions_of(RUN, wildcards.model),
    output: f"{RUN}/export/{{model}}/1/metadata.json"
    params: settings_of(EXPERIMENT, "export")
    priority: 1
    benchmark: f"{RUN}/costs/export/{{model}}.tsv"
    shell: "python models/export.py --run {RUN:q} --model {wildcards.model} --version 1 --replace"


# exit code 1 says that something was excluded: it is listed, and no reason to stop
rule predict_dicom:
    input:
        raw_of("dumc"),
        f"{RUN}/export/{EXPERIMENT.export[0]}/1/metadata.json",
    output: f"{RUN}/predict/predictions.csv"
    params:
        model=EXPERIMENT.export[0],
        dicom=f"{RAW}/dumc/dicom" if SYNTHETIC else f"{RAW}/dumc",
    priority: 1
    benchmark: f"{RUN}/costs/predict_dicom/predict.tsv"
    shell:
        "ichnet predict --model {RUN:q}/export/{params.model}/1 --out {RUN:q}/predict "
        "{params.dicom:q} || [ $? -eq 1 ]"


# what experts read again; with synthetic heads also what simulated ones make of it
rule review:
    input:
        raw=[raw_of(cohort) for cohort in runs.TEST_COHORTS],
        tables=f"{RUN}/tables/difficult_cases_summary.csv",
        model=f"{RUN}/export/ensemble-all/1/metadata.json",
    output: f"{RUN}/review/review.html", f"{RUN}/review/key.csv"
    params:
        dicom=[f"{RAW}/{cohort}" for cohort in runs.TEST_COHORTS],
        then="python eval/review.py --simulate --run" if SYNTHETIC else "true",
    shell:
        "python eval/review_page.py --run {RUN:q} --dicom {params.dicom:q} "
        "--model {RUN:q}/export/ensemble-all/1 && {params.then} {RUN:q}"


# the report shows what there is; the demonstration makes no more than this
IN_REPORT = ["metrics", "table1", "table2", "table3", "figure2", "difficult_cases", "contrasts", "costs"]


rule report:
    input:
        [f"{RUN}/{path}" for path, script in SCRIPTS.items() if script in IN_REPORT],
        f"{RUN}/predict/predictions.csv",
        expand(f"{RUN}/export/{{model}}/1/metadata.json", model=EXPERIMENT.export),
    output: f"{RUN}/report.html"
    params: settings_of(EXPERIMENT, "report")
    shell: "python eval/report.py --run {RUN:q}"


# the page in docs/, and the report with all that the page shows
rule results:
    input:
        f"{RUN}/report.html",
        expand(f"{RUN}/{{result}}", result=SCRIPTS),
        f"{RUN}/review/review.html",
    shell: "python eval/report.py --run {RUN:q} && python eval/results.py --run {RUN:q}"
