"""Write docs/results.md: what a run showed, with the command behind every number.

    python eval/results.py --run runs/reproduce

Needs no TensorFlow. Reads the tables and figures that the other scripts of eval/ wrote.
"""

from __future__ import annotations

from pathlib import Path

from ichnet.reporting.pages.results import write_results
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    parser = experiment_parser(__doc__, "run")
    parser.add_argument(
        "--page",
        type=Path,
        default=Path("docs/results.md"),
        help="file to write (default: docs/results.md)",
    )
    parser.add_argument(
        "--analysis",
        type=Path,
        default=Path("docs/results_analysis.md"),
        help="Markdown to insert, on the contrasts' meaning (default: docs/results_analysis.md)",
    )
    arguments = parser.parse_args()
    run = RunFolder(arguments.run)
    records = Path("work", run.root.name, "records")
    print(f"Results: {write_results(run, records, arguments.page, arguments.analysis)}")


if __name__ == "__main__":
    run_script(main)
