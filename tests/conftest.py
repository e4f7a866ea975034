"""What every test needs: a pseudonym key that is not the user's own, and one set of kernels."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ichnet.deployment.environment import ONEDNN

# As the scripts do. TensorFlow reads it once, when it is imported: left to the order in which
# tests are imported, a test and the script it starts could compute with different kernels.
os.environ.setdefault(ONEDNN, "1")


@pytest.fixture(scope="session", autouse=True)
def pseudonym_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests away from the key in the user's home, also in the scripts they start."""
    name = "ICHNET_PSEUDONYM_KEY_FILE"
    before = os.environ.get(name)
    os.environ[name] = str(tmp_path_factory.mktemp("key") / "pseudonym.key")
    yield
    del os.environ[name]
    if before is not None:
        os.environ[name] = before
