# Rules of the workflow (../Snakefile) after predictions: tables, figures, export, report, repeats.

THERE = [run for run in REPEATS if there(run)]

# what the scripts of eval/ read; all others read metrics.json
READS = {
    "metrics": predictions_of(RUN, MODELS),
    "table1": records_of(*runs.RECORD_SETS),
    "figure1": records_of("rsna", "aihub-slices", "aihub-scans"),
    "slice_position": records_of(*SETS),
    "contrasts": [METRICS, *predictions_of(THERE, MODELS if THERE else [])],
    "variants": [METRICS, *[p for run in [RUN, *THERE] for p in variant_predictions(run) if Path(p).exists()]],
    "costs": [f"{RUN}/predict/predictions.csv", *predictions_of([RUN, *THERE], MODELS)],
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


# every training again with each of the other seeds
rule repeats:
    input: predictions_of([RUN, *REPEATS], MODELS)


# what explains the answers, in the run and in the repeats there are
rule variants:
    input: [path for run in [RUN, *THERE] for path in variant_predictions(run)]
