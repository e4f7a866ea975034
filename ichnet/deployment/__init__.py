"""Trained models in use: export as a SavedModel, DICOM in, results out."""
