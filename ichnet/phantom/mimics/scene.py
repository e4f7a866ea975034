"""Input and output of the functions that draw mimics: the scene, and layers of paint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ichnet.phantom.dura import Dura
from ichnet.phantom.field import Array, Points, Textures
from ichnet.phantom.patient import Patient
from ichnet.phantom.skull import Skull


@dataclass(frozen=True, eq=False)
class Layer:
    """A shape to paint.

    Attributes:
        distance: signed distance in mm on the coarse grid, negative inside.
        hu: its density, or the change of density when ``adds`` is set.
        where: where it is painted: in brain tissue, within the skull, in bone, or anywhere.
        edge_mm: width of its blurred border.
        adds: whether ``hu`` is added to the density below instead of replacing it.
        floor_hu: lowest density that it may produce.
    """

    distance: Array
    hu: float
    where: Literal["inside", "brain", "bone", "any"]
    edge_mm: float = 1.0
    adds: bool = False
    floor_hu: float = -1100.0


@dataclass(frozen=True, eq=False)
class Scene:
    """Anatomy on the coarse grid, and random numbers, that a mimic is drawn from."""

    points: Points
    skull: Skull
    dura: Dura
    textures: Textures
    patient: Patient
    rng: np.random.Generator

    @property
    def rough(self) -> Array:
        """The ``fine`` texture, for irregular borders."""
        return self.textures.cells.on(self.points)

    @property
    def soft(self) -> Array:
        """The ``soft`` texture."""
        return self.textures.soft.on(self.points)

    @property
    def side(self) -> int:
        """Draw a side, -1 (right) or +1 (left)."""
        return int(self.rng.choice([-1, 1]))


def paint_layer(hu: Array, layer: Layer, distance: Array, inside: Array, tissue: Array) -> None:
    """Paint one layer.

    Args:
        hu: density so far in HU, [rows, columns, planes]; changed in place.
        layer: the layer.
        distance: its signed distance at the pixels, mm.
        inside: share of each pixel within the skull.
        tissue: share of each pixel that is brain rather than fluid.
    """
    share = np.clip(np.float32(0.5) - distance / np.float32(layer.edge_mm), 0, 1)
    if layer.where == "inside":
        share *= inside
    elif layer.where == "brain":
        share *= tissue
    elif layer.where == "bone":
        share *= np.clip((hu - 250) / 200, 0, 1)
    if layer.adds:
        hu += share * np.minimum(np.float32(layer.hu), 0)
        np.maximum(hu, np.where(share > 0.5, np.float32(layer.floor_hu), -1100), out=hu)
    else:
        hu += share * (np.float32(layer.hu) - hu)
