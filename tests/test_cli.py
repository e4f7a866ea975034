"""The command: quick where it can be, and clear where it cannot go on."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from ichnet import __version__, commands
from ichnet.cli import FAILED, SUCCESS, main
from ichnet.config import load_config
from ichnet.phantom import cohort

DEMO = Path(__file__).parents[1] / "models" / "phantom.yaml"

HEAVY = ("tensorflow", "keras", "numpy", "pydicom", "cv2", "matplotlib")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["predict", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from ichnet.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
    assert run.stderr == ""


def test_module_and_command_are_the_same():
    run = subprocess.run(
        [sys.executable, "-m", "ichnet", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"ichnet {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["forecast"], ["predict", "scan"], ["phantom"]],
    ids=["no command", "unknown command", "no model", "no configuration"],
)
def test_wrong_usage_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == FAILED
    assert "usage: ichnet" in capsys.readouterr().err


@pytest.mark.slow
def test_info_names_the_stack_without_chatter():
    run = subprocess.run(
        [sys.executable, "-m", "ichnet", "info"], capture_output=True, text=True, check=True
    )
    lines = dict(line.split(maxsplit=1) for line in run.stdout.splitlines())
    assert lines["ichnet"] == __version__
    assert lines["Python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert lines["TensorFlow"][0].isdigit()
    assert lines["Keras"][0].isdigit()
    assert lines["tensorflow-addons"][0].isdigit() or "not installed" in lines["tensorflow-addons"]
    assert "CPU:0" in lines["devices"]
    assert run.stderr == ""


def test_phantom_names_the_misspelt_key(tmp_path, capsys):
    config = tmp_path / "mine.yaml"
    config.write_text("nmae: x\n", encoding="utf-8")
    assert main(["phantom", "--config", str(config), "--out", str(tmp_path / "raw")]) == FAILED
    message = capsys.readouterr().err
    assert "mine.yaml" in message
    assert "did you mean 'name'" in message
    assert not (tmp_path / "raw").exists()


def test_phantom_makes_the_configuration_s_cohorts(tmp_path, monkeypatch, capsys):
    asked = []

    def generate(config, seed, root):
        asked.append((config.matrix, seed, root))
        return {"rsna": 3, "dumc": 2}

    monkeypatch.setattr(cohort, "generate", generate)
    config = load_config(DEMO)
    assert main(["phantom", "--config", str(DEMO), "--out", str(tmp_path)]) == SUCCESS
    assert asked == [(config.phantom.matrix, config.seed, tmp_path)]
    assert capsys.readouterr().out == f"{tmp_path}/rsna: 3 scans\n{tmp_path}/dumc: 2 scans\n"


def test_a_folder_whose_name_is_not_utf_8_is_told_all_the_same(monkeypatch):
    said = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(said, encoding="utf-8"))
    monkeypatch.setattr(commands, "info", lambda _: print("M\udcfcller") or SUCCESS)
    assert main(["info"]) == SUCCESS
    sys.stdout.flush()
    assert said.getvalue() == b"M\\udcfcller\n"
