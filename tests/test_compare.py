"""`vjpgen compare`: functions that somebody wrote, found, run and judged."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from commanded import run
from handmade import OPS, SOFTPLUS, measured_here
from vjpgen import comparing, foreign
from vjpgen.callee import callee
from vjpgen.comparing import GENERATED, PLAIN, compare
from vjpgen.errors import InputError, OptionError, TargetError
from vjpgen.judged import Exact, judge
from vjpgen.measured import Measured
from vjpgen.meter import open_meter
from vjpgen.parse import parse


@pytest.fixture
def ops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "ops.py"
    path.write_text(OPS)
    monkeypatch.chdir(tmp_path)
    return str(path)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions are measured in this process."""
    measured_here(comparing, monkeypatch)


# where a function is


@pytest.mark.parametrize(
    ("text", "module", "attribute"),
    [
        ("jax.numpy:sinc", "jax.numpy", "sinc"),
        ("ops:Kept.softplus", "ops", "Kept.softplus"),
        (" ops:f ", "ops", "f"),
    ],
)
def test_places(text: str, module: str, attribute: str) -> None:
    found = callee(text)
    assert (found.module, found.path, found.attribute) == (module, "", attribute)
    assert found.name == attribute.rpartition(".")[2]


def test_a_place_may_be_a_file(ops: str) -> None:
    found = callee(f"{ops}:softplus")
    assert (found.module, found.path, found.attribute) == ("", ops, "softplus")


@pytest.mark.parametrize(
    "text",
    [
        "softplus",
        ":f",
        "ops:",
        "ops:f()",
        "ops:f-g",
        "ops:class",
        "ops..ops:f",
        "2ops:f",
        "__import__('os'):system",
        "a b:f",
        "import:f",
        "missing.py:f",
        "",
    ],
)
def test_texts_that_name_no_place(text: str) -> None:
    before = set(sys.modules)
    with pytest.raises(TargetError) as refused:
        callee(text)
    assert refused.value.exit_status == 2
    assert set(sys.modules) == before


@pytest.mark.usefixtures("ops")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no_such_module:f", "there is no module no_such_module"),
        ("jax.no_such:f", "there is no module jax.no_such"),
        ("ops.py:softplu", "there is no softplu in ops.py\ndid you mean softplus?"),
        ("ops.py:number", "ops.py:number is no function"),
        ("ops.py:fails", "ops.py:fails raised KeyError: 'a\\nlong story'"),
        ("ops.py:leaves", "ops.py:leaves raised SystemExit: 3"),
        (
            "ops.py:polar",
            "ops.py:polar raised TypeError: polar() missing 1 required positional argument: 'theta'",
        ),
    ],
)
def test_functions_that_cannot_be_run(text: str, message: str) -> None:
    with pytest.raises(TargetError) as refused:
        foreign.measure_function(callee(text), 1, False, [np.ones(4, np.float32)])
    assert str(refused.value).startswith(message)


@pytest.mark.usefixtures("ops")
def test_a_function_has_to_return_what_the_formula_does() -> None:
    at = [np.ones(4, np.float32)] * 2
    assert foreign.measure_function(callee("ops.py:polar"), 2, True, at)[0].values.shape == (4, 2)
    with pytest.raises(TargetError, match="returns 2 arrays; the formula has one output"):
        foreign.measure_function(callee("ops.py:polar"), 1, False, at)
    with pytest.raises(TargetError, match="returns one array; the formula has 2 outputs"):
        foreign.measure_function(callee("ops.py:naive"), 2, True, at[:1])


@pytest.mark.usefixtures("ops")
@pytest.mark.parametrize(
    ("name", "scalar", "forward"),
    [("softplus", False, False), ("sloppy", False, True), ("naive", False, True), ("scalar", True, True)],
)
def test_what_a_function_can_do(name: str, scalar: bool, forward: bool) -> None:
    at = np.linspace(-5, 5, 11, dtype=np.float32)
    found, nature = foreign.measure_function(callee(f"ops.py:{name}"), 1, False, [at])
    assert (nature.scalar, nature.forward) == (scalar, forward)
    assert (found.forward is not None) is forward
    np.testing.assert_allclose(found.values[:, 0], np.log1p(np.exp(at)), rtol=1e-5)
    np.testing.assert_allclose(found.partials[:, 0, 0], 1 / (1 + np.exp(-at)), rtol=1e-3)


# judging


def test_misses_are_the_worst_points_and_the_most_ordinary_of_those() -> None:
    at = np.array([[1e30], [2.0], [3.0], [0.5], [7.0]], np.float32)
    truth = np.array([[1.0], [1.0], [math.nan], [1.0], [1.0]])
    values = np.array([[math.nan], [math.inf], [math.nan], [1.001], [1.0]], np.float32)
    got = Measured(values, values[:, :, None], None, 4.0)
    value, partial = judge(parse("x"), Exact(at, truth, truth[:, :, None]), got, most=2)
    assert [m.inputs for m in value.misses] == [(2.0,), (1e30,)] or value.misses[1].inputs[0] > 1e29
    assert (value.figures.points, value.figures.off, value.figures.bad) == (4, 3, 2)
    assert (value.mode, partial.mode) == ("value", "reverse")


@pytest.mark.usefixtures("here", "ops")
def test_a_good_function_holds() -> None:
    found = compare("ops.py:softplus", SOFTPLUS, alone=True)
    assert found.holds
    assert [c.name for c in found.contenders] == ["ops.py:softplus", PLAIN]
    own, plain = found.contenders
    assert [(t.label, t.mode) for t in own.targets] == [("value", "value"), ("d/dx", "reverse")]
    assert own.residual_bytes == 4
    assert plain.targets[0].figures.bad > 0
    assert found.references > 20
    json.dumps(found.to_dict())


@pytest.mark.usefixtures("here", "ops")
def test_a_sloppy_function_does_not() -> None:
    found = compare("ops.py:sloppy", SOFTPLUS, alone=True)
    assert not found.holds
    value, reverse, forward = found.contenders[0].targets
    assert value.figures.off == 0
    assert reverse.figures.off > 100 < forward.figures.off
    miss = reverse.misses[0]
    assert miss.got == pytest.approx(1.0001 * miss.truth, rel=1e-4) or miss.ulps > 1000


@pytest.mark.usefixtures("here", "ops")
@pytest.mark.thorough
def test_beside_it_stands_what_would_be_generated() -> None:
    found = compare("ops.py:naive", SOFTPLUS, effort="low")
    assert [c.name for c in found.contenders] == ["ops.py:naive", PLAIN, GENERATED]
    naive, plain, generated = found.contenders
    assert naive.targets[0].figures.off == plain.targets[0].figures.off > 0
    assert not any(t.figures.off for t in generated.targets)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("target", "formula", "options"),
    [
        ("jax.numpy:sinc", "sin(pi*x)/(pi*x)", {}),
        ("jax.numpy:tanh", "tanh(x)", {}),
        ("jax.nn:squareplus", "(x + sqrt(x^2 + 4))/2", {}),
        ("jax.numpy:arccosh", "acosh(x)", {"assume": "x > 1"}),
        ("jax.numpy:hypot", "sqrt(x^2 + y^2)", {}),
        ("jax.numpy:arctan2", "atan2(y, x)", {"args": ["y", "x"]}),
    ],
)
def test_known_losses_are_found(target: str, formula: str, options: dict[str, object]) -> None:
    assert not compare(target, formula, alone=True, **options).holds  # type: ignore[arg-type]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("target", "formula"), [("jax.nn:softplus", SOFTPLUS), ("jax.numpy:log1p", "log(1 + x)")]
)
def test_what_is_right_passes(target: str, formula: str) -> None:
    assert compare(target, formula, alone=True).holds


@pytest.mark.usefixtures("here", "ops")
def test_a_gradient_that_is_meant(tmp_path: Path) -> None:
    (tmp_path / "st.py").write_text(
        "import jax\nimport jax.numpy as jnp\n\n\ndef st(x):\n"
        "    return x + jax.lax.stop_gradient(jnp.round(x) - x)\n"
    )
    options = {"alone": True, "assume": "abs(x) < 1000"}
    assert not compare("st.py:st", "round(x)", **options).holds  # type: ignore[arg-type]
    found = compare("st.py:st", "round(x)", grad={"x": "1"}, **options).contenders[0]  # type: ignore[arg-type]
    assert found.targets[-1].figures.off == 0


def test_options_are_looked_at_before_any_work() -> None:
    for options, kind in (({"seed": -1}, OptionError), ({"effort": "much"}, OptionError)):
        with pytest.raises(kind):
            compare("ops:f", "x", **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unknown function"):
        compare("ops:f", "sgmoid(x)")


# a process of its own


def test_a_function_runs_apart(ops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ends its process, reads the standard input or prints does no harm to who asks."""
    Path("rude.py").write_text(
        "import os\nimport jax.numpy as jnp\nprint('good morning')\n\n\ndef dies(x):\n    os._exit(3)\n\n\n"
        "class Own(Exception):\n    pass\n\n\ndef own(x):\n    raise Own('mine')\n\n\n"
        "def asks(x):\n    return x * len(input())\n"
    )
    at = [np.ones(4, np.float32)]
    with open_meter(apart=True) as meter:
        with pytest.raises(TargetError, match=r"rude:own raised Own: mine"):
            meter.measure_function(callee("rude:own"), 1, False, at)
        with pytest.raises(TargetError, match=r"rude:asks raised EOFError"):
            meter.measure_function(callee("rude:asks"), 1, False, at)
        assert meter.measure_function(callee(f"{ops}:Kept.softplus"), 1, False, at)[0].values.shape == (4, 1)
        with pytest.raises(TargetError, match=r"rude:dies ended the process that ran it: .* status 3"):
            meter.measure_function(callee("rude:dies"), 1, False, at)
    assert "rude" not in sys.modules


# the command


@pytest.mark.usefixtures("here", "ops")
def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "ops:softplus", SOFTPLUS, "--alone") == 0
    shown = capsys.readouterr().out
    assert "ops:softplus for log(1+exp(x))" in shown
    assert "ops:softplus is within 16 ulp at all of them" in shown
    assert "kept for the backward pass, in bytes per element: ops:softplus 4, plain jnp 8" in shown
    assert run("compare", "--alone", "--json", "ops:naive", "-x", "--seed", "1") == 1
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["formula"] == "-x"
    assert found["holds"] is False
    assert found["contenders"][0]["targets"][0]["misses"][0].keys() == {"inputs", "got", "truth", "ulps"}


@pytest.mark.usefixtures("here", "ops")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], 'Try "vjpgen compare --help"'),
        (["ops:softplus"], "Missing argument 'EXPR'"),
        (["softplus", "x"], "write package.module:function or folder/file.py:function"),
        (["ops:softplus", "x", "+", "1"], "2 words are expected, not 4\nput it in quotes: 'x + 1'"),
        (["ops:softplus", "sgmoid(x)"], "did you mean sigmoid?"),
        (["ops:softplus", "x", "--args", "y"], "'x' is not among the arguments (y)"),
        (["ops:gone", "x", "--alone"], "there is no gone in ops"),
        (["ops:fails", "x", "--alone"], "ops:fails raised KeyError"),
        (["ops:softplus", "x", "--grad", "1"], "--grad takes ARGUMENT=FORMULA"),
    ],
)
def test_refusals(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", *words) == 2
    done = capsys.readouterr()
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_subcommand_stands_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--no-tests", "check") == 2
    assert "'check' is a subcommand, and stands first" in capsys.readouterr().err
    assert run("compare", "--help") == 0
    assert "Exit status: 0 within 16 ulp" in capsys.readouterr().out
