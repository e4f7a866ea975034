"""The workflow chains every script, and a change repeats only what depends on it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SNAKEMAKE = shutil.which("snakemake") or str(
    Path(__import__("sys").executable).parent / "snakemake"
)

pytestmark = [
    pytest.mark.slow,  # each test starts Snakemake
    pytest.mark.skipif(
        not Path(SNAKEMAKE).exists(), reason="snakemake is not installed (extra: workflow)"
    ),
]


def dry_run(folder: Path, config: Path, *options: str) -> str:
    """Return what Snakemake says it would do in a folder."""
    return snakemake(folder, config, "--dry-run", *options)


def snakemake(folder: Path, config: Path, *options: str) -> str:
    """Return what Snakemake prints."""
    result = subprocess.run(
        [
            SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder),
            "--configfile", str(config), "--cores", "2", *options,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def jobs(text: str) -> dict[str, int]:
    """Return the number of jobs of each rule in a dry run's table."""
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE)}


def test_the_demonstration_runs_every_step(tmp_path):
    counts = jobs(dry_run(tmp_path, ROOT / "models" / "phantom.yaml"))
    assert counts == {
        "all": 1,
        "phantom": 4,
        "records": 5,
        "classifier": 3,
        "encoder": 1,
        "segmenter": 5,
        "maps": 3,
        "ensemble": 5,
        "baselines": 2,
        "predict_MobileNetV2_aihub_strong": 1,
        "predict_MobileNetV2_aihub_weak": 1,
        "predict_MobileNetV2_rsna_weak": 1,
        "predict_segmenter_all": 1,
        "predict_baseline_threshold": 1,
        "predict_ensemble_basic": 1,
        "evaluate": 8,
        "export": 1,
        "predict_dicom": 1,
        "report": 1,
        "total": 46,
    }


def test_the_results_page_needs_what_the_demonstration_leaves_out(tmp_path):
    text = dry_run(tmp_path, ROOT / "models" / "reproduce.yaml", "results")
    counts = jobs(text)
    assert (counts["classifier"], counts["segmenter"], counts["ensemble"]) == (3, 5, 5)
    for name in ("lesions", "localisation", "slice_position"):
        assert f"tables/{name}.csv" in text
    assert counts["review"] == counts["results"] == 1


def test_repeats_train_every_model_again(tmp_path):
    counts = jobs(dry_run(tmp_path, ROOT / "models" / "reproduce.yaml", "repeats"))
    assert (counts["classifier"], counts["segmenter"], counts["ensemble"]) == (9, 15, 15)
    assert (counts["phantom"], counts["records"]) == (4, 5)


def test_variants_share_what_their_changes_do_not_touch(tmp_path):
    counts = jobs(dry_run(tmp_path, ROOT / "models" / "reproduce.yaml", "variants"))
    # five changes of the strong arm's loss, four of RSNA's cohort
    assert counts["classifier"] == 5 + 4
    # the run's five, three specialists, one long Model 1
    assert (counts["segmenter"], counts["ensemble"]) == (5 + 3 + 1, 2)
    # RSNA's cohort in four ways, what the run needs of AI-Hub, and the test cohorts
    assert counts["phantom"] == 4 + 3


def test_real_cohorts_take_the_place_of_the_phantom(tmp_path):
    for cohort in ("rsna", "aihub", "dumc", "cq500"):
        (tmp_path / "raw" / cohort).mkdir(parents=True)
    text = dry_run(tmp_path, ROOT / "models" / "paper.yaml", "--config", f"raw={tmp_path / 'raw'}")
    counts = jobs(text)
    assert "phantom" not in counts
    assert counts["classifier"] == 12
    assert counts["ensemble"] == 5


def test_a_folder_of_raw_files_is_quoted_in_commands(tmp_path):
    """Blanks, and what a shell would run, arrive at the scripts as one argument."""
    raw = tmp_path / "raw $(touch ran) data"
    for cohort in ("rsna", "aihub", "dumc", "cq500"):
        (raw / cohort).mkdir(parents=True)
    config = ROOT / "models" / "paper.yaml"
    text = dry_run(tmp_path, config, "--printshellcmds", "--config", f"raw={raw}")
    commands = [line for line in text.splitlines() if "python data_prep/" in line]
    assert len(commands) == 5  # the record sets
    for command in commands:
        words = shlex.split(command)
        assert Path(words[words.index("--input") + 1]).parent == raw
    assert not (tmp_path / "ran").exists()


def test_out_of_fold_maps_need_segmenters_of_each_fold(tmp_path):
    text = (ROOT / "models" / "phantom.yaml").read_text(encoding="utf-8")
    text = text.replace("ensemble_share: 0.2", "ensemble_share: 0")
    config = tmp_path / "config.yaml"
    config.write_text(
        text.replace("  weighting: image", "  maps: out-of-fold\n  folds: 3\n  weighting: image"),
        encoding="utf-8",
    )
    counts = jobs(dry_run(tmp_path, config))
    assert (counts["segmenter"], counts["encoder"], counts["maps"]) == (5 + 15, 1 + 3, 3)


def test_another_backbone_repeats_none_of_the_first(finished, tmp_path):
    text = (finished / "config.yaml").read_text(encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(text.replace("[MobileNetV2] ", "[MobileNetV2, VGG19] "), encoding="utf-8")
    assert jobs(dry_run(finished, config))["classifier"] == 3


def test_a_training_of_its_own_repeats_no_other_backbone(finished, tmp_path):
    own = "{VGG19: {optimizer: SGD, batch_size: 2, epochs: 1, steps_per_epoch: 3}}"
    text = (finished / "config.yaml").read_text(encoding="utf-8")
    text = text.replace("[MobileNetV2] ", "[MobileNetV2, VGG19] ")
    config = tmp_path / "config.yaml"
    setting = "  saliency_weight: 1"
    assert text.count(setting) == 1
    config.write_text(
        text.replace(setting, f"  training_by_backbone: {own}\n{setting}"), encoding="utf-8"
    )
    assert jobs(dry_run(finished, config))["classifier"] == 3
    text = config.read_text(encoding="utf-8").replace("{VGG19:", "{MobileNetV2:")
    config.write_text(text, encoding="utf-8")
    assert jobs(dry_run(finished, config))["classifier"] == 6


def test_a_repeat_trains_all_again_on_the_same_data(finished, tmp_path):
    text = (finished / "config.yaml").read_text(encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(text.replace("seeds: []", "seeds: [7]"), encoding="utf-8")
    counts = jobs(dry_run(finished, config, "repeats"))
    assert (counts["classifier"], counts["segmenter"], counts["ensemble"]) == (3, 5, 5)
    assert not {"phantom", "records"} & counts.keys()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder where every step has been run, as far as Snakemake can know: its files are empty."""
    folder = tmp_path_factory.mktemp("finished")
    config = folder / "config.yaml"
    shutil.copy(ROOT / "models" / "phantom.yaml", config)
    for line in snakemake(folder, config, "--summary").splitlines()[1:]:
        output = folder / line.split("\t")[0]
        output.parent.mkdir(parents=True, exist_ok=True)
        output.touch()
    snakemake(folder, config, "--touch", "--forceall")
    return folder


def test_an_unchanged_workflow_does_nothing(finished):
    assert "Nothing to be done" in dry_run(finished, finished / "config.yaml")


@pytest.mark.parametrize(
    ("old", "new", "first", "untouched"),
    [
        ("replicates: 500", "replicates: 900", {"evaluate", "export"}, {"ensemble"}),
        ("mask_threshold: 0.5", "mask_threshold: 0.4", {"export"}, {"segmenter", "ensemble"}),
        ("  width: 8", "  width: 12", {"ensemble"}, {"segmenter", "maps", "classifier"}),
        ("saliency_weight: 1", "saliency_weight: 2", {"classifier"}, {"segmenter", "records"}),
        ("base_width: 32", "base_width: 16", {"encoder", "segmenter"}, {"classifier", "records"}),
        (
            "rotation_sd_degrees: 18",
            "rotation_sd_degrees: 9",
            {"classifier", "segmenter"},
            {"records"},
        ),
        ("decay_steps: 35", "decay_steps: 34", {"encoder", "segmenter"}, {"classifier"}),
        ("slices_per_subtype: 36", "slices_per_subtype: 18", {"records"}, {"phantom"}),
        ("slices: [14, 18]", "slices: [14, 16]", {"phantom"}, set()),
    ],
)
def test_a_changed_configuration_repeats_what_depends_on_it(
    finished, tmp_path, old, new, first, untouched
):
    text = (finished / "config.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    config = tmp_path / "config.yaml"
    config.write_text(text.replace(old, new), encoding="utf-8")
    repeated = jobs(dry_run(finished, config)).keys()
    assert first | {"report"} <= repeated
    assert not untouched & repeated


def test_a_cohort_s_records_are_spread_over_jobs_and_joined(tmp_path):
    target = "work/phantom/records/dumc/info.json"
    text = dry_run(
        tmp_path, ROOT / "models" / "phantom.yaml", "--config", "record_shares=3", "--", target
    )
    assert jobs(text) == {"phantom": 1, "record_share": 3, "records": 1, "total": 5}
