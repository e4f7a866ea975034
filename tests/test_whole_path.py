"""The whole path at its smallest size: raw files, records, models, predictions, export, report."""

from __future__ import annotations

import csv
import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eagerly import eager_functions

from ichnet.config import SEGMENTERS, Config, load_config
from ichnet.ct.pseudonym import load_key
from ichnet.deployment.export import export_model
from ichnet.deployment.predict import predict_inputs
from ichnet.evaluation import method_figures
from ichnet.evaluation.calibrate import calibrate_model
from ichnet.evaluation.maps import cache_maps
from ichnet.evaluation.predict_records import predict_model
from ichnet.evaluation.trained import load_best, load_trained, members_of_model
from ichnet.phantom.cohort import generate
from ichnet.records.prepare import Options, prepare
from ichnet.records.record_set import RecordSet
from ichnet.reporting.measures.metrics import load_metrics, model_metrics
from ichnet.reporting.pages.report import write_report
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.table3 import table3
from ichnet.runs import TEST_COHORTS, RunFolder, ensemble_name, segmenter_name
from ichnet.runs.experiment import begin_run
from ichnet.runs.predictions import read_predictions
from ichnet.statistics.scan_score import read_calibration
from ichnet.training.classifier import train_classifier
from ichnet.training.ensemble import train_ensemble
from ichnet.training.segmenter import pretrain_encoder, train_segmenter

# trains every kind of model; the first test waits for the whole path
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CLASSIFIER = "MobileNetV2-aihub-strong"


def tiny_config() -> Config:
    """The demonstration's configuration with everything at its smallest."""
    config = load_config(Path(__file__).parents[1] / "models" / "phantom.yaml")

    def short(training):
        return replace(training, batch_size=16, epochs=1, steps_per_epoch=2)

    return replace(
        config,
        image=replace(config.image, matrix=32),
        phantom=replace(
            config.phantom,
            # the coarsest and shortest that prediction takes for a head CT
            matrix=112,
            slices=(12, 12),
            scans={"rsna": 4, "aihub": 60, "dumc": 8, "cq500": 6},
            ich_share={"rsna": 0.5, "aihub": 0.5, "dumc": 0.5, "cq500": 0.5},
        ),
        selection=replace(
            config.selection,
            slices_per_subtype=4,
            scans_with_ich=26,
            validation_share=0.35,
            ensemble_share=0.25,
            small_lesion_ml=20.0,
        ),
        classifiers=replace(
            config.classifiers, training=short(config.classifiers.training), weights=None
        ),
        segmenters=replace(
            config.segmenters,
            base_width=4,
            weights=None,
            depth=2,
            training=short(config.segmenters.training),
            pretraining=short(config.segmenters.pretraining),
        ),
        ensembles=replace(config.ensembles, width=4, training=short(config.ensembles.training)),
        evaluation=replace(config.evaluation, bootstrap_replicates=20),
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, RunFolder, Path]:
    """Run everything once; the tests look at what came out."""
    root = tmp_path_factory.mktemp("whole")
    config, run, records = tiny_config(), RunFolder(root / "runs" / "tiny"), root / "records"
    begin_run(config, records, run)
    generate(config.phantom, config.seed, root / "raw", workers=1)
    for name, cohort, selection in (
        ("aihub-slices", "aihub", "slices"),
        ("aihub-scans", "aihub", "scans"),
        ("dumc", "dumc", "all"),
        ("cq500", "cq500", "all"),
    ):
        prepare(
            cohort, selection, config, root / "raw" / cohort, records / name, Options(strict=True)
        )
    with eager_functions(), pytest.MonkeyPatch.context() as patch:
        for module in ("maps", "slices"):  # each batch costs a second, of whatever size
            patch.setattr(f"ichnet.evaluation.{module}.BATCH_SLICES", 128)
        models = train_all(config, records, run)
        for model in models:
            calibrate_model(config, model, records, run)
            predict_model(config, model, records, run)
    export_model(
        load_trained(config, "ensemble-all", run),
        "ensemble-all",
        config,
        read_calibration(run.calibration("ensemble-all")),
        run.export("ensemble-all"),
        members=members_of_model(config, "ensemble-all"),
    )
    return config, run, records


def train_all(config: Config, records: Path, run: RunFolder) -> list[str]:
    """Train one classifier, the encoder, five segmenters and five ensembles; return their names."""
    train_classifier(config, "MobileNetV2", "aihub-strong", records, run)
    pretrain_encoder(config, records, run)
    for segmenter in SEGMENTERS:
        train_segmenter(config, segmenter, records, run)
    members = {name: load_best(run, segmenter_name(name)) for name in SEGMENTERS}
    for name in ("aihub-scans", *TEST_COHORTS):
        record_set = RecordSet.open(records / name)
        splits = [split for split in record_set.splits if split != "train"]
        cache_maps(members, record_set, splits, run.maps(name))
    models = [CLASSIFIER, *map(segmenter_name, SEGMENTERS)]
    for combination in config.ensembles.combinations:
        train_ensemble(config, combination, run)
        models.append(ensemble_name(combination))
    return models


def test_every_model_has_predictions_for_every_scan(finished):
    config, run, _ = finished
    models = [CLASSIFIER, *map(segmenter_name, SEGMENTERS)]
    models += [ensemble_name(name) for name in config.ensembles.combinations]
    for model in models:
        for cohort in TEST_COHORTS:
            table = read_predictions(run.predictions(model) / f"{cohort}.scans.csv")
            assert len(table["scan_id"]) == config.phantom.scans[cohort]
            assert np.all((table["probability"] >= 0) & (table["probability"] <= 1))


def test_training_and_test_share_no_patient(finished):
    _, _, records = finished
    train = RecordSet.open(records / "aihub-scans").patients("train")
    for name in TEST_COHORTS:
        assert not train.keys() & RecordSet.open(records / name).patients("test").keys()


def test_every_segmenter_was_trained_to_the_end(finished):
    _, run, _ = finished
    logs = [run.model(segmenter_name(name)) / "finished.json" for name in SEGMENTERS]
    assert all(json.loads(path.read_text())["epochs"] == 1 for path in logs)


def test_table3_holds_the_five_combinations(finished):
    config, run, _ = finished
    table = table3(run, config)
    combinations = [row[1] for row in table.rows if str(row[0]).startswith("All")]
    assert combinations == list(config.ensembles.combinations)
    assert all(path.exists() for path in write_table(table, run.tables))


def test_the_figures_of_the_method_come_from_the_models(finished):
    config, run, records = finished
    shown = method_figures.largest_lesion(RecordSet.open(records / "dumc"), "test")
    assert shown.hu.shape == shown.outline.shape == (32, 32)
    assert shown.outline.any()
    config = replace(config, classifiers=replace(config.classifiers, arms=("aihub-strong",)))
    ((arm, evidence, probability),) = method_figures.arm_maps(config, "MobileNetV2", shown, run)
    assert arm == "aihub-strong"
    assert evidence.shape == (1, 1)  # 32 pixels at stride 32
    assert 0 <= probability <= 1

    unet = load_best(run, segmenter_name("all"))
    stages = method_figures.unet_stages(unet)
    assert [one[:3] for one in stages] == [
        ("down1", 16, 4),
        ("down2", 8, 8),
        ("bottom", 4, 16),
        ("up2", 8, 8),
        ("up1", 16, 4),
    ]
    head = 4 * (4 + 1)  # a block of 2 x 2 pixels at each position
    assert sum(one[3] for one in stages) == unet.count_params() - head

    weight_model = load_best(run, ensemble_name("all"))
    assert [one.split("\n")[0] for one in method_figures.weight_steps(weight_model)] == [
        "convolution1",
        "convolution2",
        "convolution3",
        "pool",
        "weights",
    ]
    weights = method_figures.weights_by_kind(config, "ensemble-all", TEST_COHORTS, run)
    table = read_predictions(run.predictions("ensemble-all") / "dumc.slices.csv")
    assert 0 < len(weights["normal"]) <= 12 * 14
    assert len(weights["normal"]) >= np.count_nonzero(np.asarray(table["ANY"], float) == 0)
    for values in weights.values():
        np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-5)


def test_the_exported_model_predicts_dicom_as_it_predicted_records(finished, tmp_path):
    config, run, _ = finished
    raw = run.root.parents[1] / "raw" / "dumc" / "dicom"
    summary = predict_inputs(run.export("ensemble-all"), [raw], tmp_path, load_key())
    assert (summary.scans, summary.excluded) == (config.phantom.scans["dumc"], 0)
    with summary.predictions_csv.open(encoding="utf-8") as handle:
        predicted = {row["scan_id"]: float(row["score"]) for row in csv.DictReader(handle)}
    table = read_predictions(run.predictions("ensemble-all") / "dumc.scans.csv")
    recorded = dict(zip(table["scan_id"], table["score"], strict=True))
    assert predicted.keys() == recorded.keys()
    for scan_id, score in recorded.items():
        # records hold HU as whole numbers
        assert predicted[scan_id] == pytest.approx(score, abs=2e-3)


def export_script(monkeypatch: pytest.MonkeyPatch, run: RunFolder, *options: str) -> None:
    script = Path(__file__).parents[1] / "models" / "export.py"
    arguments = ["--run", str(run.root), "--model", "segmenter-sdh", *options]
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    runpy.run_path(str(script), run_name="__main__")


def test_exports_count_up_and_their_cards_tell_what_was_measured(finished, monkeypatch, capsys):
    config, run, _ = finished
    export_script(monkeypatch, run)
    export_script(monkeypatch, run)
    assert {path.name for path in run.export("segmenter-sdh").parent.iterdir()} == {"1", "2"}
    with pytest.raises(SystemExit):
        export_script(monkeypatch, run, "--version", "2")
    assert "segmenter-sdh/2: this version exists" in capsys.readouterr().err

    card = json.loads((run.export("segmenter-sdh", 2) / "model_card.json").read_text("utf-8"))
    expected = load_metrics(run, config).of("scan").models["segmenter-sdh"]
    measured = card["metrics"]["All"]
    assert (measured["auc"]["low"], measured["brier"]) == (expected.auc.low, expected.brier)
    assert {"SDH", "SAH", "Small", *TEST_COHORTS} < set(card["metrics"])
    assert model_metrics(run, "segmenter-none", config) == {}


def test_the_report_is_one_file_that_says_what_the_models_are(finished):
    config, run, records = finished
    predict_folder = run.root / "predict"
    predict_inputs(
        run.export("ensemble-all"),
        [run.root.parents[1] / "raw" / "dumc" / "dicom"],
        predict_folder,
        load_key(),
    )
    write_report(run, records)
    page = run.report.read_text(encoding="utf-8")
    assert config.data_statement.split(".")[0] in page
    assert "not a medical device" in page.lower()
    assert 'src="http' not in page


def test_results_name_no_patient(finished):
    """Names, numbers and identifiers of the source are in no byte of records or results."""
    _, run, records = finished
    root = run.root.parents[1]
    secrets = [b"Phantom^", b"AIHUB0000", b"DUMC0000", b"CQ5000000", b"2.25."]
    for path in [*records.rglob("*"), *run.root.rglob("*")]:
        if path.is_file():
            content = path.read_bytes()
            found = [secret for secret in secrets if secret in content]
            assert not found, (path.relative_to(root), found)
