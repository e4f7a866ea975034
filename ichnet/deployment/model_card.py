"""The model card: what to know before a model is used, as Markdown and as JSON.

After Mitchell M et al. Model cards for model reporting. FAT* 2019, 220-229. It is made from what
the export holds and from the figures of the run, so that no number is typed twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ichnet.ct.overlay import RESEARCH_USE
from ichnet.deployment.metadata import ModelMetadata
from ichnet.files import write_whole
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.pooling import POOLINGS

MARKDOWN, JSON = "model_card.md", "model_card.json"

Figures = Mapping[str, Mapping[str, Any]]
"""Figures by test set, as returned by :func:`ichnet.reporting.measures.metrics.model_metrics`."""

KINDS = {
    "classifier": "A network that gives each slice a probability of hemorrhage, and no outline.",
    "segmenter": (
        "A network that gives each pixel a probability of hemorrhage. A slice's score is the mean "
        "of its highest pixels."
    ),
    "ensemble": (
        "Segmenters whose maps are added with weights that another network derives from the maps. "
        "A slice's score is the mean of its highest pixels."
    ),
}

METHOD = "Kang et al., Frontiers in Neurology 2023;14:1321964; an implementation of that method"

INTENDED_USE = (
    "Research on the detection and measurement of intracranial hemorrhage on unenhanced axial CT "
    "of the head. Not for diagnosis, triage or treatment."
)

NOT_MEASURED = "This run holds no predictions of this model on a test set."


def model_card(metadata: ModelMetadata, figures: Figures) -> dict[str, Any]:
    """Return the card as JSON values.

    Args:
        metadata: of the exported model.
        figures: of the model by test set; empty when it has not been tested.
    """
    return {
        "model": metadata.model,
        "kind": metadata.kind,
        "what_it_is": KINDS[metadata.kind],
        "members": list(metadata.members),
        "method": METHOD,
        "research_use": RESEARCH_USE,
        "intended_use": INTENDED_USE,
        "limits": list(_limits(metadata)),
        "data_statement": metadata.data_statement,
        "image": asdict(metadata.image),
        "thresholds": {
            "probability": metadata.threshold,
            "uncertain_from_to": list(metadata.uncertain_band),
            "pixel": metadata.pixel_threshold,
        },
        "calibration": asdict(metadata.calibration),
        "metrics": {name: dict(values) for name, values in figures.items()},
        "versions": metadata.versions,
    }


def write_card(card: Mapping[str, Any], folder: Path) -> None:
    """Write ``model_card.json`` and ``model_card.md``."""
    with write_whole(folder / JSON) as handle:
        json.dump(card, handle, indent=2, allow_nan=False)
    with write_whole(folder / MARKDOWN) as handle:
        handle.write(card_markdown(card))


def card_markdown(card: Mapping[str, Any]) -> str:
    """Return the card as Markdown."""
    image, thresholds = card["image"], card["thresholds"]
    low, high = thresholds["uncertain_from_to"]
    members = f" Members: {', '.join(card['members'])}." if card["members"] else ""
    windows = ", ".join(
        f"{window['level_hu']:g}/{window['width_hu']:g}" for window in image["windows"]
    )
    sections = {
        "What it is": f"{card['what_it_is']}{members} Method: {card['method']}.",
        "Intended use": card["intended_use"],
        "Data": card["data_statement"],
        "Input": (
            f"Hounsfield units, resampled inside the model to {image['matrix']} x "
            f"{image['matrix']} pixels over {image['field_of_view_mm']:g} x "
            f"{image['field_of_view_mm']:g} mm. Windows (level/width in HU, inside the model): "
            f"{windows}."
        ),
        "Decisions": (
            f"A scan is called hemorrhage from a calibrated probability of "
            f"{thresholds['probability']:g} up, and uncertain from {low:g} to {high:g}. A pixel is "
            f"hemorrhage above {thresholds['pixel']:g}. A scan's score: the "
            f"{POOLINGS[card['calibration']['pooling']]}. Calibration of that score: "
            f"{_curve(card['calibration']['curve'])}, fitted on validation scans."
        ),
        "Figures by scan": "\n".join(_figures(card["metrics"])),
        "Limits": "\n".join(f"- {limit}" for limit in card["limits"]),
        "Versions": ", ".join(f"{name} {number}" for name, number in card["versions"].items()),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# {card['model']}\n\n**{card['research_use']}**\n\n{body}\n"


def _limits(metadata: ModelMetadata) -> Iterator[str]:
    image = metadata.image
    yield "What it does on scans unlike those it was trained on (see Data) is not known."
    yield (
        f"A pixel of the model is {image.field_of_view_mm / image.matrix:.2g} mm wide; smaller "
        f"detail is lost, and so is what lies outside of {image.field_of_view_mm:g} x "
        f"{image.field_of_view_mm:g} mm."
    )
    if not metadata.calibration.calibrated:
        yield f"{metadata.model} {metadata.calibration.refusal}; every scan is uncertain."
    yield (
        "A scan's score depends on the number of its slices. The calibration holds for scans as "
        "frequent in hemorrhage, and of as many slices, as the validation scans."
    )
    yield "Slice scores are not calibrated."
    if metadata.kind == "classifier":
        yield "It does not say where the hemorrhage is, nor how large."
    else:
        yield "Volumes count the pixels of the mask; their agreement with outlines is not implied."
    if metadata.kind == "ensemble":
        yield "Weights that add up to one can silence a member that alone sees a hemorrhage."


def _curve(values: Mapping[str, Any]) -> str:
    if set(values) == set(PlattCalibration.__dataclass_fields__):
        return f"Platt, expit({values['a']:.4g} x log-odds + {values['b']:.4g})"
    return f"isotonic, {len(values['scores'])} knots"


def _figures(metrics: Figures) -> Iterator[str]:
    if not metrics:
        yield NOT_MEASURED
        return
    yield (
        "AUC with DeLong's 95 % interval; sensitivity and specificity at the threshold with "
        "Clopper and Pearson's. All, SDH, SAH and Small are scans with such hemorrhage and all "
        "without; the others are test cohorts.\n"
    )
    yield "| test set | scans | with ICH | AUC | sensitivity | specificity | Brier score |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, values in metrics.items():
        row = f"| {name} | {values['scans']:,} | {values['with_ich']:,} |"
        if "unmeasurable" in values:
            yield f"{row} {values['unmeasurable']} | | | |"
            continue
        estimates = (values[key] for key in ("auc", "sensitivity_exact", "specificity_exact"))
        cells = [f"{e['value']:.3f} ({e['low']:.3f}–{e['high']:.3f})" for e in estimates]
        yield f"{row} {' | '.join(cells)} | {values['brier']:.3f} |"
