"""What a mimic is drawn from and what it is drawn as."""

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
    """Something to paint.

    Attributes:
        distance: mm, negative inside; on the coarse grid.
        hu: its density, or by how much it changes density where ``adds``.
        where: within the brain's tissue, within the skull, in bone, or anywhere.
        edge_mm: over which its border is blurred.
        adds: whether ``hu`` is a change.
        floor_hu: density is not brought below this.
    """

    distance: Array
    hu: float
    where: Literal["inside", "brain", "bone", "any"]
    edge_mm: float = 1.0
    adds: bool = False
    floor_hu: float = -1100.0


@dataclass(frozen=True, eq=False)
class Scene:
    """What mimics are drawn from, on the coarse grid."""

    points: Points
    skull: Skull
    dura: Dura
    textures: Textures
    patient: Patient
    rng: np.random.Generator

    @property
    def rough(self) -> Array:
        """A texture of a few millimetres, for irregular borders."""
        return self.textures.cells.on(self.points)

    @property
    def soft(self) -> Array:
        """A texture of centimetres."""
        return self.textures.soft.on(self.points)

    @property
    def side(self) -> int:
        """Draw a side."""
        return int(self.rng.choice([-1, 1]))


def paint_layer(hu: Array, layer: Layer, distance: Array, inside: Array, tissue: Array) -> None:
    """Paint one layer.

    Args:
        hu: [rows, columns, planes], changed.
        layer: what.
        distance: its distance at the pixels.
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
