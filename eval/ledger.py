"""Write docs/ledger.md: the paper's printed numbers, their consistency, and how we read them.

    python eval/ledger.py

Needs no TensorFlow and no run. Reads ichnet/paper.yaml.
"""

from __future__ import annotations

from pathlib import Path

from ichnet.paper import load_ledger
from ichnet.reporting.tables.ledger import write_ledger
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    parser = experiment_parser(__doc__)
    parser.add_argument(
        "--page",
        type=Path,
        default=Path("docs/ledger.md"),
        help="file to write (default: docs/ledger.md)",
    )
    print(f"Ledger: {write_ledger(load_ledger(), parser.parse_args().page)}")


if __name__ == "__main__":
    run_script(main)
