"""Test a run's classifiers and ensembles, in all its trainings, on real scans, and write contrasts.

Prepare the cohort with --whole and the run's own configuration first. Nothing is fitted: networks,
calibrations and the questions are the run's. docs/evaluate_real_ct.md tells how for each cohort.

Example:
    python eval/real_ct.py --run runs/reproduce --records work/reproduce/real/ct_ich
"""

from pathlib import Path

from ichnet.reporting.measures.trainings import trainings_of
from ichnet.reporting.tables.contrasts import external_table
from ichnet.reporting.tables.files import write_table
from ichnet.runs import RECORD_SETS, RunFolder
from ichnet.runs.experiment import open_run
from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script


def predict_all(run: RunFolder, records: Path) -> None:
    """Cache one training's maps of the scans, and predict with every model that it tested."""
    from ichnet.evaluation.predict_records import predict_external
    from ichnet.evaluation.trained import cache_maps_of_run
    from ichnet.records.record_set import RecordSet

    one, record_set = open_run(run), RecordSet.open(records)
    cache_maps_of_run(one.config, record_set, run)
    for path in sorted(run.root.glob("predictions/[!.]*")):  # without what was interrupted
        if path.is_dir():
            predict_external(one.config, path.name, record_set, one.records, run)


def main() -> None:
    """Parse arguments, predict with each training, say where the table lies."""
    parser = run_parser(__doc__)
    parser.add_argument(
        "--records",
        type=Path,
        required=True,
        metavar="DIR",
        help="the record set, made with --whole and the configuration of the run",
    )
    args = parser.parse_args()

    if args.records.name in RECORD_SETS:  # its maps would take the place of the run's own
        raise ValueError(
            f"{args.records}: the run has a record set of this name; rename the folder"
        )
    load_tensorflow()
    one = open_experiment(args)
    for folder in trainings_of(one.run, one.config).values():
        predict_all(folder, args.records)
    table = external_table(one.run, one.config, args.records.name)
    for path in write_table(table, one.run.external(args.records.name).tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
