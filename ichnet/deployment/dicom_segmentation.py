"""A scan's mask as a DICOM Segmentation, each plane on the slice that it was drawn on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from highdicom import AlgorithmIdentificationSequence, PixelMeasuresSequence
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentationTypeValues,
    SegmentDescription,
)
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from ichnet import __version__
from ichnet.ct.overlay import RESEARCH_USE
from ichnet.deployment.dicom_source import Identity
from ichnet.deployment.scan_result import ScanResult

SERIES_NUMBER = 9001
"""Series number of segmentations, above those that scanners use."""


def build_segmentation(
    sources: Sequence[Dataset],
    mask: NDArray[np.uint8],
    result: ScanResult,
    identity: Identity,
) -> Segmentation:
    """Return a binary segmentation of one segment, with a frame for every slice.

    Every slice has its frame, also an empty one: "looked at, nothing found" is then not the same
    as "not looked at", and a normal scan has a segmentation like any other.

    Args:
        sources: headers of the slices, in the order of the mask's planes.
        mask: uint8 [slices, rows, columns] as the files lay out their pixels, 0 or 1.
        result: the result, which names the model.
        identity: of the object.
    """
    algorithm = AlgorithmIdentificationSequence(
        name=result.model, family=codes.cid7162.ArtificialIntelligence, version=__version__
    )
    segment = SegmentDescription(
        segment_number=1,
        segment_label="Intracranial hemorrhage",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Hemorrhage,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=identity.uid("hemorrhage"),
        tracking_id="intracranial hemorrhage",
        anatomic_regions=[codes.SCT.Brain],
    )
    first = sources[0]
    thicknesses_mm = [one.spacing_mm for one in result.slices]
    return Segmentation(
        source_images=sources,
        pixel_array=mask,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[segment],
        series_instance_uid=identity.uid("segmentation series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=identity.uid("segmentation"),
        instance_number=1,
        manufacturer="ichnet",
        manufacturer_model_name=result.model,
        software_versions=__version__,
        device_serial_number=result.provenance.model_sha256[:16],
        content_description=RESEARCH_USE[:64],
        content_label="HEMORRHAGE",
        omit_empty_frames=False,
        # the extent that volumes are computed with, which SliceThickness often is not
        pixel_measures=PixelMeasuresSequence(
            pixel_spacing=[float(value) for value in first.PixelSpacing],
            slice_thickness=round(float(np.median(thicknesses_mm)), 6),
        ),
    )
