"""Trained models applied to record sets: maps, predictions, saliency and lesions."""
