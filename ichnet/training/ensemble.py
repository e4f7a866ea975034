"""Experiment C: the weight model over frozen segmenters (paper section 2.3).

It is trained on cached maps of scans that whoever made the map did not train on: of held-out
patients by the members themselves, or of each fold of the training patients by segmenters trained
on the other folds. Members look better on their own training scans than they are, and weights
learned there would mislead.
"""

from __future__ import annotations

from dataclasses import replace

import keras
import tensorflow as tf

from ichnet.config import (
    SEGMENTERS,
    Config,
    ConfigError,
    fingerprint,
    members_of,
    weights_split,
)
from ichnet.networks.weight_model import build_weight_model
from ichnet.records.maps import count_slices, maps_decoder, maps_fingerprint, maps_records
from ichnet.records.schema import parse_identity
from ichnet.runs import RunFolder, ensemble_name
from ichnet.training.compiling import compile_model, register_modules
from ichnet.training.distribution import make_strategy
from ichnet.training.fit import fit
from ichnet.training.losses import SoftDice
from ichnet.training.validation import alike

MAPS = "aihub-scans"

SHUFFLED_RECORDS = 512
"""Records held for shuffling of either kind: 1.7 GiB for five members at 512 x 512."""

MOST_STEPS_AT_ONCE = 12
"""A step of the weight model takes TensorFlow as long as Python takes to ask for it."""

SMOOTHING_SHARE = 0.001
"""Of a slice's pixels: smoothing of the weight model's Dice loss, but at least one pixel."""


def train_ensemble(config: Config, combination: str, run: RunFolder) -> keras.Model:
    """Train the weight model of one combination and return its best epoch.

    The loss is the Dice loss of the thresholded map (straight through, paper section 2.3). Half of
    each batch shows hemorrhage, as for the segmenters, and both halves of the validation slices
    count alike when the best epoch is chosen: most slices of a scan show none, and among those
    alone the quietest member would always be the best.

    Raises:
        ConfigError: when the configuration has no such combination, or the scans to learn from
            have no slice with, or without, hemorrhage.
    """
    make_strategy()
    register_modules(config.register)
    settings = config.ensembles
    batch_size = settings.training.batch_size
    columns = [SEGMENTERS.index(member) for member in members_of(config, combination)]
    folder, split = run.maps(MAPS), weights_split(config)
    maps_fingerprint(folder)  # refuses a cache that is not finished
    if 0 in (counts := count_slices(folder, split)):
        raise ConfigError(
            f"{folder}: {counts[0]} slices with and {counts[1]} without hemorrhage to train on"
        )

    def build() -> keras.Model:
        model = build_weight_model(
            config.image.matrix,
            [SEGMENTERS[column] for column in columns],
            settings.weighting,
            settings.width,
            settings.pixel_threshold,
            config.seed,
        )
        return compile_model(
            model,
            settings.training,
            {"mask": mask_loss(config.image.matrix)},
            steps_at_once=steps_at_once(settings.training.steps_per_epoch),
        )

    decode = maps_decoder(folder)

    def to_pair(example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return tf.gather(example["maps"], columns, axis=-1), {"mask": example["mask"]}

    def train(first_epoch: int) -> tf.data.Dataset:
        steps = settings.training.steps_per_epoch

        def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
            # of this graph only: shuffling mixes in the global seed, which building a network sets
            tf.compat.v1.set_random_seed(1)
            seed = epoch + 1_000_003 * config.seed
            kinds = [
                maps_records(folder, split)
                .filter(lambda one, label=label: parse_identity(one)[0] == label)
                .shuffle(SHUFFLED_RECORDS, seed=seed)
                .repeat()
                for label in (1, 0)
            ]
            in_turn = tf.data.Dataset.range(2).repeat()
            slices = tf.data.Dataset.choose_from_datasets(kinds, in_turn)
            return slices.batch(batch_size).take(steps)

        epochs = tf.data.Dataset.range(first_epoch, settings.training.epochs)
        batches = epochs.flat_map(epoch_batches).map(
            lambda batch: to_pair(decode(batch)), num_parallel_calls=tf.data.AUTOTUNE
        )
        count = steps * (settings.training.epochs - first_epoch)
        return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)

    weigh = alike(to_pair, *count_slices(folder, "validation"))
    validation = maps_records(folder, "validation").batch(batch_size)
    return fit(
        build,
        train,
        validation.map(lambda batch: weigh(decode(batch))),
        run.model(ensemble_name(combination)),
        settings.training,
        fingerprint(
            [
                config.seed,
                config.image,
                replace(settings, combinations={}),  # which others are trained
                columns,
                maps_fingerprint(folder),
            ]
        ),
    )


def steps_at_once(steps_per_epoch: int) -> int:
    """Return the largest number of steps that divides an epoch, up to ``MOST_STEPS_AT_ONCE``."""
    possible = range(1, MOST_STEPS_AT_ONCE + 1)
    return max(count for count in possible if steps_per_epoch % count == 0)


def mask_loss(matrix: int) -> SoftDice:
    """Return the Dice loss of thresholded maps.

    The slope of the segmenters' loss, smoothed by one pixel, is one for each pixel of an empty
    slice when the mask is empty too, and next to nothing when the mask is wrong. Maps pass smoothly
    from one to the other; a mask of zeros and ones has the wrong slope at either end, and would
    teach the weights to see nothing. With some smoothing both slopes are alike.
    """
    return SoftDice(smoothing=max(1.0, SMOOTHING_SHARE * matrix**2))
