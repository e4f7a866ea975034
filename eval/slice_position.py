"""Write tables/slice_position: the AUC of slice position alone, to compare slice AUCs with.

    python eval/slice_position.py --run runs/phantom

Needs no TensorFlow.
"""

from __future__ import annotations

from ichnet.records.record_set import RecordSet
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.slice_position import position_table
from ichnet.runs import TEST_COHORTS, RunFolder
from ichnet.scripts import experiment_parser, load_experiment, run_script


def main() -> None:
    """Run the script."""
    args = experiment_parser(__doc__, "config", "records", "run", "seed").parse_args()
    learnt, *tested = (
        RecordSet.open(args.records / name) for name in ("aihub-scans", *TEST_COHORTS)
    )
    table = position_table(learnt, tested, load_experiment(args))
    for path in write_table(table, RunFolder(args.run).tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
