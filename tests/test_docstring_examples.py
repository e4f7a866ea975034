"""The examples in docstrings give what they show."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

NEEDS_SCANS = "ichnet/__init__.py"
"""Its example is tested with an exported model, in ``tests/deployment``."""

CALLED_BY_USERS = (
    "ichnet.predict",
    "ichnet.config.load.load_config",
    "ichnet.ct.dicom.read_series",
    "ichnet.statistics.agreement.fleiss_kappa",
    "ichnet.statistics.bootstrap.bootstrap_interval",
    "ichnet.statistics.delong.delong_interval",
    "ichnet.statistics.delong.delong_test",
    "ichnet.statistics.pooling.scan_score",
    "ichnet.statistics.roc.roc_auc",
    "ichnet.training.losses.SoftDice",
)


def modules_with_examples() -> list[str]:
    files = [path.relative_to(ROOT) for path in sorted((ROOT / "ichnet").rglob("*.py"))]
    return [
        ".".join(path.with_suffix("").parts)
        for path in files
        if ">>> " in (ROOT / path).read_text(encoding="utf-8") and path != Path(NEEDS_SCANS)
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_give_what_they_show(name, monkeypatch):
    monkeypatch.chdir(ROOT)  # they name files of the repository
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", CALLED_BY_USERS)
def test_what_users_call_has_an_example(name):
    module, _, function = name.rpartition(".")
    documented = getattr(importlib.import_module(module), function).__doc__
    assert "Examples:" in documented
    assert ">>> " in documented
