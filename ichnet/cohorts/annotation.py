"""One slice's annotation in JSON: which subtypes are present, and their outlines.

::

    {"sop_instance_uid": "1.2.3",
     "labels": {"EDH": 0, "IPH": 0, "IVH": 0, "SAH": 0, "SDH": 1},
     "polygons": {"SDH": [[[120.5, 80.0], [130.0, 84.5], [124.0, 96.0]]]}}

Coordinates are pixels: x to the right, y down, centres of pixels at integers. Polygons are closed
by themselves; several of one subtype are filled by the even-odd rule, so that one within another is
a hole.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ichnet.cohorts.labels import Labels, labels_from_subtypes
from ichnet.ct.errors import ReadError
from ichnet.subtypes import SUBTYPES

Ring = tuple[tuple[float, float], ...]

LARGEST_OVERHANG_PX = 1.0
"""How far beyond the image's edge a point may lie: tools differ in where they count from."""


@dataclass(frozen=True)
class Annotation:
    """What was said of one slice.

    Attributes:
        labels: six labels, all known.
        polygons: rings by subtype; every subtype that is present has some, no other has.
    """

    labels: Labels
    polygons: dict[str, tuple[Ring, ...]]


def read_annotation(path: Path, shape: tuple[int, int]) -> Annotation:
    """Read and check one JSON file.

    Args:
        path: the file, named by the SOP instance UID of its slice.
        shape: rows, columns of the slice.

    Raises:
        ReadError: ``bad-annotation``, naming what is wrong: no JSON; another slice's; a subtype of
            another name or not labelled 0 or 1; a polygon of fewer than three points, outside the
            image by more than one pixel, or given twice; labels and polygons that contradict each
            other.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # also what is no UTF-8
        raise _bad(path, f"not JSON: {error}") from error
    if not isinstance(content, dict):
        raise _bad(path, "not a JSON object")
    missing = [key for key in ("sop_instance_uid", "labels", "polygons") if key not in content]
    if missing:
        raise _bad(path, f"no {', '.join(missing)}")
    if content["sop_instance_uid"] != path.stem:
        raise _bad(path, "sop_instance_uid is not the file's name")
    subtypes = _labels(path, content["labels"])
    polygons = _polygons(path, content["polygons"], shape)
    for name in SUBTYPES:
        if name in polygons and not subtypes[name]:
            raise _bad(path, f"{name} is labelled 0 but has a polygon")
        if name not in polygons and subtypes[name]:
            raise _bad(path, f"{name} is labelled 1 but has no polygon")
    return Annotation(labels_from_subtypes(subtypes), polygons)


def _labels(path: Path, labels: object) -> dict[str, int]:
    if not isinstance(labels, dict):
        raise _bad(path, "labels is not an object of subtypes")
    _require_subtypes(path, "labels", labels)
    for name in SUBTYPES:
        if name not in labels:
            raise _bad(path, f"labels lacks {name}")
        if isinstance(labels[name], bool) or labels[name] not in (0, 1):
            raise _bad(path, f"labels: {name} is {labels[name]!r}, not 0 or 1")
    return {name: int(labels[name]) for name in SUBTYPES}


def _polygons(path: Path, polygons: object, shape: tuple[int, int]) -> dict[str, tuple[Ring, ...]]:
    if not isinstance(polygons, dict):
        raise _bad(path, "polygons is not an object of subtypes")
    _require_subtypes(path, "polygons", polygons)
    result = {}
    for name, rings in polygons.items():
        if not isinstance(rings, list):
            raise _bad(path, f"polygons: {name} is not a list of polygons")
        checked = tuple(_ring(path, name, ring, shape) for ring in rings)
        if len(set(checked)) < len(checked):
            raise _bad(path, f"polygons: {name} has a polygon twice, which would fill nothing")
        if checked:
            result[name] = checked
    return result


def _require_subtypes(path: Path, where: str, names: dict[str, object]) -> None:
    for name in names:
        if name not in SUBTYPES:
            near = get_close_matches(name.upper(), SUBTYPES, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f", not one of {', '.join(SUBTYPES)}"
            raise _bad(path, f"{where}: unknown subtype {name!r}{hint}")


def _ring(path: Path, name: str, ring: object, shape: tuple[int, int]) -> Ring:
    if not isinstance(ring, list) or len(ring) < 3:
        raise _bad(path, f"polygons: {name} has a polygon of fewer than 3 points")
    return tuple(_point(path, name, point, shape) for point in ring)


def _point(path: Path, name: str, point: object, shape: tuple[int, int]) -> tuple[float, float]:
    if not isinstance(point, list) or len(point) != 2 or not all(map(_is_number, point)):
        raise _bad(path, f"polygons: {name} has a point {point!r}, not two numbers")
    x, y = float(point[0]), float(point[1])
    for value, size in ((x, shape[1]), (y, shape[0])):
        if not -0.5 - LARGEST_OVERHANG_PX <= value <= size - 0.5 + LARGEST_OVERHANG_PX:
            raise _bad(
                path,
                f"polygons: {name} has a point ({x:g}, {y:g}) outside the image of "
                f"{shape[1]} columns and {shape[0]} rows",
            )
    return x, y


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _bad(path: Path, cause: str) -> ReadError:
    return ReadError(path, "bad-annotation", cause)
