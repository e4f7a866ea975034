"""Slices with the slices below and above them, for networks that see their neighbours.

Partial volume is what one slice cannot show: a slice half in the orbital roof is as dense as blood
there, and only the slice below tells which it is.
"""

from __future__ import annotations

import tensorflow as tf


def with_neighbours(hu: tf.Tensor, neighbours: int) -> tf.Tensor:
    """Return each slice of a scan with the ones on either side.

    Beyond the scan's ends its first and its last slice stand in.

    Args:
        hu: of all slices of one scan from feet to head, [slices, rows, columns].
        neighbours: how many on either side.

    Returns:
        [slices, rows, columns, 2 neighbours + 1]; ``hu`` itself for 0 neighbours.
    """
    if not neighbours:
        return hu
    count = tf.shape(hu)[0]
    places = tf.range(count)[:, None] + tf.range(-neighbours, neighbours + 1)
    stacks = tf.gather(hu, tf.clip_by_value(places, 0, count - 1))
    return tf.transpose(stacks, [0, 2, 3, 1])


def without_neighbours(hu: tf.Tensor, neighbours: int) -> tf.Tensor:
    """Return slices of which nothing beside them is known, in the same form.

    Each stands in for its neighbours, as a scan of one slice would have it.
    """
    return tf.repeat(hu[..., None], 2 * neighbours + 1, axis=-1) if neighbours else hu
