"""The localisation table: means over slices, the same slices for each model, nothing hidden."""

from __future__ import annotations

import pytest

from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.localisation import localisation_table
from ichnet.reporting.tables.table import DASH
from ichnet.runs import RunFolder

HEADER = "cohort,scan_id,patient_id,slice_index,hit,energy_inside,iou,area\n"


def write(run: RunFolder, model: str, *rows: str) -> None:
    path = run.localisation(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_means_and_what_is_missing(config, tmp_path):
    run = RunFolder(tmp_path)
    rows = ("dumc,s,p,0,1,0.5,0.2,0.1", "dumc,s,p,1,0,0.1,0.4,0.3", "dumc,t,q,0,1,0.3,0.0,0.2")
    write(run, "MobileNetV2-aihub-strong", *rows)
    table = localisation_table(run, config)
    cells = {(row[0], row[1]): row[2:] for row in table.rows}
    assert len(cells) == 6
    (strong,) = (c for c in cells.values() if isinstance(c[0], Estimate))
    values = [cell.value for cell in strong if isinstance(cell, Estimate)]
    assert values == pytest.approx([2 / 3, 0.3, 0.2])
    assert sum(c == (DASH,) * 3 for c in cells.values()) == len(table.notes) == 5
    assert "3 slices with a lesion of 2 patients" in table.caption
    assert "0.200" in table.caption


def test_different_slices_are_refused(config, tmp_path):
    run = RunFolder(tmp_path)
    write(run, "MobileNetV2-aihub-weak", "dumc,s,p,0,1,0.5,0.2,0.1")
    write(run, "MobileNetV2-aihub-strong", "dumc,s,p,1,1,0.5,0.2,0.1")
    with pytest.raises(ValueError, match=r"strong\.csv and .*weak\.csv hold different slices"):
        localisation_table(run, config)


def test_no_maps_name_the_script(config, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"eval/localise\.py"):
        localisation_table(RunFolder(tmp_path), config)
