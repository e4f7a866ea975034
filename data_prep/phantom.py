"""Write synthetic head CT in the file formats of RSNA 2019, AI-Hub, DUMC and CQ500.

Example:
    python data_prep/phantom.py --config models/phantom.yaml --output raw
"""

from pathlib import Path

from ichnet.config import load_config
from ichnet.phantom.cohort import COHORTS, generate
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Parse arguments, generate, say what lies where."""
    parser = experiment_parser(__doc__, "config")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder in which each cohort gets a folder of its own",
    )
    parser.add_argument(
        "--cohorts",
        nargs="+",
        choices=COHORTS,
        default=COHORTS,
        help="which cohorts to make (default: all)",
    )
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N", help="number of processes (default: 2)"
    )
    args = parser.parse_args()

    config = load_config(args.config)
    counts = generate(config.phantom, config.seed, args.output, args.cohorts, args.workers)
    for cohort, count in counts.items():
        print(f"{args.output / cohort}: {count} scans")


if __name__ == "__main__":
    run_script(main)
