"""Showing an expression and reading it back gives the same expression."""

from __future__ import annotations

import contextlib
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from vjpgen.constants import too_large
from vjpgen.errors import InputError
from vjpgen.expr import Expr, call, const, num, show, var
from vjpgen.functions import build
from vjpgen.language import FUNCTIONS
from vjpgen.parse import parse, parse_condition

NAMES = ("x", "y", "lambda_")
UNARY = sorted({row.meaning for row in FUNCTIONS if row.kind == "op" and len(row.params) == 1} - {"not"})
BINARY = ["add", "sub", "mul", "div", "max", "min", "hypot", "atan2"]
RELATIONS = ["lt", "le", "gt", "ge", "eq", "ne"]

literals = st.fractions(-20, 20, max_denominator=50).map(num)
leaves = st.one_of(st.sampled_from([var(n) for n in NAMES]), literals, st.just(const("pi")))


def conditions(reals: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    simple = st.builds(build, st.sampled_from(RELATIONS), reals, reals)
    negated = st.builds(build, st.just("not"), simple)
    return st.one_of(simple, negated, st.builds(build, st.sampled_from(["and", "or"]), simple, negated))


def grown(reals: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    divisors = reals.filter(lambda e: e is not num(0))
    powers = reals.filter(lambda e: e.op != "num")
    return st.one_of(
        st.builds(build, st.sampled_from(UNARY), reals),
        st.builds(build, st.sampled_from([b for b in BINARY if b != "div"]), reals, reals),
        st.builds(build, st.just("div"), reals, divisors),
        st.builds(lambda a, b: call("pow", a, b), powers, reals),
        st.builds(lambda n, a: call("besselj", num(n), a), st.integers(0, 5), reals),
        st.builds(build, st.just("where"), conditions(reals), reals, reals),
    )


expressions = st.recursive(leaves, grown, max_leaves=12).filter(lambda e: too_large(e) is None)


@given(expressions)
def test_show_then_parse_is_the_identity(e: Expr) -> None:
    assert parse(show(e), args=NAMES).outputs == (e,)


@given(conditions(expressions))
def test_show_then_parse_is_the_identity_on_conditions(e: Expr) -> None:
    assert parse_condition(show(e), NAMES) is e


@given(st.text(alphabet="xy12.+-*/^()<>=&|,! \n'[]efor", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        assert parse(text).outputs


@given(st.decimals(min_value=0, max_value=10**20, allow_nan=False, places=12))
def test_decimals_are_exact(value: object) -> None:
    text = f"{value:f}"
    assert parse(f"x + {text}").outputs == (var("x") + num(Fraction(text)),)
