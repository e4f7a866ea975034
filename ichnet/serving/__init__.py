"""Scans are received, predicted and sent on, without end: what ``ichnet serve`` does."""
