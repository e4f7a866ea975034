"""`ichnet.predict`: what the command says, as Python objects."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys

import pytest
from known_scans import HEIGHTS_MM, head
from prediction_files import rows_of

import ichnet
from ichnet.cli import SUCCESS, main
from ichnet.ct.errors import ReadError
from ichnet.deployment.embedded import copy_embedded_model, embedded_model_dir
from ichnet.deployment.metadata import ModelError
from ichnet.deployment.predict import predict_inputs
from ichnet.deployment.saved_model import SavedModel


@pytest.fixture
def scans(write_scan, tmp_path):
    write_scan(tmp_path / "scans", head(), HEIGHTS_MM, series="1")
    write_scan(tmp_path / "scans", head(80.0), HEIGHTS_MM, series="2")
    return tmp_path / "scans"


@pytest.mark.slow
def test_it_returns_what_the_command_writes(model_dir, scans, tmp_path):
    out = tmp_path / "out"
    assert main(["predict", "--model", str(model_dir), "--out", str(out), str(scans)]) == SUCCESS
    results = ichnet.predict(str(scans), model=str(model_dir))
    written = rows_of(out / "predictions.csv")
    assert [
        (one.scan_id, one.decision, f"{one.probability:.6g}", f"{one.volume_ml:.3f}")
        for one in results
    ] == [
        (row["scan_id"], row["decision"], row["probability"], row["volume_ml"]) for row in written
    ]
    assert [one.decision for one in results] == ["no hemorrhage", "hemorrhage"]
    assert {path.name for path in tmp_path.iterdir()} == {"scans", "out"}  # nothing of its own


@pytest.mark.slow
def test_the_example_in_its_docstring_gives_what_it_shows(model_dir, scans, tmp_path, monkeypatch):
    shutil.copytree(model_dir, tmp_path / "export" / "bright" / "1")
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder().find(ichnet.predict, "predict")
    assert doctest.DocTestRunner().run(example).failed == 0


def test_what_is_left_out_is_counted(model_dir, scans):
    (scans / "notes.txt").write_text("no CT", encoding="utf-8")
    with pytest.warns(UserWarning, match=r"scans: not all was used; left out: 1 not-dicom") as told:
        results = ichnet.predict(scans, model=model_dir)
    assert len(results) == 2
    assert told[0].filename == __file__


def test_a_place_without_a_head_ct_is_an_error_with_the_reasons(model_dir, tmp_path):
    (tmp_path / "notes.txt").write_text("no CT", encoding="utf-8")
    with pytest.raises(ReadError, match=r"no head CT that can be predicted.*1 not-dicom"):
        ichnet.predict(tmp_path, model=model_dir)
    with pytest.raises(ReadError, match="1 missing-file"):
        ichnet.predict(tmp_path / "nowhere", model=model_dir)


def test_a_folder_that_is_no_model_is_named(scans, tmp_path):
    with pytest.raises(ModelError, match="none: not an exported model"):
        ichnet.predict(scans, model=tmp_path / "none")


def test_the_embedded_model_is_the_one_that_is_there(tmp_path):
    with pytest.raises(ModelError, match=r"no model is embedded.*models/export\.py"):
        embedded_model_dir(tmp_path / "weights")
    for name in ("a", "b"):
        folder = tmp_path / "weights" / name / "1"
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").touch()
        if name == "a":
            assert embedded_model_dir(tmp_path / "weights") == folder
    with pytest.raises(ModelError, match=r"several models.*a/1, b/1"):
        embedded_model_dir(tmp_path / "weights")


def test_importing_ichnet_loads_nothing_else():
    code = (
        "import sys, ichnet\n"
        "heavy = {name.split('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'numpy'}\n"
        "print(heavy, [name for name in sys.modules if name.startswith('ichnet.')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set() []\n"


def test_the_embedded_model_is_copied_out_once(model_dir, tmp_path):
    """As TF Serving takes it: a folder of the model's name, and in it one of its version."""
    weights = tmp_path / "weights"
    shutil.copytree(model_dir, weights / "bright" / "3")
    copied = copy_embedded_model(tmp_path / "served", weights)
    assert copied == tmp_path / "served" / "bright" / "3"
    assert SavedModel(copied).fingerprint == SavedModel(model_dir).fingerprint
    with pytest.raises(FileExistsError, match="3: this version exists"):
        copy_embedded_model(tmp_path / "served", weights)
    with pytest.raises(ModelError, match="no model is embedded"):
        copy_embedded_model(tmp_path / "served", tmp_path / "none")


@pytest.mark.slow
def test_without_a_model_the_embedded_one_predicts(model_dir, scans, tmp_path, monkeypatch):
    monkeypatch.setattr("ichnet.deployment.predict.embedded_model_dir", lambda: model_dir)
    named = ichnet.predict(scans, model=model_dir)
    assert [one.score for one in ichnet.predict(scans)] == [one.score for one in named]
    summary = predict_inputs(None, [scans], tmp_path / "out", bytes(32))
    assert summary.scans == len(named)
