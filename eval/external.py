"""Evaluate an exported model on real scans, or any record set of whole scans.

Prepare the cohort with --whole first. Writes tables by subtype and size, ROC curves, calibration
and outlines as CSV, HTML and PNG, and a page; prints the headline figures as one line of JSON.
docs/evaluate_real_ct.md tells how for each cohort.

Example:
    python eval/external.py --model EXPORT --records work/real/records/ct_ich --out work/real/ct_ich
"""

import json
from pathlib import Path

from ichnet.scripts import load_tensorflow, run_script, script_parser


def main() -> None:
    """Parse arguments, ask the model, write what its answers amount to."""
    parser = script_parser(__doc__)
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the exported model, export/<model>/<version>",
    )
    parser.add_argument(
        "--records",
        type=Path,
        required=True,
        metavar="DIR",
        help="the record set, made by a script of data_prep/ with --whole",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder to write the results to"
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.deployment.saved_model import SavedModel
    from ichnet.evaluation.exported import evaluate_export
    from ichnet.records.record_set import RecordSet
    from ichnet.reporting.pages.external import write_external

    evaluate_export(SavedModel(args.model), RecordSet.open(args.records), args.out)
    print(json.dumps(write_external(args.out)))


if __name__ == "__main__":
    run_script(main)
