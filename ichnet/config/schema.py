"""What an experiment depends on: one configuration as frozen dataclasses.

A field without a default must be given, so that a configuration says what an experiment depends
on. :mod:`ichnet.config.load` reads and checks the YAML.
"""

from __future__ import annotations

import hashlib
import json
import typing
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Backbone = Literal["DenseNet121", "InceptionResNetV2", "MobileNetV2", "VGG19"]
Arm = Literal["rsna-weak", "aihub-weak", "aihub-strong"]
Segmenter = Literal["all", "subtype", "sdh", "sah", "small"]

BACKBONES: tuple[str, ...] = typing.get_args(Backbone)
ARMS: tuple[str, ...] = typing.get_args(Arm)
LeftOut = Literal["randomisation", "face-and-neck", "bright-rim"]
Pooling = Literal["mean-of-3", "maximum", "over-10-mm", "over-15-mm", "noisy-or"]

SEGMENTERS: tuple[str, ...] = typing.get_args(Segmenter)
"""Models 1 to 5 of the paper, in its order."""

SPECIALISTS: tuple[str, ...] = ("sdh", "sah", "small")
"""Models 3 to 5, which learn from one kind of scans only."""


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file, the key and the cause."""


@dataclass(frozen=True)
class WindowConfig:
    """A display window: ``level_hu - width_hu / 2`` maps to 0, ``level_hu + width_hu / 2`` to 1."""

    level_hu: float
    width_hu: float


@dataclass(frozen=True)
class ImageConfig:
    """How a slice is presented to the networks (paper silent on all but "four channels").

    Attributes:
        matrix: rows and columns of a record's slice.
        field_of_view_mm: side of the square that the matrix covers, centred on the image.
        windows: one input channel each.
    """

    matrix: int
    field_of_view_mm: float
    windows: tuple[WindowConfig, ...]


@dataclass(frozen=True)
class PhantomConfig:
    """Sizes of the synthetic cohorts.

    Attributes:
        matrix: rows and columns of the synthetic slices.
        slices: fewest and most slices of a scan.
        scans: number of scans by cohort (``rsna``, ``aihub``, ``dumc``, ``cq500``, which are
            written as DICOM, and ``wide``, which is written as records).
        ich_share: share of them with hemorrhage, by cohort.
        mix: how often each subtype occurs: as in the paper's Table 1 (``paper``), or evened out
            (``even``), so that small cohorts hold slices of each.
        without: what the cohort ``wide`` is drawn without, to measure what it is worth:
            ``randomisation`` (heads, blood and scanners as usual), ``face-and-neck`` (no slice
            below the skull base, nothing in front of the skull) and ``bright-rim`` (brain as dense
            at its surface and near bone as in its middle).
    """

    matrix: int
    slices: tuple[int, int]
    scans: dict[str, int]
    ich_share: dict[str, float]
    mix: Literal["even", "paper"] = "even"
    without: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class SelectionConfig:
    """What is drawn from each training cohort, and how it is split by patient.

    Attributes:
        slices_per_subtype: experiment A's positive slices for each of the five subtypes; as
            many negative slices are drawn as positives in all (paper: 1,300).
        scans_with_ich: experiment B's scans with hemorrhage; as many without (paper: 6,963).
        validation_share: share of patients kept for early stopping and calibration.
        ensemble_share: share of experiment B's patients kept for training the weight model.
        small_lesion_ml: a scan is "small" when 0 < its total volume <= this (paper: 5 mL).
    """

    slices_per_subtype: int
    scans_with_ich: int
    validation_share: float
    ensemble_share: float
    small_lesion_ml: float


@dataclass(frozen=True)
class AugmentationConfig:
    """Random changes of a training slice; a magnitude of 0 leaves its change out.

    Attributes:
        rotation_degrees, shift_mm: largest magnitudes, drawn uniformly.
        scale: largest relative change of size.
        flip: mirror left and right with probability 1/2.
        noise_hu: standard deviation of white noise added to the image.
        offset_hu: largest constant added to the image, drawn uniformly.
        rotation_sd_degrees: standard deviation of a further, normal rotation.
        stretch: largest relative change of the length from front to back, beside ``scale``.
        sharpness: least and most of the difference from a blurred image that is added, drawn
            uniformly; -0.9 leaves nearly the blurred image, 0.7 sharpens.
        contrast_sd: standard deviation of the logarithm of a factor on the contrast of soft
            tissue.
        field_hu: largest standard deviation of a slowly varying field, drawn uniformly.
        bone_glow_hu: most that is added to tissue within thick bone, less with its distance. This
            and what follows is drawn as the largest times the square of a uniform number, so that
            most slices get little.
        bone_band_hu: most that is added to tissue right beside bone, on parts of the skull only, as
            a vault that slopes through a thick slice does.
        varied_noise_hu, coarse_noise_hu: largest standard deviation of white noise, and of noise
            with a grain of some mm.
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
    """How long and with what a network is trained.

    Attributes:
        optimizer: any configuration that ``keras.optimizers.get`` understands: a name or
            ``{class_name: ..., config: {...}}``. Its configuration can hold a learning-rate
            schedule, ``learning_rate: {class_name: CosineDecay, config: {...}}``, and gradient
            clipping, ``global_clipnorm: 1``.
        epochs: each has ``steps_per_epoch`` batches and ends with validation and a checkpoint.
        patience_epochs: stop when the validation loss has not improved for this many epochs;
            ``None`` to train all of them.
        precision: Keras's dtype policy: ``float32``, ``mixed_float16`` (GPU), or
            ``mixed_bfloat16`` (TPU, recent CPUs and GPUs).
        average_decay: the weights that are validated and kept are a moving average over the
            steps; each step keeps this share of the average, e.g. 0.995. 0 for no averaging.
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
        weights: ``imagenet``, or null for random initial weights.
        saliency_loss: loss between saliency map and outline in the strong arm: ``dice``, ``bce``,
            ``dice+bce`` or ``energy`` (share of positive evidence outside the outline).
        saliency_weight: its weight beside the classification loss.
        saliency_warmup_epochs: epochs in which that weight grows linearly to its full value.
        frozen_epochs: epochs at the beginning in which only the head is trained, the body
            frozen; for pre-trained weights.
        loss: of the probability: any that ``keras.losses.get`` understands, a name or
            ``{class_name: ..., config: {...}}``, also of a module under ``register``.
        metrics: of the probability, beside its AUC; likewise.
        training_by_backbone: overrides ``training`` for a backbone. VGG19, which has no batch
            normalisation, does not train at the learning rate of the others.
    """

    backbones: tuple[Backbone, ...]
    arms: tuple[Arm, ...]
    weights: Literal["imagenet"] | None
    saliency_loss: Literal["dice", "bce", "dice+bce", "energy"]
    saliency_weight: float
    training: TrainingConfig
    saliency_warmup_epochs: int = 0
    frozen_epochs: int = 0
    loss: str | dict[str, Any] = "BinaryCrossentropy"
    metrics: tuple[str | dict[str, Any], ...] = ()
    training_by_backbone: dict[Backbone, TrainingConfig] = field(default_factory=dict)

    def of(self, backbone: Backbone) -> ClassifierConfig:
        """Return the settings for one backbone: its own training, without those of the others."""
        training = self.training_by_backbone.get(backbone, self.training)
        return replace(self, training=training, training_by_backbone={})


@dataclass(frozen=True)
class SegmenterConfig:
    """Experiment B: five Inception U-Nets (Models 1 to 5).

    Attributes:
        stem_factor: side of the blocks of pixels that the stem turns into channels, 1 for none.
        base_width: channels of the first stage; each stage down doubles them.
        depth: number of stages down, and up, behind the stem (paper's figure not available).
        loss: ``dice``, ``dice+bce``, ``focal-tversky``, or ``batch-dice+bce``, which also counts
            the pixels of a whole batch together.
        training: of each segmenter.
        pretraining: of Model 2's encoder on subtype labels.
        neighbours: slices on either side that the networks see beside the one they outline (the
            paper's see none).
        specialist_training: when given, the specialists (Models 3 to 5) start from Model 1's
            weights and are trained like this; otherwise like the others.
        weights: ``embedded`` to start from the weights of the model in the package, whose
            ``stem_factor``, ``base_width``, ``depth``, ``neighbours`` and windows are then needed;
            null for random ones.
    """

    stem_factor: int
    base_width: int
    depth: int
    loss: Literal["dice", "dice+bce", "focal-tversky", "batch-dice+bce"]
    training: TrainingConfig
    pretraining: TrainingConfig
    neighbours: int = 0
    specialist_training: TrainingConfig | None = None
    weights: Literal["embedded"] | None = None

    def training_of(self, segmenter: Segmenter) -> TrainingConfig:
        """Return how a segmenter is trained."""
        if segmenter in SPECIALISTS and self.specialist_training is not None:
            return self.specialist_training
        return self.training


@dataclass(frozen=True)
class EnsembleConfig:
    """Experiment C: the weight model over frozen segmenters.

    Attributes:
        combinations: by the ensemble's name, the segmenters that it combines.
        weighting: one weight for each ``image`` or each ``pixel`` (both from the maps), or the
            same for all input (``global``).
        width: channels of the weight model's convolutions.
        pixel_threshold: what the weight model learns for: a pixel is hemorrhage above this (paper:
            0.5).
        maps: what it learns from: maps of ``held-out`` patients, whom no segmenter trained on
            (``selection.ensemble_share``), or ``out-of-fold`` maps: those of each fold of the
            training patients by segmenters trained on the other folds.
        folds: their number.
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
    """How scores are made, calibrated, turned into decisions, and measured.

    Attributes:
        top_pixels: a segmenter's slice score is the mean of this many highest pixels.
        threshold: decision threshold on probabilities (paper: 0.5).
        bootstrap_replicates: resamples of each bootstrap interval (paper: 500).
        uncertain: the band of probabilities, ends included, in which a model is uncertain (paper:
            0.4 to 0.6); exported models say so. The paper's cases difficult for AI are the scans
            with hemorrhage up to its upper end, and the others from its lower end up.
        calibration: of scan scores, on validation scans: ``platt``, or ``isotonic``, which fits
            any shape, needs hundreds of scans and ties scores.
        mirrored: segmenters look at each slice and at its mirror image and answer with the mean,
            at twice the cost (paper: no).
        mask_threshold: a pixel is drawn as hemorrhage above this (paper: 0.5).
        pooling: the way from slices to a scan (``ichnet.statistics.pooling``); null to choose it
            on validation scans.
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
class RepeatsConfig:
    """The whole experiment again with other seeds of training, on the same data.

    Attributes:
        seeds: each gives one repeat; an empty list means none. Splits and test data stay.
        backbones: the classifiers to repeat, in every arm; segmenters and ensembles all are.
    """

    seeds: tuple[int, ...]
    backbones: tuple[Backbone, ...]


@dataclass(frozen=True)
class ContrastConfig:
    """A comparison planned before the run: has ``model`` a higher AUC than ``against``?

    Attributes:
        question: one sentence.
        model, against: names of models, e.g. ``ensemble-all``.
        test_set: scans with ICH to include beside all normal scans (see Table 3).
    """

    question: str
    model: str
    against: str
    test_set: Literal["All", "SDH", "SAH", "Small"]


@dataclass(frozen=True)
class Config:
    """Everything one experiment depends on.

    Attributes:
        name: names the run folder, ``runs/<name>``.
        data_statement: what the models were trained on; repeated on every output.
        seed: the random seed; every random choice is derived from it.
        register: modules to import before training, whose Keras-registered losses, optimizers
            and metrics can then be named, e.g. ``tensorflow_addons``.
        export: the models to export as SavedModels, e.g. ``ensemble-all``.
        contrasts: the questions asked beforehand; their p values are corrected for their number.
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
    """Return the split on whose maps weight models, and baselines with weights, are fitted."""
    return "ensemble" if config.ensembles.maps == "held-out" else "train"


def fingerprint(section: Any) -> str:
    """Return 12 hex digits that change when anything in sections of a configuration does."""
    text = json.dumps(section, sort_keys=True, default=asdict)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
