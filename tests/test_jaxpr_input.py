"""JAX functions as formulas: what is carried over, what is not and on which line."""

from __future__ import annotations

import io
import math
from importlib import import_module
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vjpgen
from commanded import run
from vjpgen.callee import callee
from vjpgen.decimals import meant
from vjpgen.errors import TargetError
from vjpgen.evaluation import evaluate
from vjpgen.expr import show
from vjpgen.formula import Formula
from vjpgen.jax_words import FUNCTIONS
from vjpgen.parse import parse
from vjpgen.traced import trace, trace_function
from vjpgen.tracing import from_function

MODEL = """
import jax
import jax.numpy as jnp

TENTH = jnp.float32(0.1)


def swish(x, beta=1.702):
    return x * jax.nn.sigmoid(beta * x)


def polar(r, theta):
    return r * jnp.cos(theta), r * jnp.sin(theta)


def leaky(x):
    return jnp.where(x > 0, x, TENTH * x)


def softmaxed(x):
    y = jnp.array([x, 1.0])
    return jnp.max(y)


def looped(x):
    return jax.lax.fori_loop(0, 3, lambda i, c: c * x, x)


def guarded(x):
    return jnp.where(x > 0, jnp.log(x), -jnp.inf)


def vector(x):
    return jnp.ones(3) * x


def truth(x):
    return x > 0


def raising(x):
    raise ValueError("not today")


def leaving(x):
    raise SystemExit(3)
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL)
    return tmp_path


def traced(name: str, args: tuple[str, ...] | None = None) -> Formula:
    return trace(callee(f"model.py:{name}"), args)


def text_of(function: object, *args: str) -> str:
    return trace_function(function, "f", args or ("x",), None).text  # type: ignore[arg-type]


def test_defaults_are_constants_unless_they_are_named(model: Path) -> None:
    assert traced("swish").text == "x * logistic(1.702 * x)"
    assert traced("swish", ("x", "b")).args == ("x", "b")
    assert traced("polar").text == "(r * cos(theta), r * sin(theta))"
    assert traced("leaky").text == "where(x > 0, x, 0.1 * x)"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("softmaxed", "model.py, line 21: JAX's primitive 'concatenate' cannot be carried over"),
        ("looped", "model.py, line 26: JAX's primitive 'scan' cannot be carried over"),
        ("guarded", "model.py, line 30: the result can be -inf"),
        ("vector", "returns an array of shape (3,)"),
        ("truth", "returns a truth value"),
        ("raising", "raised ValueError: not today"),
        ("leaving", "raised SystemExit: 3"),
        ("absent", "there is no absent"),
    ],
)
def test_refusals_name_the_line(model: Path, name: str, message: str) -> None:
    with pytest.raises(TargetError) as refused:
        traced(name)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: jnp.exp(-(x**2) / 2) / math.sqrt(2 * math.pi), "exp((-x**2) / 2) / sqrt(2 * pi)"),
        (lambda x: x**-1 + jnp.pi, "1 / x + pi"),
        (lambda x: jax.nn.softplus(x), "log(1 + exp(x))"),
        (lambda x: jax.nn.relu(x), "where(x > 0, x, 0)"),
        (jax.nn.elu, "where(x > 0, x, expm1(x))"),
        (lambda x: jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1.0)), 0.0), "where(x > 0, log(x), 0)"),
        (lambda x: jax.lax.cond(x > 0, jnp.sin, jnp.cos, x), "where(not x > 0, cos(x), sin(x))"),
        (lambda x: jax.jit(jnp.sin)(jax.checkpoint(jnp.exp)(x)), "sin(exp(x))"),
        (lambda x: jnp.clip(x, -1, 1), "min(1, max(-1, x))"),
        (lambda x: jnp.round(x) + x % 3, "round(x) + (x - 3 * floor(x / 3))"),
        (lambda x: jax.scipy.special.polygamma(2, x), "polygamma(2, x)"),
        (lambda x: x * jnp.isfinite(x), "x"),
        (lambda x: jax.lax.rsqrt(x) + jax.lax.erf_inv(x), "1 / sqrt(x) + erfinv(x)"),
    ],
)
def test_primitives(function: object, text: str) -> None:
    assert text_of(function) == text


def test_derivative_rules_of_its_own_are_noted() -> None:
    @jax.custom_vjp
    def steep(x):  # type: ignore[no-untyped-def]
        return jnp.sin(x)

    steep.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g,))
    formula = from_function(steep, args=["x"])
    assert formula.text == "sin(x)"
    assert any("derivative rules are left out" in note for note in formula.notes)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_jax_are_known_by_what_they_do(name: str) -> None:
    module, formula = FUNCTIONS[name]
    names = ("x", "y")[: 1 + ("y" in formula)]
    function = getattr(import_module(module), name)
    found = parse(text_of(lambda *a: function(*a), *names), args=names).outputs
    assert found == parse(formula, args=names).outputs


@pytest.mark.parametrize(
    "name", ["gelu", "silu", "mish", "selu", "celu", "log_sigmoid", "hard_swish", "squareplus"]
)
def test_values_are_those_of_the_function(name: str) -> None:
    function = getattr(jax.nn, name)
    e = parse(text_of(function), args=["x"]).outputs[0]
    at = np.linspace(-5, 5, 41)
    assert np.allclose(evaluate(e, {"x": at}, np.float64), function(at), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.1, "1/10"),
        (float(np.float32(0.1)), "1/10"),
        (0.044715, "8943/200000"),
        (math.pi, "pi"),
        (float(np.float32(math.pi)), "pi"),
        (-math.sqrt(2 / math.pi), "-sqrt(2 / pi)"),
        (3.14, "157/50"),
        (0.0, "0"),
        (1e300, show(parse("1e300*x", args=["x"]).outputs[0].args[0])),
    ],
)
def test_constants_are_what_was_meant(value: float, shown: str) -> None:
    assert show(meant(value)[0]) == shown


def test_a_name_alone_does_not_make_a_function_of_jax() -> None:
    @jax.jit
    def softplus(x):  # type: ignore[no-untyped-def]
        return 2 * x

    assert text_of(lambda x: softplus(x)) == "2 * x"


def test_the_command_refuses(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model:softmaxed", "-o", "out.py") == 2
    assert "model.py, line 21: JAX's primitive 'concatenate'" in capsys.readouterr().err
    assert run("nowhere_at_all:f", "-o", "out.py") == 2
    assert run("model.py:absent", "-o", "out.py") == 2
    assert not (model / "out.py").exists()


def test_what_is_traced_is_generated(model: Path) -> None:
    formula = trace_function(lambda x: jnp.exp(x) - 1, "grow", ("x",), "grow")
    grow = vjpgen.function(formula, effort="low")
    assert grow(1e-6) == pytest.approx(1e-6, rel=1e-5)
    assert grow.__name__ == "grow"


def test_standard_input_names_no_module(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("model:swish"))
    assert run("-") == 2
    assert "':' is not in the language" in capsys.readouterr().err
