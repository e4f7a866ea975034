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

from ichnet.config.questions import ClaimsConfig, ContrastConfig, RepeatsConfig, VariantConfig

Backbone = Literal["DenseNet121", "InceptionResNetV2", "MobileNetV2", "VGG19"]
Arm = Literal["rsna-weak", "aihub-weak", "aihub-strong"]
Segmenter = Literal["all", "subtype", "sdh", "sah", "small"]

BACKBONES: tuple[str, ...] = typing.get_args(Backbone)
ARMS: tuple[str, ...] = typing.get_args(Arm)
LeftOut = Literal["randomisation", "face-and-neck", "bright-rim"]
Realistic = Literal["rsna", "aihub", "dumc", "cq500"]
Pooling = Literal["mean-of-3", "maximum", "over-10-mm", "over-15-mm", "noisy-or"]

SEGMENTERS: tuple[str, ...] = typing.get_args(Segmenter)
"""Models 1 to 5 of the paper, in its order."""

SPECIALISTS: tuple[str, ...] = ("sdh", "sah", "small")
"""Models 3 to 5, each of which is trained on one kind of scans."""


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file, the key and the cause."""


@dataclass(frozen=True)
class WindowConfig:
    """A display window: ``level_hu - width_hu / 2`` maps to 0, ``level_hu + width_hu / 2`` to 1."""

    level_hu: float
    width_hu: float


@dataclass(frozen=True)
class ImageConfig:
    """Input of the networks (the paper says "four channels" only).

    Attributes:
        matrix: rows and columns of a record's slice.
        field_of_view_mm: side of the square that the matrix covers, centred on the image.
        windows: display windows, each of which gives one input channel.
    """

    matrix: int
    field_of_view_mm: float
    windows: tuple[WindowConfig, ...]


@dataclass(frozen=True)
class PhantomConfig:
    """Sizes of the synthetic cohorts.

    Attributes:
        matrix: rows and columns of the synthetic slices.
        slices: smallest and largest number of slices of a scan.
        scans: number of scans by cohort (``rsna``, ``aihub``, ``dumc``, ``cq500``, which are
            written as DICOM, and ``wide``, which is written as records).
        ich_share: share of these scans with hemorrhage, by cohort.
        mix: frequency of the subtypes: as in the paper's Table 1 (``paper``), or evened out
            (``even``), so that small cohorts have slices of each.
        without: features of the cohort ``wide`` to leave out in an ablation: ``randomisation``
            (heads, blood and scanners as in the cohort ``rsna``), ``face-and-neck`` (no slice below
            the skull base, nothing in front of the skull) and ``bright-rim`` (brain as dense at its
            surface and near bone as in its middle).
        mix_of: for a cohort, another cohort whose frequencies of subtypes it takes.
        sites_of: for a cohort, another cohort whose scanners it takes.
    """

    matrix: int
    slices: tuple[int, int]
    scans: dict[str, int]
    ich_share: dict[str, float]
    mix: Literal["even", "paper"] = "even"
    without: tuple[LeftOut, ...] = ()
    mix_of: dict[Realistic, Realistic] = field(default_factory=dict)
    sites_of: dict[Realistic, Realistic] = field(default_factory=dict)

    def of(self, cohort: str) -> PhantomConfig:
        """Return the settings for one cohort, without those of the others."""
        return replace(
            self,
            scans={name: value for name, value in self.scans.items() if name == cohort},
            ich_share={name: value for name, value in self.ich_share.items() if name == cohort},
            mix_of={name: value for name, value in self.mix_of.items() if name == cohort},
            sites_of={name: value for name, value in self.sites_of.items() if name == cohort},
        )


@dataclass(frozen=True)
class SelectionConfig:
    """Selection of training data from each cohort, and its split by patient.

    Attributes:
        slices_per_subtype: number of positive slices of experiment A for each of the five subtypes
            (paper: 1,300); the number of negative slices equals that of all positive ones.
        scans_with_ich: number of scans with hemorrhage of experiment B, and of scans without
            (paper: 6,963 each).
        validation_share: share of patients held out to choose the best epoch and to calibrate.
        ensemble_share: share of experiment B's patients held out to train the weight model.
        small_lesion_ml: largest total volume of a scan with a "small" lesion (paper: 5 mL).
    """

    slices_per_subtype: int
    scans_with_ich: int
    validation_share: float
    ensemble_share: float
    small_lesion_ml: float


@dataclass(frozen=True)
class AugmentationConfig:
    """Random augmentation of a training slice; a magnitude of 0 turns a transformation off.

    Attributes:
        rotation_degrees, shift_mm: largest rotation and shift, drawn uniformly.
        scale: largest relative change of size.
        flip: mirror left and right with probability 1/2.
        noise_hu: standard deviation of added white noise.
        offset_hu: largest added constant, drawn uniformly.
        rotation_sd_degrees: standard deviation of a further, normally distributed rotation.
        stretch: largest relative change of the length from front to back, in addition to ``scale``.
        sharpness: range of a uniform factor ``f``; ``f`` times the difference between the image and
            its blurred version is added. -0.9 nearly gives the blurred image, 0.7 sharpens.
        contrast_sd: standard deviation of the logarithm of a factor on the contrast of soft
            tissue.
        field_hu: largest standard deviation of an added smooth random field, drawn uniformly.
        bone_glow_hu: largest brightening of tissue near thick bone, decreasing with distance. This
            and the following magnitudes are the largest one times the square of a uniform random
            number, so that most slices are changed little.
        bone_band_hu: largest brightening of tissue directly beside parts of the skull, like partial
            volume of a vault that is oblique to a thick slice.
        varied_noise_hu, coarse_noise_hu: largest standard deviation of white noise, and of noise
            with a grain size of some mm.
    """

    rotation_degrees: float
    shift_mm: float
    scale: float
    flip: bool
    noise_hu: float
    offset_hu: float
    rotation_sd_degrees: float = 0.0
    stretch: float = 0.0
    sharpness: tuple[float, float] = (0.0, 0.0)
    contrast_sd: float = 0.0
    field_hu: float = 0.0
    bone_glow_hu: float = 0.0
    bone_band_hu: float = 0.0
    varied_noise_hu: float = 0.0
    coarse_noise_hu: float = 0.0


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
