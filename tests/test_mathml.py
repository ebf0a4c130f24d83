"""MathML of expressions."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given

from test_parse_round_trip import expressions
from vjpgen.errors import InternalError
from vjpgen.expr import Expr, show
from vjpgen.mathml import math, partial, splitpoints


def seen(markup: str) -> str:
    """What a reader sees of it: all text, a fraction as a//b, an exponent as a^b, an index as a_b."""
    signs = {"mfrac": "//", "msup": "^", "msub": "_", "mtr": " "}

    def text(e: ElementTree.Element) -> str:
        own = (e.text or "").strip().replace("\u2061", "")
        return own + signs.get(e.tag, "").join(map(text, e))

    return text(ElementTree.fromstring(markup))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x * tanh(log(1 + exp(x)))", "x\u22c5tanh(log(1+e^x))"),
        ("x - (y - 1)", "x\u2212(y\u22121)"),
        ("(x + y) * -x**2", "(x+y)\u22c5(\u2212x^2)"),
        ("-x * y", "\u2212x\u22c5y"),
        ("(-x)**2", "(\u2212x)^2"),
        ("(x / y)**(1/2)", "(x//y)^1//2"),
        ("(x + 1) / (y - 1)", "x+1//y\u22121"),
        ("abs(x) + floor(y)", "|x|+\u230ay\u230b"),
        ("sqrt(x + 1)", "x+1"),
        ("where(x == -inf, 0, where(x < 1 and not y > 2, x, y))",
         "{0 ifx=\u2212\u221ex ifx<1and\xac(y>2)y otherwise"),
        ("sigma * theta_1 + x2", "\u03c3\u22c5\u03b8_1+x_2"),
        ("lt + amp", "lt+amp"),
        ("lambda_", "\u03bb"),
    ],
)  # fmt: skip
def test_what_is_shown(text: str, shown: str) -> None:
    assert seen(math(text)) == shown


@given(expressions)
def test_every_expression_is_well_formed(e: Expr) -> None:
    found = ElementTree.fromstring(math(show(e)))
    assert found.get("alttext") == show(e)
    children = {"mfrac": 2, "msup": 2, "msub": 2, "mroot": 2}
    for part in found.iter():
        assert len(part) == children.get(part.tag, len(part))


def test_an_equation_has_its_left_side() -> None:
    assert seen(math("x + 1", left="f(x)")) == "f(x)=x+1"
    assert seen(math("1", left=partial("f", ["x"], "x"))) == "df//dx=1"
    assert seen(math("y", left=partial("f", ["x", "y"], "x"))) == "\u2202f//\u2202x=y"


def test_splitpoints() -> None:
    assert splitpoints("where(x < 1, 2 * where(y > 0, 1, 2), where(x < 1, 1, 2))") == ("x < 1", "y > 0")
    assert splitpoints("x + 1") == ()


def test_text_is_data() -> None:
    with pytest.raises(InternalError, match="no expression"):
        math("x <")
    for text in ("[x for x in y]", "'x'", "x.y"):
        with pytest.raises(InternalError, match="no expression"):
            math(text)
    assert not re.search(r"<(?!/?m\w+|/?semantics)", math("where(x < y, x, y)"))
