"""Measures of predictions: test sets, performance, comparisons."""
