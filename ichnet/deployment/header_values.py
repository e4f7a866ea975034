"""Values of headers that results may contain: words from lists, and numbers within a range.

Text in a header is free, and people write names into it. So no text is copied into results: it is
replaced by the entry of a list that it matches, or by ``other``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

OTHER = "other"
"""Replaces a value that is on no list."""

MANUFACTURERS = (
    *("Canon", "GE", "Hitachi", "Marconi", "Mediso", "NeuroLogica", "Neusoft", "Philips"),
    *("Picker", "Samsung", "Shimadzu", "Siemens", "Toshiba", "United Imaging", "ichnet"),
)

MODELS = (
    *("Alexion", "Aquilion", "Aquilion ONE", "Aquilion PRIME", "Asteion", "Astelion", "BodyTom"),
    *("Biograph", "Brilliance", "BrightSpeed", "CereTom", "CT750", "Discovery", "Emotion"),
    *("Force", "Gemini", "HiSpeed", "iCT", "Incisive", "Ingenuity", "IQon", "LightSpeed", "Mx8000"),
    *("OmniTom", "Optima", "Perspective", "ProSpeed", "Revolution", "Scenaria", "Sensation"),
    *("Somatom", "Definition", "Definition AS", "Definition Edge", "Definition Flash", "Spectral"),
    *("Spirit", "Supria", "uCT", "Volume Zoom", "Xvision"),
)

KERNELS = (
    *("BONE", "BONEPLUS", "BRAIN", "DETAIL", "EDGE", "HEAD", "LUNG", "SHARP", "SMOOTH", "SOFT"),
    *("STANDARD", "STANDARD+"),
)
KERNEL_CODE = re.compile(r"(?:[A-Z][a-z]?\d{2}[a-z]?|FC\d{2}|U[A-D]|E[A-D]|[A-F])")
"""Kernels of Siemens, Toshiba and Philips; two digits at most, so no date and no identifier."""

NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,6})?")


def allowed_values(description: Mapping[str, str]) -> dict[str, str]:
    """Return a volume's description with values that cannot identify anybody.

    Args:
        description: as :attr:`ichnet.ct.volume.Volume.description`.

    Returns:
        the keys that are known here, with their replaced values.
    """
    return {key: ALLOWED[key](value) for key, value in description.items() if key in ALLOWED}


def _one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    """Return a function that finds the longest listed name that a text contains as whole words."""

    def find(text: str) -> str:
        words = f" {re.sub(r'[^a-z0-9+]+', ' ', text.lower())} "
        found = [name for name in names if f" {name.lower()} " in words]
        return max(found, key=len) if found else OTHER

    return find


def _kernel(text: str) -> str:
    code = text.split("\\")[0].strip()
    return code if KERNEL_CODE.fullmatch(code) else _one_of(KERNELS)(text)


def _number(low: float, high: float) -> Callable[[str], str]:
    def find(text: str) -> str:
        value = float(text) if NUMBER.fullmatch(text) else math.nan
        return f"{value:g}" if low <= value <= high else OTHER

    return find


ALLOWED: dict[str, Callable[[str], str]] = {
    "modality": lambda text: "CT" if text == "CT" else OTHER,
    "manufacturer": _one_of(MANUFACTURERS),
    "model": _one_of(MODELS),
    "kernel": _kernel,
    "kvp": _number(50, 200),
    "contrast_agent": lambda text: "named",
    "slice_thickness_mm": _number(0, 50),
    "repaired_slices": _number(0, 9999),
}
