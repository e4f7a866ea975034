# The whole path: raw files -> records -> models -> predictions -> tables, export, report.
#
#   snakemake --cores 2 --configfile models/phantom.yaml
#   snakemake --cores 8 --configfile models/paper.yaml --config raw=/data/raw    (real cohorts)
#
# Every rule runs one script, exactly as a person would. What a rule's result depends on in the
# configuration is its parameter (ichnet/config/depends.py, the same list that trainings read): a
# change there repeats that rule and what follows, nothing else.
#
# `results` makes the run's own seed; `repeats` makes every training again with the other seeds, and
# `variants` what explains the answers, in the run and in each repeat there is. Tables read what there is.
#
# Trainings, and what follows segmenters (maps, ensembles, export), go before the predictions of
# classifiers: jobs that nothing waits for fill the cores at the end, where a long one would run alone.

import re
from dataclasses import replace
from pathlib import Path

from snakemake.exceptions import WorkflowError

from ichnet import runs
from ichnet.config import SEGMENTERS as FIVE
from ichnet.config import SPECIALISTS, ConfigError, config_from_mapping, load_config, variant_config
from ichnet.config.depends import settings_of, settings_of_model, settings_of_script
from ichnet.reporting.pages.sections import SECTIONS
from ichnet.runs.experiment import begin_run
from ichnet.runs.variants import Variant

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
WORK = f"work/{EXPERIMENT.name}"
RECORDS = f"{WORK}/records"

BACKBONES, ARMS = EXPERIMENT.classifiers.backbones, EXPERIMENT.classifiers.arms
CLASSIFIERS = [runs.classifier_name(b, a) for b in BACKBONES for a in ARMS]
SEGMENTERS = [runs.segmenter_name(s) for s in FIVE]
BASELINES = [runs.baseline_name(b) for b in runs.BASELINES]
ENSEMBLES = [runs.ensemble_name(c) for c in EXPERIMENT.ensembles.combinations]
MODELS = CLASSIFIERS + SEGMENTERS + BASELINES + ENSEMBLES + [runs.THRESHOLD]
PREDICTIONS = [f"{{run}}/predictions/{{model}}/{c}.scans.csv" for c in runs.TEST_COHORTS]
METRICS = f"{RUN}/metrics.json"

# of the training patients, when weight models learn from out-of-fold maps
FOLDS = EXPERIMENT.ensembles.folds if EXPERIMENT.ensembles.maps == "out-of-fold" else 0

RUNS = {RUN: EXPERIMENT, **{run: replace(EXPERIMENT, seed=seed) for run, seed in REPEATS.items()}}
VARIANTS = {one.name: one for one in EXPERIMENT.variants}

# by run folder: the run that a variant is one of, and which results they share
BASE_OF = {f"{run}/variants/{name}": run for run in RUNS for name in VARIANTS}
SHARING = {
    run: Variant(RUNS[base], variant_config(RUNS[base], VARIANTS[Path(run).name]))
    for run, base in BASE_OF.items()
}
CONFIGS = {**RUNS, **{run: sharing.changed for run, sharing in SHARING.items()}}

for run, sharing in SHARING.items():
    for model in VARIANTS[Path(run).name].models:
        if not sharing.is_own(f"models/{model}"):
            raise WorkflowError(f"variant {Path(run).name}: its changes do not touch {model}")


def settings(result):
    """Return a function from wildcards to what a result depends on in the configuration."""
    return lambda wildcards: settings_of(CONFIGS[wildcards.run], result)


def training(name):
    """Return a function from wildcards to what a model depends on, e.g. `segmenter-{segmenter}`."""
    return lambda wildcards: settings_of_model(CONFIGS[wildcards.run], name.format(**wildcards))


def predictions_of(run, models):
    return expand(PREDICTIONS, run=run, model=models)


def owner(run, result):
    """Return the run that a result is made in: a variant's own, or the one it is a variant of."""
    return run if run not in SHARING or SHARING[run].is_own(result) else BASE_OF[run]


def work_of(run, name):
    """Return the folder of a record set, and of the raw files behind it, of a run."""
    own = run in SHARING and SHARING[run].is_own(f"records/{name}")
    return f"{WORK}/variants/{Path(run).name}" if own else WORK


def records_of(*sets, run=RUN):
    return [f"{work_of(run, name)}/records/{name}/info.json" for name in sets]


def finished(run, models):
    return [f"{owner(run, f'models/{model}')}/models/{model}/finished.json" for model in models]


def maps_of(run, sets):
    return [f"{owner(run, f'maps/{name}')}/maps/{name}/info.json" for name in sets]


def there(run):
    """Return whether everything has been predicted in a run: tables read the repeats there are."""
    return all(Path(path).exists() for path in predictions_of(run, MODELS))


def variant_predictions(run):
    """Return the predictions of a run's variants."""
    return [
        path
        for name, variant in VARIANTS.items()
        for path in predictions_of(f"{run}/variants/{name}", variant.models)
    ]


FOLD = r"(-fold\d+of\d+)?"

wildcard_constraints:
    run="|".join(map(re.escape, CONFIGS)),
    work="|".join(map(re.escape, [WORK, *{work_of(run, name) for run in SHARING for name in runs.RECORD_SETS}])),
    cohort="rsna|aihub|dumc|cq500",


# each job keeps to the cores it was given, whatever the libraries would take
shell.prefix("set -euo pipefail; export TF_NUM_INTRAOP_THREADS=$OMP_NUM_THREADS; ")


# Whatever follows training reads the run's own configuration. It is no file of the workflow, or a
# change of it would make everything again; the parameters of the rules tell what to make again.
onstart:
    for run, one in RUNS.items():
        begin_run(one, Path(RECORDS), runs.RunFolder(Path(run)), replace=True)
    for run, sharing in SHARING.items():
        folder, own = runs.RunFolder(Path(run)), Path(f"{WORK}/variants/{Path(run).name}/records")
        records = sharing.link_shared(folder, runs.RunFolder(Path(BASE_OF[run])), own, Path(RECORDS))
        begin_run(sharing.changed, records, folder, replace=True)


rule all:
    input: f"{RUN}/report.html"


def run_of(work):
    """Return the run whose cohorts and records lie in a folder: a variant has its own."""
    return RUN if work == WORK else f"{RUN}/variants/{Path(work).name}"


def config_file(wildcards):
    """Return the run's copy, whose path stays as it is when another file is given."""
    return f"{run_of(wildcards.work)}/config.yaml"


def records_config(wildcards):
    return CONFIGS[run_of(wildcards.work)]


if SYNTHETIC:

    rule phantom:
        output: "{work}/raw/{cohort}/.phantom.json"
        params:
            settings=lambda wildcards: settings_of(
                replace(records_config(wildcards), phantom=records_config(wildcards).phantom.of(wildcards.cohort)),
                "phantom",
            ),
            config=config_file,
        threads: 1
        benchmark: f"{RUN}/costs/phantom/{{work}}/{{cohort}}.tsv"
        shell:
            "python data_prep/phantom.py --config {params.config:q} --output {wildcards.work:q}/raw "
            "--cohorts {wildcards.cohort} --workers {threads}"


def raw_of(cohort, work=WORK):
    """Return the raw files of a cohort; a variant with the same synthetic scans reads the run's."""
    if not SYNTHETIC:
        return f"{RAW}/{cohort}"
    same = CONFIGS[run_of(work)].phantom.of(cohort) == EXPERIMENT.phantom.of(cohort)
    return f"{WORK if same else work}/raw/{cohort}/.phantom.json"


def script_of(wildcards):
    return wildcards.set.split("-")[0]


def raw_folder(wildcards):
    path = Path(raw_of(script_of(wildcards), wildcards.work))
    return path.parent if SYNTHETIC else path


def set_option(wildcards):
    return f"--set {wildcards.set.split('-')[1]}" if "-" in wildcards.set else ""


def shares_of(wildcards):
    count = int(config.get("record_shares", 1))
    shares = range(1, count + 1) if count > 1 else []
    return [f"{wildcards.work}/records/shares/{wildcards.set}/{share}-of-{count}" for share in shares]


rule records:
    input:
        lambda wildcards: raw_of(script_of(wildcards), wildcards.work),
        shares_of,
    output: "{work}/records/{set}/info.json"
    params:
        settings=lambda wildcards: settings_of(records_config(wildcards), "records"),
        script=script_of,
        config=config_file,
        input=raw_folder,
        option=set_option,
    benchmark: f"{RUN}/costs/records/{{work}}/{{set}}.tsv"
    shell:
        "python data_prep/{params.script}.py --config {params.config:q} --input {params.input:q} "
        "--output {wildcards.work:q}/records/{wildcards.set} {params.option} --workers {threads}"


# --config record_shares=8: one cohort's records are written by eight jobs, and joined by a ninth
use rule records as record_share with:
    input: lambda wildcards: raw_of(script_of(wildcards), wildcards.work)
    output: touch("{work}/records/shares/{set}/{share}-of-{shares}")
    params:
        settings=lambda wildcards: settings_of(records_config(wildcards), "records"),
        script=script_of,
        config=config_file,
        input=raw_folder,
        option=lambda wildcards: f"{set_option(wildcards)} --shard {wildcards.share}/{wildcards.shares}",
    benchmark: f"{RUN}/costs/record_share/{{work}}/{{set}}-{{share}}-of-{{shares}}.tsv"


rule classifier:
    input:
        lambda wildcards: records_of(runs.ARM_RECORDS[wildcards.arm], run=wildcards.run),
    output: "{run}/models/{backbone}-{arm}/finished.json"
    params: training("{backbone}-{arm}")
    wildcard_constraints: backbone="|".join(BACKBONES), arm="|".join(ARMS)
    priority: 1
    benchmark: "{run}/costs/classifier/{backbone}-{arm}.tsv"
    shell:
        "python models/train_classifier.py --run {wildcards.run:q} "
        "--backbone {wildcards.backbone} --arm {wildcards.arm}"


def fold_option(wildcards):
    """Return the option for a training without the patients of one fold, for out-of-fold maps."""
    return re.sub(r"-fold(\d+)of\d+", r"--fold \1", wildcards.fold)


rule encoder:
    input: lambda wildcards: records_of("aihub-scans", run=wildcards.run)
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
    if wildcards.segmenter in SPECIALISTS and CONFIGS[wildcards.run].segmenters.specialist_training:
        return finished(wildcards.run, [f"{runs.segmenter_name('all')}{wildcards.fold}"])
    return []


rule segmenter:
    input:
        lambda wildcards: records_of("aihub-scans", run=wildcards.run),
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
        lambda wildcards: records_of(wildcards.set, run=wildcards.run),
        lambda wildcards: finished(wildcards.run, SEGMENTERS),
        segmenters_of_folds,
    output: "{run}/maps/{set}/info.json"
    params: settings("maps")
    priority: 2
    benchmark: "{run}/costs/maps/{set}.tsv"
    shell: "python models/cache_maps.py --run {wildcards.run:q} --set {wildcards.set}"


rule ensemble:
    input: lambda wildcards: maps_of(wildcards.run, ["aihub-scans"])
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
        else records_of("aihub-scans", run=wildcards.run),
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
        wildcard_constraints: run="|".join(map(re.escape, RUNS))
        params:
            settings=settings("predictions"),
            models=NAMES,
        priority: len(NAMES) > 1
        benchmark: f"{{run}}/costs/predict/{NAMES[0]}.tsv"
        shell:
            "python eval/predict.py --calibrate --run {wildcards.run:q} --models {params.models:q} "
            "|| [ $? -eq 3 ]"


def read_by_variant(wildcards):
    """Return what the predictions of a variant's model are made of."""
    run, model = wildcards.run, wildcards.model
    of_records = model in [*CLASSIFIERS, runs.THRESHOLD]
    read = records_of(*SETS, run=run) if of_records else maps_of(run, SETS)
    return [*read, *finished(run, [model])]


if VARIANTS:

    rule predict_variant:
        input: read_by_variant
        output: PREDICTIONS
        params: settings("predictions")
        wildcard_constraints:
            run="|".join(map(re.escape, SHARING)),
            model="|".join(CLASSIFIERS + SEGMENTERS + ENSEMBLES),
        benchmark: "{run}/costs/predict/{model}.tsv"
        shell:
            "python eval/predict.py --calibrate --run {wildcards.run:q} --models {wildcards.model} "
            "|| [ $? -eq 3 ]"


include: "eval/evaluation.smk"  # tables, figures, export, report, repeats
