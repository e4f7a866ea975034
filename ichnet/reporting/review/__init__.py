"""The review of difficult cases: the page for experts, and what came of it."""
