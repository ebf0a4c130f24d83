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

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vjpgen"
LONGEST = 350

# A room imports from rows above its own, or from its own row where that makes no circle.
ROWS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("settings", "places", "extras", "measured"),
    ("expr", "ops"),
    ("spec",),
    ("forms",),
    # text to Spec
    (
        "language",
        "tokens",
        "constants",
        "functions",
        "unknown",
        "reader",
        "calls",
        "grammar",
        "names",
        "presets",
        "wishes",
        "passing",
        "parse",
        "shown",
        "dotted",
        "external",
        "implicit",
        "system",
        "formula",
        "sexpr",
        "fpcore_words",
        "fpcore",
        "fpcore_files",
        "latex_tokens",
        "latex_words",
        "latex_reader",
        "latex_choices",
        "latex",
        "decimals",
        "jax_words",
        "integral",
    ),
    # what is true, and what is tried against it
    (
        "arb_ops",
        "truth",
        "higher_truth",
        "oracle",
        "points",
        "smooth",
        "sweep",
        "floats",
        "wide_values",
        "evaluation",
        "pieces",
        "signs",
        "bridge",
        "srepr",
        "template_files",
        "templating",
        "provenance",
        "cache",
        "deadline",
        "interrupts",
        "files",
        "digest",
        "callee",
        "again",
    ),
    (
        "bessel",
        "entropy",
        "derive",
        "chain",
        "collect",
        "factoring",
        "gather",
        "rational",
        "plainly",
        "balance",
        "cancel",
        "symmetry",
        "compiled",
        "rules",
        "rules_algebra",
        "rules_functions",
        "eclasses",
        "egraph",
        "congruence",
        "rule_steps",
        "rewriting",
        "classes",
        "extract",
        "beams",
        "series",
        "factors",
        "scaling",
        "shifts",
        "facts",
        "inner",
        "apart",
        "first_terms",
        "regimes",
        "landmarks",
        "marks",
        "tangents",
        "tidy",
        "two_words",
        "departure",
        "otherwise",
        "reference",
        "higher_reference",
        "headers",
        "recorded",
        "roots",
        "newton",
        "system_roots",
        "domain_points",
        "implicit_points",
        "complex_ops",
        "integral_truth",
        "quadrature",
        "integral_points",
        "guesses",
        "closed_form",
    ),
    ("candidates", "effort", "refute", "truncations", "verges", "widened"),
    ("splits", "stand_ins", "over_ratios"),
    ("further", "improve", "mending"),
    ("twins", "swapped", "over_output", "over_slope", "whole_powers"),
    ("search", "higher_search"),
    # Forms to text
    ("guards", "naming", "printer"),
    ("cuts",),
    ("residuals", "lowering", "double_word", "wide_range"),
    ("module_names",),
    ("statements", "scaffold", "doc"),
    ("rule_text", "higher_scaffold", "both_scaffold"),
    (
        "render",
        "render_tests",
        "render_external",
        "render_external_tests",
        "render_implicit",
        "render_implicit_tests",
        "render_system",
        "render_system_tests",
        "integral_doc",
        "render_integral",
        "render_integral_tests",
    ),
    ("integral_forms",),
    ("verify", "verify_higher"),
    ("foreign",),
    ("jaxprs",),
    ("traced",),
    ("meter", "meter_process"),
    ("report",),
    ("against_exact",),
    ("judged",),
    ("shortfall",),
    ("asking", "tracing"),
    ("survey", "mathml"),
    ("branches", "derivations"),
    ("steps_shown",),
    ("plots", "paper"),
    ("page",),
    ("stable_sides",),
    ("higher_steps", "pipeline", "pipeline_external", "pipeline_implicit", "pipeline_system"),
    ("pipeline_integral",),
    ("fresh",),
    ("api", "checking", "comparing", "explaining", "stubbing", "reporting"),
    (
        "build_inputs",
        "build_values",
        "build_config",
        "lockfile",
        "combine",
        "build_worker",
        "building",
        "depfiles",
        "watching",
    ),
    ("packaging",),
    ("hatch_hook", "setuptools_hook"),
    ("terminal", "arguments"),
    ("tables", "build_shown", "command_words"),
    (
        "build_command",
        "cache_command",
        "check_command",
        "compare_command",
        "explain_command",
        "report_command",
        "stubs_command",
    ),
    ("magic",),
    ("subcommands", "cli_external", "cli_implicit", "cli_inputs", "cli_integral", "cli_passing"),
    ("cli",),
    ("__init__",),
    ("__main__",),
)
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
    "sympy": {"bridge", "derive", "entropy", "inner", "apart", "first_terms", "closed_form", "srepr"},
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
