"""Write report.html: all tables and figures of a run on one page that needs no network.

    python eval/report.py --run runs/phantom

Needs no TensorFlow. Everything is computed from the run's predictions; Table 1 also reads the
record sets' listings.
"""

from __future__ import annotations

from ichnet.reporting.pages.report import write_report
from ichnet.scripts import open_experiment, run_parser, run_script


def main() -> None:
    """Run the script."""
    one = open_experiment(run_parser(__doc__).parse_args())
    print(f"Report: {write_report(one.run, one.records)}")


if __name__ == "__main__":
    run_script(main)
