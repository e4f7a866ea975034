"""Recognises contrast agent from the words of a header or a folder's name.

Similar words must not be mistaken for it: the posterior fossa (POST FOSSA) and a scan after an
operation (POST OP) are no scans after injection, SANS IV is French for none, and an agent NONE is
none. Words are in English, the larger European languages, Chinese, Japanese and Korean.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum

BRANDS = (
    r"omnipaque|iohexol|isovue|iopamid\w*|iopamir\w*|ultravist|iopromid\w*|visipaque|iodixanol|"
    r"optiray|ioversol|oxilan|xenetix|iobitridol|iomeron|iomeprol|imeron|accupaque|solutrast|conray"
)
AGENT = (
    r"(contrast\w*|kontrast\w*|контраст\w*|varjoaine\w*|iv|km|mdc|pdc|con|c|agent|enh|enhanc\w*|"
    rf"inj\w*|{BRANDS})"
)
NEGATIONS = (
    r"(without|w o|wo|no|non|not|sans|ohne|o|kein\w*|sin|senza|zonder|sem|bez|без|uden|uten|utan|"
    r"ilman|pre)"
)
WITH = r"(with|w|avec|mit|nach|con|com|med|met|z|с|post|after|apres|dopo|efter|etter)"

BOTH_PHASES = re.compile(
    r"\b(without|w o|wo) (contrast )?(and )?(with|w)\b|"
    r"\b(with|w) (contrast )?(and )?(without|w o|wo)\b|\bpre (and )?post\b"
)
"""Words of a protocol with both phases; they do not tell which phase a series is."""

NO_AGENT = re.compile(
    rf"\b{NEGATIONS} (iv )?{AGENT}\b|\bcminus\b|\bkontrasts[iı]z\b|\bun ?enhanced\b|"
    r"(非|无|無)(增强|增強|造影)|(增强|增強|造影|조영) ?(前|전|なし|안 ?함)|비 ?조영"
)
PLAIN = re.compile(
    r"\b(without|w o|wo|sans|non|pre(?! (op|surg))|plain|nativ\w*|non(con|enh)\w*|"
    r"precontrast|nc|ncct|nect|ncect)\b|平扫|平掃|単純|單純|单纯"
)
POST_OTHERWISE = re.compile(
    r"\bpost (foss\w*|op\w*|surg\w*|crani\w*|trauma\w*|evac\w*|resec\w*|shunt\w*|evd|vp|drain\w*|"
    r"coil\w*|clip\w*|embol\w*|stent\w*|proc\w*|interv\w*|mortem|ictal|stroke|seizure|fall|mva|rta|"
    r"tpa|t pa|lysis|thromb\w*|treat\w*|therap\w*|tx|rx|reduction|arrest|cpr|partum|recon\w*|"
    r"mvc|code|rosc|\w*tub\w*|biops\w*|bleed\w*|transfer|dialysis|\d+ ?(h|hrs?|hours?|d|days?))\b"
)
"""Words that follow POST and do not mean an injection; FOSSA is the posterior fossa."""

CONTRAST = re.compile(
    r"\b(post|contrast\w*|kontrast\w*|контраст\w*|enh|enhanc\w*|inject\w*|km|mdc|ce|cect|cta|ctv|"
    r"ctp|angio\w*|venogra\w*|arter\w*|venous|portal|perfusion|bolus|dsa|cow|willis|oral|iv|"
    rf"\d+ ?cc|cplus|{BRANDS})\b|\b{WITH} (iv )?{AGENT}\b|\b(with|w|avec)$|增强|增強|造影|조영"
)

NO_AGENT_NAMED = re.compile(
    r"(n|na|n a|no|non|none( \w+)?|nein|нет|nil|null|false|not \w+|without|w o|wo|sans|ohne|sin|"
    r"sem|bez|без|senza|kein\w*|nocontrast|negative|0( ?ml| ?cc)?|unenhanced|plain|"
    r"なし|无|無|없음)?"
)
"""Words that are written in place of an agent's name when there was none."""


class Phase(Enum):
    """The phase that a text states."""

    SILENT = "silent"
    PLAIN = "plain"
    CONTRAST = "contrast"
    BOTH = "both"


def tells_of_contrast(texts: Iterable[str], agent: str) -> bool:
    """Return whether a series shows contrast agent, according to its words.

    The first text that says clearly that there is an agent, or none, decides. When none does, an
    agent that the header names decides; a text that names both phases counts as contrast, too.

    Args:
        texts: descriptions of the series, the most specific first.
        agent: value of ContrastBolusAgent.
    """
    phases = [phase_of(text) for text in texts]
    for phase in phases:
        if phase in (Phase.PLAIN, Phase.CONTRAST):
            return phase is Phase.CONTRAST
    return names_agent(agent) or Phase.BOTH in phases


def names_agent(agent: str) -> bool:
    """Return whether ContrastBolusAgent names an agent, rather than saying that there was none."""
    words = _words(agent)
    return NO_AGENT_NAMED.fullmatch(words) is None and NO_AGENT.match(words) is None


def phase_of(text: str) -> Phase:
    """Return the phase that one text states."""
    words = _words(text)
    if BOTH_PHASES.search(words):
        return Phase.BOTH
    rest = NO_AGENT.sub(" ", words)
    is_plain = rest != words or PLAIN.search(rest) is not None
    has_agent = CONTRAST.search(POST_OTHERWISE.sub(" ", rest)) is not None
    if is_plain and has_agent:
        return Phase.BOTH
    if is_plain:
        return Phase.PLAIN
    return Phase.CONTRAST if has_agent else Phase.SILENT


def _words(text: str) -> str:
    """Return lower-case words with single spaces and without accents; C+ and C- become words."""
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    text = unicodedata.normalize("NFC", "".join(c for c in text if unicodedata.category(c) != "Mn"))
    text = re.sub(r"\b(c|i|iv)\+|(?<!\w)\+c\b|\bc/c\b", " cplus ", text)
    text = re.sub(r"\b(c|i|iv)-(?!\w)|\bs/c\b", " cminus ", text)
    return re.sub(r"[\W_]+", " ", text).strip()
