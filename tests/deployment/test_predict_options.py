"""What `ichnet predict` does on request: masks as NIfTI, the link, a pinned model."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from prediction_files import json_of, rows_of

from ichnet.cli import FAILED, SUCCESS, main
from ichnet.ct.nifti import read_nifti
from ichnet.deployment.predict import predict_inputs
from ichnet.deployment.saved_model import SavedModel

KEY = bytes(range(32))


def test_the_link_is_written_on_request_for_the_owner_alone(model_dir, two_scans, tmp_path):
    out, link = tmp_path / "out", tmp_path / "link.csv"
    predict_inputs(model_dir, [two_scans], out, KEY, link)
    assert link.stat().st_mode & 0o777 == 0o600
    uid_of = {row["scan_id"]: row["series_instance_uid"] for row in rows_of(link)}
    decisions = {
        uid_of[row["scan_id"]]: row["decision"] for row in rows_of(out / "predictions.csv")
    }
    assert decisions == {
        "1.2.826.0.1.3680043.1": "no hemorrhage",
        "1.2.826.0.1.3680043.2": "hemorrhage",
    }


def test_a_pinned_model_is_used_and_another_refused(model_dir, two_scans, tmp_path, capsys):
    sha256 = SavedModel(model_dir).fingerprint
    arguments = ["--model", str(model_dir), "--out", str(tmp_path / "out"), str(two_scans)]
    assert main(["predict", "--model-sha256", "0" * 64, *arguments]) == FAILED
    message = capsys.readouterr().err
    assert f"its SHA-256 is {sha256}, not {'0' * 64}" in message
    assert not (tmp_path / "out").exists()
    assert main(["predict", "--model-sha256", sha256.upper(), *arguments]) == SUCCESS
    row = rows_of(tmp_path / "out" / "predictions.csv")[0]
    assert json_of(tmp_path / "out", row)["provenance"]["model_sha256"] == sha256


@pytest.mark.slow
def test_masks_as_nifti(model_dir, two_scans, tmp_path):
    out, nifti = tmp_path / "out", tmp_path / "nifti"
    assert run_with_nifti(model_dir, out, nifti, two_scans) == SUCCESS
    rows = rows_of(out / "predictions.csv")
    masks = {row["scan_id"]: nifti / f"{row['scan_id']}.mask.nii.gz" for row in rows}
    assert set(nifti.iterdir()) == set(masks.values())
    for row in rows:
        # 57 mm at the smallest gap of 5 mm: one slice beside the 12 mm gap is repeated
        values = read_nifti(masks[row["scan_id"]]).values
        assert values.shape == (12, 64, 64)
        bleeding = row["decision"] == "hemorrhage"
        assert set(np.unique(values)) == ({0, 1} if bleeding else {0})
        said = bytes(nibabel.load(masks[row["scan_id"]]).header["descrip"]).decode().rstrip("\0")
        assert said == "For research use only; not a medical device."
    kept = predict_inputs(model_dir, [two_scans], out, KEY, nifti_dir=nifti)
    next(iter(masks.values())).unlink()
    again = predict_inputs(model_dir, [two_scans], out, KEY, nifti_dir=nifti)
    assert kept.scans == again.scans == 2
    assert all(path.exists() for path in masks.values())


def run_with_nifti(model_dir: Path, out: Path, nifti: Path, *inputs: Path) -> int:
    arguments = ["--model", str(model_dir), "--out", str(out), "--nifti", str(nifti)]
    return main(["predict", *arguments, *map(str, inputs)])
