"""The paper's ledger as it is committed."""

from __future__ import annotations

import pytest

from ichnet.paper import Ledger, load_ledger


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()
