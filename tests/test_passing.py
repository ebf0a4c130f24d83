"""How a function is called: options read, refused, written down and met by the generated module."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vjpgen
from commanded import run
from plain_forms import build, module, plain_forms
from vjpgen import oracle, recorded
from vjpgen.errors import InputError
from vjpgen.parse import parse
from vjpgen.passing import Passing, worded
from vjpgen.residuals import plan
from vjpgen.spec import Spec

POWER = "x**n*exp(-a*x)"


def spec(text: str, args: tuple[str, ...] | None = None, assume: tuple[str, ...] = (), **words: Any) -> Spec:
    return parse(text, args=args, assume=assume, passing=Passing(**words))


def test_arguments_with_a_default_come_last() -> None:
    found = spec("a*x + b*y", defaults=(("b", "2"), ("a", "1/2")))
    assert found.args == ("x", "y", "a", "b")
    assert found.signature.defaults == (("a", "0.5"), ("b", "2.0"))


def test_an_integer_stays_one_where_nothing_is_differentiated_by_it() -> None:
    found = spec("a*x**n", static=("n",), defaults=(("n", "2"), ("a", "2")))
    assert found.signature.defaults == (("a", "2.0"), ("n", "2"))


def test_the_exact_gradient_to_what_is_fixed_is_zero() -> None:
    found = spec("x**n", nondiff=("n",))
    partials = oracle.truth_of(found).with_partials(np.array([[2.0, 3.0], [2.0, 0.5]]))[1]
    np.testing.assert_allclose(partials[:, 0], [[12.0, 0.0], [0.5 * 2**-0.5, 0.0]])


def test_renamed_arguments_are_meant() -> None:
    found = spec("x*lambda_*sum", args=("x", "lambda_", "sum"), nondiff=("sum",), defaults=(("sum", "1"),))
    assert found.signature.nondiff == ("sum_",)
    assert found.signature.defaults == (("sum_", "1"),)
    assert "sum_ is not differentiated, and may be of any dtype" in found.notes


def test_the_command_gives_the_same_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the header says is read back by `vjpgen check`."""
    path = tmp_path / "gamma.py"
    status = run(POWER, "--nondiff", "n", "--param", "a=1/2", "--outputs", "density", "--assume", "x > 0",
               "--effort", "low", "-o", str(path))  # fmt: skip
    assert status == 0
    told = capsys.readouterr().out
    found = recorded.read(path)
    assert not found.disagreements
    assert found.spec.args == ("x", "n", "a")
    assert found.spec.signature.words == (("--nondiff", "n"), ("--outputs", "density"), ("--param", "a=0.5"))
    assert "note: n is not differentiated, and may be of any dtype" in told
    assert "ddensity/dx" in told
    assert "ddensity/dn" not in told


def test_a_static_function_is_what_its_command_says(tmp_path: Path) -> None:
    path = tmp_path / "linear.py"
    assert run("k*x*b", "--args", "x,k,b", "--static", "k,b", "--effort", "low", "-o", str(path)) == 0
    assert not recorded.read(path).disagreements
    path.write_text(path.read_text().replace("nondiff_argnums=(1, 2)", "nondiff_argnums=(1,)"))
    assert "linear is no jax.custom_vjp function" in recorded.read(path).disagreements


def test_what_is_fixed_is_in_no_table() -> None:
    made = vjpgen.generate("x**2*n", nondiff="n", effort="low")
    assert [t.label for t in made.report.targets] == ["value", "d/dx"]
    assert "d/dn" not in made.module
    assert "d/dn" not in made.tests


def test_the_api_takes_texts_and_lists() -> None:
    f = vjpgen.function("(a*x*n, x)", nondiff=["n"], param={"a": 2}, outputs="u,v", effort="low")
    assert list(inspect.signature(f).parameters) == ["x", "n", "a"]
    found = f(3.0, n=5)
    assert found["u"] == 30
    assert found["v"] == 3
    assert jax.grad(lambda x: f(x, 5, a=0.5)["u"])(3.0) == 2.5
    twin = vjpgen.function(
        "(a*x*n, x)", nondiff=["n"], param={"a": 2}, outputs="u,v", effort="low", mode="jvp"
    )
    assert jax.jvp(lambda x: twin(x, 5), (3.0,), (1.0,))[1]["u"] == 10


def test_a_static_argument_is_specialised() -> None:
    """It is a number when the function is traced: nothing of it is left in the program but constants."""
    made = module("x**n", args=["x", "n"], passing=Passing(static=("n",)))
    program = jax.make_jaxpr(lambda x: jax.vjp(lambda x: made.f(x, 3), x)[1])(jnp.ones(4))
    assert [v.aval.shape for v in program.jaxpr.outvars] == [(4,)]
    calls = jax.jit(made.f, static_argnums=1)
    assert calls(2.0, 3) == 8
    assert calls(2.0, 0.5) == np.float32(2**0.5)
    for wrong in (lambda n: made.f(2.0, n), lambda n: jax.grad(made.f)(2.0, n)):
        with pytest.raises(jax.errors.UnexpectedTracerError):
            jax.jit(wrong)(3)


def test_integers_may_be_large_in_half_precision() -> None:
    made = module("x*n", args=["x", "n"], passing=Passing(nondiff=("n",)))
    x, n = jnp.asarray(2.0, jnp.bfloat16), jnp.asarray(257, jnp.int32)  # bfloat16 has no 257
    assert made.f(x, n).dtype == jnp.bfloat16
    assert jax.grad(made.f)(jnp.float32(2), n) == 257
    assert jax.grad(made.f)(jnp.float32(2), jnp.asarray(True)) == 1


def test_what_is_static_is_not_kept() -> None:
    forms = plain_forms("n*log(1 + x**2)", args=["x", "n"], passing=Passing(static=("n",)))
    kept = plan(forms)
    assert [(r.name, r.kind) for r in kept.residuals if r.kind != "static"] == [("x", "input")]
    assert "n" not in inspect.signature(build(kept).f_fwd).return_annotation


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"nondiff": ("z",)}, "--nondiff: 'z' is not among the arguments (x, y)"),
        ({"static": ("xx",)}, "did you mean x?"),
        ({"nondiff": ("x",), "static": ("x",)}, "--nondiff x and --static x contradict each other"),
        ({"nondiff": ("x", "y")}, "no argument is left to differentiate"),
        ({"nondiff": ("x", "x")}, "--nondiff is given twice for 'x'"),
        ({"defaults": (("x", "1"),), "args": ("x", "y")}, "write --args y,x"),
        ({"defaults": (("y", "x"),)}, "a default is a constant"),
        ({"defaults": (("y", "1/0"),)}, "division by zero"),
        ({"defaults": (("y", "-1"),), "assume": ("y > 0",)}, "the default y=-1 lies outside the domain"),
        ({"outputs": ("u", "v")}, "the formula has 1 output, and --outputs has 2 names"),
        ({"outputs": ("a b",)}, "'a b' cannot be the name of an output"),
    ],
    ids=str,
)
def test_refusals(words: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        spec("x*y", **words)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("x*y", "--nondiff", "y", "--stop", "y"), "--stop y and --nondiff y contradict each other"),
        (("x*y", "--static", "y", "--grad", "y=1"), "--grad y and --static y contradict each other"),
        (("x*y", "--param", "y"), "--param takes ARGUMENT=NUMBER, not 'y'\nwrite --param y=0.5"),
        (("y**3 + y = x", "--solve", "y", "--nondiff", "x"), "--nondiff does not go with --solve"),
        (("--external", "math:erf", "--args", "x", "--param", "x=1"), "--param does not go with --external"),
    ],
    ids=str,
)
def test_refusals_of_the_command(
    options: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*options, "-o", str(tmp_path / "f.py")) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_words_of_the_command() -> None:
    found = worded(nondiff=["a,b", "c"], param=["k=1/2"], outputs=["u, v"])
    assert found == Passing(nondiff=("a", "b", "c"), defaults=(("k", "1/2"),), outputs=("u", "v"))
    assert found.options() == {"nondiff": ("a", "b", "c"), "param": {"k": "1/2"}, "outputs": ("u", "v")}
