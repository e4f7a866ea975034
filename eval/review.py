"""Evaluate the review of difficult cases: agreement, consensus list, amended truth, errors.

    python eval/review.py --run runs/phantom --answers answers/*.csv [--votes meeting.csv]
    python eval/review.py --run runs/phantom --simulate

Needs no TensorFlow. Reads review/key.csv and one exported file a reader. Writes review/meeting.csv,
the list to fill in and give as --votes; without it each reader's own opinion counts as a vote.
"""

from __future__ import annotations

from pathlib import Path

from ichnet.config import load_config
from ichnet.reporting.review.answers import read_answers, read_votes, write_answers
from ichnet.reporting.review.page import read_key
from ichnet.reporting.review.results import (
    agreement_table,
    amend,
    before_after_table,
    errors_table,
    write_meeting,
)
from ichnet.reporting.review.simulated_readers import simulate_answers
from ichnet.reporting.tables.files import write_table
from ichnet.runs import RunFolder
from ichnet.scripts import run_parser, run_script


def main() -> None:
    """Run the script."""
    parser = run_parser(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--answers",
        type=Path,
        nargs="+",
        help="CSV files that the review page exported, one for each reader",
    )
    source.add_argument(
        "--simulate", action="store_true", help="make up the answers of six readers"
    )
    parser.add_argument(
        "--votes", type=Path, help="review/meeting.csv, filled in at the consensus meeting"
    )
    args = parser.parse_args()
    run = RunFolder(args.run)
    key = read_key(run.root / "review" / "key.csv")
    paths = args.answers
    if args.simulate:
        seed = load_config(run.config).seed
        paths = write_answers(simulate_answers(key, seed), run.root / "review" / "simulated")
    answers = read_answers(paths, key)
    amendment = amend(answers, read_votes(args.votes, key) if args.votes else None)
    if args.votes is None:  # else the meeting was held, and its votes may stand in this file
        print(write_meeting(answers, amendment, run.root / "review" / "meeting.csv"))
    for table in (
        agreement_table(answers),
        before_after_table(answers, amendment),
        errors_table(answers, amendment),
    ):
        for path in write_table(table, run.tables):
            print(path)


if __name__ == "__main__":
    run_script(main)
