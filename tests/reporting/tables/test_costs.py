"""Costs of the steps: sums over jobs and repeats, the longest job, the largest memory."""

from __future__ import annotations

import pytest

from ichnet.reporting.tables.costs import costs_table
from ichnet.runs import RunFolder

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write(folder, name, seconds, rss, cpu):
    folder.mkdir(parents=True, exist_ok=True)
    line = f"{seconds}\t0:01:00\t{rss}\t9\t9\t9\t0\t0\t99\t{cpu}\n"
    (folder / f"{name}.tsv").write_text(HEADER + line, encoding="utf-8")


def test_jobs_of_a_step_are_summed_over_repeats(tmp_path):
    write(tmp_path / "costs" / "segmenter", "all", 60, 1024, 90)
    write(tmp_path / "costs" / "segmenter", "sdh", 120, 2048, 150)
    write(tmp_path / "repeats" / "7" / "costs" / "segmenter", "all", 30, 512, 60)
    write(tmp_path / "costs" / "table", "one", 0.2, "-", "NA")
    rows = {row[0]: row[1:] for row in costs_table(RunFolder(tmp_path)).rows}
    assert rows["segmenter"] == ("3", "3.5", "2.0", "5.0", "2.00")
    assert rows["table"] == ("1", "0.0", "0.0", "0.0", "0.00")


def test_a_run_without_the_workflow_says_so(tmp_path):
    table = costs_table(RunFolder(tmp_path))
    assert table.rows == ()
    assert "not run by the workflow" in table.notes[0]


def test_another_file_is_refused_by_name(tmp_path):
    folder = tmp_path / "costs" / "maps"
    folder.mkdir(parents=True)
    (folder / "cq500.tsv").write_text("a\tb\n1\t2\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"cq500\.tsv: not a benchmark file"):
        costs_table(RunFolder(tmp_path))
