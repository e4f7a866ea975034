from __future__ import annotations

from pathlib import Path

import pytest

from ichnet.reporting.figures.training_curves import draw_training_curves, read_logs
from ichnet.runs import RunFolder


def write_log(run: RunFolder, model: str, text: str) -> None:
    path = run.model(model) / "log.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def test_a_panel_for_each_model_marks_the_epoch_kept(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_log(run, "b", "epoch,loss,val_loss,auc\n1.0,.5,.6,.7\n2.0,.4,.5,.7\n3.0,.3,.7,.7\n")
    write_log(run, "a", "epoch,loss,val_loss\n1.0,.5,.6\n")

    logs = read_logs(run)
    figure = draw_training_curves(logs)

    assert list(logs) == ["a", "b"]
    assert logs["b"]["val_loss"] == logs["b"]["kept_by"] == [0.6, 0.5, 0.7]
    panel = figure.axes[1]
    assert panel.get_title(loc="left") == "b"
    kept = panel.lines[2].get_xydata().tolist()
    assert kept == [[2.0, 0.5]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch,loss\n1,.5\n", "log.csv: lacks the column 'val_loss'"),
        ("epoch,loss,val_loss\n1,.5,high\n", "log.csv: .*'high'"),
    ],
)
def test_a_broken_log_is_named(tmp_path: Path, text: str, message: str) -> None:
    run = RunFolder(tmp_path)
    write_log(run, "a", text)

    with pytest.raises(ValueError, match=message):
        read_logs(run)


def test_a_log_without_epochs_yet_is_left_out(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_log(run, "a", "epoch,loss,val_loss\n")

    assert read_logs(run) == {}


def test_the_loss_of_the_map_decides_for_model_2(tmp_path):
    run = RunFolder(tmp_path)
    columns = "epoch,loss,val_loss,val_map_loss,val_subtype_score_loss"
    write_log(run, "segmenter-subtype", f"{columns}\n1.0,1,2.0,.4,3\n2.0,1,1.5,.6,2\n")
    assert read_logs(run)["segmenter-subtype"]["kept_by"] == [0.4, 0.6]


def test_the_loss_of_the_probability_decides_where_there_is_one(tmp_path):
    run = RunFolder(tmp_path)
    columns = "epoch,loss,val_loss,val_probability_loss"
    write_log(run, "strong", f"{columns}\n1.0,1,2.0,.4\n2.0,1,1.5,.6\n")
    log = read_logs(run)["strong"]
    assert log["kept_by"] == [0.4, 0.6]
    circle = draw_training_curves({"strong": log}).axes[0].lines[2]
    assert circle.get_xydata().tolist() == [[1.0, 2.0]]
