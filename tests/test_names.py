"""Names: what is refused, what is renamed with a note, and that what is let through breaks no module."""

from __future__ import annotations

import keyword

import pytest

from vjpgen.errors import NameRefused
from vjpgen.names import argument_names, function_name
from vjpgen.parse import parse


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "N_",
        "im_",
        "beta_",
        "lambda1",
        "lambda_",
        "E_var",
        "e",
        "pi",
        "E",
        "I",
        "S",
        "re",
        "y",
        "dtype",
        "match",
    ],
)
def test_ordinary_names_stay(name: str) -> None:
    assert argument_names([name], "f") == ({name: name}, ())


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("jax", "jax_"),
        ("jnp", "jnp_"),
        ("float", "float_"),
        ("tuple", "tuple_"),
        ("residuals", "residuals_"),
        ("cotangent", "cotangent_"),
        ("primals", "primals_"),
        ("tangents", "tangents_"),
        ("f", "f_"),
        ("f_jvp", "f_jvp_"),
        ("f_bwd", "f_bwd_"),
        ("_x", "x"),
        ("__x__", "x__"),
        ("_", "x"),
        ("_1", "x1"),
        ("_class", "class_"),
    ],
)
def test_names_that_would_break_the_module_are_renamed_with_a_note(name: str, new: str) -> None:
    table, notes = argument_names([name], "f")
    assert table == {name: new}
    assert len(notes) == 1
    assert f"{name} is called {new}" in notes[0]


def test_a_new_name_is_free() -> None:
    table, _ = argument_names(["_x", "x", "x_", "jax", "jax_"], "f")
    assert len(set(table.values())) == 5
    assert (table["x"], table["x_"], table["jax_"]) == ("x", "x_", "jax_")


@pytest.mark.parametrize("name", ["", "2x", "a-b", "a b", "x'", "\u03b1", "x" * 161, "x.y"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(NameRefused):
        argument_names([name], "f")


@pytest.mark.parametrize("name", keyword.kwlist)
def test_keywords_are_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(NameRefused, match=f"write {name}_"):
        argument_names([name], "f")


def test_an_argument_is_given_once() -> None:
    with pytest.raises(NameRefused, match="twice"):
        argument_names(["x", "y", "x"], "f")


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("softplus", "softplus"),
        ("class", "class_"),
        ("lambda", "lambda_"),
        ("jax", "jax_"),
        ("float", "float_"),
        ("my-fun", "my_fun"),
        ("a.b c", "a_b_c"),
        ("_f", "f"),
    ],
)
def test_function_names(name: str, new: str) -> None:
    found, notes = function_name(name)
    assert found == new
    assert bool(notes) == (name != new)


@pytest.mark.parametrize("name", ["", "2d", "\u03c3", "f(x)", "x" * 161])
def test_function_names_that_are_none(name: str) -> None:
    with pytest.raises(NameRefused):
        function_name(name)


def test_the_default_name_avoids_the_arguments() -> None:
    assert function_name(None) == ("f", ())
    assert parse("f*x").name == "func"
    assert parse("f*x", name="g").name == "g"


def test_an_argument_called_like_the_function() -> None:
    spec = parse("gamma*x", name="gamma")
    assert (spec.name, spec.args) == ("gamma", ("gamma_", "x"))
    assert any("gamma is called gamma_" in note for note in spec.notes)


def test_renamed_arguments_are_renamed_everywhere() -> None:
    spec = parse("jax + _x", args=["_x", "jax"], assume=["jax > 0"])
    assert spec.args == ("x", "jax_")
    assert [str(e) for e in (*spec.outputs, *spec.assume)] == ["jax_ + x", "jax_ > 0"]
    assert (spec.text, spec.assume_text) == ("jax_ + x", ("jax_ > 0",))
    assert parse(spec.text, args=spec.args, assume=spec.assume_text).outputs == spec.outputs


NASTY = (
    "y z w value dtype y_dot partial_y wide_y y_like out_0 common_dtype residuals primals cotangents jax jnp"
    " float tuple len math product_jvp _cast"
)


@pytest.mark.parametrize("several", [False, True])
def test_a_module_with_every_troublesome_name_is_right(several: bool) -> None:
    """The product of arguments that are called like what a module is made of."""
    import jax
    import numpy as np

    from vjpgen.doc import draft
    from vjpgen.expr import Expr, num, var
    from vjpgen.forms import Forms
    from vjpgen.functions import fold
    from vjpgen.render import render_module
    from vjpgen.residuals import plan
    from vjpgen.verify import load

    names = NASTY.split()
    product = "*".join(names)
    spec = parse(f"({product}, y)" if several else product, name="product", args=names)
    factors = [var(a) for a in spec.args]
    rows: list[tuple[Expr, ...]] = [
        tuple(fold("mul", tuple(f for f in factors if f is not g)) for g in factors)
    ]
    if several:
        rows.append(tuple(num(a == "y") for a in names))
    made = plan(Forms(spec, spec.outputs, tuple(rows), ((1.0,) * len(names),)))
    module = load(render_module(made, draft(made)), "product")

    at = np.linspace(0.5, 1.5, len(names))
    first = (lambda *a: module.product(*a)[0]) if several else module.product
    twin = (lambda *a: module.product_jvp(*a)[0]) if several else module.product_jvp
    value, slopes = jax.value_and_grad(first, argnums=tuple(range(len(names))))(*at)
    np.testing.assert_allclose(value, at.prod(), rtol=1e-6)
    np.testing.assert_allclose(slopes, at.prod() / at, rtol=1e-6)
    _, along = jax.jvp(twin, tuple(at), tuple(np.ones_like(at)))
    np.testing.assert_allclose(along, (at.prod() / at).sum(), rtol=1e-6)
