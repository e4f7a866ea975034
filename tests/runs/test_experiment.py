"""A run is of one configuration and of one folder of records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ichnet.config import ConfigError, load_config
from ichnet.runs import RunFolder
from ichnet.runs.experiment import begin_run, open_run

CONFIG = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A run with a model in it."""
    run = RunFolder(tmp_path / "runs" / "one")
    begin_run(CONFIG, tmp_path / "work" / "records", run)
    run.model("VGG19-rsna-weak").mkdir(parents=True)
    return run


def test_what_the_first_training_kept_is_read_back(run, tmp_path, monkeypatch):
    found = open_run(run)
    assert found.config == CONFIG
    assert found.records == tmp_path / "work" / "records"
    monkeypatch.chdir(tmp_path)
    assert open_run(RunFolder(Path("runs/one"))).records == Path("work/records")


def test_a_tree_that_was_moved_is_still_whole(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    moved = run.root.parent.rename(tmp_path / "elsewhere" / "runs")
    assert open_run(RunFolder(moved / "one")).records == tmp_path / "elsewhere" / "work" / "records"


def test_the_same_configuration_is_accepted_again(run, tmp_path):
    assert begin_run(CONFIG, tmp_path / "work" / "records", run).config == CONFIG


def test_another_configuration_is_refused_and_the_difference_named(run, tmp_path):
    training = replace(CONFIG.classifiers.training, epochs=99)
    other = replace(CONFIG, classifiers=replace(CONFIG.classifiers, training=training), seed=3)
    with pytest.raises(ConfigError) as error:
        begin_run(other, tmp_path / "work" / "records", run)
    text = str(error.value)
    assert text.startswith(f"{run.config}: the run is of another configuration (")
    assert "classifiers.training.epochs: 2, now 99; seed: 2023, now 3" in text
    assert "name another run folder (--run)" in text
    assert open_run(run).config == CONFIG


def test_a_configuration_can_be_replaced_on_purpose(run, tmp_path):
    other = replace(CONFIG, seed=3)
    begin_run(other, tmp_path / "work" / "records", run, replace=True)
    assert open_run(run).config == other


def test_a_run_without_a_model_can_still_be_of_anything(tmp_path):
    run = RunFolder(tmp_path / "run")
    begin_run(CONFIG, tmp_path / "mistyped", run)
    begin_run(replace(CONFIG, seed=3), tmp_path / "records", run)
    assert open_run(run).config.seed == 3
    assert open_run(run).records == tmp_path / "records"


def test_other_records_are_refused(run, tmp_path):
    with pytest.raises(ConfigError, match=r"records\.json: the run is of the records in .*work"):
        begin_run(CONFIG, tmp_path / "other", run)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none/config\.yaml"):
        open_run(RunFolder(tmp_path / "none"))
