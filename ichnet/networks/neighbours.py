"""Slices with the slices below and above them, for networks that see their neighbours.

One slice cannot show partial volume: where a slice lies half in the orbital roof it is as dense as
    blood, and only the slice below tells the two apart.
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
    """Return slices whose neighbours are not known, in the form of :func:`with_neighbours`.

    Each slice takes the place of its neighbours, as in a scan of one slice.
    """
    return tf.repeat(hu[..., None], 2 * neighbours + 1, axis=-1) if neighbours else hu
