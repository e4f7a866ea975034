"""The momentum of batch normalisation's running statistics."""

from __future__ import annotations

import keras

BATCH_MOMENTUM = 0.9
"""Running statistics follow within tens of steps. Keras Applications' own 0.99 and 0.999 take
hundreds and thousands: a short training would be evaluated with the statistics of its beginning."""


def set_batch_norm_momentum(model: keras.Model) -> None:
    """Set the momentum of every batch normalisation in ``model`` to :data:`BATCH_MOMENTUM`."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_MOMENTUM
