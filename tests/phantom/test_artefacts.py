"""What the scanner adds, on small images with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.phantom.artefacts import drawn_noise, hardening, noise_pool, without_face

MEASURED_CORRELATION = (0.64, 0.05, -0.22)
"""Of a real 5 mm scan with pixels of 0.488 mm, at one, two and three pixels."""


def test_noise_has_the_spectrum_of_a_real_scan():
    """512 x 512 pixels of 0.488 mm; every correlation within 20 % of the largest measured one."""
    rng = np.random.default_rng(0)
    noise = drawn_noise(rng, noise_pool(rng, 512, 0.488))
    assert noise.std() == pytest.approx(1.0, rel=0.1)
    for lag, wanted in enumerate(MEASURED_CORRELATION, start=1):
        rows = np.mean(noise[:, lag:] * noise[:, :-lag]) / noise.var()
        columns = np.mean(noise[lag:] * noise[:-lag]) / noise.var()
        assert rows == pytest.approx(wanted, abs=0.2 * 0.64 / 2)
        assert columns == pytest.approx(wanted, abs=0.2 * 0.64 / 2)


def test_bone_hardens_the_beam_and_brain_does_not():
    hu = np.full((144, 144), 30, np.float32)
    assert np.abs(hardening(hu, 1.6)).max() == pytest.approx(0, abs=1e-4)
    hu[68:76, 30:44] = hu[68:76, 100:114] = 1500  # two petrous bones
    error = hardening(hu, 1.6)
    assert -40 < error[70:74, 60:84].mean() < -2  # a dark band between them
    assert abs(error[20:30, 60:84].mean()) < 0.4 * abs(error[70:74, 60:84].mean())


def test_a_face_is_removed_in_front_of_the_bone():
    """Bone is a ring in rows 4 to 13 of 20; soft tissue everywhere. Of its 9 rows the first 4."""
    hu = np.full((20, 12), 40, np.int16)
    hu[4:14, 3:9] = 900
    hu[6:12, 5:7] = 30  # brain
    seen = without_face(hu)
    assert (seen[:4] == -1000).all()
    assert (seen[4:8, :3] == -1000).all()
    assert (seen[4:8, 9:] == -1000).all()
    np.testing.assert_array_equal(seen[4:8, 3:9], hu[4:8, 3:9])
    np.testing.assert_array_equal(seen[8:], hu[8:])
    assert hu[0, 0] == 40  # the argument is left alone


def test_a_slice_without_bone_keeps_all():
    hu = np.full((6, 6), 40, np.int16)
    np.testing.assert_array_equal(without_face(hu), hu)
