"""Compare classifiers' saliency maps with outlines, and write tables/localisation.

Done on DUMC, the external test cohort with outlines. Also writes a CSV file for each model.

Example:
    python eval/localise.py --run runs/phantom
"""

from ichnet.config import load_config
from ichnet.runs import RunFolder, classifier_name
from ichnet.scripts import experiment_parser, load_tensorflow, run_script

COHORT, SPLIT = "dumc", "test"


def main() -> None:
    """Parse arguments, measure every classifier of the configuration, write the table."""
    args = experiment_parser(__doc__, "config", "records", "run").parse_args()
    config, run = load_config(args.config), RunFolder(args.run)

    load_tensorflow()
    from ichnet.evaluation.localise import localise_model
    from ichnet.records.record_set import RecordSet
    from ichnet.reporting.tables.files import write_table
    from ichnet.reporting.tables.localisation import localisation_table

    record_set = RecordSet.open(args.records / COHORT)
    for backbone in config.classifiers.backbones:
        for arm in config.classifiers.arms:
            localise_model(classifier_name(backbone, arm), record_set, SPLIT, run)
    for path in write_table(localisation_table(run, config), run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
