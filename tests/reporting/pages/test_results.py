"""The results page: every table with its command, a sentence a contrast, nothing missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.metrics import NOTHING, load_metrics
from ichnet.reporting.pages.lead import _worth, lead
from ichnet.reporting.pages.results import sentences, write_results
from ichnet.reporting.pages.sections import SECTIONS
from ichnet.runs import RunFolder

CONTRASTS = """\
Family,Question,Model,Against,Scans,AUC difference,AUC difference low,AUC difference high,p,\
"p, Holm",By training,Answer
outlines,Is it so?,a,b,9 ICH,0.1234,0.05,0.2,0.001,0.003,"+0.110, +0.137",yes
specialists,And this?,a,c,9 ICH,-0.01,-0.05,0.03,0.500,0.500,−0.010,not shown
specialists,Or this?,a,c,9 ICH,-0.01,-0.02,0.02,0.500,0.500,−0.010,not shown
specialists,Even this?,a,c,9 ICH,0.02,0.01,0.04,0.030,0.060,+0.020,not shown
outlines,Does it guess?,a,c,9 ICH,-0.01,-0.05,0.03,0.500,,−0.010,left out: undertrained
networks,Is it worse?,a,c,9 ICH,-0.1,-0.15,-0.05,0.001,0.001,−0.100,"no, the opposite"
outlines,And that?,a,d,9 ICH,,,,,,,
"""


@pytest.fixture
def complete(run, tmp_path) -> RunFolder:
    """A run folder with every table and figure, as texts that can be found again."""
    folder = RunFolder(tmp_path / "runs" / "tiny")
    folder.tables.mkdir(parents=True)
    folder.figures.mkdir()
    (folder.root / "config.yaml").write_bytes((run.root / "config.yaml").read_bytes())
    for section in SECTIONS:
        for name in section.tables:
            (folder.tables / f"{name}.md").write_text(f"table {name}\n", encoding="utf-8")
        for name in section.figures:
            (folder.figures / f"{name}.png").write_bytes(name.encode())
    (folder.tables / "contrasts.csv").write_text(CONTRASTS, encoding="utf-8")
    return folder


def test_a_sentence_for_each_contrast(complete):
    found = list(sentences(complete.tables / "contrasts.csv"))
    assert found[0] == (
        "- Is it so? **Yes**: AUC +0.123 (+0.050 to +0.200), corrected p 0.003; by training "
        "+0.110, +0.137."
    )
    assert found[1] == (
        "- And this? **Not shown**: AUC −0.010 (−0.050 to +0.030), corrected p 0.500; one training."
    )
    assert found[4] == (
        "- Does it guess? **Left out: undertrained**: AUC −0.010 (−0.050 to +0.030); one training."
    )
    assert found[6] == "- And that? Not measured: a model or a class is missing."


def test_the_page_leads_with_answers_worded_by_their_intervals(complete, run, config):
    metrics = load_metrics(run, config).of("scan")
    first, *answers = lead(metrics, complete.tables / "contrasts.csv")
    auc = metrics.models["ensemble-all"].auc
    assert f"{metrics.units} synthetic scans, {metrics.with_ich} of them" in first
    assert f"AUC of {auc}" in first
    assert answers == [
        "Is it so? Yes (AUC +0.123, +0.050 to +0.200).",
        "And this? The run does not tell: gain and loss are both possible (AUC −0.010, −0.050 to "
        "+0.030).",
        "Or this? It makes no difference of 0.03 or more (AUC −0.010, −0.020 to +0.020).",
        "Even this? Not shown, once corrected for the number of questions (AUC "
        "+0.020, +0.010 to +0.040).",
        "Does it guess? This cannot be answered: a network did not learn enough (AUC −0.010, "
        "−0.050 to +0.030).",
        "Not answered: 1 of 7 contrasts, because a network did not learn enough to be compared.",
    ]
    assert lead(NOTHING, complete.tables / "contrasts.csv")[0].startswith("There is no final")


def test_every_table_and_figure_with_its_command(complete, tmp_path):
    analysis = tmp_path / "analysis.md"
    analysis.write_text("It did not learn enough.\n", encoding="utf-8")
    page = write_results(complete, tmp_path / "docs/r.md", analysis)
    text = page.read_text(encoding="utf-8")
    for section in SECTIONS:
        assert f"`python eval/{section.script}.py --run {complete.root}" in text
        assert Path(__file__).parents[3].joinpath(f"eval/{section.script}.py").exists()
        assert all(f"\ntable {name}\n" in text for name in section.tables)
        for name in section.figures:
            assert f"(images/results/{name}.png)" in text
            assert (tmp_path / f"docs/images/results/{name}.png").read_bytes() == name.encode()
    assert text.index("(images/results/figure2.png)") < text.index("\n## ")
    # the reading comes before the long table
    assert text.index("It did not learn enough.") < text.index("\ntable contrasts\n")


def test_a_missing_table_names_its_command(complete, tmp_path):
    (complete.tables / "table3.md").unlink()
    page = tmp_path / "docs" / "results.md"
    with pytest.raises(FileNotFoundError, match=r"table3\.md is missing.*eval/table3\.py"):
        write_results(complete, page, tmp_path / "none.md")
    assert not page.exists()


def test_the_committed_page_holds_the_committed_analysis():
    docs = Path(__file__).parents[3] / "docs"
    analysis = (docs / "results_analysis.md").read_text(encoding="utf-8").strip()
    assert analysis
    assert analysis in (docs / "results.md").read_text(encoding="utf-8")


def test_a_model_that_is_worse_than_guessing_is_called_so():
    assert _worth(Estimate(0.4, 0.35, 0.45)) == "it does worse than guessing"
    assert _worth(Estimate(0.5, 0.4, 0.6)) == "it cannot be told from guessing"
