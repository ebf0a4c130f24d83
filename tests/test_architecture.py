"""The rooms: one direction of imports, heavy libraries in their own rooms, files that fit in a head."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

from room_rows import ROWS

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vjpgen"
LONGEST = 350

# Libraries that are slow to import, or that one room alone should know.
HOMES = {
    "click": {
        "cli",
        "cli_external",
        "cli_implicit",
        "cli_inputs",
        "cli_integral",
        "cli_passing",
        "command_words",
        "subcommands",
        "build_command",
        "cache_command",
        "check_command",
        "compare_command",
        "magic",
        "explain_command",
        "report_command",
        "stubs_command",
    },
    "bokeh": {"plots"},
    "egglog": {"egraph"},
    "flint": {
        "arb_ops",
        "gather",
        "truth",
        "higher_truth",
        "oracle",
        "smooth",
        "series",
        "roots",
        "system_roots",
        "complex_ops",
        "integral_truth",
    },
    "jax": {"verify", "verify_higher", "foreign", "jaxprs", "traced", "api"},
    "jaxlib": {"verify"},
    "filelock": {"building"},
    "hatchling": {"hatch_hook"},
    "jinja2": {"templating", "render", "render_tests"},
    "matplotlib": {"paper"},
    "platformdirs": {"cache"},
    "pygments": {"page"},
    "rich": {"terminal", "tables", "cli", "build_shown"},
    "ruff": {"templating"},
    "scipy": {"floats"},
    "setuptools": {"setuptools_hook"},
    "sympy": {
        "bridge",
        "derive",
        "entropy",
        "inner",
        "apart",
        "elastic",
        "first_terms",
        "growth",
        "logs_apart",
        "closed_form",
        "srepr",
    },
    "watchfiles": {"watching"},
}
ROOMS = {path.stem: ast.parse(path.read_text()) for path in sorted(PACKAGE.glob("*.py"))}
OURS = sorted(
    path
    for folder in ("vjpgen", "tests", "scripts", "benchmarks", "examples")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
FORBIDDEN_CALLS = {"eval", "exec", "sympify", "parse_expr", "__import__"}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports anywhere in it, inside functions too, by its dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            assert node.module is not None
            yield node.module
            if node.module == "vjpgen":
                yield from (f"vjpgen.{alias.name}" for alias in node.names if alias.name in ROOMS)


def rooms_used(room: str) -> set[str]:
    return {name.split(".")[1] for name in imports(ROOMS[room]) if name.startswith("vjpgen.")} - {room}


def row(room: str) -> int:
    found = [i for i, rooms in enumerate(ROWS) if room in rooms]
    assert found, f"vjpgen/{room}.py stands in no row of ROWS"
    return found[0]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room: str) -> None:
    wrong = sorted(other for other in rooms_used(room) if row(other) > row(room))
    assert not wrong, f"{room} imports {wrong}, which come after it"


def test_no_circles() -> None:
    tuple(TopologicalSorter({room: rooms_used(room) for room in ROOMS}).static_order())


def test_rows_name_each_room_once() -> None:
    names = sorted(room for rooms in ROWS for room in rooms)
    assert all(a != b for a, b in pairwise(names))


@pytest.mark.parametrize("library", HOMES)
def test_a_library_stays_in_its_rooms(library: str) -> None:
    users = {
        room for room, tree in ROOMS.items() if library in {name.split(".")[0] for name in imports(tree)}
    }
    assert users <= HOMES[library]


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_evaluates_text(room: str) -> None:
    """User text is data. `compile` and `exec` run our own generated programs, in two rooms that say so."""
    calls = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(ROOMS[room])
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute))
    }
    allowed = {"exec"} if room in ("truth", "verify", "floats") else set()
    assert not calls & (FORBIDDEN_CALLS - allowed)


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < LONGEST


def test_importing_vjpgen_costs_nothing() -> None:
    """A program that merely imports vjpgen loads none of the libraries behind it."""
    program = "import sys, vjpgen; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {*HOMES, "numpy"}
