"""Prepare CQ500 (Qure.ai): raw files to TFRecords.

Takes every scan, for testing (paper section 1.3); labels by majority of three readers.
What cannot be used is counted and listed in excluded.csv. Layout of the files: docs/data/cq500.md

Example:
    python data_prep/cq500.py --input raw/cq500 --output records/cq500
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
    print(prepare("cq500", "all", config, args.input, args.output, args.strict))


if __name__ == "__main__":
    run_script(main)
