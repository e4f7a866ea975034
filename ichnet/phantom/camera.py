"""Image formation: from the density of a section to the slice that a scanner would store."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.ct.volume import AIR_HU
from ichnet.phantom.artefacts import (
    cupping,
    drawn_noise,
    hardening,
    holder,
    moved_head,
    noise_pool,
    sharpened,
    without_face,
)
from ichnet.phantom.lattice import Lattice
from ichnet.phantom.patient import Patient
from ichnet.phantom.plan import Plan
from ichnet.phantom.section import Section
from ichnet.phantom.sites import THICKEST_SLICE_MM


class Camera:
    """Adds beam hardening, cupping, kernel, noise and HU offset of one scan to its sections."""

    def __init__(
        self,
        rng: np.random.Generator,
        patient: Patient,
        plan: Plan,
        lattice: Lattice,
        matrix: int,
    ) -> None:
        """Draw what all slices of a scan share: the head holder and the noise fields."""
        self.rng, self.plan, self.lattice, self.matrix = rng, plan, lattice, matrix
        self.restless = "motion" in patient.mimics
        self.pixel_mm = plan.field_of_view_mm / matrix
        self.pool = noise_pool(rng, matrix, self.pixel_mm)
        count = lattice.rows * lattice.fold
        along = (np.arange(count) + 0.5) * lattice.pixel_mm - plan.field_of_view_mm / 2
        x, y = np.meshgrid(along, along)
        self.holder = holder(x, y, plan.site.holder, rng)
        steps = (np.arange(matrix) + 0.5) / matrix * 2 - 1
        far = (steps**2)[:, None] + (steps**2)[None, :]
        # rays through the middle are weaker
        self.noise_map = (0.72 + 0.5 * np.exp(-far / 0.42)).astype(np.float32)
        self.noise_hu = plan.site.noise_hu * np.sqrt(THICKEST_SLICE_MM / plan.thickness_mm) ** 0.5

    def expose(self, seen: Section) -> NDArray[np.int16]:
        """Return the stored slice in HU, int16 [matrix, matrix]."""
        site, pixel_mm = self.plan.site, self.lattice.pixel_mm
        hu = np.maximum(seen.hu, self.holder)
        hu = hu + np.float32(site.streaks) * hardening(hu, pixel_mm)
        glow = cupping(seen.hu, pixel_mm, site.cupping_hu, site.glow_mm)
        hu += glow * np.clip((seen.hu + 100) / 100, 0, 1)
        if site.contrast != 1:
            hu += np.float32(site.contrast - 1) * (np.clip(hu, 0, 110) - 32)
        if self.restless and self.rng.random() < 0.45:
            hu = moved_head(hu, self.rng, pixel_mm)
        shrinks = self.matrix < hu.shape[0]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        image = cv2.resize(hu, (self.matrix, self.matrix), interpolation=how)
        image = sharpened(np.asarray(image, np.float32), self.pixel_mm, site.blur_mm)
        noise = drawn_noise(self.rng, self.pool)
        noise *= self.noise_map
        noise *= np.float32(self.noise_hu)
        image += noise
        image += np.float32(site.offset_hu)
        np.rint(image, out=image)
        np.clip(image, AIR_HU, 3071, out=image)
        stored = image.astype(np.int16)
        return without_face(stored) if site.defaced else stored
