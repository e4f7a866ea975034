"""Schema of the configuration of an experiment, as frozen dataclasses.

Fields without a default must be given, so that a configuration states explicitly what an experiment
depends on. :mod:`ichnet.config.load` reads and checks the YAML.
"""

from __future__ import annotations

import hashlib
import json
import typing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ichnet.config.data import (
    AugmentationConfig,
    ImageConfig,
    PhantomConfig,
    SelectionConfig,
)
from ichnet.config.questions import ClaimsConfig, ContrastConfig, RepeatsConfig, VariantConfig

Backbone = Literal["DenseNet121", "InceptionResNetV2", "MobileNetV2", "VGG19"]
Arm = Literal["rsna-weak", "aihub-weak", "aihub-strong"]
Segmenter = Literal["all", "subtype", "sdh", "sah", "small"]

BACKBONES: tuple[str, ...] = typing.get_args(Backbone)
ARMS: tuple[str, ...] = typing.get_args(Arm)
Pooling = Literal["mean-of-3", "maximum", "over-10-mm", "over-15-mm", "noisy-or"]

SEGMENTERS: tuple[str, ...] = typing.get_args(Segmenter)
"""Models 1 to 5 of the paper, in its order."""

SPECIALISTS: tuple[str, ...] = ("sdh", "sah", "small")
"""Models 3 to 5, each of which is trained on one kind of scans."""


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file, the key and the cause."""


@dataclass(frozen=True)
class TrainingConfig:
    """Training of a network.

    Attributes:
        optimizer: any configuration that ``keras.optimizers.get`` understands: a name or
            ``{class_name: ..., config: {...}}``. Its configuration can hold a learning-rate
            schedule, ``learning_rate: {class_name: CosineDecay, config: {...}}``, and gradient
            clipping, ``global_clipnorm: 1``.
        batch_size: number of slices in a batch, over all devices.
        epochs: number of epochs; each ends with validation and a checkpoint.
        steps_per_epoch: number of batches in an epoch.
        patience_epochs: stop when the validation loss has not improved for this many epochs;
            ``None`` to train all epochs.
        precision: Keras's dtype policy: ``float32``, ``mixed_float16`` (GPU), or
            ``mixed_bfloat16`` (TPU, recent CPUs and GPUs).
        average_decay: decay of an exponential moving average of the weights, e.g. 0.995; the
            averages are validated and kept. 0 for no averaging.
    """

    optimizer: str | dict[str, Any]
    batch_size: int
    epochs: int
    steps_per_epoch: int
    patience_epochs: int | None = None
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    average_decay: float = 0.0


@dataclass(frozen=True)
class ClassifierConfig:
    """Experiment A: four backbones in three arms.

    Attributes:
        backbones: networks to train.
        arms: combinations of cohort and supervision to train.
        weights: initial weights: ``imagenet``, null for random ones, or a folder that holds a file
            ``<backbone>.npz`` for each network, as ``models/pretrain_backbone.py`` writes it.
        saliency_loss: loss between saliency map and outline in the strong arm: ``dice``, ``bce``,
            ``dice+bce`` or ``energy`` (share of positive evidence outside the outline).
        saliency_weight: weight of the saliency loss relative to the classification loss.
        outlined_share: share of the training slices with hemorrhage whose outlines the strong arm
            learns from; the saliency loss of the others has weight 0. The choice is the same for
            all seeds, and a smaller share is a subset of a larger one.
        frozen_epochs: first epochs, in which only the head is trained and the backbone is frozen;
            for pre-trained weights.
        training: training of each classifier.
        loss: classification loss: a name or ``{class_name: ..., config: {...}}`` that
            ``keras.losses.get`` understands, also of a module under ``register``.
        metrics: metrics of the probability in addition to its AUC, in the same format.
        training_by_backbone: replaces ``training`` for single backbones. VGG19, which has no batch
            normalisation, does not train at the learning rate of the others.
        pretraining: training of a backbone on whole scans, of which ``weights`` can begin; null
            for an experiment without.
    """

    backbones: tuple[Backbone, ...]
    arms: tuple[Arm, ...]
    weights: str | None
    saliency_loss: Literal["dice", "bce", "dice+bce", "energy"]
    saliency_weight: float
    training: TrainingConfig
    outlined_share: float = 1.0
    frozen_epochs: int = 0
    loss: str | dict[str, Any] = "BinaryCrossentropy"
    metrics: tuple[str | dict[str, Any], ...] = ()
    training_by_backbone: dict[Backbone, TrainingConfig] = field(default_factory=dict)
    pretraining: TrainingConfig | None = None

    def weights_of(self, backbone: Backbone) -> Path | str | None:
        """Return ``imagenet``, the file of a backbone's initial weights, or ``None``."""
        if self.weights is None or self.weights == "imagenet":
            return self.weights
        return Path(self.weights) / f"{backbone}.npz"

    def of(self, backbone: Backbone) -> ClassifierConfig:
        """Return the settings of one backbone, with its own training and none of the others'."""
        training = self.training_by_backbone.get(backbone, self.training)
        return replace(self, training=training, training_by_backbone={})


@dataclass(frozen=True)
class SegmenterConfig:
    """Experiment B: five Inception U-Nets (Models 1 to 5).

    Attributes:
        stem_factor: side of the pixel blocks that the stem moves into channels (space to depth);
            1 for none.
        base_width: channels of the first stage; each further stage down doubles them.
        depth: number of stages down, and of stages up, after the stem (the paper's figure is not
            available).
        loss: ``dice``, ``dice+bce``, ``focal-tversky``, or ``batch-dice+bce``, which adds a Dice
            loss of the whole batch.
        training: training of each segmenter.
        pretraining: training of Model 2's encoder on subtype labels.
        neighbours: number of adjacent slices on either side that the networks also see (paper: 0).
        specialist_training: if given, the specialists (Models 3 to 5) start from the weights of
            Model 1 and are trained with these settings; otherwise with ``training``.
        training_by_segmenter: replaces ``training`` for single segmenters.
        weights: initial weights: ``embedded`` for those of the model in the package, a folder that
            holds ``segmenter-<name>.npz`` for each network, as ``models/save_weights.py`` writes
            it, or null for random ones. The first two require the ``stem_factor``,
            ``base_width``, ``depth``, ``neighbours`` and windows that the weights were trained
            with.
    """

    stem_factor: int
    base_width: int
    depth: int
    loss: Literal["dice", "dice+bce", "focal-tversky", "batch-dice+bce"]
    training: TrainingConfig
    pretraining: TrainingConfig
    neighbours: int = 0
    specialist_training: TrainingConfig | None = None
    weights: str | None = None
    training_by_segmenter: dict[Segmenter, TrainingConfig] = field(default_factory=dict)

    def of(self, segmenter: Segmenter) -> SegmenterConfig:
        """Return the settings for one segmenter: its own training, without those of the others."""
        training = self.training_by_segmenter.get(segmenter, self.training)
        return replace(self, training=training, training_by_segmenter={})

    def stored_weights(self, segmenter: Segmenter) -> Path | None:
        """Return the file of a segmenter's initial weights, if they are in a folder."""
        if self.weights is None or self.weights == "embedded":
            return None
        return Path(self.weights) / f"segmenter-{segmenter}.npz"

    def training_of(self, segmenter: Segmenter) -> TrainingConfig:
        """Return the training settings of a segmenter."""
        if segmenter in SPECIALISTS and self.specialist_training is not None:
            return self.specialist_training
        return self.of(segmenter).training


@dataclass(frozen=True)
class EnsembleConfig:
    """Experiment C: the weight model over frozen segmenters.

    Attributes:
        combinations: the segmenters that each ensemble combines, by the ensemble's name.
        weighting: the weight model gives each segmenter one weight per ``image``, one per
            ``pixel``, or one weight for all input (``global``).
        width: channels of the weight model's convolutions.
        pixel_threshold: pixels above this are hemorrhage in the weight model's loss (paper: 0.5).
        training: training of the weight model.
        maps: training data of the weight model: maps of ``held-out`` patients, on whom no segmenter
            was trained (``selection.ensemble_share``), or ``out-of-fold`` maps, where segmenters
            trained on the other folds segment the training patients of each fold.
        folds: number of folds for out-of-fold maps.
    """

    combinations: dict[str, tuple[Segmenter, ...]]
    weighting: Literal["image", "pixel", "global"]
    width: int
    pixel_threshold: float
    training: TrainingConfig
    maps: Literal["held-out", "out-of-fold"] = "held-out"
    folds: int = 5


@dataclass(frozen=True)
class EvaluationConfig:
    """Scores, calibration, decisions and their evaluation.

    Attributes:
        top_pixels: a segmenter's slice score is the mean of this many highest pixels.
        threshold: decision threshold on probabilities (paper: 0.5).
        bootstrap_replicates: number of resamples of each bootstrap interval (paper: 500).
        uncertain: band of probabilities, ends included, in which exported models report a scan as
            uncertain (paper: 0.4 to 0.6). The paper's cases difficult for AI are scans with
            hemorrhage whose probability is at most the upper end, and scans without whose
            probability is at least the lower end.
        calibration: calibration of scan scores on validation scans: ``platt``, or ``isotonic``,
            which fits any monotonic shape but needs hundreds of scans and ties scores.
        mirrored: test-time augmentation: segmenters return the mean of a slice and its mirror
            image, at twice the cost (paper: no).
        without_bone: segmenters' maps are 0 in bone, pixels of more than 150 HU (paper: no).
        mask_threshold: pixels above this belong to the mask of hemorrhage (paper: 0.5).
        pooling: method to pool slice scores to a scan score (``ichnet.statistics.pooling``); null
            to choose it on validation scans.
    """

    top_pixels: int
    threshold: float
    bootstrap_replicates: int
    uncertain: tuple[float, float]
    calibration: Literal["platt", "isotonic"] = "platt"
    mirrored: bool = False
    without_bone: bool = False
    mask_threshold: float = 0.5
    pooling: Pooling | None = None


@dataclass(frozen=True)
class Config:
    """Configuration of one experiment.

    Attributes:
        name: name of the run folder, ``runs/<name>``.
        data_statement: description of the training data, which all outputs repeat.
        seed: random seed, from which all random choices are derived.
        register: modules to import before training, whose Keras-registered losses, optimizers
            and metrics can then be named, e.g. ``tensorflow_addons``.
        export: models to export as SavedModels, e.g. ``ensemble-all``.
        contrasts: planned comparisons; their p values are corrected for multiple testing.
        variants: parts of the experiment with other settings, to explain its results.
        claims: performance that a classifier needs for its contrasts to be answered.
    """

    name: str
    data_statement: str
    seed: int
    register: tuple[str, ...]
    image: ImageConfig
    phantom: PhantomConfig
    selection: SelectionConfig
    augmentation: AugmentationConfig
    classifiers: ClassifierConfig
    segmenters: SegmenterConfig
    ensembles: EnsembleConfig
    evaluation: EvaluationConfig
    export: tuple[str, ...]
    repeats: RepeatsConfig
    contrasts: tuple[ContrastConfig, ...]
    variants: tuple[VariantConfig, ...] = ()
    claims: ClaimsConfig = field(default_factory=ClaimsConfig)


def members_of(config: Config, combination: str) -> tuple[Segmenter, ...]:
    """Return the segmenters of a combination.

    Raises:
        ConfigError: when the configuration has no such combination.
    """
    known = config.ensembles.combinations
    if combination not in known:
        raise ConfigError(f"ensembles.combinations has no {combination!r}: {', '.join(known)}")
    return known[combination]


def weights_split(config: Config) -> str:
    """Return the split on whose maps weight models and weighted baselines are fitted."""
    return "ensemble" if config.ensembles.maps == "held-out" else "train"


def fingerprint(section: Any) -> str:
    """Return a digest, 12 hex digits, of a part of a configuration or of other JSON values."""
    text = json.dumps(section, sort_keys=True, default=asdict)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
