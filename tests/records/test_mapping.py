"""Functions of pipelines are applied as they are written."""

from __future__ import annotations

import inspect

import tensorflow as tf

from ichnet.records.mapping import mapped


def test_elements_are_mapped_in_order():
    doubled = mapped(tf.data.Dataset.range(5), lambda number: 2 * number)
    assert [int(one) for one in doubled] == [0, 2, 4, 6, 8]


def test_the_source_of_a_function_is_not_rewritten():
    """A rewritten function runs from a file that TensorFlow wrote."""
    files = []

    def function(number: tf.Tensor) -> tf.Tensor:
        files.append(inspect.currentframe().f_code.co_filename)
        return inner(number)

    def inner(number: tf.Tensor) -> tf.Tensor:
        files.append(inspect.currentframe().f_code.co_filename)
        return number

    mapped(tf.data.Dataset.range(1), function)
    assert set(files) == {__file__}
