"""Every script answers ``--help`` without TensorFlow and ends a mistake in one line."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ichnet.scripts import preparation_parser

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(
    path for folder in ("data_prep", "models", "eval") for path in (ROOT / folder).glob("*.py")
)
IDS = [f"{path.parent.name}/{path.name}" for path in SCRIPTS]

HELP_WITHOUT_TENSORFLOW = """
import contextlib, io, json, runpy, sys
answers = {}
for script in sys.argv[1:]:
    sys.argv = [script, "--help"]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        assert end.code == 0, (script, end.code)
    loaded = {"tensorflow", "keras"} & set(sys.modules)
    assert not loaded, (script, loaded)
    answers[script] = said.getvalue()
print(json.dumps(answers))
"""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_there_are_scripts_of_every_kind():
    assert {path.parent.name for path in SCRIPTS} == {"data_prep", "models", "eval"}


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """What each script answers to ``--help``, all in one process without TensorFlow."""
    result = run("-c", HELP_WITHOUT_TENSORFLOW, *SCRIPTS)
    assert result.returncode == 0, result.stderr
    answers: dict[str, str] = json.loads(result.stdout)
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_help_begins_with_what_the_script_does(script, helps):
    first_line = script.read_text(encoding="utf-8").splitlines()[0].strip('"')
    assert first_line in helps[str(script)]


@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_scripts_are_short(script):
    assert len(script.read_text(encoding="utf-8").splitlines()) < 80


@pytest.mark.slow
@pytest.mark.parametrize("cohort", ["rsna", "aihub", "dumc", "cq500", "ct_ich", "bhsd"])
def test_every_cohort_can_be_had_whole_in_the_same_way(cohort, helps):
    help_text = helps[str(ROOT / "data_prep" / f"{cohort}.py")]
    assert "--whole" in help_text
    assert "--average-mm" in help_text


def test_what_is_drawn_is_named_where_there_is_a_choice(capsys):
    needed = ["--input", "raw", "--output", "set"]

    def selection(sets, *more):
        return preparation_parser("", sets).parse_args([*needed, *more]).selection

    assert selection((), "--whole") == selection(()) == "all"
    assert selection(("slices",), "--whole") == "all"
    assert selection(("slices",)) == "slices"
    assert selection(("slices", "scans"), "--whole") == "all"
    assert selection(("slices", "scans"), "--set", "scans") == "scans"
    for more in ([], ["--set", "scans", "--whole"], ["--set", "all"]):
        with pytest.raises(SystemExit):
            selection(("slices", "scans"), *more)
    assert "one of the arguments --whole --set is required" in capsys.readouterr().err


def test_a_misspelt_key_is_refused_in_one_line_with_the_nearest_known_one(tmp_path):
    text = (ROOT / "models" / "phantom.yaml").read_text(encoding="utf-8")
    config = tmp_path / "wrong.yaml"
    config.write_text(text.replace("saliency_weight:", "saliency_wieght:"), encoding="utf-8")
    result = run("data_prep/phantom.py", "--config", config, "--output", tmp_path)
    assert result.returncode == 2
    assert "unknown key 'saliency_wieght'; did you mean 'saliency_weight'?" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_an_unfinished_record_set_is_named(tmp_path):
    result = run(
        "models/train_classifier.py", "--backbone", "MobileNetV2", "--arm", "rsna-weak",
        "--records", tmp_path / "records", "--run", tmp_path / "run",
    )  # fmt: skip
    assert result.returncode == 2
    assert "records/rsna: no finished record set" in result.stderr
    assert "Traceback" not in result.stderr


def test_pydicom_does_not_tell_of_damage_that_is_counted():
    program = (
        "import logging\n"
        "from ichnet.scripts import run_script\n"
        "run_script(lambda: logging.getLogger('pydicom.pixels.decoders').error('Traceback'))\n"
    )
    done = run("-c", program)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_in_benchmarks_takes_one_of_them_for_a_module_of_python():
    """benchmarks/statistics.py comes before Python's own ``statistics`` for scripts beside it."""
    hidden = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} & sys.stdlib_module_names
    assert hidden == {"statistics"}
    for path in [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "ichnet").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.append(str(node.module))
            assert not hidden & set(names), f"{path} imports {names}: numpy has a median"
