"""Prepare DUMC, or any DICOM with a CSV: raw files to TFRecords.

Takes every scan, for testing (paper section 1.3).
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/dumc.md

Example:
    python data_prep/dumc.py --input raw/dumc --output records/dumc
"""

from pathlib import Path

from ichnet.config import load_config
from ichnet.scripts import experiment_parser, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, prepare, print the report."""
    parser = experiment_parser(__doc__, "config")
    parser.add_argument("--input", type=Path, required=True, help="the cohort's folder")
    parser.add_argument("--output", type=Path, required=True, help="the record set's folder")
    parser.add_argument("--strict", action="store_true", help="stop at the first unusable file")
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.records.prepare import prepare

    config = load_config(args.config)
    print(prepare("dumc", "all", config, args.input, args.output, args.strict))


if __name__ == "__main__":
    run_script(main)
