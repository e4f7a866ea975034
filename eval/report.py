"""Write report.html: all tables and figures of a run on one page that needs no network.

    python eval/report.py --run runs/phantom

Needs no TensorFlow. Everything is computed from the run's predictions; Table 1 also reads the
record sets' listings.
"""

from __future__ import annotations

from pathlib import Path

from ichnet.reporting.pages.report import write_report
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    parser = experiment_parser(__doc__, "run")
    parser.add_argument(
        "--records",
        type=Path,
        metavar="PATH",
        help="folder that holds the record sets (default: work/<name of the run>/records)",
    )
    arguments = parser.parse_args()
    run = RunFolder(arguments.run)
    records = arguments.records or Path("work", run.root.name, "records")
    print(f"Report: {write_report(run, records)}")


if __name__ == "__main__":
    run_script(main)
