from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ichnet.config import ConfigError
from ichnet.reporting.pages.html import script_hash
from ichnet.reporting.pages.report import render_report, write_report
from ichnet.reporting.pages.sections import SECTIONS
from ichnet.reporting.tables.files import write_table
from ichnet.reporting.tables.table import Table
from ichnet.runs import RunFolder

MADE = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)
VOID = {"meta", "img", "input", "link", "br", "hr"}


class Page(HTMLParser):
    """Checks that elements nest, and collects what the tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(run: RunFolder) -> str:
    return render_report(run, records_of(run), MADE)


def records_of(run: RunFolder) -> Path:
    return run.root.parents[1] / "work" / "tiny" / "records"


def test_every_section_is_there_and_linked(page: str) -> None:
    parsed = Page(page)

    targets = {attributes.get("id") for _, attributes in parsed.elements}
    links = [str(a["href"]) for a in parsed.attributes("a")]
    assert len(links) == 15  # with the one to skip them
    assert all(link.startswith("#") and link[1:] in targets for link in links)
    for name in (
        "contrasts",
        "table1",
        "table2",
        "table2_contrast",
        "table3",
        "etable1",
        "pooling",
        "subtypes",
    ):
        assert f'id="{name}"' in page
    assert len(parsed.attributes("svg")) == 4  # three figures and the curve to explore


def test_report_and_results_page_have_one_list_of_sections(page: str) -> None:
    for section in SECTIONS:
        assert (f"<h2>{html.escape(section.title)}</h2>" in page) != (
            f"<li>{html.escape(section.title)}: <code>python eval/{section.script}.py" in page
        )
    assert 'id="questions"' in page  # the contrasts


@pytest.mark.slow
def test_a_section_whose_files_are_there_is_shown(
    write_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    run = write_run(tmp_path, backbones=("VGG19",), slices_per_scan=2, replicates=10)
    table = Table("lesions", "Lesions", "n = 1 <scan>", ("Model",), (("ensemble-all",),))
    write_table(table, run.tables)
    page = render_report(run, tmp_path / "none", MADE)
    assert "<h2>Lesions found</h2>" in page
    assert "n = 1 &lt;scan&gt;" in page
    assert "<li>Lesions found" not in page
    Page(page)


def test_no_identifier_twice(page: str) -> None:
    ids = [a["id"] for _, a in Page(page).elements if "id" in a]

    assert len(ids) == len(set(ids))


def test_it_needs_no_network(page: str) -> None:
    parsed = Page(page)

    assert not any("src" in a for a in parsed.attributes("script"))
    assert not parsed.attributes("link")
    assert all(str(a["src"]).startswith("data:image/png;base64,") for a in parsed.attributes("img"))
    policy = next(a for a in parsed.attributes("meta") if a.get("http-equiv"))
    script = re.findall(r"<script>(.*?)</script>", page, flags=re.S)
    assert policy["content"] == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src '{script_hash(*script)}'"
    )
    assert not re.search(r"url\((?!#)|@import", page)


def test_pictures_have_descriptions(page: str) -> None:
    parsed = Page(page)

    assert parsed.attributes("img")
    assert all(a["alt"] for a in parsed.attributes("img"))
    assert all(a["aria-label"] for a in parsed.attributes("svg"))


def test_the_data_statement_stands_in_the_banner(page: str) -> None:
    banner = page[page.index('class="banner"') : page.index("</aside>")]

    assert "Not a medical device" in banner
    assert "Trained on synthetic heads only" in banner


@pytest.mark.slow
def test_strings_from_data_are_escaped(write_run: Callable[..., RunFolder], tmp_path: Path) -> None:
    evil = '<script>alert("x")</script>'
    run = write_run(
        tmp_path, backbones=("VGG19",), slices_per_scan=2, replicates=10, data_statement=evil
    )
    # scan ids name pictures and stand in cards, so an evil one is worth trying as well
    for path in run.root.glob("predictions/ensemble-all/*.scans.csv"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"^(\w+),", r"\1,<b>&", text, flags=re.M), encoding="utf-8")
    for path in run.root.glob("predictions/*/*.scans.csv"):
        text = path.read_text(encoding="utf-8").replace(",<b>&scan_id", ",scan_id")
        if "ensemble-all" in str(path):
            path.write_text(text, encoding="utf-8")
        else:
            path.unlink()

    page = render_report(run, tmp_path / "none", MADE)

    assert re.findall(r"<script[^>]*>", page) == [
        '<script type="application/json" id="explorer-data">',
        "<script>",
    ]
    assert "<b>&" not in page
    assert page.count("&lt;script&gt;alert(") == 3  # banner, footer, configuration
    assert "&lt;b&gt;&amp;" in page
    Page(page)


def test_a_run_with_nothing_but_a_configuration(run: RunFolder, tmp_path: Path) -> None:
    empty = RunFolder(tmp_path / "runs" / "empty")
    empty.root.mkdir(parents=True)
    text = (run.root / "config.yaml").read_text(encoding="utf-8")
    (empty.root / "config.yaml").write_text(text, encoding="utf-8")

    path = write_report(empty, tmp_path / "records")

    page = path.read_text(encoding="utf-8")
    Page(page)
    assert "ensemble-all has no predictions for dumc, cq500" in page
    assert 'id="explore' not in page
    assert "<script" not in page
    assert "No training logs in models/." in page
    assert "AI-Hub: no record set records/aihub-scans." in page

    log = empty.model("segmenter-all") / "log.csv"
    log.parent.mkdir(parents=True)
    log.write_text("epoch,loss,val_loss\n1,0.5,0.4\n", encoding="utf-8")
    page = render_report(empty, tmp_path / "records", MADE)
    assert "Trained for one epoch, so without a curve: segmenter-all." in page
    assert "Training curves" not in page
    with log.open("a", encoding="utf-8") as file:
        file.write("2,0.3,0.4\n")
    page = render_report(empty, tmp_path / "records", MADE)
    assert "Training and validation loss by epoch; n = 1 models." in page
    assert "one epoch" not in page


def test_a_run_without_configuration_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        write_report(RunFolder(tmp_path), tmp_path)


@pytest.mark.slow
def test_same_input_gives_the_same_page(run: RunFolder, page: str) -> None:
    assert render_report(run, records_of(run), MADE) == page
