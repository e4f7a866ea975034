"""Write tables/slice_position: the AUC of slice position alone, to compare slice AUCs with.

    python eval/slice_position.py --run runs/phantom

Needs no TensorFlow.
"""

from __future__ import annotations

from ichnet.records.record_set import RecordSet
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.slice_position import position_table
from ichnet.runs import AIHUB_SCANS, TEST_COHORTS
from ichnet.scripts import open_experiment, run_parser, run_script


def main() -> None:
    """Run the script."""
    one = open_experiment(run_parser(__doc__).parse_args())
    learnt, *tested = (RecordSet.open(one.records / name) for name in (AIHUB_SCANS, *TEST_COHORTS))
    table = position_table(learnt, tested, one.config)
    for path in write_table(table, one.run.tables):
        print(path)


if __name__ == "__main__":
    run_script(main)
