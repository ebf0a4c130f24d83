"""Functions that an equation defines: what is read, exact solutions, double words, the iteration."""

from __future__ import annotations

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, ctx

from vjpgen import double_word, verify
from vjpgen.again import command_again
from vjpgen.errors import DomainError, InputError, OptionError, ParseError
from vjpgen.expr import call, show, var
from vjpgen.implicit import Implicit, read_equation, read_inverse
from vjpgen.implicit_points import solutions
from vjpgen.naming import Names
from vjpgen.pipeline_implicit import as_written
from vjpgen.render import with_callees
from vjpgen.render_implicit import render_implicit, sought
from vjpgen.roots import RootFinder
from vjpgen.templating import Templates

LAMBERT = "y*exp(y) = x"
UPPER = ("x > -exp(-1)", "y >= -1")


def lambert(**options: object) -> Implicit:
    return read_equation(LAMBERT, "y", name="lambert", assume=UPPER, **options)  # type: ignore[arg-type]


# What is read


def test_an_equation_is_read() -> None:
    spec = lambert()
    assert (spec.args, spec.unknown) == (("x",), "y")
    assert show(spec.residual) == "y * exp(y) - x"
    assert [show(c) for c in spec.assume] == ["x > -exp(-1)"]
    assert spec.low is not None
    assert (show(spec.low.at), spec.low.strict, spec.high) == ("-1", False, None)
    assert sought(spec) == "from -1"


def test_arguments_stand_in_the_order_in_which_they_appear() -> None:
    assert read_equation("b*y = a*sin(y) + c", "y").args == ("b", "a", "c")
    kepler = read_equation("E - e*sin(E) = M", "E", args="M,e")
    assert kepler.args == ("M", "e")


def test_comparisons_are_no_equals_sign() -> None:
    assert read_equation("where(x >= 0, y, 2*y) = x", "y").args == ("x",)


def test_an_inverse_calls_its_result_y() -> None:
    spec = read_inverse("log(1+exp(x))", assume=["x > 0"])
    assert show(spec.residual) == "log(1 + exp(y)) - x"
    assert read_inverse("y + x**3", args="y,x").unknown == "z"


def test_bounds_may_be_formulas_of_the_arguments() -> None:
    spec = read_equation("y**3 = x", "y", assume=["0 <= y < 1 + x"])
    assert spec.low is not None
    assert spec.high is not None
    assert (show(spec.high.at), spec.high.strict) == ("1 + x", True)


def test_the_command_gives_the_same_again() -> None:
    words = command_again(lambert(guess="log(1 + x)").words, None, None)
    assert words == (
        "vjpgen 'y*exp(y) = x' --solve y --name lambert --args x --assume 'x > -exp(-1)' --assume 'y >= -1'"
        " --guess 'log(1 + x)'"
    )


@pytest.mark.parametrize(
    ("text", "options", "error", "said"),
    [
        ("y*exp(y)", {}, ParseError, "no '='"),
        ("y = x = 1", {}, ParseError, "more than one '='"),
        ("z*exp(z) = x", {}, OptionError, "does not hold 'y'"),
        ("y = exp(y", {}, ParseError, "never closed"),
        ("exp(y) = 2", {}, InputError, "no argument"),
        ("y = x", {"args": "x,y"}, OptionError, "is among the arguments"),
        ("y = x", {"assume": ["y**2 < 2"]}, OptionError, "no bound of y"),
        ("y = x", {"assume": ["y > 0", "y > 1"]}, OptionError, "two lower bounds"),
        ("y = x", {"guess": "exp(q)", "args": "x"}, ParseError, "q"),
        ("y = __import__(x)", {}, ParseError, "__import__"),
    ],
)
def test_refusals(text: str, options: dict[str, object], error: type[InputError], said: str) -> None:
    with pytest.raises(error, match=said.replace("*", r"\*")):
        read_equation(text, "y", **options)  # type: ignore[arg-type]


# Exact solutions


def test_exact_solutions_solve_the_equation() -> None:
    at = np.float32([[-0.3678], [-1e-20], [1e-30], [0.5], [3.0], [1e30]])
    found = RootFinder(lambert()).solve(at)
    ctx.prec = 200
    for x, y, p in zip(at[:, 0].tolist(), found.values.tolist(), found.partials[:, 0].tolist(), strict=True):
        exact = arb(x).lambertw()
        assert y == float(exact)
        assert p == float(1 / (exact.exp() * (1 + exact)))
    assert found.rising.all()


def test_where_float64_overflows_balls_decide() -> None:
    found = RootFinder(read_inverse("log(1+exp(x))")).solve(np.array([[1e-37], [1e30]]))
    np.testing.assert_allclose(found.values, [np.log(1e-37), 1e30], rtol=1e-15)


@pytest.mark.parametrize(
    ("equation", "x", "said"),
    [
        ("y**2 = x", 4.0, "has solutions near y = -?2 and -?2 at x = 4"),
        ("exp(y) = x", -1.0, "has no solution at x = -1"),
    ],
)
def test_points_without_one_solution_are_named(equation: str, x: float, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        RootFinder(read_equation(equation, "y")).solve(np.array([[x]]))


def test_a_residual_that_rises_here_and_falls_there_is_refused() -> None:
    with pytest.raises(DomainError, match="rises through its solution"):
        solutions(read_equation("x*y = 1", "y", assume=["abs(x) > 0"]), 64, 0)


def test_second_derivatives_of_references() -> None:
    (found,) = RootFinder(read_equation("y**3 = a*x", "y", assume=["y > 0"])).references(
        np.array([[2.0, 4.0]])
    )
    assert found.value == 2.0
    np.testing.assert_allclose(found.partials, [1 / 3, 1 / 6], rtol=1e-15)
    np.testing.assert_allclose(found.second, [[-1 / 9, 1 / 36], [1 / 36, -1 / 36]], rtol=1e-15)


# Double words


def words(op: str) -> ModuleType:
    """A module with one operation in double words."""
    x = var("x")
    lines, results = double_word.lower_words([call(op, x)], Names(("x",)), "x")
    body = "\n".join(f"    {line}" for line in (*lines, f"return {results[0]}"))
    helpers = with_callees(Templates(), _called(body), "Array")
    helpers.sort(key=lambda text: "def _dw_function(" not in text)
    head = "from __future__ import annotations\nimport functools, math, struct\n"
    head += "from collections.abc import Callable\nimport jax\nimport jax.numpy as jnp\n"
    head += "import numpy as np\nfrom jax import Array\n"
    head += "Pair = tuple[Array, Array]\n"
    return verify.load("\n\n".join([head, f"def f(x):\n{body}", *helpers]), "words")


def _called(text: str) -> list[str]:
    return [n for n in (double_word.FIRST, *double_word.HELPERS) if f"_{n}" in text] + [double_word.FIRST]


OPERANDS = {
    "exp": (-80.0, 88.0), "expm1": (-20.0, 20.0), "log": (1e-3, 1e3), "log1p": (-0.99, 50.0),
    "sin": (-300.0, 300.0), "cos": (-300.0, 300.0), "tanh": (-9.0, 9.0),
}  # fmt: skip


@pytest.mark.parametrize("op", OPERANDS)
def test_double_words_have_twice_the_digits(op: str) -> None:
    """Every operand is itself a double word: the low one matters."""
    rng = np.random.default_rng(1)
    low, high = OPERANDS[op]
    heads = np.concatenate([rng.uniform(low, high, 96), 2.0 ** -rng.uniform(1, 20, 32)]).astype(np.float32)
    rests = (heads * rng.uniform(-1, 1, len(heads)) * 2.0**-25).astype(np.float32)
    got = jax.jit(words(op).f)((jnp.asarray(heads), jnp.asarray(rests)))
    ctx.prec = 200
    for h, r, a, b in zip(*(np.asarray(c).tolist() for c in (heads, rests, *got)), strict=True):
        exact = getattr(arb(h) + arb(r), op)()
        if abs(exact) < 1e-20:
            continue  # the low word is below the smallest normal number
        error = abs((arb(a) + arb(b) - exact) / exact)
        assert error < 2.0**-36 or abs(arb(a) + arb(b) - exact) < 2.0**-44, (h, r)


# The iteration


def test_few_steps_reach_every_magnitude() -> None:
    """Nowhere more than a hundred evaluations, from 1e-37 to 1e37, whatever the slope says."""
    spec = read_equation("y**3 = x", "y", name="root")
    at, values, _, rising = solutions(spec, 512, 3)
    solved = as_written(spec, at, values, rising)
    module = verify.load(render_implicit(solved, "vjpgen ..."), "root")
    x, calls = jnp.asarray(at[:, 0]), []

    def equation(y: jax.Array) -> tuple[jax.Array, jax.Array]:
        jax.debug.callback(lambda: calls.append(1))
        return module._root_equation(x, y)

    places = (module._place(jnp.full_like(x, s * 3e38)) for s in (-1, 1))
    found = module._bracketed(equation, *places, None)
    np.testing.assert_allclose(
        found, values, rtol=0.125
    )  # differences below the smallest normal number are zero
    np.testing.assert_array_max_ulp(np.asarray(module.root(x)), values.astype(np.float32), maxulp=1)
    jax.effects_barrier()
    assert 5 < len(calls) <= 100
