"""One row a model: the way that was chosen, and each way's AUC on validation scans."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import FINAL_MODEL, load_predictions
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.pooling import pooling_table
from ichnet.runs import RunFolder
from ichnet.statistics.pooling import POOLINGS
from ichnet.statistics.scan_score import read_calibration, write_calibration


def test_every_model_has_its_way_and_the_auc_of_all(
    run: RunFolder, config: Config, tmp_path: Path
) -> None:
    table = pooling_table(run, config)
    assert len(table.rows) == 2 * 3 + 5 + 3 + 1 + 5
    rows = {str(row[0]): row[1:] for row in table.rows}
    assert rows[FINAL_MODEL][:3] == ("12, 14", "over-10-mm", "yes")
    assert rows["segmenter-sdh"][1] == "maximum"
    assert str(rows[FINAL_MODEL][3]) == "0.800 (0.650–0.925)"
    assert all(str(way) in table.caption for way in POOLINGS.values())
    assert table.notes == ()
    with write_table(table, tmp_path)[0].open(encoding="utf-8", newline="") as handle:
        final = next(row for row in csv.DictReader(handle) if row["Model"] == FINAL_MODEL)
    assert (final["Chosen"], final["noisy-or"], final["noisy-or high"]) == (
        "over-10-mm",
        "0.84",
        "0.965",
    )


def test_a_model_at_chance_is_named_here_and_wherever_its_scans_are_shown(
    run: RunFolder, config: Config, tmp_path: Path
) -> None:
    for name in ("calibration", "predictions"):
        shutil.copytree(run.root / name, tmp_path / name)
    copy = RunFolder(tmp_path)
    path = copy.calibration(FINAL_MODEL)
    write_calibration(replace(read_calibration(path), calibrated=False), path)
    shutil.rmtree(copy.calibration("segmenter-sdh").parent)
    table = pooling_table(copy, config)
    rows = {str(row[0]): row[1:] for row in table.rows}
    assert rows[FINAL_MODEL][2] == "no"
    told = (
        f"{FINAL_MODEL} cannot be told from a model that guesses, on 12 validation scans with and "
        "14 without hemorrhage: AUC 0.820 (0.670–0.945). It is not calibrated; its probabilities "
        "are no more than the share of hemorrhages among those scans."
    )
    assert table.notes == (told, "segmenter-sdh: no calibration.")
    assert load_predictions(copy, ["segmenter-all", FINAL_MODEL]).notes == (told,)
    assert load_predictions(copy, [FINAL_MODEL], "slice").notes == ()
