"""The module that draws each subtype."""

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
"""Order in which lesions are filled: extra-axial collections and clots displace the brain first,
then blood fills ventricles and cisterns."""
