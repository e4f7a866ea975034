"""All mimics of a patient that are painted as shapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ichnet.phantom.dura import Dura
from ichnet.phantom.field import Points, Textures
from ichnet.phantom.mimics import dense, disease, injury
from ichnet.phantom.mimics.scene import Layer, Scene
from ichnet.phantom.patient import Patient
from ichnet.phantom.skull import Skull

NEAR_MM = 5.0
"""A layer is painted on a slice only if it comes this close to one of its points."""

DRAWN: dict[str, Callable[[Scene], list[Layer]]] = {
    "infarct": disease.infarct,
    "tumour": disease.tumour,
    "hygroma": disease.hygroma,
    "ganglia": dense.ganglia,
    "meningioma": disease.meningioma,
    "pineal": dense.pineal,
    "choroid": dense.choroid,
    "siphon": dense.siphon,
    "plaque": dense.plaque,
    "scalp": injury.scalp,
    "craniotomy": injury.craniotomy,
    "shunt": injury.shunt,
    "metal": injury.metal,
    "air": injury.air,
    "fracture": injury.fracture,
}
"""Mimics that are painted as shapes; others change the density of a tissue, or the scan."""


def layers(
    points: Points, skull: Skull, dura: Dura, textures: Textures, patient: Patient
) -> list[Layer]:
    """Return the layers of a patient's mimics that come near the points."""
    found = []
    for index, (name, draw) in enumerate(DRAWN.items()):
        if name in patient.mimics:
            # random numbers of its own for each mimic, whatever other mimics the head has
            rng = np.random.default_rng([patient.seed, index])
            found += draw(Scene(points, skull, dura, textures, patient, rng))
    return [layer for layer in found if layer.distance.min() < NEAR_MM]
