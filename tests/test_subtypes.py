from __future__ import annotations

import pytest

from ichnet.subtypes import ANY_BITS, LABEL_INDEX, LABELS, SUBTYPES, bit_of


def test_order_and_channels():
    assert SUBTYPES == ("EDH", "IPH", "IVH", "SAH", "SDH")
    assert LABELS == ("ANY", "EDH", "IPH", "IVH", "SAH", "SDH")
    assert [LABEL_INDEX[name] for name in LABELS] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "bit"), [("EDH", 1), ("IPH", 2), ("IVH", 4), ("SAH", 8), ("SDH", 16), ("ANY", 31)]
)
def test_bits(name, bit):
    assert bit_of(name) == bit


def test_the_subtypes_together_are_any():
    assert sum(bit_of(name) for name in SUBTYPES) == ANY_BITS == 31


def test_no_such_subtype():
    with pytest.raises(KeyError, match="edh"):
        bit_of("edh")
