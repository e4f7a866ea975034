"""Polygons are filled by the even-odd rule at pixel centres."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnet.cohorts.polygons import bit_mask, rasterise

SQUARE = [(0.5, 0.5), (3.5, 0.5), (3.5, 2.5), (0.5, 2.5)]


def picture(mask) -> list[str]:
    return ["".join(".#"[int(value)] for value in row) for row in mask]


@pytest.mark.parametrize(
    ("rings", "expected"),
    [
        pytest.param([SQUARE], [".....", ".###.", ".###.", "....."], id="square"),
        pytest.param([SQUARE[::-1]], [".....", ".###.", ".###.", "....."], id="other way round"),
        pytest.param(
            [SQUARE, [(1.5, 0.9), (2.5, 0.9), (2.5, 1.9), (1.5, 1.9)]],
            [".....", ".#.#.", ".###.", "....."],
            id="hole",
        ),
        pytest.param(
            [SQUARE, [(-0.5, 2.5), (0.5, 2.5), (0.5, 3.5), (-0.5, 3.5)]],
            [".....", ".###.", ".###.", "#...."],
            id="two pieces",
        ),
        pytest.param(
            [[(-9, -9), (1.5, -9), (1.5, 99), (-9, 99)]],
            ["##...", "##...", "##...", "##..."],
            id="cut at the edges of the image",
        ),
        pytest.param(
            [[(1, 1), (3, 1), (3, 3), (1, 3)]],
            [".....", ".##..", ".##..", "....."],
            id="centres on left and upper edges belong, on right and lower do not",
        ),
        pytest.param(
            [[(-0.5, -0.5), (4.5, -0.5), (2, 3.5)]],
            ["#####", ".###.", "..#..", "..#.."],
            id="triangle",
        ),
        pytest.param(
            [[(-0.5, -0.5), (4.5, -0.5), (-0.5, 3.5), (4.5, 3.5)]],
            [".###.", "..#..", "..#..", ".###."],
            id="crossing itself",
        ),
        pytest.param([[(9, 9), (12, 9), (9, 12)]], ["....."] * 4, id="outside"),
        pytest.param([], ["....."] * 4, id="nothing"),
    ],
)
def test_pictures(rings, expected):
    assert picture(rasterise(rings, (4, 5))) == expected


@given(
    st.lists(st.tuples(st.floats(-2, 9), st.floats(-2, 9)), min_size=3, max_size=9),
    st.integers(0, 6),
    st.integers(0, 6),
)
def test_it_agrees_with_counting_crossings_of_a_ray(ring, x, y):
    crossings = 0
    for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y0 <= y) != (y1 <= y):
            at = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
            if abs(at - x) < 1e-9:
                return  # on the outline up to rounding
            crossings += at < x
    assert rasterise([ring], (7, 7))[y, x] == bool(crossings % 2)


@given(
    st.tuples(st.floats(0, 6), st.floats(0, 6)),
    st.tuples(st.floats(0, 6), st.floats(0, 6)),
)
def test_two_polygons_on_either_side_of_an_edge_share_no_pixel(a, b):
    corners = [(-1.0, -1.0), (7.0, -1.0), (7.0, 7.0), (-1.0, 7.0)]
    # the square around the image, cut along corner 0 - a - b - corner 2
    first = [corners[0], a, b, corners[2], corners[3]]
    second = [corners[0], corners[1], corners[2], b, a]
    one, other = rasterise([first], (7, 7)), rasterise([second], (7, 7))
    np.testing.assert_array_equal(one ^ other, np.ones((7, 7), bool))


def test_each_subtype_has_its_bit_and_may_overlap_another():
    ring = [(0.5, 0.5), (2.5, 0.5), (2.5, 1.5), (0.5, 1.5)]
    shifted = [(x + 1, y) for x, y in ring]
    mask = bit_mask({"SDH": [ring], "EDH": [shifted], "IVH": []}, (3, 5))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, [[0] * 5, [0, 16, 17, 1, 0], [0] * 5])


@pytest.mark.parametrize(
    ("ring", "row", "column"),
    [
        ([(2.2, 1.1), (2.4, 1.1), (2.3, 1.4)], 1, 2),
        ([(-1.2, 4.1), (-0.8, 4.1), (-1.0, 4.3)], 2, 0),
    ],
)
def test_a_lesion_that_holds_no_centre_keeps_the_nearest_pixel(ring, row, column):
    mask = bit_mask({"SAH": [ring]}, (3, 5))
    assert mask[row, column] == 8
    assert np.count_nonzero(mask) == 1
