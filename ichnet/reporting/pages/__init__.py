"""The report and the results page."""
