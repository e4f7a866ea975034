"""A scan's result as a DICOM structured report (TID 1500, Measurement Report)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from highdicom.seg import Segmentation
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    ReferencedSegment,
    SourceImageForMeasurementGroup,
    SourceSeriesForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from ichnet import __version__
from ichnet.ct.overlay import RESEARCH_USE
from ichnet.deployment.dicom_source import Identity
from ichnet.deployment.scan_result import ScanResult
from ichnet.subtypes import SUBTYPE_NAMES

SERIES_NUMBER = 9002
SCHEME = "99ICHNET"
"""Of the concepts that no standard scheme holds."""

PROBABILITY = CodedConcept("probability", SCHEME, "Probability of intracranial hemorrhage")
SUBTYPE_PROBABILITY: dict[str, CodedConcept] = {
    key: CodedConcept(f"probability-{key}", SCHEME, f"Probability of {name} hemorrhage")
    for key, name in SUBTYPE_NAMES.items()
}
UNCERTAIN = CodedConcept("uncertain", SCHEME, "Probability within the model's uncertain band")
THRESHOLD = CodedConcept("threshold", SCHEME, "Decision threshold on the probability")
BAND_LOW = CodedConcept("uncertain-low", SCHEME, "Lower limit of the uncertain band")
BAND_HIGH = CodedConcept("uncertain-high", SCHEME, "Upper limit of the uncertain band")
CALIBRATED = CodedConcept("calibrated", SCHEME, "Probability calibrated on validation scans")
YES, NO = CodedConcept("373066001", "SCT", "Yes"), CodedConcept("373067005", "SCT", "No")
AGREEMENT = CodedConcept("agreement", SCHEME, "Share of ensemble members that agree")
FINDING = CodedConcept("1386000", "SCT", "Intracranial hemorrhage")
NO_FINDING = CodedConcept("no-hemorrhage", SCHEME, "No intracranial hemorrhage found")
CT_HEAD = CodedConcept("24725-4", "LN", "CT Head")
MILLILITRE = CodedConcept("mL", "UCUM", "milliliter")


def build_report(
    sources: Sequence[Dataset],
    segmentation: Segmentation | None,
    result: ScanResult,
    identity: Identity,
) -> Comprehensive3DSR:
    """Return the report: probability, decision, uncertainty and, with a mask, its volume in mL.

    Args:
        sources: headers of the scan's slices.
        segmentation: on which the volume was measured; ``None`` for classifiers.
        result: the result to report.
        identity: gives the object its UIDs.
    """
    low, high = result.uncertain_band
    group: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(
            uid=identity.uid("hemorrhage"), identifier="intracranial hemorrhage"
        ),
        # a reader who looks at the finding alone must not read of one that is absent
        "finding_type": FINDING if _is_present(result) else NO_FINDING,
        "algorithm_id": AlgorithmIdentification(
            name=result.model,
            version=__version__,
            parameters=[
                f"decision threshold {result.threshold:g}",
                f"uncertain from {low:g} to {high:g}, both included",
                "probability calibrated on validation scans"
                if result.calibrated
                else "probability not calibrated on validation scans",
                f"model SHA-256 {result.provenance.model_sha256}",
                result.data_statement,
                *result.notes,
                RESEARCH_USE,
            ],
        ),
        "finding_sites": [FindingSite(anatomic_location=codes.SCT.Brain)],
        "measurements": _measurements(result),
        "qualitative_evaluations": _evaluations(result),
    }
    measured: Any  # highdicom's groups share no type
    if segmentation is None:
        images = [SourceImageForMeasurementGroup.from_source_image(one) for one in sources]
        measured = MeasurementsAndQualitativeEvaluations(**group, source_images=images)
    else:
        segment = ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=1,
            source_series=SourceSeriesForSegmentation(sources[0].SeriesInstanceUID),
        )
        measured = VolumetricROIMeasurementsAndQualitativeEvaluations(
            **group, referenced_segment=segment
        )
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_observer(result, identity)),
        procedure_reported=CT_HEAD,
        imaging_measurements=[measured],
        title=codes.DCM.ImagingMeasurementReport,
    )
    predecessor = result.predecessor and Identity(result.predecessor)
    return Comprehensive3DSR(
        evidence=[*sources, *([] if segmentation is None else [segmentation])],
        content=report,
        series_instance_uid=identity.uid("report series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=identity.uid("report"),
        instance_number=1,
        manufacturer="ichnet",
        is_complete=True,
        is_final=False,  # nobody has signed it
        is_verified=False,
        previous_versions=(
            [predecessor.report_reference(sources[0].StudyInstanceUID)] if predecessor else None
        ),
    )


def _measurements(result: ScanResult) -> list[Measurement]:
    ratio = codes.UCUM.NoUnits
    found = [
        Measurement(name=PROBABILITY, value=result.probability, unit=ratio),
        Measurement(name=THRESHOLD, value=result.threshold, unit=ratio),
        Measurement(name=BAND_LOW, value=result.uncertain_band[0], unit=ratio),
        Measurement(name=BAND_HIGH, value=result.uncertain_band[1], unit=ratio),
    ]
    found += [
        Measurement(name=SUBTYPE_PROBABILITY[name], value=probability, unit=ratio)
        for name, probability in (result.subtypes or {}).items()
        if probability is not None
    ]
    if result.agreement is not None:
        found.append(Measurement(name=AGREEMENT, value=result.agreement, unit=ratio))
    if result.volume_ml is not None:
        found.append(Measurement(name=codes.SCT.Volume, value=result.volume_ml, unit=MILLILITRE))
    return found


def _evaluations(result: ScanResult) -> list[QualitativeEvaluation]:
    return [
        QualitativeEvaluation(name=FINDING, value=_present(_is_present(result))),
        QualitativeEvaluation(name=UNCERTAIN, value=_present(result.uncertain)),
        QualitativeEvaluation(name=CALIBRATED, value=YES if result.calibrated else NO),
    ]


def _is_present(result: ScanResult) -> bool:
    return result.decision == "hemorrhage"


def _present(value: bool) -> CodedConcept:
    return (
        CodedConcept("52101004", "SCT", "Present")
        if value
        else CodedConcept("2667000", "SCT", "Absent")
    )


def _observer(result: ScanResult, identity: Identity) -> ObserverContext:
    return ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=identity.uid("device"),
            name="ichnet",
            manufacturer_name=RESEARCH_USE[:64],
            model_name=result.model,
            serial_number=result.provenance.model_sha256[:16],
        ),
    )
