"""Words in names and descriptions of series that tell of contrast agent, or of none."""

from __future__ import annotations

import re

PLAIN_WORDS = re.compile(r"\b(pre|plain|non|without|w o|unenhanced|nc|ncct)\b")
CONTRAST_WORDS = re.compile(
    r"\b(post|contrast|enhanced|ce|cect|cta|angio\w*|oral|iv|\d+ ?cc)\b|\bc\+"
)
