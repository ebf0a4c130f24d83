"""Functions that several equations define: what is asked for, exact solutions, and the modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from commanded import run
from vjpgen import verify
from vjpgen.domain_points import spec_of
from vjpgen.errors import DomainError, InputError
from vjpgen.expr import show
from vjpgen.pipeline_system import as_written, searched, solutions
from vjpgen.points import sample
from vjpgen.render_system import documentation, render_system, sought
from vjpgen.system import System, read_system
from vjpgen.system_roots import SystemFinder

CIRCLE = ("x**2 + y**2 = r, y = k*x", "x,y")
POSITIVE = ["0.1 < r < 10 & 0.1 < k < 10", "x > 0 & y > 0"]
THREE = ("x + y + z = a, x*y = b*z, x = 2*y", "x,y,z")


def circle(**options: Any) -> System:
    return read_system(*CIRCLE, **{"name": "circle", "assume": POSITIVE, **options})


# what is asked for


def test_a_system_is_read() -> None:
    found = read_system(*CIRCLE, args="k,r", assume=["r > 0 & x > 0", "y <= 2*r"], guess="y = k, x = sqrt(r)")
    assert (found.name, found.args, found.unknowns) == ("f", ("k", "r"), ("x", "y"))
    assert [show(r) for r in found.residuals] == ["x**2 + y**2 - r", "y - k * x"]
    assert [show(c) for c in found.assume] == ["r > 0"]
    (low, none), (nothing, high) = found.bounds
    assert low is not None
    assert high is not None
    assert (low.strict, show(low.at), none, nothing) == (True, "0", None, None)
    assert (high.strict, show(high.at)) == (False, "2 * r")
    assert [show(g) for g in found.guess] == ["sqrt(r)", "k"]
    assert found.title == "f(k, r) = (x, y) with x**2 + y**2 = r, y = k*x"
    assert sought(found) == "x is sought above 0, y is sought up to 2 * r"


def test_commas_within_brackets_divide_nothing() -> None:
    found = read_system("max(x, y) = a, min(x, y) = b", "x,y")
    assert len(found.sides) == 2
    assert found.args == ("a", "b")


@pytest.mark.parametrize(
    ("text", "unknowns", "options", "message", "hint"),
    [
        ("x = a, y = a, z = a", "x,y", {}, "2 unknowns and 3 equations", "one equation for each unknown"),
        ("x = a", "x,y", {}, "2 unknowns and 1 equation", "one equation for each unknown"),
        ("w=a,x=a,y=a,z=a", "w,x,y,z", {}, "3 unknowns are the most", ""),
        ("x = a, y = x", "x,x", {}, "'x' is twice among the unknowns", "leave it out there"),
        ("x = a, y = x", "x,y", {"args": "a,x"}, "'x' is among the arguments", "leave it out there"),
        ("x = a, x = b", "x,y", {}, "the equations do not hold 'y'", ""),
        ("x = 1, y = 2", "x,y", {}, "the equations have no argument", "--args x"),
        ("x = a, y == b", "x,y", {}, "no '='", "LEFT = RIGHT"),
        ("x = a, y = sin(", "x,y", {}, "", ""),
        (*CIRCLE, {"guess": "x=1"}, "--guess says nothing of y", "add y=FORMULA"),
        (*CIRCLE, {"guess": "1"}, "'1' starts no unknown", "write x=FORMULA, y=FORMULA"),
        (*CIRCLE, {"guess": "x=1, x=2, y=1"}, "'x=2' starts no unknown", "write x=FORMULA, y=FORMULA"),
        (*CIRCLE, {"assume": ["x > y"]}, "holds two unknowns", "bound each"),
        (*CIRCLE, {"assume": ["x > 0", "x > r"]}, "is a second lower bound of x", "bound each"),
    ],
)
def test_refusals(text: str, unknowns: str, options: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        read_system(text, unknowns, **options)
    assert message in refused.value.message
    assert hint in (refused.value.hint or "")


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "f.py"
    assert run("--solve", "x,y", "x = a", "-o", str(out)) == 2
    assert "2 unknowns and 1 equation" in capsys.readouterr().err
    assert run("--solve", "x,y", "x**2 = a, y = x", "--assume", "1 < a < 2", "-o", str(out)) == 2
    assert "have the solutions (x, y) = (" in capsys.readouterr().err
    assert not out.exists()


# exact solutions


def test_solutions_and_partials_are_exact() -> None:
    at = np.array([[2.0, 1.0], [5.0, 0.5], [5.0, 2.0]])
    values, partials = SystemFinder(circle()).solve(at)
    r, k = at.T
    x = np.sqrt(r / (1 + k**2))
    np.testing.assert_allclose(values, np.column_stack([x, k * x]), rtol=2e-16)
    by_k = -k * x / (1 + k**2)
    np.testing.assert_allclose(partials[:, 0], np.column_stack([x / (2 * r), by_k]), rtol=1e-15)
    np.testing.assert_allclose(partials[:, 1], np.column_stack([k * x / (2 * r), x + k * by_k]), rtol=1e-15)


def test_second_derivatives_are_exact() -> None:
    (found,) = SystemFinder(read_system("x*y = a, x = y", "x,y", assume=["x > 0"])).references(
        np.array([[4.0]])
    )
    assert found.values == (2.0, 2.0)
    assert found.partials == ((0.25,), (0.25,))
    assert found.targets == (2.0, 0.25, 2.0, 0.25)
    np.testing.assert_allclose(found.second, ((-1 / 32,), (-1 / 32,)), rtol=1e-15)


def test_three_equations() -> None:
    spec = read_system(*THREE, assume=["x > 0 & y > 0 & z > 0"])
    values, _ = SystemFinder(spec).solve(np.array([[6.0, 1.0]]))
    x, y, z = values[0]
    np.testing.assert_allclose([x + y + z, x * y, x], [6, z, 2 * y], rtol=1e-15)


def test_a_partial_that_is_zero_is_zero() -> None:
    _, partials = SystemFinder(read_system("x*y = a, x = b", "x,y")).solve(np.array([[3.0, 2.0]]))
    assert partials.tolist() == [[[0.0, 1.0], [0.5, -0.75]]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"assume": ["1 < r < 2 & 1 < k < 2"]}, "the equations have the solutions (x, y) = ("),
        ({"assume": ["1 < r < 2 & 1 < k < 2", "x > 0 & y < 0"]}, "no solution of the equations was found"),
    ],
)
def test_where_there_is_no_one_solution_it_says_where(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError) as refused:
        SystemFinder(circle(**options)).solve(np.array([[1.5, 1.25]]))
    assert message in refused.value.message
    assert refused.value.message.endswith("at r = 1.5, k = 1.25")


def test_a_guess_chooses_a_solution() -> None:
    spec = circle(assume=["0.1 < r < 10 & 0.1 < k < 10"], guess="x=-1, y=-1")
    values, _ = SystemFinder(spec).solve(np.array([[2.0, 1.0]]))
    np.testing.assert_allclose(values, [[-1, -1]])


# modules


def made(spec: System, count: int = 64) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    at, values, partials = solutions(spec, count, 3)
    return verify.load(render_system(as_written(spec, at, values), "vjpgen"), spec.name), at, values, partials


def test_a_module_solves_and_differentiates() -> None:
    spec = circle()
    module, at, values, partials = made(spec)
    columns = [jnp.asarray(c) for c in at.T]
    got = module.circle(*columns)
    np.testing.assert_allclose(np.column_stack(got), values, rtol=2.0**-22)
    pulled = jax.vjp(module.circle, *columns)[1]
    one, zero = jnp.ones_like(got[0]), jnp.zeros_like(got[0])
    for i, bar in enumerate(((one, zero), (zero, one))):
        np.testing.assert_allclose(np.column_stack(pulled(bar)), partials[:, i], rtol=2.0**-20)
    pushed = jax.jvp(module.circle_jvp, tuple(columns), (one, zero))[1]
    np.testing.assert_allclose(np.column_stack(pushed), partials[:, :, 0], rtol=2.0**-20)
    assert [x.shape for x in module.circle(*(c[:0] for c in columns))] == [(0,), (0,)]
    assert [float(x) for x in jax.jit(module.circle)(2.0, 1.0)] == [1.0, 1.0]
    assert all(np.isnan(x) for x in module.circle(jnp.nan, 1.0))


def test_the_text_is_the_same_again() -> None:
    spec = circle()
    at, values, _ = solutions(spec, 32, 3)
    solved = as_written(spec, at, values)
    assert render_system(solved, "c") == render_system(as_written(circle(), at, values), "c")
    text = documentation(solved)
    assert text.startswith("circle(r, k) = (x, y) with x**2 + y**2 = r, y = k*x")
    assert "Kept for the backward pass: the inputs r and k and the outputs x and y." in text


def test_forms_are_searched_for_each_side() -> None:
    spec = read_system("log(1 + exp(x)) = a, y = x", "x,y", assume=["0.1 < a < 50"])
    at, values, _ = solutions(spec, 64, 3)
    written = as_written(spec, at, values)
    found = searched(written, at, values, "low")
    assert found.sides != written.sides
    assert found.slopes[1] == written.slopes[1]


def test_points_of_the_domain_are_drawn() -> None:
    at = sample(spec_of(circle()), 16, 3).at
    assert ((at > 0.1) & (at < 10)).all()
