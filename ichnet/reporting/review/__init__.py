"""The review of difficult cases: the page for experts, and its results."""
