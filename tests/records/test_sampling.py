"""Which slices an epoch holds: shares, passes, and nothing but seed and epoch deciding."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.config import ConfigError, TrainingConfig
from ichnet.records.index import RecordIndex
from ichnet.records.sampling import BalancedSampler
from ichnet.records.strata import Stratum

NO_RECORDS = RecordIndex(
    "set: split 'train'", (), np.zeros(0, np.int32), np.zeros((0, 2), np.int64)
)


def sampler(*strata: tuple[range, float], batch_size=4, steps=3, seed=1) -> BalancedSampler:
    """One over slices of these numbers and shares."""
    training = TrainingConfig("sgd", batch_size, epochs=9, steps_per_epoch=steps)
    return BalancedSampler(
        NO_RECORDS,
        [Stratum("of a kind", np.array(numbers), share) for numbers, share in strata],
        training,
        seed,
    )


def test_halves_come_in_turn():
    drawn = sampler((range(10), 0.5), (range(10, 30), 0.5)).draw(0)
    assert drawn.shape == (3, 4)
    assert (drawn[:, ::2] < 10).all()
    assert (drawn[:, 1::2] >= 10).all()


@pytest.mark.parametrize(
    ("shares", "of_each_batch"),
    [((0.5, 0.25, 0.25), (8, 4, 4)), ((0.125, 0.875), (2, 14)), ((1.0,), (16,))],
)
def test_each_batch_has_the_shares(shares, of_each_batch):
    strata = [(range(100 * k, 100 * k + 50), share) for k, share in enumerate(shares)]
    drawn = sampler(*strata, batch_size=16, steps=10).draw(3)
    for batch in drawn:
        counts = np.bincount(batch // 100, minlength=len(shares))
        assert tuple(counts) == of_each_batch


def test_shares_that_do_not_divide_a_batch_hold_on_the_whole():
    drawn = sampler((range(50), 0.3), (range(50, 100), 0.7), steps=25).draw(0)
    assert np.count_nonzero(drawn < 50) == 30
    assert {np.count_nonzero(batch < 50) for batch in drawn} == {1, 2}


def test_a_pass_over_a_stratum_goes_on_from_epoch_to_epoch():
    """6 draws an epoch from 10 slices and from 25: each once in 10, or 25, draws."""
    few_and_many = sampler((range(10), 0.5), (range(10, 35), 0.5))
    drawn = np.concatenate([few_and_many.draw(epoch).ravel() for epoch in range(10)])
    few, many = drawn[drawn < 10], drawn[drawn >= 10]
    assert len(few) == len(many) == 60
    passes = few.reshape(6, 10)
    assert (np.sort(passes, axis=1) == np.arange(10)).all()
    assert (np.sort(many[:50].reshape(2, 25), axis=1) == np.arange(10, 35)).all()
    assert len(np.unique(passes, axis=0)) == 6  # in another order each time


def test_seed_and_epoch_decide():
    strata = (range(10), 0.5), (range(10, 30), 0.5)
    drawn = [sampler(*strata).draw(epoch) for epoch in range(3)]
    np.testing.assert_array_equal(sampler(*strata).draw(2), drawn[2])
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(sampler(*strata, seed=2).draw(0), drawn[0])


def test_an_empty_stratum_and_impossible_shares_are_refused():
    with pytest.raises(ConfigError, match=r"set: split 'train': no slices of a kind to train on"):
        sampler((range(3), 0.5), (range(0), 0.5))
    for shares in ((0.5, 0.6), (0.0, 1.0)):
        with pytest.raises(ValueError, match="above 0 and sum to 1"):
            sampler(*((range(3), share) for share in shares))
