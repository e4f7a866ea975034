"""Prepare BHSD (192 scans with outlines of all five subtypes): NIfTI to TFRecords.

An open stand-in for AI-Hub. Takes every scan for testing, or experiment A's slices or B's scans.
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/bhsd.md

Example:
    python data_prep/bhsd.py --set all --input raw/bhsd --output records/bhsd
"""

from ichnet.scripts import preparation_parser, run_preparation, run_script


def main() -> None:
    """Parse arguments, prepare, print the report."""
    parser = preparation_parser(__doc__, thin=True)
    parser.add_argument(
        "--set",
        choices=("all", "slices", "scans"),
        required=True,
        help="every scan (for testing), slices for experiment A, or scans for experiment B",
    )
    args = parser.parse_args()
    run_preparation(args, "bhsd", args.set)


if __name__ == "__main__":
    run_script(main)
