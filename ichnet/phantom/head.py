"""A patient's head before slices are rendered: random textures, and lesions in their places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ichnet.phantom.field import Textures
from ichnet.phantom.hemorrhage.families import FAMILIES, FILLED_IN_TURN
from ichnet.phantom.hemorrhage.lesion import Placed
from ichnet.phantom.patient import Patient


@dataclass(frozen=True, eq=False)
class Head:
    """A patient's head in 3-D, from which slices are rendered.

    Attributes:
        patient: the patient; hemorrhage may have widened the ventricles that were drawn.
        textures: random textures of the anatomy.
        placed: the lesions with their places and extents, in the patient's order.
    """

    patient: Patient
    textures: Textures
    placed: tuple[Placed, ...]


def make_head(patient: Patient) -> Head:
    """Draw the textures of a patient's head, place each lesion and fill its volume."""
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
