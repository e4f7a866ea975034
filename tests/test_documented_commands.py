"""Every command of the README and the documentation is one that its script understands."""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ichnet.cli import build_parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

COMMAND = re.compile(
    r"(?:python (?P<script>(?:data_prep|models|eval)/\w+\.py)|^ichnet)(?P<rest>(?: [^`\n;&|#>]*)?)",
    re.MULTILINE,
)
UNFILLED = re.compile(r"[<\[{$]|\.\.\.|…")
"""What stands for something else in a command: it is then looked at option by option."""


@cache
def parser_of(script: str) -> argparse.ArgumentParser:
    """The parser that a script makes, taken from it when it is about to parse."""
    if not script:
        return build_parser()
    found: list[argparse.ArgumentParser] = []

    def stop(parser: argparse.ArgumentParser, *_: object) -> None:
        found.append(parser)
        raise SystemExit

    main = runpy.run_path(str(ROOT / script))["main"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        with pytest.raises(SystemExit):
            main()
    return found[0]


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Options of a parser and of its commands."""
    found: set[str] = set()
    for action in parser._actions:
        found |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                found |= options_of(command)
    return found


def commands_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield script (nothing for ``ichnet``) and arguments of each command of a page."""
    text = text.replace("\\\n", " ")
    for block in re.findall(r"```(?:\w*)\n(.*?)```|`([^`\n]+)`", text, re.DOTALL):
        for found in COMMAND.finditer("".join(block)):
            yield found["script"] or "", found["rest"].strip()


def problem_of(script: str, arguments: str) -> str:
    """Why a script does not understand its arguments; nothing if it does."""
    parser = parser_of(script)
    words = shlex.split(arguments)
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    if unknown := options - options_of(parser):
        return f"has no {', '.join(sorted(unknown))}"
    named_only = len(words) < 2 and not options
    if not named_only and not UNFILLED.search(arguments):
        try:
            parser.parse_args(words)
        except SystemExit:
            return "does not take these arguments"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_are_understood(page: Path) -> None:
    wrong = [
        f"{script or 'ichnet'} {arguments}: {problem}"
        for script, arguments in commands_in(page.read_text(encoding="utf-8"))
        if (problem := problem_of(script, arguments))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_pages_hold_commands_of_every_kind() -> None:
    scripts = {
        script
        for page in PAGES
        for script, arguments in commands_in(page.read_text(encoding="utf-8"))
        if arguments
    }
    assert {script.partition("/")[0] for script in scripts} == {"", "data_prep", "models", "eval"}
    assert len(scripts) > 20


@pytest.mark.parametrize(
    ("script", "arguments", "problem"),
    [
        ("eval/table2.py", "--run runs/phantom", ""),
        ("eval/table2.py", "--config models/phantom.yaml", "has no --config"),
        ("models/export.py", "--run runs/phantom", "does not take these arguments"),
        ("models/train_segmenter.py", "--segmenter $s", ""),
        ("", "predict --model export/m/1 --out o scans", ""),
        ("", "predict --modle export/m/1 --out o scans", "has no --modle"),
    ],
)
def test_a_wrong_command_is_found(script: str, arguments: str, problem: str) -> None:
    assert problem_of(script, arguments) == problem
