"""Prepare CQ500 (Qure.ai): raw files to TFRecords.

Takes every scan, for testing (paper section 1.3); labels by majority of three readers.
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/cq500.md

Example:
    python data_prep/cq500.py --input raw/cq500 --output records/cq500
"""

from ichnet.scripts import preparation_parser, run_preparation, run_script


def main() -> None:
    """Parse arguments, prepare, print the report."""
    args = preparation_parser(__doc__).parse_args()
    run_preparation(args, "cq500")


if __name__ == "__main__":
    run_script(main)
