"""Findings that resemble blood, hide it, or are disease without blood: ``published.MIMICS``."""
