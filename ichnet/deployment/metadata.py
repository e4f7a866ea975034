"""The description of an exported model: ``metadata.json`` beside its SavedModel.

Prediction reads nothing else, so a model folder can be moved and used on its own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ichnet.config import ImageConfig, WindowConfig
from ichnet.ct.overlay import RESEARCH_USE
from ichnet.files import write_whole
from ichnet.statistics.pooling import POOLINGS
from ichnet.statistics.scan_score import ScanCalibration, calibration_from
from ichnet.subtypes import SUBTYPES

Kind = Literal["classifier", "segmenter", "ensemble"]

FILE_NAME = "metadata.json"

PNG_OFFSET = 32768
"""A 16-bit PNG holds HU plus this."""


class ModelError(Exception):
    """A folder is not an exported model; the message names the folder and the cause."""


@dataclass(frozen=True)
class ModelMetadata:
    """How to prepare a scan for an exported model, and how to read its outputs.

    Attributes:
        model: e.g. ``ensemble-all``.
        kind: a classifier gives no mask; an ensemble also gives its members' scores.
        members: an ensemble's segmenters, in the order of ``member_probability`` and ``weights``.
        data_statement: what the model was trained on.
        image: matrix and field of view the model works at; windows, for information (they are
            inside the graph).
        threshold: a scan is called hemorrhage from this calibrated probability up.
        uncertain_band: lowest and highest probability that is called uncertain, both included.
        pixel_threshold: a pixel is hemorrhage above this mask probability.
        neighbours: number of neighbouring slices on either side that the model sees with each.
        calibration: slice scores -> scan score (``pooling``) -> probability (``curve``), fitted on
            validation scans; ``calibrated`` is false for a model that could not tell them apart.
        versions: versions of the packages that made the export.
    """

    model: str
    kind: Kind
    members: tuple[str, ...]
    data_statement: str
    image: ImageConfig
    threshold: float
    uncertain_band: tuple[float, float]
    pixel_threshold: float
    neighbours: int
    calibration: ScanCalibration
    versions: dict[str, str]


def write_metadata(metadata: ModelMetadata, folder: Path) -> None:
    """Write ``metadata.json``."""
    with write_whole(folder / FILE_NAME) as handle:
        handle.write(metadata_json(metadata))


def metadata_json(metadata: ModelMetadata) -> str:
    """Return the metadata as JSON, with the research-use statement and the signatures' units."""
    mapping = {
        **asdict(metadata),
        "signatures": _signatures(metadata),
        "research_use": RESEARCH_USE,
    }
    return json.dumps(mapping, indent=2)


def read_metadata(folder: Path) -> ModelMetadata:
    """Read ``metadata.json`` of a model folder.

    Raises:
        ModelError: when there is no such file or it lacks something.
    """
    path = folder / FILE_NAME
    if not (folder / "saved_model.pb").is_file() or not path.is_file():
        raise ModelError(
            f"{folder}: not an exported model (it needs saved_model.pb and {FILE_NAME}, "
            "as made by models/export.py)"
        )
    try:
        mapping = json.loads(path.read_text(encoding="utf-8"))
        image = mapping["image"]
        return ModelMetadata(
            model=mapping["model"],
            kind=mapping["kind"],
            members=tuple(mapping["members"]),
            data_statement=mapping["data_statement"],
            image=ImageConfig(
                matrix=int(image["matrix"]),
                field_of_view_mm=float(image["field_of_view_mm"]),
                windows=tuple(WindowConfig(**window) for window in image["windows"]),
            ),
            threshold=float(mapping["threshold"]),
            uncertain_band=(
                float(mapping["uncertain_band"][0]),
                float(mapping["uncertain_band"][1]),
            ),
            pixel_threshold=float(mapping["pixel_threshold"]),
            neighbours=int(mapping["neighbours"]),
            calibration=calibration_from(mapping["calibration"]),
            versions=dict(mapping["versions"]),
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not a model's metadata ({error!r})") from error


def model_fingerprint(folder: Path) -> str:
    """Return the SHA-256 of an exported model, 64 hex digits: of all its files and their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix().encode()
            digest.update(len(name).to_bytes(8, "big") + name)
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _signatures(metadata: ModelMetadata) -> dict[str, dict[str, dict[str, str]]]:
    """Describe each signature for whoever calls the SavedModel without ichnet."""
    image = metadata.image
    side = f"{image.matrix} x {image.matrix}"
    shown = (
        f"axial slices in HU, as DICOM stores them, that show {image.field_of_view_mm:g} x "
        f"{image.field_of_view_mm:g} mm around the image's centre; {side}, other sizes are resized "
        "by area inside the graph"
    )
    nan = "not a number for slices with a pixel that is none"
    outputs = {"probability": f"float32 [batch], slice score in [0, 1], before calibration; {nan}"}
    of_scan = {
        "score": f"float32, {POOLINGS[metadata.calibration.pooling]}",
        "probability": (
            "float32, the calibrated score; not a number where a pixel is none, without slices, or "
            "for a spacing of 0 or less"
        ),
        "hemorrhage": f"bool, probability at least {metadata.threshold:g}",
        "uncertain": "bool, probability in the uncertain band: a person should decide",
        "slice_probability": f"float32 [slices], before calibration; {nan}",
    }
    if metadata.kind != "classifier":
        outputs["mask_probability"] = "float32 [batch, height, width], hemorrhage in [0, 1]"
        outputs["mask"] = "uint8 [batch, height, width], 1 above pixel_threshold"
        of_scan["mask"] = "uint8 [slices, height, width], on the scan's own pixels"
        of_scan["volume_ml"] = "float32, of the mask, mL"
    if metadata.kind == "ensemble":
        outputs["member_probability"] = "float32 [batch, members], each member's slice score"
        outputs["weights"] = "float32 [batch, members] or [batch, matrix, matrix, members]"
        of_scan["member_probability"] = "float32 [slices, members]"
    if metadata.calibration.subtypes is not None:
        order = f"calibrated, in the order {', '.join(SUBTYPES)}"
        product = "Model 2's head times probability"
        outputs["subtype_score"] = f"float32 [batch, 5], {product}, before calibration; {nan}"
        outputs["subtype_probability"] = f"float32 [batch, 5], {order}; {nan}"
        of_scan["subtype_probability"] = f"float32 [5], of the scan, {order}"
        of_scan["slice_subtype_probability"] = f"float32 [slices, 5], {order}; {nan}"
    alone = "; each is seen alone" if metadata.neighbours else ""
    consecutive = (
        f"float32 [slices, height, width], consecutive {shown}; from feet to head"
        f"{', each seen beside its neighbours' if metadata.neighbours else ''}"
    )
    return {
        "serving_default": {
            "inputs": {"hu": f"float32 [batch, height, width], {shown}{alone}"},
            "outputs": outputs,
        },
        "consecutive": {"inputs": {"hu": consecutive}, "outputs": outputs},
        "int16": {"inputs": {"hu": f"int16 [batch, height, width], {shown}"}, "outputs": outputs},
        "bytes": {
            "inputs": {"png": f"string [batch], 16-bit grey PNG of HU + {PNG_OFFSET}; {shown}"},
            "outputs": outputs,
        },
        "scan": {
            "inputs": {
                "hu": "float32 [slices, height, width], a scan's axial slices in HU as acquired",
                "pixel_spacing_mm": "float32 [2], between rows and between columns",
                "slice_spacing_mm": (
                    "float32 [slices], perpendicular distance that each stands for; or [1] for all"
                ),
            },
            "outputs": of_scan,
        },
        "metadata": {"inputs": {}, "outputs": {"metadata": "string, this file"}},
    }
