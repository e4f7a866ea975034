"""The ROC curve and the area under it, by ranks in float64.

Scores are never inverted: one that is low in positive units has an area below 0.5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ichnet.statistics.checks import BoolArray, FloatArray, paired_scores, two_classes


class RocCurve(NamedTuple):
    """Points of a ROC curve, from (0, 0) to (1, 1); float64 [points] each.

    A unit is called positive when its score is at least the threshold. There is one point for
    each distinct score, after a first one at an infinite threshold.
    """

    false_positive_rate: FloatArray
    true_positive_rate: FloatArray
    threshold: FloatArray


class Ties(NamedTuple):
    """Scores in ascending order, in blocks of equal ones.

    Attributes:
        order: int64 [units], the units' positions by ascending score.
        start: int64 [blocks], where in that order each block begins.
        positives, negatives: int64 [blocks], units of each class in it.
    """

    order: NDArray[np.int64]
    start: NDArray[np.int64]
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]


def ties(positive: BoolArray, score: FloatArray) -> Ties:
    """Sort once and count each class in each block of equal scores."""
    order = np.argsort(score)
    ascending = score[order]
    start = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))
    positives = np.add.reduceat(positive[order], start, dtype=np.int64)
    negatives = np.diff(start, append=len(score)) - positives
    return Ties(order, start, positives, negatives)


def roc_curve(truth: ArrayLike, score: ArrayLike) -> RocCurve:
    """Return all points of the ROC curve.

    Args:
        truth: [units], 0 or 1.
        score: [units], higher for more suspicious.

    Raises:
        ValueError: for one class only, NaN, or lengths that differ.
    """
    positive = two_classes(truth)
    scores = paired_scores(positive, score)
    blocks = ties(positive, scores)
    true_positives = np.append(0, blocks.positives[::-1].cumsum())
    false_positives = np.append(0, blocks.negatives[::-1].cumsum())
    distinct = scores[blocks.order[blocks.start]]
    return RocCurve(
        false_positives / false_positives[-1],
        true_positives / true_positives[-1],
        np.append(np.inf, distinct[::-1]),
    )


def roc_auc(truth: ArrayLike, score: ArrayLike) -> float:
    """Return the area under the ROC curve.

    It is the probability that a positive unit scores higher than a negative one, ties counting
    one half (Mann and Whitney's U over the number of pairs).

    Args:
        truth: [units], 0 or 1.
        score: [units], higher for more suspicious.

    Raises:
        ValueError: for one class only, NaN, or lengths that differ.

    Examples:
        Of the nine pairs of a positive and a negative unit, seven are in the right order:

        >>> roc_auc([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.35, 0.3, 0.8, 0.9])
        0.7777777777777778
    """
    positive = two_classes(truth)
    blocks = ties(positive, paired_scores(positive, score))
    negatives_up_to = blocks.negatives.cumsum()
    # twice U, in whole numbers, so that halves of ties are exact
    twice_u = (blocks.positives * (2 * negatives_up_to - blocks.negatives)).sum()
    return int(twice_u) / (2 * int(blocks.positives.sum()) * int(negatives_up_to[-1]))
