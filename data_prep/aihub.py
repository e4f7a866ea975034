"""Prepare AI-Hub 34101, or DICOM with outlines: raw files to TFRecords.

Draws experiment A's slices or experiment B's scans (paper sections 1.2 and 2.1), split by patient.
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/aihub.md

Example:
    python data_prep/aihub.py --set scans --input raw/aihub --output records/aihub-scans
"""

from pathlib import Path

from ichnet.config import load_config
from ichnet.scripts import experiment_parser, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, prepare, print the report."""
    parser = experiment_parser(__doc__, "config")
    parser.add_argument("--input", type=Path, required=True, help="the cohort's folder")
    parser.add_argument("--output", type=Path, required=True, help="the record set's folder")
    parser.add_argument(
        "--set", choices=("slices", "scans"), required=True, help="for experiment A, or for B"
    )
    parser.add_argument("--strict", action="store_true", help="stop at the first unusable file")
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.records.prepare import prepare

    config = load_config(args.config)
    print(prepare("aihub", args.set, config, args.input, args.output, args.strict))


if __name__ == "__main__":
    run_script(main)
