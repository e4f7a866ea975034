"""Synthetic head CT with hemorrhages, written in the real cohorts' file formats."""
