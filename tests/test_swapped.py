"""Values and partials that are another one with arguments exchanged."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen import swapped
from vjpgen.candidates import Target
from vjpgen.evaluation import evaluate
from vjpgen.expr import show, substitute, var
from vjpgen.parse import parse
from vjpgen.plainly import partial
from vjpgen.points import sample
from vjpgen.search import search
from vjpgen.spec import Spec


def targets(spec: Spec) -> list[Target]:
    """The values and partials as they stand."""
    formulas = [*spec.outputs, *(partial(o, a) for o in spec.outputs for a in spec.args)]
    return [Target((e,), np.ones(3)) for e in formulas]


def images(formula: str, args: str, *assume: str) -> dict[int, tuple[int, str, int]]:
    """By the place of a target: that of the other, the arguments as they are exchanged, and the sign."""
    spec = parse(formula, name="f", args=args.split(","), assume=assume)
    _, found = swapped.apart(targets(spec), spec, sample(spec, 64, 1).at)
    return {
        k: (image.place, "".join(spec.args[n] for n in image.order), image.sign) for k, image in found.items()
    }


@pytest.mark.parametrize(
    ("formula", "args", "assume", "expected"),
    [
        ("log(exp(x) + exp(y))", "x,y", (), {2: (1, "yx", 1)}),
        ("sin(x - y)*(x + y)", "x,y", (), {2: (1, "yx", -1)}),
        ("x*log(x/y)", "x,y", ("x > 0", "y > 0"), {}),
        ("x*y", "x,y", ("x > 0",), {}),  # the image of the domain is another one
        ("x*y", "x,y", ("x + y > 1",), {2: (1, "yx", 1)}),
        ("(exp(x)/(exp(x) + exp(y)), exp(y)/(exp(x) + exp(y)))", "x,y", (),
         {1: (0, "yx", 1), 3: (2, "yx", -1), 4: (2, "yx", -1), 5: (2, "yx", 1)}),
        ("(a*c + b*d)/sqrt((a**2 + b**2)*(c**2 + d**2))", "a,b,c,d", (),
         {2: (1, "badc", 1), 4: (3, "badc", 1), 3: (1, "cdab", 1)}),
        ("x*y*exp(z**2)", "x,y,z", (), {2: (1, "yxz", 1)}),
        ("x + y + exp(-exp(sin(x) + 40)) - exp(-exp(cos(y) + 40))", "x,y", (), {}),  # 1 tells nothing
        ("sin(x)", "x", (), {}),
    ],
)  # fmt: skip
def test_what_is_found(
    formula: str, args: str, assume: tuple[str, ...], expected: dict[int, tuple[int, str, int]]
) -> None:
    assert images(formula, args, *assume) == expected


def test_what_follows_from_another_is_not_searched() -> None:
    spec = parse("log(exp(x) + exp(y))", name="f", args=["x", "y"])
    left, _ = swapped.apart(targets(spec), spec, sample(spec, 64, 1).at)
    assert [bool(t.shapes[0].names) for t in left] == [True, True, False]


@pytest.mark.parametrize("formula", ["hypot(x, y)/(1 + x*y)", "(x - y)/sqrt(1 + x**2 + y**2)"])
def test_images_have_the_form_of_what_they_are_images_of(formula: str) -> None:
    forms = search(parse(formula, name="f", args=["x", "y"]))
    (by_x, by_y), sign = forms.partials[0], -1 if "-" in formula else 1
    at = np.random.default_rng(2).uniform(-4, 4, (2, 50)).astype(np.float32)
    one = evaluate(substitute(by_x, {var("x"): var("y"), var("y"): var("x")}), {"x": at[0], "y": at[1]})
    np.testing.assert_array_equal(sign * one, evaluate(by_y, {"x": at[0], "y": at[1]}))


def test_sums_keep_the_order_in_which_they_are_computed_already() -> None:
    x, y = var("x"), var("y")
    forms = [(x + y) * x, x / (x + y)]
    (_, _, image) = swapped.filled([*forms, x * 0], {2: swapped.Image(1, (1, 0), -1)}, ("x", "y"))
    assert show(image) == "-(y / (x + y))"
