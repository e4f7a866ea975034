"""One pass over the head, or several under one SeriesInstanceUID."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ichnet.ct.discover import discover

FLAT = np.full((4, 6), 40, np.int16)


@pytest.fixture
def reasons(write_slice, tmp_path):
    """Discover groups of slices, each heights in mm and elements; slices kept and reasons."""

    def find(*groups) -> tuple[int, dict[str, int]]:
        number = 0
        for heights_mm, elements in groups:
            for at, height_mm in enumerate(heights_mm):
                number += 1
                own = {
                    keyword: value[at] if isinstance(value, list) else value
                    for keyword, value in elements.items()
                }
                uid = f"1.2.3.4.{number}"
                path = tmp_path / "in" / f"{number:03d}.dcm"
                write_slice(path, FLAT, (0, 0, height_mm), SOPInstanceUID=uid, **own)
        series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
        return sum(len(one.files) for one in series), dict(Counter(e.reason for e in exclusions))

    return find


UP = list(np.arange(0, 60, 5.0))
COUNT = len(UP)


def shifted(mm: float, heights_mm=UP) -> list[float]:
    return [height_mm + mm for height_mm in heights_mm]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"PatientID": "P1"}, {"PatientID": "P2"}),
        ({"PatientID": "P1"}, {"PatientID": None}),
        ({"StudyInstanceUID": "1.2.1"}, {"StudyInstanceUID": "1.2.2"}),
        ({"FrameOfReferenceUID": "1.2.1"}, {"FrameOfReferenceUID": "1.2.2"}),
    ],
)
@pytest.mark.parametrize("shift_mm", [1.3, 0.0, 60.0])
def test_slices_of_two_are_never_one_head(reasons, one, other, shift_mm):
    # at other places between, at the same places, and above each other
    kept, found = reasons((UP, one), (shifted(shift_mm), other))
    assert (kept, found) == (0, {"mixed-series": 2 * COUNT})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}),
        ({"ConvolutionKernel": "H30s"}, {"ConvolutionKernel": "H60s"}),
        ({"ImageType": "ORIGINAL"}, {"ImageType": "DERIVED"}),
        ({"KVP": "120"}, {"KVP": "80"}),
        ({"ContrastBolusAgent": ""}, {"ContrastBolusAgent": "OMNIPAQUE"}),
        ({}, {}),  # told from the gaps alone
    ],
)
def test_two_passes_are_never_one_head(reasons, one, other):
    kept, found = reasons((UP, one), (shifted(2.0), other))
    assert (kept, found) == (0, {"mixed-series": 2 * COUNT})


@pytest.mark.parametrize(
    "numbers",
    [
        list(range(13, 25)),  # the second pass goes on
        list(range(24, 12, -1)),  # and comes back
        list(range(1, 13)),  # is numbered as the first one
    ],
)
def test_a_pass_shifted_by_half_a_gap_is_told_by_its_numbers(reasons, numbers):
    first = list(range(1, 13))
    kept, found = reasons(
        (UP, {"InstanceNumber": first}), (shifted(2.5), {"InstanceNumber": numbers})
    )
    assert (kept, found) == (0, {"mixed-series": 2 * COUNT})


def test_a_pass_repeated_in_part_is_told_by_its_numbers(reasons):
    numbers, again = list(range(1, 13)), list(range(13, 18))
    kept, found = reasons(
        (UP, {"InstanceNumber": numbers}), (shifted(2.0, UP[3:8]), {"InstanceNumber": again})
    )
    assert (kept, found) == (0, {"mixed-series": 17})


@pytest.mark.parametrize(
    "numbers",
    [
        None,
        list(range(1, 13)),
        list(range(12, 0, -1)),
        [7] * 12,
        [2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11],
        np.random.default_rng(0).permutation(12).tolist(),
    ],
)
def test_one_pass_is_one_head_however_it_is_numbered(reasons, numbers):
    assert reasons((UP, {"InstanceNumber": numbers})) == (12, {})


@pytest.mark.parametrize("vertex_numbers", [list(range(1, 9)), list(range(7, 15))])
@pytest.mark.parametrize(
    ("base", "vertex"),
    [
        ({"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}),
        ({"ConvolutionKernel": "H60s"}, {"ConvolutionKernel": "H30s"}),
        ({"AcquisitionNumber": 1, "KVP": "140"}, {"AcquisitionNumber": 2, "KVP": "120"}),
    ],
)
def test_a_thin_base_and_a_thick_vertex_are_one_head(reasons, base, vertex, vertex_numbers):
    thin, thick = list(np.arange(0, 15, 2.5)), list(np.arange(16, 56, 5.0))
    kept, found = reasons(
        (thin, {**base, "InstanceNumber": list(range(1, 7))}),
        (thick, {**vertex, "InstanceNumber": vertex_numbers}),
    )
    assert (kept, found) == (14, {})


def test_two_slices_may_overlap_where_acquisitions_meet(reasons):
    kept, found = reasons(
        ([0, 5, 10, 15, 20], {"AcquisitionNumber": 1}),
        ([12, 17, 25, 30, 35, 40], {"AcquisitionNumber": 2}),
    )
    assert (kept, found) == (11, {})


def test_one_position_taken_twice_costs_one_slice(reasons):
    kept, found = reasons((UP, {}), ([UP[4]], {}))
    assert (kept, found) == (COUNT, {"duplicate-position": 1})


def test_many_positions_taken_twice_are_two_passes(reasons):
    kept, found = reasons((UP, {}), (UP[2:8], {}))
    assert (kept, found) == (0, {"duplicate-position": COUNT + 6})


def test_slices_that_share_an_instance_uid_are_no_series(write_slice, tmp_path):
    for height_mm in UP:
        path = tmp_path / "in" / f"{height_mm:g}.dcm"
        write_slice(path, FLAT, (0, 0, height_mm), SOPInstanceUID="1.2.3.4")
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert series == []
    assert {e.reason for e in exclusions} == {"bad-header"}


def test_the_real_head_is_one_pass_of_two_thicknesses(real_head, tmp_path):
    (series,), exclusions = discover([real_head[0].parent], tmp_path / "scratch")
    assert (len(series.files), exclusions) == (28, [])
