"""The report: all tables and figures of a run in one HTML file that needs no network."""

from __future__ import annotations

import base64
import importlib.metadata
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

import ichnet
from ichnet.config import SEGMENTERS, Config, fingerprint, load_config
from ichnet.files import write_whole
from ichnet.reporting.figures.figure2 import FIGURE2_TITLE, draw_figure2, figure2
from ichnet.reporting.figures.overview import Groups, draw_overview
from ichnet.reporting.figures.style import inline_svg
from ichnet.reporting.figures.training_curves import draw_training_curves, read_logs
from ichnet.reporting.measures.calibrations import refusals
from ichnet.reporting.measures.metrics import SetMetrics, load_metrics
from ichnet.reporting.measures.model_pairs import classifiers
from ichnet.reporting.measures.model_predictions import (
    FINAL_MODEL,
    ModelPredictions,
    load_predictions,
)
from ichnet.reporting.pages.explorer import explorer_data
from ichnet.reporting.pages.gallery import choose_cases, gallery_page, read_predicted
from ichnet.reporting.pages.headline import headline, tiles
from ichnet.reporting.pages.html import inline_json, page_environment, script_hash, template_text
from ichnet.reporting.pages.sections import SECTIONS, Section
from ichnet.reporting.tables.contrasts import contrasts_table
from ichnet.reporting.tables.difficult import difficult_tables
from ichnet.reporting.tables.etable1 import etable1
from ichnet.reporting.tables.pooling import pooling_table
from ichnet.reporting.tables.subtypes import subtypes_table
from ichnet.reporting.tables.table import Table, to_html
from ichnet.reporting.tables.table1 import table1
from ichnet.reporting.tables.table2 import ARM_TITLES, table2
from ichnet.reporting.tables.table3 import table3
from ichnet.runs import RunFolder, ensemble_name, segmenter_name

Part = dict[str, str | Markup]
"""A section as the template shows it: ``id``, ``title``, ``text``, ``content``."""

PACKAGES = ("numpy", "scipy", "matplotlib", "tensorflow", "keras", "pydicom", "opencv-python")
"""Packages whose versions the report lists, where installed; none is imported for that."""


def write_report(run: RunFolder, records: Path) -> Path:
    """Compute everything from a run's predictions and write ``report.html``.

    Args:
        run: with ``config.yaml``; predictions, logs and ``predict/`` as far as they exist.
        records: folder of the record sets, for Table 1.

    Returns:
        The report's path.

    Raises:
        ConfigError: when the run has no usable configuration.
        ValueError: when predictions cannot be compared; names the files.
    """
    page = render_report(run, records, datetime.now(UTC))
    with write_whole(run.report) as handle:
        handle.write(page)
    return run.report


def render_report(run: RunFolder, records: Path, made: datetime) -> str:
    """Return the report as HTML; ``made`` is the date shown on it."""
    config = load_config(run.config)
    environment = page_environment()
    script = template_text(environment, "report.js")
    explorer = explorer_data(_every_model(run, config), config)
    sections = [
        _part("summary", "Summary", _summary(run, config)),
        *_sections(run, records, config),
        *([_part("explore", "Explore", _template("report_explore.html"))] if explorer else []),
        _part("cases", "Hits and misses", _cases(run, config)),
        _part("training", "Training", _training(run)),
        _part("configuration", "Configuration", _configuration(run, config)),
    ]
    return environment.get_template("report.html").render(
        name=config.name,
        made=made,
        fingerprint=fingerprint(config),
        versions={"ichnet": ichnet.__version__},
        data_statement=config.data_statement,
        sections=sections,
        explorer=Markup(inline_json(explorer)) if explorer else None,
        script=Markup(script),
        script_hash=script_hash(script),
    )


def _sections(run: RunFolder, records: Path, config: Config) -> list[Part]:
    """Return the sections that the results page has too, as far as there is something to show.

    What needs only predictions and listings is computed here; the rest is shown if its files exist.
    The last section lists what is absent, with the commands that make it.
    """
    computed: dict[str, Callable[[], Markup]] = {
        "questions": lambda: _html(contrasts_table(run, config)),
        "cohorts": lambda: _html(table1(records)),
        "annotation": lambda: _html(*table2(run, config)),
        "ensembles": lambda: _html(table3(run, config)),
        "roc": lambda: _roc(run, config) + _html(etable1(run, config)),
        "slices-to-scan": lambda: _html(pooling_table(run, config)),
        "which-hemorrhage": lambda: _html(subtypes_table(run, config)),
        "difficult": lambda: _difficult(run, config),
    }
    parts, absent = [], []
    for one in SECTIONS:
        if one.key in computed:
            parts.append(_part(one.key, one.title, computed[one.key](), one.text))
        elif all((run.root / name).exists() for name in one.files):
            parts.append(_part(one.key, one.title, _from_files(run, one), one.text))
        else:
            absent.append(one)
    return [*parts, *([_absent(run, absent)] if absent else [])]


def _from_files(run: RunFolder, section: Section) -> Markup:
    """Return the section's tables and figures as its script wrote them."""
    tables = [run.tables / f"{name}.html" for name in section.tables]
    figures = [run.figures / f"{name}.png" for name in section.figures]
    shown = [Markup(path.read_text(encoding="utf-8")) for path in tables]  # escaped there
    picture = Markup('<figure><img src="data:image/png;base64,{}" alt="{}"></figure>')
    for path in figures:
        data = base64.b64encode(path.read_bytes()).decode()
        shown.append(picture.format(data, f"{section.title}: {path.stem}"))
    return Markup("").join(shown)


def _absent(run: RunFolder, sections: Sequence[Section]) -> Part:
    """Return a list of absent sections, with the commands that make them."""
    item = Markup("<li>{}: <code>{}</code></li>")
    items = [item.format(one.title, one.command(run.root)) for one in sections]
    return _part(
        "absent", "Not made in this run", Markup("<ul>{}</ul>").format(Markup("").join(items))
    )


def _part(key: str, title: str, content: Markup, text: str = "") -> Part:
    return {"id": key, "title": title, "text": text, "content": content}


def _template(name: str, **values: object) -> Markup:
    return Markup(page_environment().get_template(name).render(**values))  # escaped there


def _summary(run: RunFolder, config: Config) -> Markup:
    metrics = load_metrics(run, config).of("scan")
    why = refusals(run, [FINAL_MODEL])
    return _template(
        "report_summary.html",
        sentence=headline(load_predictions(run, [FINAL_MODEL]), metrics, why, config),
        tiles=tiles(metrics, why, config),
        overview=_overview(run, metrics, config),
    )


def _cases(run: RunFolder, config: Config) -> Markup:
    final = load_predictions(run, [FINAL_MODEL])
    return _template(
        "report_cases.html",
        gallery=_gallery(run, final, config),
        gallery_absent=f"{FINAL_MODEL}: {final.missing.get(FINAL_MODEL)}.",
    )


def _difficult(run: RunFolder, config: Config) -> Markup:
    summary, listing = difficult_tables(run, config)
    details = Markup("<details><summary>List of difficult cases</summary>{}</details>")
    return _html(summary) + details.format(_html(listing))


def _configuration(run: RunFolder, config: Config) -> Markup:
    return _template(
        "report_configuration.html",
        fingerprint=fingerprint(config),
        configuration=run.config.read_text(encoding="utf-8"),
        facts=_facts(run),
    )


def _kinds(config: Config) -> dict[str, list[str]]:
    """Return the names of a configuration's models, by kind."""
    return {
        **{
            f"Classifiers, {ARM_TITLES[arm]}": classifiers(config, [arm])
            for arm in config.classifiers.arms
        },
        "Segmenters": [segmenter_name(name) for name in SEGMENTERS],
        "Weighted ensembles": [ensemble_name(name) for name in config.ensembles.combinations],
    }


def _every_model(run: RunFolder, config: Config) -> ModelPredictions:
    return load_predictions(run, [model for models in _kinds(config).values() for model in models])


def _overview(run: RunFolder, metrics: SetMetrics, config: Config) -> Markup:
    """Return the AUC of every model of the run; nothing when there is none."""
    if metrics.unmeasurable:
        return Markup()
    predictions = _every_model(run, config)
    groups: Groups = {
        title: {m: metrics.models[m].auc for m in models if m in metrics.models}
        for title, models in _kinds(config).items()
    }
    groups = {title: models for title, models in groups.items() if models}
    missing = "".join(f" {model}: {why}." for model, why in predictions.missing.items())
    caption = (
        f"Scan level; {predictions.describe()}. Points: AUC; lines: DeLong's 95 % interval."
        f"{missing}"
    )
    svg = inline_svg(draw_overview(groups), "overview", f"AUC of every model. {caption}")
    return _figure("Every model at a glance", caption, svg)


def _roc(run: RunFolder, config: Config) -> Markup:
    result = figure2(run, config)
    if not result.curves:
        return Markup('<p class="empty">{}</p>').format(result.caption)
    svg = inline_svg(draw_figure2(result), "figure2", f"{FIGURE2_TITLE}. {result.caption}")
    return _figure(FIGURE2_TITLE, result.caption, svg)


def _training(run: RunFolder) -> Markup:
    logs = read_logs(run)
    if not logs:
        return Markup('<p class="empty">No training logs in models/.</p>')
    curves = {model: log for model, log in logs.items() if len(log["epoch"]) > 1}
    points = [model for model in logs if model not in curves]
    note = f"Trained for one epoch, so without a curve: {', '.join(points)}." if points else ""
    if not curves:
        return Markup('<p class="empty">{}</p>').format(note)
    caption = (
        f"Training and validation loss by epoch; n = {len(curves)} models. The circle is the epoch "
        f"that was kept: the lowest validation loss, of the probability alone in the strong arm. "
        f"{note}"
    ).rstrip()
    svg = inline_svg(draw_training_curves(curves), "training", caption)
    return _figure("Training curves", caption, svg)


def _gallery(
    run: RunFolder, predictions: ModelPredictions, config: Config
) -> dict[str, object] | None:
    if FINAL_MODEL in predictions.missing:
        return None
    predicted = read_predicted(run.root / "predict")
    threshold = config.evaluation.threshold
    gallery = choose_cases(predictions, FINAL_MODEL, threshold, predicted.pictures)
    return gallery_page(gallery, predicted, FINAL_MODEL, threshold)


def _figure(title: str, caption: str, svg: str) -> Markup:
    return Markup(
        "<figure><figcaption><strong>{}</strong> <span>{}</span></figcaption>"
        '<div class="scroll" tabindex="0" role="region" aria-label="{}">{}</div></figure>'
    ).format(title, caption, title, Markup(svg))


def _html(*tables: Table) -> Markup:
    return Markup("").join(Markup(to_html(table)) for table in tables)  # escaped there


def _facts(run: RunFolder) -> list[tuple[str, str]]:
    """Return versions of this environment and the dates of the run's files."""
    facts = [("ichnet", ichnet.__version__), ("Python", platform.python_version())]
    for package in PACKAGES:
        try:
            facts.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            continue
    predictions = [path.stat().st_mtime for path in run.root.glob("predictions/*/*.csv")]
    if predictions:
        facts += [("First prediction", _date(min(predictions)))]
        facts += [("Last prediction", _date(max(predictions)))]
    return facts


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
