"""Scanner effects: beam hardening, cupping, kernel, noise, motion, head holder; defacing."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.phantom.field import Array

NOISE_MM = ((0.550, 1.0), (0.931, -1.166))
"""Sigma in mm and weight of two Gaussian filters, whose weighted sum turns white noise into CT
noise. Fitted to the noise autocorrelation of a real scan: .64, .05 and -.22 at distances of one,
two and three pixels of 0.488 mm."""

NATIVE_MATRIX = 512
POOL = 5
"""Noise fields drawn for a scan; each slice gets the sum of two, shifted and flipped at random."""

RADON_PIXELS, RADON_ANGLES = 72, 36
HARDENING = 1.9e-5
"""Projection error for each (HU x cm)^2 of bone along a ray, before filtering."""

BONE_HU, FACE_SHARE = 300, 0.45
"""Defacing: HU above which a pixel is bone, and how far from the front, as a share of the skull's
extent, soft tissue in front of it is removed."""


@cache
def _rotations() -> list[tuple[Array, Array]]:
    """Return rotations below 90 degrees and their inverses; the others follow by symmetry."""
    middle = ((RADON_PIXELS - 1) / 2, (RADON_PIXELS - 1) / 2)
    angles = 180 * np.arange(RADON_ANGLES // 2) / RADON_ANGLES
    pairs = [
        (cv2.getRotationMatrix2D(middle, a, 1.0), cv2.getRotationMatrix2D(middle, -a, 1.0))
        for a in angles
    ]
    return [(np.asarray(a, np.float32), np.asarray(b, np.float32)) for a, b in pairs]


@cache
def _ramp_filter() -> Array:
    """Return the ramp filter of filtered back-projection as a matrix, applied from the right."""
    spectrum = np.fft.rfft(np.eye(RADON_PIXELS), 2 * RADON_PIXELS, axis=1)
    filtered = np.fft.irfft(spectrum * np.linspace(0, 1, spectrum.shape[1]), axis=1)
    return np.asarray(filtered[:, :RADON_PIXELS], np.float32)


def hardening(hu: Array, pixel_mm: float) -> Array:
    """Return the beam hardening artefact in HU: dark bands between bones or metal.

    The error of each ray is proportional to the square of its path through dense material. The
    errors are reconstructed by filtered back-projection, as an image is.

    Args:
        hu: slice in HU, float32 [rows, columns].
        pixel_mm: pixel size of the slice.
    """
    dense = np.clip(hu - 250, 0, 6000) * (hu > 250)
    size = (RADON_PIXELS, RADON_PIXELS)
    small = cv2.resize(dense, size, interpolation=cv2.INTER_AREA)
    step_cm = hu.shape[0] * pixel_mm / 10 / RADON_PIXELS
    turned = [cv2.warpAffine(small, there, size) for there, _ in _rotations()]
    stacked = np.stack(turned)
    rays = np.concatenate([stacked.sum(axis=1), stacked.sum(axis=2)])
    error = np.float32(-HARDENING * step_cm**2) * rays * rays
    rows = error @ _ramp_filter()
    total = np.zeros(size, np.float32)
    across, along = rows[: len(turned)], rows[len(turned) :]
    for row, column, (_, back) in zip(across, along, _rotations(), strict=True):
        total += cv2.warpAffine(row[None, :] + column[:, None], back, size)
    total *= np.float32(np.pi / RADON_ANGLES)
    shape = (hu.shape[1], hu.shape[0])
    return np.asarray(cv2.resize(total, shape, interpolation=cv2.INTER_CUBIC), np.float32)


def cupping(hu: Array, pixel_mm: float, amplitude_hu: float, reach_mm: float = 9.0) -> Array:
    """Return by how many HU tissue near bone is brighter, [rows, columns]."""
    small = cv2.resize(hu, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    bone = np.clip((small - 200) / 900, 0, 1)
    glow = cv2.GaussianBlur(bone, (0, 0), reach_mm / (4 * pixel_mm))
    shape = (hu.shape[1], hu.shape[0])
    wide = cv2.resize(glow, shape, interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.float32(2.4 * amplitude_hu) * wide, np.float32)


def noise_pool(rng: np.random.Generator, matrix: int, pixel_mm: float) -> list[Array]:
    """Return noise fields of unit variance at the scanner's matrix, averaged to ``matrix``."""
    fields = []
    native_mm = min(pixel_mm * matrix / NATIVE_MATRIX, pixel_mm)
    size = max(matrix, NATIVE_MATRIX)
    for _ in range(POOL):
        white = rng.standard_normal((size, size), dtype=np.float32)
        shaped = np.zeros_like(white)
        for sigma, weight in NOISE_MM:
            shaped += np.float32(weight) * cv2.GaussianBlur(white, (0, 0), sigma / native_mm)
        shaped /= np.float32(shaped.std())
        if matrix < size:
            fields.append(area_averaged(shaped, matrix))
        else:
            fields.append(shaped)
    return fields


def drawn_noise(rng: np.random.Generator, pool: list[Array]) -> Array:
    """Return the noise of one slice: unit variance at the scanner's matrix."""
    first, second = rng.choice(len(pool), 2, replace=False)
    total = _shifted(rng, pool[first])
    total += _shifted(rng, pool[second])
    total *= np.float32(np.sqrt(0.5))
    return total


def _shifted(rng: np.random.Generator, field: Array) -> Array:
    """Return a copy of a field, randomly flipped and cyclically shifted."""
    rows, columns = (int(n) for n in rng.integers(0, field.shape[0], 2))
    flipped = field[:: int(rng.choice([-1, 1])), :: int(rng.choice([-1, 1]))]
    out = np.empty_like(field)
    size = field.shape[0]
    for to_row, from_row in (
        (slice(rows, size), slice(0, size - rows)),
        (slice(0, rows), slice(size - rows, size)),
    ):
        out[to_row, columns:] = flipped[from_row, : size - columns]
        out[to_row, :columns] = flipped[from_row, size - columns :]
    return out


def sharpened(hu: Array, pixel_mm: float, blur_mm: float) -> Array:
    """Return a slice reconstructed with a soft kernel (``blur_mm`` > 0) or a sharp one (< 0)."""
    if abs(blur_mm) < 0.05:
        return hu
    smooth = cv2.GaussianBlur(hu, (0, 0), max(abs(blur_mm), 0.3) / pixel_mm)
    if blur_mm > 0:
        return np.asarray(smooth, np.float32)
    return np.asarray(hu + np.float32(0.7) * (hu - smooth), np.float32)


def area_averaged(image: Array, matrix: int) -> Array:
    """Return a square image reduced to a smaller matrix by area averaging."""
    return np.asarray(cv2.resize(image, (matrix, matrix), interpolation=cv2.INTER_AREA), np.float32)


def moved_head(hu: Array, rng: np.random.Generator, pixel_mm: float) -> Array:
    """Return a slice with a motion artefact: a weighted mean of two positions of the head."""
    middle = ((hu.shape[1] - 1) / 2, (hu.shape[0] - 1) / 2)
    turn = cv2.getRotationMatrix2D(middle, float(rng.normal(0, 1.6)), 1.0)
    turn[:, 2] = turn[:, 2] + rng.normal(0, 1.8, 2) / pixel_mm
    after = cv2.warpAffine(hu, turn, (hu.shape[1], hu.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(0.55 * hu + 0.45 * after, np.float32)


def without_face(hu: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return a slice without the soft tissue in front of the skull, as in defaced public data.

    In the front part of the skull's extent, everything outside the convex hull of bone becomes air.

    Args:
        hu: [rows, columns], the patient's front in the first rows.
    """
    bone = (hu > BONE_HU).astype(np.uint8)
    outlines, _ = cv2.findContours(bone, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return hu
    hull = cv2.convexHull(np.concatenate(outlines))
    within = cv2.fillConvexPoly(np.zeros_like(bone), hull, 1)
    rows = hull[:, 0, 1]
    end = round(float(rows.min() + FACE_SHARE * (rows.max() - rows.min())))
    result = hu.copy()
    result[:end][within[:end] == 0] = -1000
    return result


def holder(
    x: NDArray[np.float64], y: NDArray[np.float64], kind: int, rng: np.random.Generator
) -> Array:
    """Return the density of the head holder in HU, -1000 where there is none.

    Args:
        x: horizontal distance of each pixel from the scanner's isocentre, mm.
        y: vertical distance, positive downwards, mm.
        kind: 0 for a cup around the head, 1 for a flat arc below it, 2 for wings at its sides.
        rng: random numbers of the scan, for the holder's position.
    """
    lift = rng.normal(0, 3)
    if kind == 0:
        far = np.hypot(x / 0.92, (y + 4 - lift) / 1.08) - 113
        low = 4 - y
    elif kind == 1:
        far = np.hypot(x, y + 62 - lift) - 176
        low = 20 - y
    else:
        far = np.hypot(x / 1.0, (y + 20 - lift) / 1.35) - 108
        low = np.maximum(-20 - y, y - 62)
    outer = np.maximum(np.abs(far) - 1.4, low)
    pad = np.maximum(np.abs(far + 5) - 3.5, low)
    density = np.full(x.shape, -1000.0, np.float32)
    density += 55 * np.clip(0.5 - pad / 2, 0, 1).astype(np.float32)
    shell = np.clip(0.5 - outer, 0, 1).astype(np.float32)
    return np.asarray(density + shell * (np.float32(160) - density), np.float32)
