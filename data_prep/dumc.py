"""Prepare DUMC, or any DICOM with a CSV: raw files to TFRecords.

Takes every scan, for testing (paper section 1.3).
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/dumc.md

Example:
    python data_prep/dumc.py --input raw/dumc --output records/dumc
"""

from ichnet.scripts import preparation_parser, run_preparation, run_script


def main() -> None:
    """Parse arguments, prepare, print the report."""
    args = preparation_parser(__doc__).parse_args()
    run_preparation(args, "dumc")


if __name__ == "__main__":
    run_script(main)
