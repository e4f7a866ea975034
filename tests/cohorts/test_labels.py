"""Label vectors: ANY, EDH, IPH, IVH, SAH, SDH."""

from __future__ import annotations

import numpy as np

from ichnet.cohorts.labels import (
    in_slice_order,
    known_from_scan,
    labels_from_mask,
    labels_from_subtypes,
    union,
)


def test_any_is_the_or_of_the_subtypes():
    subtypes = {"EDH": 0, "IPH": 0, "IVH": 0, "SAH": 1, "SDH": 0}
    assert labels_from_subtypes(subtypes) == (1, 0, 0, 0, 1, 0)
    assert labels_from_subtypes(dict.fromkeys(subtypes, 0)) == (0,) * 6


def test_a_mask_shows_the_subtypes_whose_bits_it_holds():
    mask = np.zeros((2, 3, 4), np.uint8)
    assert labels_from_mask(mask) == (0,) * 6
    mask[0, 1, 2] = 1 + 16  # EDH and SDH in one pixel
    mask[1, 0, 0] = 4
    assert labels_from_mask(mask) == (1, 1, 0, 1, 0, 1)


def test_a_scan_has_what_any_of_its_slices_has():
    assert union([(0,) * 6, (1, 0, 1, 0, 0, 0), (1, 0, 0, 0, 0, 1)]) == (1, 0, 1, 0, 0, 1)


def test_a_scan_with_an_unknown_slice_is_known_only_for_what_another_slice_has():
    unknown = (-1,) * 6
    assert union([(1, 0, 0, 0, 0, 1), unknown]) == (1, -1, -1, -1, -1, 1)
    assert union([(0,) * 6, unknown]) == unknown


def test_labels_follow_the_order_of_the_volume():
    labels = {"a": (0,) * 6, "b": (1, 1, 0, 0, 0, 0)}
    array = in_slice_order(labels, ("b", "a"))
    assert array.dtype == np.int8
    assert array.tolist() == [[1, 1, 0, 0, 0, 0], [0] * 6]


def test_a_scan_label_of_0_is_known_of_every_slice_and_no_other():
    array = known_from_scan((1, 0, 1, -1, 0, 0), slices=2)
    assert array.dtype == np.int8
    assert array.tolist() == [[-1, 0, -1, -1, 0, 0]] * 2
