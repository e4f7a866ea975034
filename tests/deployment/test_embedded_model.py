"""The model in the package: there, of a size to ship, and not blind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ichnet.deployment.embedded import WEIGHTS_DIR, embedded_model_dir
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_prediction import predict_volume
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.patient import WIDE
from ichnet.phantom.scanner import scan_patient

LARGEST_MIB = 12


@pytest.fixture(scope="module")
def model() -> SavedModel:
    return SavedModel(embedded_model_dir())


def test_it_is_of_a_size_to_ship():
    files = [path for path in WEIGHTS_DIR.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST_MIB * 2**20
    assert (WEIGHTS_DIR / "README.md") in files


def test_it_says_what_it_is(model):
    assert model.metadata.model == "ensemble-all"
    assert model.metadata.members == ("all", "subtype", "sdh", "sah", "small")
    assert "synthetic heads only" in model.metadata.data_statement
    assert model.metadata.calibration.calibrated
    assert model.metadata.calibration.subtypes is not None


def test_its_training_is_documented():
    root = Path(__file__).parents[2]
    logs = {path.stem for path in (root / "docs" / "embedded" / "third-step").glob("*.csv")}
    members = {f"segmenter-{name}" for name in ("all", "subtype", "sdh", "sah", "small")}
    assert logs == members | {"encoder-subtype", "ensemble-all"}


@pytest.mark.slow
def test_it_tells_large_hemorrhages_from_none(model):
    """Heads that it was not trained on: another seed. Six with at least 30 mL, six without."""
    scores: dict[bool, list[float]] = {True: [], False: []}
    for index in range(200):
        bleeds = len(scores[False]) >= 6
        patient = draw_patient(77, WIDE, index, bleeds)
        if bleeds and sum(one.volume_ml for one in patient.lesions) < 30:
            continue
        volume = scan_patient(patient, 77, 128, (16, 20)).volume(str(index))
        predicted = predict_volume(model, volume)
        calibration = model.metadata.calibration
        scores[bleeds].append(calibration.score(predicted.probability, volume.slice_spacing_mm))
        if len(scores[True]) == 6:
            break
    ordered = [one > other for one in scores[True] for other in scores[False]]
    assert np.mean(ordered) > 0.8
