"""The lesions table by hand: bins, counts, means."""

from __future__ import annotations

from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.lesions import lesions_table
from ichnet.reporting.tables.table import DASH
from ichnet.runs import RunFolder

LESIONS = """scan_id,patient_id,volume_ml,found
s,p,0.5,0
s,p,0.999,1
s,p,1,1
t,q,40,1
"""
SCANS = """scan_id,patient_id,lesions,false_positives,dice,hausdorff95_mm
s,p,3,2,0.5,10
t,q,1,0,0.7,30
u,r,0,1,,
"""


def test_recall_by_volume(tmp_path):
    run = RunFolder(tmp_path)
    folder = run.lesions("m")
    folder.mkdir(parents=True)
    (folder / "lesions.csv").write_text(LESIONS, encoding="utf-8")
    (folder / "scans.csv").write_text(SCANS, encoding="utf-8")
    table = lesions_table(run, ["m"], 0.5, replicates=20, seed=1)
    assert table.columns[1:5] == (
        "Recall, <1 mL (n = 2)",
        "Recall, 1–5 mL (n = 1)",
        "Recall, 5–30 mL (n = 0)",
        "Recall, >30 mL (n = 1)",
    )
    (row,) = table.rows
    values = [cell.value if isinstance(cell, Estimate) else cell for cell in row]
    assert values[:5] == ["m", 0.5, 1.0, DASH, 1.0]
    assert [round(float(value), 6) for value in values[5:7]] == [1.0, 0.6]
    assert values[7] == "20.0 (n = 2)"
    assert "4 lesions" in table.caption
    assert "3 outlined scans" in table.caption
