"""Imports follow the data: which package may stand on which, and who never loads TensorFlow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "ichnet").rglob("*.py"))

STANDS_ON: dict[str, set[str]] = {
    "config": set(),
    "ct": set(),
    "statistics": set(),
    "runs": {"config"},
    "cohorts": {"ct", "config"},
    "phantom": {"ct", "config"},
    "records": {"ct", "cohorts", "phantom", "runs", "config"},
    "networks": {"config"},
    "training": {"ct", "networks", "records", "statistics", "runs", "config", "deployment"},
    "evaluation": {"training", "networks", "records", "statistics", "runs", "config", "deployment"},
    "deployment": {"ct", "networks", "statistics", "config"},
    "reporting": {"ct", "records", "statistics", "runs", "config"},
    "serving": {"deployment", "reporting", "ct"},
}
"""Every package of the library, with those that its modules may import beside itself."""

GROUND = {"", "subtypes", "files", "paper"}
"""Modules that import no package of the library; every package may use them."""

PUBLIC = {"": {"deployment"}}
"""What the functions of ``ichnet`` itself import when they are called."""

PROGRAMS = {"__main__", "cli", "cli_texts", "commands", "orchestrated", "scripts"}
"""Modules that may import everything and that nothing imports."""

WITHOUT_TENSORFLOW = ("config", "runs", "ct", "cohorts", "phantom", "statistics", "reporting")

TENSORFLOW = {"tensorflow", "keras", "tensorflow_addons"}

REPORTING: dict[str, set[str]] = {
    "measures": set(),
    "tables": {"measures"},
    "figures": {"measures", "tables"},
    "pages": {"measures", "tables", "figures"},
    "review": {"measures", "tables", "pages"},
}
"""The folders of ``reporting``, likewise."""

LONGEST_LINES = 400


def name_of(path: Path) -> str:
    """Return e.g. ``ichnet.ct.volume``; a package's own name for its ``__init__``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str, depth: int = 1) -> str:
    """Return the package that a module is in, nothing for ``ichnet`` itself."""
    return ".".join(module.split(".")[1 : depth + 1])


def imports_of(path: Path, everywhere: bool = True) -> Iterator[str]:
    """Yield what a file imports: modules, and ``module.name`` for names taken from one.

    Args:
        path: the file.
        everywhere: also inside functions; not for type checkers alone.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _nodes(tree, everywhere):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _nodes(tree: ast.AST, everywhere: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, (ast.FunctionDef, ast.Lambda)) and not everywhere:
            continue
        yield node
        yield from _nodes(node, everywhere)


KNOWN = {name_of(module) for module in MODULES}


@cache
def own_imports(path: Path, everywhere: bool = True) -> set[str]:
    """Return the modules of the library that a file imports."""
    found = set()
    for name in imports_of(path, everywhere):
        if name.split(".")[0] == "ichnet":
            found.add(name if name in KNOWN else name.rpartition(".")[0])
    return found - {name_of(path)}


def test_every_module_is_in_a_room():
    rooms = {room_of(name_of(path)) for path in MODULES}
    assert rooms == STANDS_ON.keys() | GROUND | PROGRAMS


@pytest.mark.parametrize("room", [*STANDS_ON, *sorted(GROUND)])
def test_a_package_imports_what_it_stands_on_and_nothing_else(room):
    allowed = {room} | STANDS_ON.get(room, PUBLIC.get(room, set())) | GROUND
    wrong = {
        f"{name_of(path)} imports {module}"
        for path in MODULES
        if room_of(name_of(path)) == room
        for module in own_imports(path)
        if room_of(module) not in allowed
    }
    assert not wrong


def test_only_the_evaluation_of_exports_stands_on_deployment():
    """Models of a run are evaluated as networks; an export as the SavedModel that is deployed."""
    standing = {
        name_of(path)
        for path in MODULES
        if room_of(name_of(path)) == "evaluation"
        and any(room_of(module) == "deployment" for module in own_imports(path))
    }
    assert standing == {"ichnet.evaluation.exported"}


@pytest.mark.parametrize("room", REPORTING)
def test_the_folders_of_reporting_stand_on_one_another_in_one_direction(room):
    allowed = {f"reporting.{name}" for name in {room} | REPORTING[room]}
    wrong = {
        f"{name_of(path)} imports {module}"
        for path in MODULES
        if room_of(name_of(path), 2) == f"reporting.{room}"
        for module in own_imports(path)
        if room_of(module) == "reporting" and room_of(module, 2) not in allowed
    }
    assert not wrong


def test_packages_stand_on_one_another_without_a_cycle():
    order = list(TopologicalSorter(STANDS_ON).static_order())
    assert order.index("ct") < order.index("records") < order.index("evaluation")


def test_modules_import_one_another_without_a_cycle():
    # a package's __init__ gathers its modules; who imports the package means those
    of_module = {
        name_of(path): own_imports(path, everywhere=name_of(path) != "ichnet")  # PUBLIC, on a call
        for path in MODULES
    }
    assert list(TopologicalSorter(of_module).static_order())


@pytest.mark.parametrize("room", WITHOUT_TENSORFLOW)
def test_importing_a_package_without_tensorflow_loads_none(room):
    of_module = {name_of(path): path for path in MODULES}
    begun = [name for name in of_module if room_of(name) == room]
    seen, wrong = set(begun), set()
    while begun:
        path = of_module[begun.pop()]
        wrong |= {
            f"{name_of(path)} imports {name}"
            for name in imports_of(path, everywhere=room_of(name_of(path)) == room)
            if name.split(".")[0] in TENSORFLOW
        }
        new = own_imports(path, everywhere=False) - seen
        begun += new
        seen |= new
    assert not wrong


def test_no_file_is_long():
    folders = ("ichnet", "data_prep", "models", "eval", "benchmarks", "tests")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    long = {
        str(path.relative_to(ROOT))
        for path in [*paths, ROOT / "Snakefile", ROOT / "eval" / "evaluation.smk"]
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_LINES
    }
    assert not long
