"""What a report measures beside the mask, from results made by hand."""

from __future__ import annotations

from types import SimpleNamespace

from ichnet.deployment.dicom_report import _measurements


def test_subtypes_are_measured_where_their_probability_is_known():
    result = SimpleNamespace(
        probability=0.9,
        threshold=0.5,
        uncertain_band=(0.4, 0.6),
        subtypes={"EDH": 0.7, "IPH": None, "IVH": 0.1, "SAH": 0.2, "SDH": 0.3},
        agreement=None,
        volume_ml=4.5,
    )
    values = {one.name.meaning: float(one.value) for one in _measurements(result)}
    assert values["Probability of epidural hemorrhage"] == 0.7
    assert values["Probability of subdural hemorrhage"] == 0.3
    assert not any("intraparenchymal" in name for name in values)
    assert values["Volume"] == 4.5


def test_a_model_that_does_not_tell_subtypes_measures_none():
    result = SimpleNamespace(
        probability=0.9,
        threshold=0.5,
        uncertain_band=(0.4, 0.6),
        subtypes=None,
        agreement=0.8,
        volume_ml=None,
    )
    names = [one.name.value for one in _measurements(result)]
    assert names == ["probability", "threshold", "uncertain-low", "uncertain-high", "agreement"]
