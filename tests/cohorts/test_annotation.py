"""AI-Hub's JSON: what it must hold, and what is said when it does not."""

from __future__ import annotations

import json

import pytest

from ichnet.cohorts.annotation import read_annotation
from ichnet.ct.errors import ReadError

SHAPE = (6, 8)
NO_LABELS = {"EDH": 0, "IPH": 0, "IVH": 0, "SAH": 0, "SDH": 0}
RING = [[1, 1], [4, 1], [4, 3.5]]


def good(**changes):
    return {
        "sop_instance_uid": "1.2.3",
        "labels": {**NO_LABELS, "SDH": 1},
        "polygons": {"SDH": [RING]},
        **changes,
    }


def read(tmp_path, content):
    path = tmp_path / "1.2.3.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_annotation(path, SHAPE)


def test_labels_and_polygons_are_read(tmp_path):
    annotation = read(tmp_path, good())
    assert annotation.labels == (1, 0, 0, 0, 0, 1)
    assert annotation.polygons == {"SDH": (((1.0, 1.0), (4.0, 1.0), (4.0, 3.5)),)}


def test_a_slice_without_hemorrhage_has_labels_and_no_polygons(tmp_path):
    annotation = read(tmp_path, good(labels=NO_LABELS, polygons={}))
    assert annotation.labels == (0,) * 6
    assert annotation.polygons == {}
    assert read(tmp_path, good(labels=NO_LABELS, polygons={"IVH": []})).polygons == {}


@pytest.mark.parametrize(("x", "y"), [(-1.5, -1.5), (8.5, 6.5), (8.5, -1.5)])
def test_points_may_lie_one_pixel_beyond_the_edge(tmp_path, x, y):
    assert read(tmp_path, good(polygons={"SDH": [[*RING, [x, y]]]})).labels[5] == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ({"labels": NO_LABELS}, "no sop_instance_uid, polygons"),
        (good(sop_instance_uid="1.2.4"), "sop_instance_uid is not the file's name"),
        (good(labels=[0, 0]), "labels is not an object"),
        (good(labels={"SDH": 1}), "labels lacks EDH"),
        (good(labels={**NO_LABELS, "SHD": 1}), "unknown subtype 'SHD'; did you mean 'SDH'?"),
        (good(labels={**NO_LABELS, "sdh": 1}), "unknown subtype 'sdh'; did you mean 'SDH'?"),
        (good(labels={**NO_LABELS, "fracture": 1}), "'fracture', not one of EDH, IPH, IVH, SAH"),
        (good(labels={**NO_LABELS, "SDH": 2}), "SDH is 2, not 0 or 1"),
        (good(labels={**NO_LABELS, "SDH": True}), "SDH is True, not 0 or 1"),
        (good(labels={**NO_LABELS, "SDH": "1"}), "SDH is '1', not 0 or 1"),
        (good(polygons=[]), "polygons is not an object"),
        (good(polygons={"SD": [RING]}), "polygons: unknown subtype 'SD'; did you mean 'SDH'?"),
        (good(polygons={"SDH": {"0": RING}}), "SDH is not a list of polygons"),
        (good(polygons={"SDH": [RING[:2]]}), "SDH has a polygon of fewer than 3 points"),
        (good(polygons={"SDH": RING}), "SDH has a polygon of fewer than 3 points"),
        (good(polygons={"SDH": [[*RING, [1]]]}), r"a point \[1\], not two numbers"),
        (good(polygons={"SDH": [[*RING, [1, None]]]}), "not two numbers"),
        (good(polygons={"SDH": [[*RING, [1, float("nan")]]]}), "not two numbers"),
        (good(polygons={"SDH": [RING, RING]}), "SDH has a polygon twice"),
        (good(polygons={"SDH": [[*RING, [8.6, 1]]]}), r"a point \(8.6, 1\) outside the image of 8"),
        (good(polygons={"SDH": [[*RING, [1, 6.6]]]}), "outside the image"),
        (good(polygons={"SDH": [[*RING, [-1.6, 1]]]}), "outside the image"),
        (good(labels=NO_LABELS), "SDH is labelled 0 but has a polygon"),
        (good(polygons={}), "SDH is labelled 1 but has no polygon"),
        (good(polygons={"SDH": []}), "SDH is labelled 1 but has no polygon"),
    ],
)
def test_each_fault_is_named(tmp_path, content, message):
    with pytest.raises(ReadError, match=message) as caught:
        read(tmp_path, content)
    assert caught.value.reason == "bad-annotation"
    assert caught.value.path == tmp_path / "1.2.3.json"


def test_bytes_that_are_no_text_are_no_json(tmp_path):
    (tmp_path / "1.2.3.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(ReadError, match="not JSON"):
        read_annotation(tmp_path / "1.2.3.json", SHAPE)
