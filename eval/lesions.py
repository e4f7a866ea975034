"""Measure segmenters and ensembles lesion by lesion, and write tables/lesions.

Done on DUMC, the external test cohort with outlines. Also writes CSV files for each model: lesions,
scans, free-response ROC.

Example:
    python eval/lesions.py --run runs/phantom
"""

from ichnet.config import SEGMENTERS
from ichnet.runs import BASELINES, RunFolder, baseline_name, ensemble_name, segmenter_name
from ichnet.scripts import experiment_parser, load_experiment, load_tensorflow, run_script

COHORT, SPLIT = "dumc", "test"


def main() -> None:
    """Parse arguments, measure every model that has a map, write the table."""
    args = experiment_parser(__doc__, "config", "records", "run", "seed").parse_args()
    config, run = load_experiment(args), RunFolder(args.run)
    models = [segmenter_name(name) for name in SEGMENTERS]
    models += [baseline_name(name) for name in BASELINES]
    models += [ensemble_name(name) for name in config.ensembles.combinations]

    load_tensorflow()
    from ichnet.evaluation.lesions import measure_lesions
    from ichnet.records.record_set import RecordSet
    from ichnet.reporting.tables.files import write_table
    from ichnet.reporting.tables.lesions import lesions_table

    record_set = RecordSet.open(args.records / COHORT)
    for model in models:
        measure_lesions(config, model, record_set, SPLIT, run)
    for path in write_table(lesions_table(run, config, models), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
