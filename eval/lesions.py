"""Measure segmenters and ensembles lesion by lesion, and write tables/lesions.

Done on DUMC, the external test cohort with outlines. Also writes CSV files for each model: lesions,
scans, free-response ROC.

Example:
    python eval/lesions.py --run runs/phantom
"""

from ichnet.config import SEGMENTERS
from ichnet.runs import BASELINES, baseline_name, ensemble_name, segmenter_name
from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script

COHORT, SPLIT = "dumc", "test"


def main() -> None:
    """Parse arguments, measure every model that has a map, write the table."""
    one = open_experiment(run_parser(__doc__).parse_args())
    config, run = one.config, one.run
    models = [segmenter_name(name) for name in SEGMENTERS]
    models += [baseline_name(name) for name in BASELINES]
    models += [ensemble_name(name) for name in config.ensembles.combinations]

    load_tensorflow()
    from ichnet.evaluation.lesions import measure_lesions
    from ichnet.records.record_set import RecordSet
    from ichnet.reporting.tables.files import write_table
    from ichnet.reporting.tables.lesions import lesions_table

    record_set = RecordSet.open(one.records / COHORT)
    for model in models:
        measure_lesions(config, model, record_set, SPLIT, run)
    settings = config.evaluation.mask_threshold, config.evaluation.bootstrap_replicates, config.seed
    for path in write_table(lesions_table(run, models, *settings), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
