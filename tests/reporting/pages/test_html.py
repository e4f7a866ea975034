from __future__ import annotations

import json

import jinja2
import pytest

from ichnet.reporting.pages.html import inline_json, page_environment, script_hash


def test_no_string_can_end_the_script_that_holds_it():
    value = {"</script><script>alert(1)</script>": "a & b", "<!--": 1}
    text = inline_json(value)
    assert not set("<>&") & set(text)
    assert json.loads(text) == value


def test_a_script_is_called_by_its_hash():
    # printf '' | openssl dgst -sha256 -binary | base64
    assert script_hash("") == "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def test_what_a_page_lacks_is_an_error_and_what_it_inserts_is_escaped():
    environment = page_environment()
    assert environment.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
    with pytest.raises(jinja2.UndefinedError, match="'x' is undefined"):
        environment.from_string("{{ x }}").render()
