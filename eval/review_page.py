"""Write the page on which experts read a run's difficult cases again, and its key.

    python eval/review_page.py --run runs/phantom --dicom work/phantom/raw/{dumc,cq500}

Writes review/review.html (for the readers: no server, no network) and review/key.csv (not for the
readers: it says what each case is) into the run folder. With --model an exported ensemble outlines
what it found, which readers can switch on and off; that needs TensorFlow.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ichnet.config import load_config
from ichnet.ct.dicom import read_series
from ichnet.ct.discover import discover
from ichnet.ct.pseudonym import load_key
from ichnet.deployment.suitability import has_burned_in_annotation
from ichnet.reporting.measures.model_predictions import FINAL_MODEL, load_predictions
from ichnet.reporting.review.images import EncodedScan, encode_scan
from ichnet.reporting.review.page import number_cases, write_key, write_review
from ichnet.reporting.tables.difficult import difficult_cases
from ichnet.runs import RunFolder
from ichnet.scripts import load_tensorflow, run_parser, run_script


def main() -> None:
    """Run the script."""
    parser = run_parser(__doc__)
    parser.add_argument(
        "--dicom",
        type=Path,
        nargs="+",
        required=True,
        help="folders that hold the DICOM files of the test scans",
    )
    parser.add_argument(
        "--model", type=Path, help="exported ensemble whose outlines readers can show"
    )
    args = parser.parse_args()
    run = RunFolder(args.run)
    config = load_config(run.config)
    predictions = load_predictions(run, [FINAL_MODEL])
    if FINAL_MODEL in predictions.missing:
        raise ValueError(f"{run.root}: {FINAL_MODEL}: {predictions.missing[FINAL_MODEL]}")
    cases = difficult_cases(predictions, FINAL_MODEL, config.evaluation.uncertain)
    if args.model:
        load_tensorflow()
        from ichnet.deployment.saved_model import SavedModel
        from ichnet.deployment.scan_prediction import predict_volume

        model = SavedModel(args.model)
    secret = load_key()
    with tempfile.TemporaryDirectory(prefix="ichnet-") as scratch:
        found, _ = discover(args.dicom, Path(scratch))
        files = {series.scan_id(secret): series.files for series in found}
        there = [case for case in cases if case.scan_id in files]
        shown = [case for case in there if not has_burned_in_annotation(files[case.scan_id])]
        rows = number_cases(config.name, shown, config.evaluation.threshold, config.seed)
        if not rows:
            raise ValueError(f"none of {len(cases)} difficult cases is among the DICOM files")
        scan_of = {row.case: row.scan_id for row in rows}

        def encode(case: str) -> EncodedScan:
            volume = read_series(files[scan_of[case]], secret)
            return encode_scan(volume, predict_volume(model, volume).mask if args.model else None)

        folder = run.root / "review"
        print(write_key(rows, folder / "key.csv"))
        page = folder / "review.html"
        statement = config.data_statement
        print(write_review(page, config.name, statement, rows[0].review, list(scan_of), encode))
    if missing := len(cases) - len(shown):
        print(f"{missing} of {len(cases)} difficult cases left out: no DICOM, or text in pixels")


if __name__ == "__main__":
    run_script(main)
