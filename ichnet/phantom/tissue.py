"""Shares and densities of brain tissue and cerebrospinal fluid at the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.phantom.brain import Brain
from ichnet.phantom.field import Array, cover, ramp, union
from ichnet.phantom.patient import Patient
from ichnet.phantom.skull import Skull, blend

CSF_HU = 8.0
"""Usual density of cerebrospinal fluid."""

CORTEX_MM = 3.0
MANTLE_MM = 13.0
"""Decay length of the excess density of the brain's surface (``Patient.mantle_hu``)."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """Share of each pixel, 0 to 1, that a compartment fills.

    Attributes:
        inside: cranial cavity.
        csf: cisterns, fissures and sulci.
        ventricles: ventricles.
        pia: not a share: depth below the nearest surface of the brain, mm.
    """

    inside: Array
    csf: Array
    ventricles: Array
    pia: Array


def spaces_of(brain: Brain, skull: Skull, width: Array, patient: Patient) -> Tissue:
    """Return the shares of brain and cerebrospinal fluid.

    Args:
        brain: distances from the brain's surfaces.
        skull: distances from the skull's surfaces.
        width: width of blurred surfaces, mm.
        patient: the patient whose head is drawn.
    """
    atrophy = np.float32(patient.atrophy)
    tight = np.float32(1 - 0.85 * max(patient.swelling, patient.fullness))
    inside = cover(-np.minimum(skull.depth, skull.base), width)
    rim = (np.float32(patient.rim_mm) + 2.6 * atrophy) * tight
    gap = np.abs(brain.middle) - (np.float32(0.25) + 1.1 * atrophy) * tight
    mesial = np.maximum(gap, -brain.core)
    pial = np.minimum(brain.surface - rim, mesial)
    fold = np.abs(brain.fold)
    # a sulcus is widest at the surface and closes where it ends
    open_to = np.clip(1 - pial / np.maximum(brain.reach, 4), 0, 1)
    half = (np.float32(0.35) + 1.5 * atrophy + brain.reach * 0.02) * open_to * tight
    half = half - 2.0 * (brain.core < -16)
    sulcus = fold - half
    insula_half = (np.float32(0.5) + 1.6 * atrophy) * tight
    insula = np.maximum(np.abs(brain.insula) - insula_half, brain.patch)
    lips = np.maximum(np.abs(brain.sylvian) - insula_half * 1.1, -brain.insula)
    lips = np.maximum(lips, brain.patch - 6)
    from_sulcus = np.maximum(sulcus, 0.8 * (pial - brain.reach))
    pia = np.minimum(np.minimum(pial, from_sulcus), np.minimum(insula, lips))
    basal = np.maximum(np.minimum(brain.star, brain.ambient), 0.3 - brain.column)
    pia = np.minimum(pia, basal + (1 - tight) * 3)
    hindbrain = union(brain.cerebellum, brain.stem, smooth_mm=7)
    low = np.minimum(np.minimum(brain.surface - 0.8 - atrophy, -hindbrain), -0.8 - brain.fossa)
    supra = ramp(brain.fossa, 0, 0.8)
    pia = low + supra * (pia - low)
    pia = np.maximum(pia, np.where(brain.stem < 0, -brain.stem, -99))
    ventricles = cover(brain.ventricles + (1 - tight) * 2, width) * inside
    csf = cover(pia, np.minimum(width, 2.0)) * inside * (1 - ventricles)
    return Tissue(inside, csf, ventricles, np.asarray(pia, np.float32))


def paint_brain(
    hu: Array,
    brain: Brain,
    tissue: Tissue,
    textures: tuple[Array, Array],
    patient: Patient,
) -> None:
    """Paint brain and cerebrospinal fluid inside the skull."""
    soft, fine = textures
    atrophy = np.float32(patient.atrophy)
    white = np.float32(patient.white_hu) + 0.8 * soft + 0.5 * fine
    # ageing white matter is darker around the ventricles
    white -= 7 * atrophy * patient.pallor * np.exp(-np.maximum(brain.ventricles, 0) / 9)
    grey = np.float32(patient.grey_hu)
    cortex = cover(tissue.pia - CORTEX_MM, 1.6)
    parenchyma = white + cortex * (grey - white)
    parenchyma += cover(brain.nuclei, 2.0) * (grey - 1 - parenchyma)
    below_tent = cover(brain.fossa, 1.0)
    lobes = np.float32(0.4 * patient.white_hu + 0.6 * patient.grey_hu) + 1.8 * brain.folia
    parenchyma += below_tent * (lobes - parenchyma)
    parenchyma += cover(brain.stem, 3.0) * (
        np.float32(patient.white_hu + 2.5) + 0.6 * fine - parenchyma
    )
    # the mean of cortex whose folds are too fine to be resolved
    parenchyma += np.float32(patient.mantle_hu) * np.exp(-np.maximum(brain.surface, 0) / MANTLE_MM)
    parenchyma -= patient.darkening_hu
    blend(hu, tissue.inside, np.asarray(parenchyma, np.float32))
    blend(hu, tissue.csf, patient.csf_hu)
    blend(hu, tissue.ventricles, patient.csf_hu - 2)
