"""Prepare AI-Hub 34101, or DICOM with outlines: raw files to TFRecords.

Draws experiment A's slices or experiment B's scans (paper sections 1.2 and 2.1), split by patient;
with --whole takes every scan, for testing.
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/aihub.md

Example:
    python data_prep/aihub.py --set scans --input raw/aihub --output records/aihub-scans
"""

from ichnet.scripts import preparation_parser, run_preparation, run_script


def main() -> None:
    """Parse arguments, prepare, print the report."""
    args = preparation_parser(__doc__, sets=("slices", "scans")).parse_args()
    run_preparation(args, "aihub")


if __name__ == "__main__":
    run_script(main)
