"""A patient's head, ready to be cut: textures drawn, lesions placed and filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.phantom.field import Textures
from ichnet.phantom.hemorrhage.families import FAMILIES, FILLED_IN_TURN
from ichnet.phantom.hemorrhage.lesion import Placed
from ichnet.phantom.patient import Patient


@dataclass(frozen=True, eq=False)
class Head:
    """A patient ready to be scanned.

    Attributes:
        patient: who; the ventricles may be wider than those that were drawn.
        textures: random functions of the anatomy.
        placed: the lesions, in the patient's order.
    """

    patient: Patient
    textures: Textures
    placed: tuple[Placed, ...]


def make_head(patient: Patient) -> Head:
    """Draw a patient's textures and give each lesion its place and level."""
    textures = Textures.draw(patient.seed)
    placed = [
        FAMILIES[one.subtype].place(np.random.default_rng(one.seed), one) for one in patient.lesions
    ]
    for subtypes in FILLED_IN_TURN:
        for index, one in enumerate(placed):
            if one.lesion.subtype in subtypes:
                family = FAMILIES[one.lesion.subtype]
                placed[index], patient = family.fill(patient, textures, one, placed)
    return Head(patient, textures, tuple(placed))
