"""Losses and the training of every network."""
