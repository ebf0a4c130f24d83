"""From a formula to files: what `generate` returns, writes, refuses and repeats."""

from __future__ import annotations

import ast
import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sympy as sp

from vjpgen.again import command_line
from vjpgen.errors import DomainError, InputError, OptionError, OutputError, TimeoutReached
from vjpgen.files import owned
from vjpgen.parse import parse
from vjpgen.pipeline import Generated, generate

SMALL = {"effort": "low"}


def test_module_tests_and_report(decay: Generated) -> None:
    assert decay.spec.name == "decay"
    assert decay.report.name == "decay"
    for source in (decay.module, decay.tests):
        ast.parse(source)
        assert owned(source)
        assert source.endswith("\n")
    names = [n.name for n in ast.parse(decay.module).body if isinstance(n, ast.FunctionDef)]
    assert {"decay", "decay_jvp"} <= set(names)
    assert "decay.py" in decay.tests


def test_a_result_cannot_be_changed(decay: Generated) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        decay.module = ""  # type: ignore[misc]


def test_write_puts_the_tests_beside_the_module(decay: Generated, tmp_path: Path) -> None:
    module, tests = decay.write(tmp_path / "decay.py")
    assert (module, tests) == (tmp_path / "decay.py", tmp_path / "test_decay.py")
    assert module.read_text() == decay.module
    assert tests.read_text() == decay.tests


def test_write_elsewhere_tells_the_tests(decay: Generated, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "src").mkdir()
    _, tests = decay.write(tmp_path / "src" / "rules.py", tests=tmp_path / "tests" / "test_rules.py")
    assert '"../src/rules.py"' in tests.read_text()
    assert '"decay.py"' not in tests.read_text()


def test_write_spares_what_is_not_ours(decay: Generated, tmp_path: Path) -> None:
    mine = tmp_path / "decay.py"
    mine.write_text("precious = 1\n")
    with pytest.raises(OutputError):
        decay.write(mine)
    assert mine.read_text() == "precious = 1\n"
    assert list(tmp_path.iterdir()) == [mine]
    decay.write(mine, force=True)
    assert mine.read_text() == decay.module
    decay.write(mine)  # our own file is replaced without being asked


def line(text: str, *, name: str = "f", assume: tuple[str, ...] = (), **places: Path | None) -> str:
    spec = parse(text, name=name, assume=assume)
    return command_line(spec, places.get("output"), places.get("tests"))


@pytest.mark.parametrize(
    ("words", "got"),
    [
        ("vjpgen 'x*y' --name f --args x,y", line("x*y")),
        ("vjpgen 'exp(x)' --name g --args x", line("exp(x)", name="g")),
        ("vjpgen x --name f --args x --assume 'x > 0'", line("x", assume=("x > 0",))),
        ("vjpgen x --name f --args x -o f.py", line("x", output=Path("/a/b/f.py"))),
        ("vjpgen x --name f --args x -o f.py", line("x", output=Path("b/f.py"), tests=Path("b/test_f.py"))),
        (
            "vjpgen x --name f --args x -o f.py --tests ../t/test_f.py",
            line("x", output=Path("b/f.py"), tests=Path("t/test_f.py")),
        ),
    ],
)
def test_command_line(words: str, got: str) -> None:
    assert got == words


def test_the_command_stands_in_both_files(decay: Generated) -> None:
    assert "--name decay --args r,t" in " ".join(decay.module.split())
    assert "--name decay --args r,t" in " ".join(decay.tests.split())


@pytest.mark.parametrize(
    ("formula", "options", "error", "says"),
    [
        ("x", {"effort": "huge"}, OptionError, "effort is one of low, normal, high"),
        ("x +", {}, InputError, "."),
        ("x", {"name": "2x"}, InputError, "."),
        ("x", {"assume": "y > 0"}, InputError, "."),
        ("x", {"assume": ["x > 0", "x < 0"]}, DomainError, "."),
        ("log(-1 - x**2)", {}, DomainError, "."),
        (3.5, {}, InputError, "a formula is text or a sympy expression, not float"),
        (None, {}, InputError, "not NoneType"),
        (b"x", {}, InputError, "not bytes"),
        (sp.zeta(sp.Symbol("x")), {}, InputError, "zeta"),
        ((), {}, InputError, "not tuple"),
    ],
)
def test_refusals(formula: object, options: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        generate(formula, **options)


def test_a_timeout_stops_the_work() -> None:
    with pytest.raises(TimeoutReached):
        generate("log(1+exp(x))", timeout=0.05, cache=False)


def test_sympy_comes_in_and_steps_are_told(tmp_path: Path) -> None:
    a, b = sp.symbols("a b")
    steps: list[str] = []
    got = generate(
        (a * sp.cos(b),),
        args=["b", "a"],
        assume=None,
        output=tmp_path / "src" / "f.py",
        tests_path=tmp_path / "tests" / "test_f.py",
        progress=steps.append,
        cache=False,
        **SMALL,
    )
    assert got.spec.args == ("b", "a")
    assert got.spec.several
    assert '"../src/f.py"' in got.tests
    assert steps[0] == "searching for stable forms"
    assert steps[-1] == "writing the tests"
    assert len(steps) == len(dict.fromkeys(steps))


PROGRAM = """
import sys
from vjpgen.pipeline import generate
g = generate("(r*exp(-r*t), log(1+r) - t)", name="decay", args=["r", "t"], assume="r > 0", effort="low")
sys.stdout.write(g.module + g.tests + repr(g.report))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("no_cache")
@pytest.mark.parametrize("seed", ["0", "987"])
def test_the_same_bytes_under_any_hash_seed(decay: Generated, seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == decay.module + decay.tests + repr(decay.report)


def test_what_is_measured_is_right(decay: Generated) -> None:
    assert len(decay.report.targets) == 6
    for target in decay.report.targets:
        assert target.figures.points > 0
        assert target.figures.mean_bits < 1
