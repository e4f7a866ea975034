"""Synthetic scans as DICOM files, with full headers or with the few elements of RSNA's files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from ichnet.files import whole_path
from ichnet.phantom.patient import Patient
from ichnet.phantom.scanner import Scan


def uid(*identity: object) -> str:
    """Return a DICOM UID that is derived from the given values."""
    return str(generate_uid(entropy_srcs=["ichnet phantom", *map(str, identity)]))


def rsna_uid(*identity: object) -> str:
    """Return an identifier in RSNA 2019's style, ``ID_`` and 12 hex digits, derived likewise."""
    text = "/".join(map(str, identity))
    return "ID_" + hashlib.sha256(text.encode()).hexdigest()[:12]


def slice_dataset(scan: Scan, index: int, signed: bool, intercept: float) -> Dataset:
    """Return a data set with pixels, HU scale and geometry of one slice, without identifiers.

    Args:
        scan: the synthetic scan.
        index: number of the slice, from 0.
        signed: store 16-bit signed values; otherwise 12-bit unsigned ones.
        intercept: rescale intercept, the HU of the stored value 0 (slope 1).
    """
    dataset = Dataset()
    dataset.Modality = "CT"
    dataset.SOPClassUID = CTImageStorage
    dataset.ImagePositionPatient = [f"{value:.6f}" for value in scan.positions_mm[index]]
    dataset.ImageOrientationPatient = [f"{value:.6f}" for value in scan.orientation]
    dataset.PixelSpacing = [f"{scan.pixel_spacing_mm:.6f}"] * 2
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = scan.hu.shape[1:]
    dataset.BitsAllocated = 16
    dataset.BitsStored = 16 if signed else 12
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(signed)
    dataset.RescaleIntercept = f"{intercept:g}"
    dataset.RescaleSlope = "1"
    dataset.WindowCenter, dataset.WindowWidth = "40", "80"
    stored = scan.hu[index].astype(np.int32) - int(intercept)
    limits = (-(2**15), 2**15 - 1) if signed else (0, 2**12 - 1)
    dataset.PixelData = np.clip(stored, *limits).astype("<i2" if signed else "<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def identify(dataset: Dataset, patient: Patient, scan_key: str, seed: int, index: int) -> None:
    """Add the identifying elements of patient, study, series and slice."""
    dataset.PatientID = f"{patient.cohort.upper()}{patient.index:06d}"
    dataset.PatientName = f"Phantom^{patient.cohort}{patient.index:06d}"
    dataset.PatientSex = patient.sex
    dataset.PatientAge = f"{patient.age_years:03d}Y"
    dataset.StudyDate = "20200101"
    dataset.StudyInstanceUID = uid(seed, scan_key, "study")
    dataset.SeriesInstanceUID = uid(seed, scan_key, "series")
    dataset.FrameOfReferenceUID = uid(seed, scan_key, "frame")
    dataset.SOPInstanceUID = uid(seed, scan_key, index)
    dataset.SeriesDescription = "synthetic head, plain"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Manufacturer = "ichnet phantom"
    dataset.InstanceNumber = str(index + 1)


def save(dataset: Dataset, path: Path) -> None:
    """Write a DICOM file in explicit VR little endian; when interrupted, no file is left."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    with whole_path(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
