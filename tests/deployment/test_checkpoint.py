"""Damage to a SavedModel's weights is seen before another runtime than TensorFlow computes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ichnet.deployment.checkpoint import DamagedError, require_undamaged

DATA = "variables.data-00000-of-00001"


@pytest.fixture
def variables(model_dir, tmp_path) -> Path:
    return Path(shutil.copytree(model_dir / "variables", tmp_path / "variables"))


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_weights_as_saved(variables):
    require_undamaged(variables)


@pytest.mark.parametrize("position", [0, 3])
def test_one_bit_of_the_weights(variables, position):
    flip(variables / DATA, position)
    with pytest.raises(DamagedError, match=r"^network_variables/0/.*checksum differs"):
        require_undamaged(variables)


def test_every_bit_of_the_index_counts(variables):
    path = variables / "variables.index"
    for position in range(0, len(path.read_bytes()), 7):
        flip(path, position)
        try:
            require_undamaged(variables)
        except DamagedError:
            pass
        else:
            # not of an entry: padding of the footer, or the empty index of filters
            assert position > len(path.read_bytes()) - 120, position
        flip(path, position)
    require_undamaged(variables)


def test_files_that_are_cut_off(variables):
    whole = (variables / DATA).read_bytes()
    (variables / DATA).write_bytes(whole[:2])
    with pytest.raises(DamagedError, match="checksum differs"):
        require_undamaged(variables)
    (variables / DATA).unlink()
    with pytest.raises(DamagedError, match="a file of weights is missing"):
        require_undamaged(variables)
    index = variables / "variables.index"
    index.write_bytes(index.read_bytes()[:-1])
    with pytest.raises(DamagedError, match="cut off"):
        require_undamaged(variables)
    index.write_bytes(b"")
    with pytest.raises(DamagedError, match="cut off"):
        require_undamaged(variables)
