"""Shared by the HTML pages: templates, embedded JSON, and hashes for their security policy."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import jinja2


def page_environment() -> jinja2.Environment:
    """Return the templates; inserted text is escaped, an undefined variable is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("ichnet.reporting.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def inline_json(value: Any) -> str:
    """Return JSON that is safe inside a ``script`` element whatever strings it holds."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def template_text(environment: jinja2.Environment, name: str) -> str:
    """Return a template's text as it stands."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def joined_scripts(environment: jinja2.Environment, *names: str) -> str:
    """Return the text of some scripts, one after another, for one ``script`` element."""
    return "\n".join(template_text(environment, name) for name in names)


def script_hash(script: str) -> str:
    """Return the hash by which a content security policy allows a script, and no other."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
