"""ROC, intervals, agreement and calibration (NumPy and SciPy only)."""
