"""Gradients that are meant to differ: what is exact, computed and said, and what tests let through."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mutation.run import passes
from plain_forms import build, plain_forms
from vjpgen import departure, reference, render_tests, residuals, verify
from vjpgen.again import command_line
from vjpgen.api import function
from vjpgen.doc import draft
from vjpgen.errors import InputError, OptionError
from vjpgen.forms import Forms
from vjpgen.oracle import seen, truth_of
from vjpgen.pipeline import generate
from vjpgen.points import sample
from vjpgen.render import render_module
from vjpgen.residuals import plan
from vjpgen.spec import Spec
from vjpgen.wishes import Wishes

AT = np.array([[-1.5, 2.0], [0.25, -3.0], [2.75, 0.5]])


def forms(text: str, args: tuple[str, ...] | None = None, **wishes: object) -> Forms:
    return plain_forms(text, args=args, wishes=Wishes(**wishes))  # type: ignore[arg-type]


def exact(spec: Spec) -> tuple[list[object], list[object]]:
    values, partials = truth_of(spec).with_partials(AT[:, : len(spec.args)])
    return values[:, 0].tolist(), partials[:, 0].tolist()


def test_exact_partials_are_those_of_the_formula() -> None:
    values, partials = exact(forms("round(x)", grad=(("x", "x**2"),)).spec)
    assert values == [-2.0, 0.0, 3.0]
    assert partials == [[2.25], [0.0625], [7.5625]]


def test_exact_partials_at_a_kink_of_the_value_are_defined() -> None:
    found = truth_of(forms("Heaviside(x)", surrogate=(("x", "triangle"),)).spec)
    assert found.with_partials(np.array([[0.0]]))[1].tolist() == [[[1.0]]]


def test_exact_derivatives_are_scaled_and_masked() -> None:
    spec = forms("x**2*y", scale=(("x", "-1/2"),), stop=("y",), mask=("x > 0",)).spec
    assert exact(spec)[1] == [[0.0, 0.0], [0.75, 0.0], [-1.375, 0.0]]


def test_a_factor_is_exact_to_the_last_bit() -> None:
    spec = forms("exp(x)*y", scale=(("x", "exp(-x)"),)).spec
    assert [row[0] for row in exact(spec)[1]] == [2.0, -3.0, 0.5]  # type: ignore[index]


def test_where_mask_or_factor_are_undefined_so_is_the_gradient() -> None:
    spec = forms("x*y", scale=(("x", "sqrt(x)"),), mask=("log(y) < 0",)).spec
    assert np.isnan([row[0] for row in exact(spec)[1]]).tolist() == [False, True, False]  # type: ignore[index]


def test_what_no_cotangent_shows_is_the_bound() -> None:
    partials = np.array([[[1e38, 3.0]], [[-1e38, 3.0]], [[1e30, 1e38]]])
    found = seen(partials.copy(), ((-1.0, 1.0), None))
    assert found.tolist() == [[[1.0, 3.0]], [[-1.0, 3.0]], [[1e30, 1e38]]]


def test_how_far_it_is_from_the_derivative() -> None:
    spec = forms("where(x > 0, x, 0)", scale=(("x", "3"),)).spec
    found = departure.departures(spec, sample(spec, 400, 1))
    assert found[0].points == 400
    assert 100 < found[0].differ < 300
    assert (found[0].median, found[0].largest) == (2.0, 2.0)
    lines = departure.sentences(spec, found)
    assert lines[0] == departure.FIRST
    assert f"differs from the derivative at {found[0].differ} of 400 points, by 2 in the median" in lines[-1]
    assert departure.departures(forms("x").spec, sample(spec, 8, 1)) == ()


def test_the_docstrings_say_so_first() -> None:
    p = plan(forms("round(x)", grad=(("x", "1"),)))
    text = render_module(p, draft(p, meant=departure.sentences(p.forms.spec, ())))
    assert text.startswith(
        '"""f(x) = round(x), with a gradient that is not its derivative.\n\nThe gradient is not'
    )
    assert (
        '    """f(x) = round(x)\n\n    The gradient is not the derivative of the value. The gradient' in text
    )
    assert "grad x  1" in text


def test_the_command_gives_the_same_again() -> None:
    wishes = {"grad": (("x", "1"),), "mask": ("x > 0",), "stop": ("y",), "clip": (("x", "-1:1"),)}
    spec = forms("round(x)*y", **wishes).spec
    assert command_line(spec, None, None) == (
        "vjpgen 'round(x)*y' --name f --args x,y --grad x=1 --grad-clip x=-1:1 --stop y --grad-mask 'x > 0'"
    )


def test_live_functions_and_their_twins() -> None:
    m = build(plan(forms("round(x)*y", grad=(("x", "y*x"),), scale=(("y", "-2"),), mask=("x > 0",))))
    x, y = jnp.array([1.2, -1.2]), jnp.array([3.0, 4.0])
    assert m.f(x, y).tolist() == [3.0, -4.0]
    for f in (m.f, m.f_jvp):
        pulled = jax.vjp(f, x, y)[1](jnp.array([10.0, 10.0]))
        np.testing.assert_allclose(pulled, [[36.0, 0.0], [-20.0, 0.0]], rtol=1e-6)
    tangent = jax.jvp(m.f_jvp, (x, y), (jnp.ones(2), jnp.ones(2)))[1]
    np.testing.assert_allclose(tangent, [3.6 - 2.0, 0.0], rtol=1e-6)


@pytest.mark.parametrize("name", ["f", "f_jvp"])
def test_second_derivatives_are_those_of_the_gradient(name: str) -> None:
    """The output is kept between the passes, and its own gradient is not its derivative."""
    p = plan(forms("exp(x)", scale=(("x", "-1"),)))
    assert [r.kind for r in p.residuals] == ["output"]
    f = getattr(build(p), name)
    assert float(jax.grad(f)(0.5)) == pytest.approx(-np.exp(0.5))
    assert float(jax.jacfwd(jax.grad(f))(0.5)) == pytest.approx(-np.exp(0.5))


def test_cotangents_are_clipped_after_they_are_summed() -> None:
    m = build(plan(forms("x*y", clip=(("x", "-1:1"), ("y", "0:")))))
    assert not hasattr(m, "f_jvp")
    pull = jax.vjp(m.f, jnp.float32(2.0), jnp.array([0.5, 0.4, -3.0], jnp.float16))[1]
    x_bar, y_bar = pull(jnp.array([0.5, 0.5, 0.0], jnp.float32))
    assert float(x_bar) == pytest.approx(0.45, rel=1e-3)
    assert (y_bar.dtype, y_bar.tolist()) == (jnp.float16, [1.0, 1.0, 0.0])
    assert float(pull(jnp.array([30.0, 0.0, 0.0], jnp.float32))[0]) == 1.0
    assert pull(jnp.array([-3.0, 1.0, -1.0], jnp.float32))[1].tolist() == [0.0, 2.0, 0.0]
    with pytest.raises(TypeError):
        jax.jvp(m.f, (1.0, 1.0), (1.0, 1.0))


def test_clipped_functions_are_measured_by_small_cotangents() -> None:
    f = forms("x*y", clip=(("x", "-1:1"), ("y", "0:2")))
    columns = [np.float32([3.0, -2e5, 1e-20]), np.float32([1e20, -7.0, 0.25])]
    got = verify.measure(build(plan(f)), f.spec, columns)
    assert got.forward is None
    np.testing.assert_array_equal(got.partials[:, 0, 0], columns[1])
    np.testing.assert_array_equal(got.partials[:, 0, 1], columns[0])


def test_a_plain_module_has_the_gradient_as_typed() -> None:
    f = forms("(round(x), x*y)", grad=(("x", "(1, 2*y)"),), scale=(("y", "3"),), mask=("y > 0",))
    got = verify.measure_plain(f.spec, [np.float32([1.2, 0.7]), np.float32([5.0, -5.0])])
    assert got.values.tolist() == [[1.0, 6.0], [1.0, -3.5]]
    assert got.partials[0].tolist() == [[1.0, 0.0], [10.0, pytest.approx(3.6)]]
    assert not got.partials[1].any()


def test_twin_of_a_clipped_function_is_refused() -> None:
    with pytest.raises(OptionError, match="no forward rule"):
        function("x", mode="jvp", grad_clip={"x": (-1, 1)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grad": "1"}, "grad is a mapping"),
        ({"grad": {"x": True}}, "a formula is text"),
        ({"grad_clip": {"x": 1}}, r"takes \(low, high\)"),
        ({"grad_clip": {"x": (1, -1)}}, "the lower bound comes first"),
        ({"stop": "x", "grad_scale": {"x": -1}}, "contradict"),
        ({"grad": {"x": float("nan")}}, "no real number"),
    ],
)
def test_options_of_generate_that_do_not_fit(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate("x", **options)  # type: ignore[arg-type]


# The generated tests


def made(f: Forms) -> tuple[str, str]:
    """Module and tests of forms as they are."""
    p = residuals.plan(f)
    module, at = render_module(p, draft(p)), reference.probe(f, sample(f.spec, 256, 1))
    got = verify.measure(verify.load(module, f.spec.name), f.spec, at.columns())
    plain = verify.measure_plain(f.spec, at.columns())
    wide = verify.measure_plain(f.spec, at.columns(at.swept, np.float64))
    suite = reference.suite(at, got, plain, wide)
    return module, render_tests.render_tests(suite, f"{f.spec.name}.py", "vjpgen ...", verify.platform())


CASES: dict[str, tuple[tuple[str, dict[str, object]], list[tuple[str, str]]]] = {
    "spike": (
        ("Heaviside(x)", {"surrogate": (("x", "boxcar"),)}),
        [("return _cast(y, dtype)", "return _cast(1.0 - y, dtype)"), ("abs(x) < 0.5", "abs(x) > 0.5"),
         ("abs(x) < 0.5", "abs(x) < 0.6"), ("partial_x * cotangent", "-partial_x * cotangent"),
         ("partial_x * cotangent", "0 * partial_x * cotangent"), ("1.0, 0.0)", "1.0 - x, 0.0)")],
    ),
    "clipped": (
        ("x*y", {"scale": (("x", "-1"),), "clip": (("x", "-1:2"),)}),
        [("-1.0, 2.0", "-1.5, 2.0"), ("-1.0, 2.0", "-1.0, 2.1"), ("-1.0, 2.0", "-2.0, 1.0"),
         ("jnp.clip(wide, low, high)", "wide"), ("return -y", "return y")],
    ),
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_generated_tests_pass_on_their_module_and_on_no_other(name: str, tmp_path: Path) -> None:
    (formula, wishes), faults = CASES[name]
    module, text = made(forms(formula, **wishes))
    assert "check_grads" not in text
    assert "central_differences" not in text
    tests = tmp_path / "test_f.py"
    tests.write_text(text)
    assert passes(tests, "f", module)
    for right, wrong in faults:
        assert right in module, right
        assert not passes(tests, "f", module.replace(right, wrong)), wrong
