"""The ledger of the paper's printed numbers: complete, read as printed, refused when faulty."""

from __future__ import annotations

from pathlib import Path

import pytest
from printed import ARMS, ENSEMBLES, NETWORKS, SUBSETS

from ichnet.paper import LEDGER_PATH, STATUSES, PrintedNumber, load_ledger


def test_every_table_is_complete(ledger):
    assert len(ledger) == LEDGER_PATH.read_text(encoding="utf-8").count("{printed: ")  # no id twice
    assert {number.status for number in ledger.values()} == set(STATUSES)
    for network in NETWORKS:
        for arm in ARMS:
            fields = {"auc", "sensitivity", "specificity"} | ({"p"} if arm != ARMS[0] else set())
            keys = {number.id.split("/")[-1] for number in ledger.under(f"table2/{network}/{arm}")}
            assert keys == fields
    for ensemble in ENSEMBLES:
        for subset in SUBSETS:
            fields = {"auc", "sensitivity", "specificity"} | (
                {"p"} if ensemble != "basic" else set()
            )
            keys = {n.id.split("/")[-1] for n in ledger.under(f"table3/{ensemble}/{subset}")}
            assert keys == fields


def test_estimates_lie_within_their_intervals(ledger):
    for table in ("table2", "table3", "published"):
        for number in ledger.under(table):
            if number.id.endswith(("auc", "sensitivity", "specificity")):
                value, low, high = number.values
                assert low <= value <= high


@pytest.mark.parametrize(
    ("printed", "values"),
    [
        ("0.771 (0.767 - 0.775)", (0.771, 0.767, 0.775)),
        (".953 (.938-.965)", (0.953, 0.938, 0.965)),
        ("25,185 (47.5%)", (25185, 47.5)),
        ("P < 0.0001 (*0.0030)", (0.0001, 0.003)),
        ("492 ICH, 494 normal", (492, 494)),
        ("five", (5,)),
    ],
)
def test_numbers_are_read_from_what_is_printed(printed, values):
    number = PrintedNumber("x", printed, "consistent", "f", "", "")
    assert number.values == values
    assert number.value == values[0]


def test_words_alone_have_no_value(ledger):
    with pytest.raises(ValueError, match="holds no number"):
        _ = ledger["text/test/normals-of-subsets"].value


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("{printed: '1', status: wrong, finding: f}", "'wrong' is not one of consistent"),
        ("{printed: '1', status: consistent, finding: g}", "no finding 'g'"),
        ("{printed: '1', finding: f}", "printed, status and finding"),
    ],
)
def test_a_faulty_ledger_is_refused(tmp_path: Path, number: str, message: str) -> None:
    path = tmp_path / "ledger.yaml"
    path.write_text(f"findings: {{f: {{reading: r, reason: w}}}}\nnumbers: {{a/b: {number}}}\n")
    with pytest.raises(ValueError, match=message) as error:
        load_ledger(path)
    assert str(path) in str(error.value)


def test_an_idle_finding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.yaml"
    path.write_text("findings: {f: {reading: r, reason: w}}\nnumbers: {}\n")
    with pytest.raises(ValueError, match="no number belongs to f"):
        load_ledger(path)
