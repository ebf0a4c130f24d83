"""`vjpgen stubs`: tests of functions that somebody wrote, what they say, and that they find what is wrong."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import commanded
from handmade import OPS, SOFTPLUS, measured_here
from vjpgen import digest, stubbing
from vjpgen.errors import OptionError, TargetError
from vjpgen.stubbing import Stubs, stubs
from vjpgen.templating import tidy


@pytest.fixture
def ops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of functions in the working folder, measured in this process."""
    measured_here(stubbing, monkeypatch)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "ops.py"
    path.write_text(OPS)
    return path


def failed(path: Path) -> tuple[set[str], str]:
    """The tests of a file that fail, without their parameters, in a process that cannot see vjpgen."""
    (path.parent / "sitecustomize.py").write_text("import sys\nsys.modules['vjpgen'] = None\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", path.name],
        cwd=path.parent,
        env={**os.environ, "PYTHONPATH": str(path.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(re.findall(r"^FAILED [^:]+::(\w+)", done.stdout, re.M)), done.stdout[-3000:]


def constant(text: str, name: str) -> object:
    """The literal that a name is bound to at the top of a test file."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise KeyError(name)


def functions(found: Stubs) -> set[str]:
    return {n.name for n in ast.parse(found.text).body if isinstance(n, ast.FunctionDef)}


# what a file says


@pytest.mark.usefixtures("ops")
def test_a_file_stands_alone_and_is_formatted(tmp_path: Path) -> None:
    text = stubs("ops.py:softplus", SOFTPLUS).text
    assert tidy(text) == text
    assert digest.untouched(text) is True
    assert "vjpgen stubs ops.py:softplus 'log(1+exp(x))' --args x -o test_softplus.py" in text
    imported = set(re.findall(r"^(?:import|from) (\w+)", text, re.M))
    assert imported - sys.stdlib_module_names == {"jax", "jaxlib", "numpy", "pytest"}
    file = tmp_path / "test_softplus.py"
    file.write_text(text)
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", str(file)]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("ops")
def test_every_bound_is_what_is_demanded() -> None:
    """Not what the function happens to reach: its losses are not written down as if they were meant."""
    text = stubs("ops.py:sloppy", SOFTPLUS).text
    assert "Bounds are in ulps of float32: 16 wherever" in " ".join(text.split())
    assert constant(text, "LOOSER") == []
    table = text[text.index("REFERENCES = {") :]
    assert set(re.findall(r", (\d+)\),$", table, re.M)) == {"16"}


@pytest.mark.usefixtures("ops")
def test_forward_mode_is_tested_where_there_is_one() -> None:
    reverse, both = stubs("ops.py:softplus", SOFTPLUS), stubs("ops.py:sloppy", SOFTPLUS)
    assert functions(both) - functions(reverse) >= {"test_forward_partials_match_exact_reference", "forward"}
    assert "TWIN" not in reverse.text
    for found in (reverse, both):
        assert "CLIPS" not in found.text
        assert "test_half_precision_is_float32_rounded_once" not in functions(found)


@pytest.mark.usefixtures("ops")
def test_a_function_of_single_numbers_is_mapped() -> None:
    assert (
        "FUNCTION = jnp.vectorize(operator.attrgetter(NAME)(UNDER_TEST))"
        in stubs("ops:scalar", SOFTPLUS).text
    )
    assert "vectorize" not in stubs("ops:naive", SOFTPLUS).text


@pytest.mark.usefixtures("ops")
def test_modules_are_imported_and_files_are_found(tmp_path: Path) -> None:
    assert constant(stubs("ops:softplus", SOFTPLUS).text, "MODULE") == "ops"
    text = stubs("ops.py:Kept.softplus", SOFTPLUS, output="checks/test_it.py").text
    assert 'MODULE = Path(__file__).resolve().parent / "../ops.py"' in text
    assert constant(text, "NAME") == "Kept.softplus"
    several = stubs("ops:polar", "(r*cos(theta), r*sin(theta))")
    assert "test_cotangents_of_broadcast_arguments_are_summed" in functions(several)


@pytest.mark.usefixtures("ops")
def test_what_is_refused() -> None:
    with pytest.raises(OptionError):
        stubs("ops:softplus", SOFTPLUS, seed=-1)
    with pytest.raises(TargetError, match="raised KeyError"):
        stubs("ops:fails", SOFTPLUS)


# the command


def test_the_command(ops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> int:
        return commanded.run("stubs", "ops:softplus", SOFTPLUS, *words)

    assert run("-o", "test_softplus.py") == 0
    assert "ops:softplus = log(1+exp(x))    test_softplus.py" in capsys.readouterr().out
    kept = (ops.parent / "test_softplus.py").read_text()
    assert run() == 0
    assert capsys.readouterr().out == kept
    mine = ops.parent / "test_mine.py"
    mine.write_text("x = 1\n")
    assert run("-o", "test_mine.py") == 1
    assert "--force overwrites it" in capsys.readouterr().err
    assert mine.read_text() == "x = 1\n"
    assert run("-o", "tests") == 2
    assert "name it tests.py" in capsys.readouterr().err
    assert run("x") == 2
    assert run("--help") == 0


# whether the tests find what is wrong


@pytest.mark.thorough
@pytest.mark.usefixtures("ops")
@pytest.mark.parametrize(
    ("target", "formula", "fails"),
    [
        ("ops.py:softplus", SOFTPLUS, set()),
        ("ops.py:polar", "(r*cos(theta), r*sin(theta))", set()),
        ("ops.py:scalar", SOFTPLUS, set()),
        ("ops:sloppy", SOFTPLUS, {"test_reverse_partials_match_exact_reference"}),
        ("ops:naive", SOFTPLUS, {"test_value_matches_exact_reference"}),
        ("jax.nn:softplus", SOFTPLUS, set()),
        ("jax.numpy:log1p", "log(1+x)", set()),
        ("jax.numpy:sinc", "sin(pi*x)/(pi*x)", {"test_reverse_partials_match_exact_reference"}),
        ("jax.numpy:tanh", "tanh(x)", {"test_reverse_partials_match_exact_reference"}),
        ("jax.nn:squareplus", "(x + sqrt(x^2 + 4))/2", {"test_value_matches_exact_reference"}),
        ("jax.numpy:hypot", "sqrt(x^2 + y^2)", {"test_forward_partials_match_exact_reference"}),
    ],
)
def test_what_is_right_passes_and_what_is_lost_is_found(
    target: str, formula: str, fails: set[str], tmp_path: Path
) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(stubs(target, formula, output=path).text)
    found, said = failed(path)
    assert found >= fails, said
    assert bool(found) == bool(fails), said
