"""Records as pipelines: in stored order, or balanced, repeatable and resumable."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import ConfigError
from ichnet.records import writer as writer_module
from ichnet.records.reader import numbers_beside, slices_dataset, training_dataset
from ichnet.records.record_set import RecordSet, RecordSetError
from ichnet.records.strata import Stratum
from ichnet.records.tfrecord import record_spans

SEED = 2023


@pytest.fixture(scope="module")
def record_set(make_case, write_records, tmp_path_factory) -> RecordSet:
    """Ten scans of three slices in shards of five: slice j of scan i is 10 i + j HU."""
    subtypes = {1: "EDH", 2: "IPH", 3: "IVH", 4: "SAH", 5: "SDH"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer_module, "SLICES_PER_SHARD", 5)
        return write_records(
            tmp_path_factory.mktemp("records") / "set",
            {
                "train": [
                    make_case(i, {1: subtypes[i], 2: subtypes[i]} if i in subtypes else {})
                    for i in range(10)
                ],
                "validation": [make_case(10, {0: "SDH"}), make_case(11, {}, outlined=False)],
                "test": [make_case(12, {0: "SDH"}, outlined=False)],
            },
        )


POSITIVE = {10 * i + j for i in range(1, 6) for j in (1, 2)}
"""HU of the slices of ``train`` with hemorrhage."""


def values(batches: Iterable[dict[str, tf.Tensor]]) -> list[list[int]]:
    """The HU by which each slice is known, by batch; without augmentation."""
    return [batch["hu"].numpy()[:, 0, 0].astype(int).tolist() for batch in batches]


def images(batches: Iterable[dict[str, tf.Tensor]]) -> np.ndarray:
    return np.stack([batch["hu"].numpy() for batch in batches])


def test_slices_come_in_stored_order_and_as_their_table_has_them(record_set):
    slices = list(slices_dataset(record_set, "train"))
    assert [int(one["hu"][0, 0]) for one in slices] == [
        10 * i + j for i in range(10) for j in (0, 1, 2)
    ]
    rows = [row for row in record_set.slices if row["split"] == "train"]
    assert [(one["scan_id"].numpy().decode(), int(one["slice_index"])) for one in slices] == [
        (row["scan_id"], int(row["slice_index"])) for row in rows
    ]
    assert [int(one["labels"][0]) for one in slices] == [int(row["ANY"]) for row in rows]


def test_scans_can_be_chosen(record_set):
    chosen = slices_dataset(record_set, "train", scans=["scan7", "scan2", "scan99"])
    assert [int(one["hu"][0, 0]) for one in chosen] == [20, 21, 22, 70, 71, 72]
    assert [int(one["hu"][0, 0]) for one in slices_dataset(record_set, "test")] == [120, 121, 122]


def test_batches_are_half_and_half(record_set, short_training, image):
    batches = list(training_dataset(record_set, "train", short_training, image, SEED))
    assert len(batches) == 9  # 3 epochs x 3 steps
    for batch, hu in zip(batches, values(batches), strict=True):
        assert batch["hu"].shape == batch["mask"].shape == (4, 32, 32)
        assert batch["labels"].shape == (4, 6)
        assert {value.dtype for value in batch.values()} == {tf.float32}
        assert set(batch) == {"hu", "mask", "labels", "outline_draw"}
        assert [value in POSITIVE for value in hu] == [True, False, True, False]
        assert batch["labels"].numpy()[:, 0].tolist() == [1, 0, 1, 0]
        assert batch["mask"].numpy().sum(axis=(1, 2)).tolist() == [16, 0, 16, 0]


def test_each_slice_once_before_any_comes_again(record_set, short_training, image):
    training = replace(short_training, epochs=1, steps_per_epoch=10)
    batches = values(training_dataset(record_set, "train", training, image, SEED))
    positives = [value for batch in batches for value in batch if value in POSITIVE]
    negatives = [value for batch in batches for value in batch if value not in POSITIVE]
    assert len(positives) == len(negatives) == 20
    assert set(positives[:10]) == set(positives[10:]) == POSITIVE
    assert len(set(negatives)) == 20  # there are 20
    assert positives[:10] != sorted(positives[:10])
    assert positives[:10] != positives[10:]


def test_slices_that_an_epoch_leaves_out_come_in_the_next(record_set, short_training, image):
    """12 negative slices an epoch, of 20: all within two epochs, and none twice before."""
    training = replace(short_training, epochs=2, steps_per_epoch=6)
    batches = values(training_dataset(record_set, "train", training, image, SEED))
    negatives = [value for batch in batches for value in batch if value not in POSITIVE]
    assert len(set(negatives[:20])) == 20


def test_other_strata_can_be_drawn_from(record_set, short_training, image):
    """EDH in one slice of four; the rest from scan 9, whose three slices follow 27 others."""
    strata = [
        Stratum("with EDH", np.array([4, 5]), 0.25),
        Stratum("of the last scan", np.array([27, 28, 29]), 0.75),
    ]
    training = replace(short_training, epochs=1, steps_per_epoch=2)
    batches = values(training_dataset(record_set, "train", training, image, SEED, strata=strata))
    assert [sum(value in (11, 12) for value in batch) for batch in batches] == [1, 1]
    assert {value for batch in batches for value in batch} == {11, 12, 90, 91, 92}


@pytest.mark.parametrize("read", [slices_dataset, training_dataset])
@pytest.mark.parametrize("damage", ["cut in a record", "cut between records", "missing"])
def test_a_damaged_set_is_refused_before_anything_is_read(
    make_case, write_records, short_training, image, tmp_path, monkeypatch, read, damage
):
    monkeypatch.setattr(writer_module, "SLICES_PER_SHARD", 3)
    cases = [make_case(i, {1: "IPH"}) for i in range(2)]
    record_set = write_records(tmp_path / "set", {"train": cases})
    shard = tmp_path / "set" / "train-00001-of-00002.tfrecord"
    size = shard.stat().st_size
    if damage == "missing":
        shard.unlink()
        why = "this shard of the records is missing"
    else:
        kept = size - 1 if damage == "cut in a record" else sum(record_spans(shard)[1]) + 4
        os.truncate(shard, kept)
        why = f"this shard of the records holds {kept:,} bytes of {size:,}"
    arguments = () if read == slices_dataset else (short_training, image, SEED)
    with pytest.raises(RecordSetError, match=f"train-00001-of-00002.tfrecord: {why}"):
        read(record_set, "train", *arguments)


def test_the_pipeline_knows_how_long_it_is(record_set, short_training, image):
    dataset = training_dataset(record_set, "train", short_training, image, SEED, first_epoch=1)
    assert int(dataset.cardinality()) == 6


@pytest.mark.slow
@pytest.mark.parametrize("augmented", [False, True])
def test_an_epoch_depends_on_seed_and_number_only(
    record_set, short_training, image, lively, augmented
):
    def epochs_from(first: int, seed: int = SEED) -> np.ndarray:
        return images(
            training_dataset(
                record_set,
                "train",
                short_training,
                image,
                seed,
                first_epoch=first,
                augmentation=lively if augmented else None,
            )
        )

    whole = epochs_from(0)  # [9, 4, 32, 32]
    np.testing.assert_array_equal(epochs_from(0), whole)
    np.testing.assert_array_equal(epochs_from(1), whole[3:])
    np.testing.assert_array_equal(epochs_from(2), whole[6:])
    assert not np.array_equal(whole[:3], whole[3:6])
    assert not np.array_equal(whole[3:6], whole[6:])
    assert not np.array_equal(epochs_from(0, seed=SEED + 1), whole)


@pytest.mark.parametrize("global_seed", [0, 1])
def test_the_global_seed_has_no_part_in_it(record_set, short_training, image, lively, global_seed):
    """Each arm sets its own for the initial weights."""

    def batches() -> np.ndarray:
        training = replace(short_training, epochs=1)
        return images(
            training_dataset(record_set, "train", training, image, SEED, augmentation=lively)
        )

    without = batches()
    try:
        tf.random.set_seed(global_seed)
        np.testing.assert_array_equal(batches(), without)
    finally:
        tf.random.set_seed(None)


def test_the_same_set_under_another_number_of_epochs_begins_alike(
    record_set, short_training, image, lively
):
    short = training_dataset(
        record_set, "train", replace(short_training, epochs=1), image, SEED, augmentation=lively
    )
    long = training_dataset(record_set, "train", short_training, image, SEED, augmentation=lively)
    np.testing.assert_array_equal(images(short), images(long.take(3)))


def test_arms_see_the_same_slices_changed_in_the_same_way(
    record_set, short_training, image, lively
):
    """What an arm makes of a batch (labels, or outlines as well) cannot change the next."""
    arms = [
        training_dataset(record_set, "train", short_training, image, SEED, augmentation=lively)
        for _ in range(2)
    ]
    weak = [(batch["hu"], batch["labels"]) for batch in arms[0]]
    strong = [(batch["hu"], batch["labels"], batch["mask"]) for batch in arms[1].prefetch(1)]
    for (weak_hu, weak_labels), (strong_hu, strong_labels, mask) in zip(weak, strong, strict=True):
        np.testing.assert_array_equal(weak_hu, strong_hu)
        np.testing.assert_array_equal(weak_labels, strong_labels)
        assert mask.numpy().any(axis=(1, 2)).tolist() == [True, False, True, False]


def test_the_order_of_slices_is_the_same_with_and_without_augmentation(
    record_set, short_training, image, still
):
    plain = training_dataset(record_set, "train", short_training, image, SEED)
    unmoved = training_dataset(record_set, "train", short_training, image, SEED, augmentation=still)
    assert values(plain) == values(unmoved)


def test_augmentation_differs_between_steps_and_epochs(record_set, image, lively, short_training):
    """One slice of either kind, seen again and again: each time changed in another way."""
    seen = images(
        training_dataset(
            record_set,
            "validation",
            short_training,
            image,
            SEED,
            augmentation=replace(lively, noise_hu=0.0),
            scans=["scan10"],
        )
    )
    positives = np.concatenate([batch[::2] for batch in seen])  # [18, 32, 32]
    assert len(np.unique(positives.reshape(len(positives), -1), axis=0)) == len(positives)


def test_only_the_chosen_scans_are_drawn(record_set, short_training, image):
    training = replace(short_training, epochs=1)
    dataset = training_dataset(record_set, "train", training, image, SEED, scans=("scan3", "scan8"))
    drawn = {value for batch in values(dataset) for value in batch}
    assert drawn == {30, 31, 32, 80, 81, 82}


@pytest.mark.parametrize(
    ("split", "scans"), [("train", ["scan7", "scan8"]), ("train", ["scan99"]), ("test", None)]
)
def test_a_split_without_hemorrhage_is_refused(record_set, short_training, image, split, scans):
    message = rf"set: split '{split}': no slices with hemorrhage to train on"
    with pytest.raises(ConfigError, match=message):
        training_dataset(record_set, split, short_training, image, SEED, scans=scans)


def test_what_nobody_labelled_is_drawn_as_neither(
    make_case, write_records, short_training, image, tmp_path
):
    record_set = write_records(
        tmp_path / "set",
        {"train": [make_case(1, {0: "IPH"}, slices=2), make_case(2, {}, outlined=False)]},
    )
    drawn = values(training_dataset(record_set, "train", short_training, image, SEED))
    assert {value for batch in drawn for value in batch} == {10, 11}


def test_slices_without_hemorrhage_must_be_there_too(
    make_case, write_records, short_training, image, tmp_path
):
    record_set = write_records(tmp_path / "set", {"train": [make_case(1, {0: "IPH"}, slices=1)]})
    with pytest.raises(ConfigError, match=r"split 'train': no slices without hemorrhage"):
        training_dataset(record_set, "train", short_training, image, SEED)


def test_slices_come_with_their_neighbours_of_the_same_scan(record_set):
    """Beyond the ends of a scan its first and its last slice stand in."""
    stacks = [one["hu"] for one in slices_dataset(record_set, "train", ["scan2"], neighbours=2)]
    assert {tuple(stack.shape) for stack in stacks} == {(32, 32, 5)}
    assert [stack.numpy()[7, 9].astype(int).tolist() for stack in stacks] == [
        [20, 20, 20, 21, 22],
        [20, 20, 21, 22, 22],
        [20, 21, 22, 22, 22],
    ]


def test_a_slice_that_was_not_stored_is_stood_in_for():
    rows = [{"scan_id": name, "slice_index": str(i)} for name, i in [("a", 3), ("a", 5), ("b", 6)]]
    assert numbers_beside(rows, 1).tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    assert numbers_beside(rows, 2).tolist() == [[0, 0, 0, 0, 1], [0, 1, 1, 1, 1], [2, 2, 2, 2, 2]]


def test_training_slices_come_with_their_neighbours_and_a_few_without(
    record_set, short_training, image
):
    training = replace(short_training, batch_size=16, epochs=1, steps_per_epoch=25)
    alone = training_dataset(record_set, "train", training, image, SEED)
    beside = list(training_dataset(record_set, "train", training, image, SEED, neighbours=1))
    assert {tuple(batch["hu"].shape) for batch in beside} == {(16, 32, 32, 3)}
    stacks = np.concatenate([batch["hu"].numpy()[:, 0, 0] for batch in beside]).astype(int)
    assert stacks[:, 1].tolist() == np.ravel(values(alone)).tolist()
    without = (stacks == stacks[:, 1:2]).all(axis=1)
    assert 0.05 < without.mean() < 0.16
    first, last = stacks[:, 1] % 10 == 0, stacks[:, 1] % 10 == 2
    expected = np.stack([stacks[:, 1] - ~first, stacks[:, 1], stacks[:, 1] + ~last], axis=1)
    np.testing.assert_array_equal(stacks[~without], expected[~without])
