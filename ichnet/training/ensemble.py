"""Experiment C: the weight model over frozen segmenters (paper section 2.3).

It is trained on cached maps of scans that the segmenters did not train on: either of held-out
patients, or out-of-fold maps, where segmenters trained on the other folds segment the patients of
each fold. On their own training scans segmenters perform too well, and weights learned there would
not generalise.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from ichnet.config import (
    SEGMENTERS,
    Config,
    members_of,
    weights_split,
)
from ichnet.config.depends import settings_of_model
from ichnet.networks.weight_model import build_weight_model
from ichnet.records.mapping import mapped
from ichnet.records.maps import (
    count_slices,
    maps_decoder,
    maps_fingerprint,
    maps_index,
    maps_records,
    maps_slices,
    require_maps_of_segmenters,
)
from ichnet.records.sampling import BalancedSampler
from ichnet.records.strata import by_hemorrhage
from ichnet.runs import AIHUB_SCANS, RunFolder, ensemble_name
from ichnet.training.compiling import compile_model, register_modules
from ichnet.training.distribution import make_strategy
from ichnet.training.fit import fit
from ichnet.training.losses import SoftDice
from ichnet.training.validation import class_balanced_weights

MAX_STEPS_PER_EXECUTION = 12
"""Most steps in one call of TensorFlow; starting a step from Python takes as long as the step."""

SMOOTHING_SHARE = 0.001
"""Smoothing of the weight model's Dice loss, as a share of a slice's pixels; at least one pixel."""


def train_ensemble(config: Config, combination: str, run: RunFolder) -> keras.Model:
    """Train the weight model of one combination and return its best epoch.

    The loss is the Dice loss of the thresholded map (straight-through estimator, paper section
    2.3). Half of each batch shows hemorrhage, as for the segmenters. When the best epoch is chosen,
    validation slices with and without hemorrhage get the same total weight: most slices show none,
    and on these alone the member with the fewest detections would always win.

    Raises:
        ConfigError: when the configuration has no such combination, or when no slice, or every
            slice, of the training scans has hemorrhage.
        FileNotFoundError: when the maps are not cached.
        RecordSetError: when a file of the cached maps is missing or not as long as it was written.
    """
    make_strategy()
    register_modules(config.register)
    settings = config.ensembles
    batch_size = settings.training.batch_size
    columns = [SEGMENTERS.index(member) for member in members_of(config, combination)]
    folder, split = run.maps(AIHUB_SCANS), weights_split(config)
    require_maps_of_segmenters(run, folder)
    strata = by_hemorrhage(maps_slices(folder, split))
    sampler = BalancedSampler(maps_index(folder, split), strata, settings.training, config.seed)

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
            steps_per_execution=steps_per_execution(settings.training.steps_per_epoch),
        )

    decode = maps_decoder(folder)

    def to_pair(example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return tf.gather(example["maps"], columns, axis=-1), {"mask": example["mask"]}

    def train(first_epoch: int) -> tf.data.Dataset:
        batches = sampler.batches(first_epoch)
        return mapped(batches, lambda seed, records: to_pair(decode(records))).prefetch(2)

    weigh = class_balanced_weights(to_pair, *count_slices(folder, "validation"))
    validation = maps_records(folder, "validation").batch(batch_size)
    return fit(
        build,
        train,
        mapped(validation, lambda batch: weigh(decode(batch))),
        run.model(ensemble_name(combination)),
        settings.training,
        {
            "settings": settings_of_model(config, ensemble_name(combination)),
            "maps": maps_fingerprint(folder),
        },
    )


def steps_per_execution(steps_per_epoch: int) -> int:
    """Return the largest divisor of ``steps_per_epoch`` up to ``MAX_STEPS_PER_EXECUTION``."""
    possible = range(1, MAX_STEPS_PER_EXECUTION + 1)
    return max(count for count in possible if steps_per_epoch % count == 0)


def mask_loss(matrix: int) -> SoftDice:
    """Return the Dice loss of thresholded maps.

    With the segmenters' smoothing of one pixel, the gradient on an empty slice is one for each
    pixel while the mask is empty, and nearly zero once it has false pixels. Continuous maps pass
    from one to the other, but a binary mask has the wrong gradient at both ends, which would teach
    the weights to detect nothing. Stronger smoothing makes the gradients similar.
    """
    return SoftDice(smoothing=max(1.0, SMOOTHING_SHARE * matrix**2))
