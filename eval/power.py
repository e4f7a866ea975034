"""Print what an experiment can find, before it is run: scans, trainings and power, as Markdown.

    python eval/power.py --config models/reproduce.yaml

Counts the test scans that the synthetic cohorts will hold. Needs no run and no TensorFlow.
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.phantom.planned import NORMAL, planned_scans
from ichnet.reporting.tables.power import power_table
from ichnet.reporting.tables.table import to_markdown
from ichnet.runs import TEST_COHORTS
from ichnet.scripts import add_config, run_script, script_parser


def main() -> None:
    """Run the script."""
    parser = script_parser(__doc__)
    add_config(parser)
    parser.add_argument(
        "--trainings",
        type=int,
        metavar="N",
        help="trainings of each model (default: the configuration's seed and its repeats)",
    )
    args = parser.parse_args()
    config = load_config(args.config)
    scans = planned_scans(config, TEST_COHORTS)
    trainings = args.trainings or 1 + len(config.repeats.seeds)
    print(to_markdown(power_table(scans, scans[NORMAL], trainings)), end="")


if __name__ == "__main__":
    run_script(main)
