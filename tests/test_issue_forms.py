"""The forms in .github: a host drops a form that is not valid without saying so."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

FORMS = Path(__file__).parents[1] / ".github" / "ISSUE_TEMPLATE"


@pytest.mark.parametrize("name", ["bug_report", "feature_request", "unreadable_scan"])
def test_a_form_has_what_the_host_requires(name):
    form = yaml.safe_load((FORMS / f"{name}.yml").read_text(encoding="utf-8"))
    assert form["name"]
    assert form["description"]
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    identifiers = [part["id"] for part in asked]
    assert len(set(identifiers)) == len(identifiers) > 0
    assert all(part["attributes"]["label"] for part in asked)
    notes = [part for part in form["body"] if part["type"] == "markdown"]
    assert all(part["attributes"]["value"] for part in notes)
