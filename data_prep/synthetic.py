"""Draw synthetic head CT straight into the record set that segmenters train on, without DICOM.

Heads, hemorrhages and scanners are domain-randomised (the phantom's cohort "wide"). An interrupted
run resumes when it is started again.

Example:
    python data_prep/synthetic.py --config models/embedded.yaml --out work/embedded/records
"""

from pathlib import Path

from ichnet.config import load_config
from ichnet.scripts import add_config, run_script, script_parser


def main() -> None:
    """Parse arguments, draw the scans, say what lies where."""
    parser = script_parser(__doc__)
    add_config(parser)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the record sets, in which aihub-scans is written",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="number of processes (default: number of cores)"
    )
    args = parser.parse_args()
    from ichnet.records.pool import available_cores
    from ichnet.records.synthetic import write_synthetic_scans
    from ichnet.runs import AIHUB_SCANS

    config = load_config(args.config)
    workers = args.workers or available_cores()
    record_set = write_synthetic_scans(config, args.out / AIHUB_SCANS, workers)
    counts = [
        f"{split} {sum(row['split'] == split for row in record_set.scans)}"
        for split in record_set.splits
    ]
    print(f"{record_set.folder}: {len(record_set.scans)} scans ({', '.join(counts)})")


if __name__ == "__main__":
    run_script(main)
