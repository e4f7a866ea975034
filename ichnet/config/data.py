"""Schema of the data of an experiment: images, synthetic heads, what is selected, augmentation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

LeftOut = Literal["randomisation", "face-and-neck", "bright-rim"]
Realistic = Literal["rsna", "aihub", "dumc", "cq500"]


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
