"""The page on which experts read difficult cases again: one HTML file, no server, no network.

The page knows cases by number alone. What a case is (scan, truth, the model's probability, why it
was chosen) stands in ``key.csv``, which readers do not get. Numbers are drawn at random, and each
reader sees the cases in an order of their own.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from ichnet.files import private_files, write_whole
from ichnet.reporting.pages.html import (
    inline_json,
    joined_scripts,
    page_environment,
    script_hash,
)
from ichnet.reporting.review.images import CODE_HU, EncodedScan
from ichnet.reporting.tables.difficult import DifficultCase
from ichnet.subtypes import SUBTYPES

READERS: tuple[str, ...] = tuple(f"reader-{number}" for number in range(1, 7))
"""The paper has six experts."""

WINDOWS_HU: dict[str, tuple[float, float]] = {
    "Brain": (40, 80),
    "Subdural": (80, 200),
    "Stroke": (40, 40),
    "Bone": (600, 2800),
}
"""Level and width of the display windows that a reader can choose."""

TITLES: dict[str, tuple[str, str]] = {
    "EDH": ("E", "Epidural"),
    "IPH": ("I", "Intraparenchymal"),
    "IVH": ("V", "Intraventricular"),
    "SAH": ("A", "Subarachnoid"),
    "SDH": ("S", "Subdural"),
}
"""Each subtype's key and name on the page."""


@dataclass(frozen=True)
class KeyRow:
    """What a numbered case is; confidential until the review is over.

    Attributes:
        review: identity of the review (see :func:`review_identity`).
        case: e.g. ``case-017``.
        ich: ground truth.
        decision: whether the model called it, at the threshold of the configuration.
        others: as in :class:`~ichnet.reporting.tables.difficult.DifficultCase`.
    """

    review: str
    case: str
    difficult_for: str
    cohort: str
    scan_id: str
    ich: bool
    kind: str
    volume_ml: float
    votes: str
    probability: float
    decision: bool


def number_cases(
    name: str, cases: Sequence[DifficultCase], threshold: float, seed: int
) -> list[KeyRow]:
    """Number cases at random, so that neither number nor place tells what a case is.

    Args:
        name: the run's name.
        cases: the cases to be read again.
        threshold: probability from which on the model calls a hemorrhage.
        seed: of the random order.
    """
    order = np.random.default_rng(seed).permutation(len(cases))
    review = review_identity(name, cases, seed)
    digits = max(3, len(str(len(cases))))
    return [
        KeyRow(
            review=review,
            case=f"case-{number:0{digits}d}",
            decision=cases[index].probability >= threshold,
            **asdict(cases[index]),
        )
        for number, index in enumerate(order, start=1)
    ]


def review_identity(name: str, cases: Sequence[DifficultCase], seed: int) -> str:
    """Return e.g. ``phantom-1f3a9c20``: other cases, or another order, are another review."""
    text = json.dumps([seed, *(case.scan_id for case in cases)])
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def write_key(rows: Iterable[KeyRow], path: Path) -> Path:
    """Write ``key.csv``, readable by its owner alone."""
    with private_files(), write_whole(path, newline="") as handle:
        writer = csv.DictWriter(handle, [field.name for field in fields(KeyRow)])
        writer.writeheader()
        for row in rows:
            cells = asdict(row)
            cells |= {"ich": int(row.ich), "decision": int(row.decision)}
            cells["volume_ml"] = "" if np.isnan(row.volume_ml) else f"{row.volume_ml:.9g}"
            cells["probability"] = f"{row.probability:.9g}"
            writer.writerow(cells)
    return path


def read_key(path: Path) -> list[KeyRow]:
    """Read ``key.csv``.

    Raises:
        ValueError: when it is not a key, holds no case, one case twice, or several reviews.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        expected = [field.name for field in fields(KeyRow)]
        if reader.fieldnames != expected:
            raise ValueError(f"{path}: not a review's key (columns {reader.fieldnames})")
        rows = [_key_row(cells, path) for cells in reader]
    if len({row.review for row in rows}) != 1:
        raise ValueError(f"{path}: a key holds the cases of one review, not of several or none")
    if len({row.case for row in rows}) != len(rows):
        raise ValueError(f"{path}: a case stands there twice")
    return rows


def _key_row(cells: dict[str, str], path: Path) -> KeyRow:
    try:
        return KeyRow(
            **{name: cells[name] for name in ("review", "case", "difficult_for", "cohort")},
            **{name: cells[name] for name in ("scan_id", "kind", "votes")},
            ich={"0": False, "1": True}[cells["ich"]],
            decision={"0": False, "1": True}[cells["decision"]],
            volume_ml=float(cells["volume_ml"] or "nan"),
            probability=float(cells["probability"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: case {cells.get('case')}: {error!r}") from error


def viewer_settings() -> dict[str, Any]:
    """Return what the viewer of slices (slices.js) needs to know: windows, and HU of the codes."""
    return {
        "windows": [
            {"name": title, "level_hu": level, "width_hu": width}
            for title, (level, width) in WINDOWS_HU.items()
        ],
        "hu": CODE_HU.tolist(),
    }


def write_review(
    path: Path,
    name: str,
    data_statement: str,
    review: str,
    cases: Sequence[str],
    encode: Callable[[str], EncodedScan],
    readers: Sequence[str] = READERS,
) -> Path:
    """Write the page, case by case, so that memory does not grow with their number.

    Args:
        path: of the HTML file.
        name: of the run, in the page's title.
        data_statement: what the model was trained on.
        review: its identity.
        cases: their numbers, e.g. ``case-017``.
        encode: returns the pictures of a case by its number.
        readers: names to choose from.
    """
    environment = page_environment()
    script = joined_scripts(environment, "slices.js", "review.js")
    settings = {
        "id": review,
        "cases": list(cases),
        "readers": list(readers),
        "subtypes": list(SUBTYPES),
        "letters": [TITLES[subtype][0] for subtype in SUBTYPES],
        **viewer_settings(),
    }
    head = environment.get_template("review.html").render(
        name=name,
        data_statement=data_statement,
        readers=readers,
        subtypes={subtype: TITLES[subtype] for subtype in SUBTYPES},
        windows=len(WINDOWS_HU),
        review=Markup(inline_json(settings)),
        script_hash=script_hash(script),
    )
    with write_whole(path) as handle:
        handle.write(head)
        for case in cases:
            data = inline_json(asdict(encode(case)))
            handle.write(f'\n<script type="application/json" id="data-{case}">{data}</script>')
        handle.write(f"\n<script>{script}</script>\n</body>\n</html>\n")
    return path
