"""What is measured is what a user would see."""

from __future__ import annotations

import inspect
import traceback
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from plain_forms import ANCHORS, build, plain_forms
from vjpgen import verify
from vjpgen.doc import draft
from vjpgen.forms import Forms
from vjpgen.render import render_module
from vjpgen.residuals import plan


def both(text: str, n: int = 40, dtype: Any = np.float32) -> tuple[Any, Any, Forms, list[Any]]:
    """Measured from the module and from the plain formula, at the same points."""
    forms = plain_forms(text)
    rng = np.random.default_rng(0)
    columns = [rng.uniform(0.3, 2.0, n).astype(dtype) for _ in forms.spec.args]
    found = verify.measure(build(plan(forms)), forms.spec, columns)
    return found, verify.measure_plain(forms.spec, columns), forms, columns


@pytest.mark.parametrize("text", ["x**2", "sin(x - y)*z", "(r*cos(t), r*sin(t), r)", "(x*y,)", "0*x + 3"])
def test_shapes_and_agreement(text: str) -> None:
    got, plain, forms, columns = both(text)
    m, a = len(forms.spec.outputs), len(forms.spec.args)
    assert got.values.shape == plain.values.shape == (40, m)
    assert got.partials.shape == plain.partials.shape == (40, m, a)
    assert got.forward is not None
    assert got.forward.shape == (40, m, a)
    assert plain.forward is None
    assert {v.dtype for v in (got.values, got.partials, got.forward, plain.values)} == {columns[0].dtype}
    np.testing.assert_allclose(got.values, plain.values, rtol=1e-5)
    np.testing.assert_allclose(got.partials, plain.partials, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got.forward, got.partials, rtol=1e-5, atol=1e-6)


def test_partials_are_ordered_by_output_then_argument() -> None:
    got, _, _, (x, y) = both("(x**2*y, 3*y)")
    np.testing.assert_allclose(got.partials[:, 0, 0], 2 * x * y, rtol=1e-6)
    np.testing.assert_allclose(got.partials[:, 0, 1], x**2, rtol=1e-6)
    assert not got.partials[:, 1, 0].any()
    assert (got.partials[:, 1, 1] == 3).all()


def test_measured_compiled_and_not_operation_by_operation() -> None:
    """exp(a)*exp(b) is exp(a + b) under jit: what a user runs."""
    got, plain, _, _ = both("exp(x)*exp(y)", 4)
    assert np.isfinite(got.values).all()
    forms = plain_forms("exp(x)*exp(y)")
    columns = [np.float32([80.0]), np.float32([-80.0])]
    assert verify.measure_plain(forms.spec, columns).values[0, 0] == 1
    assert plain.values.shape == (4, 1)


def test_the_plain_formula_fails_as_it_does_for_users() -> None:
    spec = plain_forms("log(1+exp(x))").spec
    found = verify.measure_plain(spec, [np.float32([100, -20])])
    assert found.values[0, 0] == np.inf
    assert np.isnan(found.partials[0, 0, 0])
    assert found.values[1, 0] == 0


def test_double_precision() -> None:
    spec = plain_forms("sin(x)").spec
    x = np.linspace(0, 1, 9)
    found = verify.measure_plain(spec, [x])
    assert found.values.dtype == np.float64
    np.testing.assert_allclose(found.values[:, 0], np.sin(x), rtol=1e-15)
    assert not jax.config.jax_enable_x64


@pytest.mark.parametrize(
    ("text", "size", "plain"), [("x**2", 4, 4), ("3*x + y", 0, 0), ("x*y", 8, 8), ("log(1+exp(x))", 4, 8)]
)
def test_residual_bytes(text: str, size: int, plain: int) -> None:
    got, other, _, columns = both(text)
    assert got.residual_bytes == size
    assert int(other.residual_bytes) == plain  # scalars are spread over the points
    forms = plain_forms(text)
    _, pull = jax.vjp(build(plan(forms)).f, *map(jnp.asarray, columns))
    held = {id(leaf): leaf.nbytes for leaf in jax.tree.leaves(pull)}
    assert sum(held.values()) == size * len(columns[0])


def test_a_loaded_module_shows_its_source() -> None:
    forms = plain_forms("sqrt(x)")
    p = plan(forms)
    source = render_module(p, draft(p))
    m = verify.load(source, "f")
    assert inspect.getsource(m.f_bwd) in source
    try:
        m._f("text")
    except TypeError as error:
        frames = traceback.extract_tb(error.__traceback__)
        assert any(frame.line and frame.line in source for frame in frames)


def test_loading_leaves_no_module_behind() -> None:
    import json
    import sys

    verify.load("x = 1", "json")
    assert sys.modules["json"] is json
    verify.load("import dataclasses\n", "nothing_of_this_name")
    assert "nothing_of_this_name" not in sys.modules


def test_a_module_that_fails_leaves_nothing_behind() -> None:
    import sys

    with pytest.raises(ZeroDivisionError):
        verify.load("1/0", "broken")
    assert "broken" not in sys.modules


def test_anchors_are_ordinary() -> None:
    assert all(0.1 < abs(a) < 100 for a in ANCHORS)
