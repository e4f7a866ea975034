"""The five hemorrhage subtypes, their order and their mask bits."""

from __future__ import annotations

SUBTYPES: tuple[str, ...] = ("EDH", "IPH", "IVH", "SAH", "SDH")
"""Epidural, intraparenchymal, intraventricular, subarachnoid, subdural (RSNA 2019's order)."""

SUBTYPE_NAMES: dict[str, str] = {
    "EDH": "epidural",
    "IPH": "intraparenchymal",
    "IVH": "intraventricular",
    "SAH": "subarachnoid",
    "SDH": "subdural",
}
"""Each subtype's adjective, to stand before "hemorrhage"."""

LABELS: tuple[str, ...] = ("ANY", *SUBTYPES)
"""What a label vector of length six holds: any hemorrhage, then the five subtypes."""

ANY_BITS: int = (1 << len(SUBTYPES)) - 1
"""The mask bits of all subtypes together (31)."""

LABEL_INDEX: dict[str, int] = {name: index for index, name in enumerate(LABELS)}
"""Position of each name in a label vector: ANY 0, EDH 1, ... SDH 5."""


def bit_of(subtype: str) -> int:
    """Return the mask bit of a subtype: EDH 1, IPH 2, IVH 4, SAH 8, SDH 16; all five for ANY.

    Raises:
        KeyError: when ``subtype`` is not one of :data:`LABELS`.
    """
    return ANY_BITS if subtype == "ANY" else 1 << (LABEL_INDEX[subtype] - 1)
