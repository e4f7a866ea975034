"""Trained models applied: to records, to DICOM, as a SavedModel."""
