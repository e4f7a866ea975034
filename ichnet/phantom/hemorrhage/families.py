"""Which module draws which subtype."""

from __future__ import annotations

from ichnet.phantom.hemorrhage import collection, iph, ivh, sah
from ichnet.phantom.hemorrhage.lesion import Family

FAMILIES: dict[str, Family] = {
    "EDH": collection,
    "SDH": collection,
    "IPH": iph,
    "IVH": ivh,
    "SAH": sah,
}

FILLED_IN_TURN = (("EDH", "SDH"), ("IPH",), ("IVH",), ("SAH",))
"""Order in which lesions change each other's room: collections and clots push the brain, then
blood fills its spaces."""
