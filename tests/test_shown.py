"""Expressions as text, and back."""

from __future__ import annotations

import pytest

from vjpgen.errors import InternalError
from vjpgen.expr import INFINITE, Expr, call, double_word, num, show, var
from vjpgen.ops import OPS
from vjpgen.shown import read

x, y = var("x"), var("y")


@pytest.mark.parametrize(
    "text",
    ["x + y * (-x)",
     "-x**2", "(-x)**2", "x**y", "x**(1/2)", "-1/2", "x - (y - 1/3)", "where(x < 1/2, 0, -inf)",
     "where(not x <= y and x != 1 or y == 2, x, y)", "poly(x**2, 1, -1/6, 1/120)", "pi * e + euler_gamma",
     "double_word(exp(x / y)) * y", "sum3(x, -y, 1)", "besselj(1, x)", "True", "x / y / 2", "x / (y / 2)"],
)  # fmt: skip
def test_round_trip(text: str) -> None:
    assert show(read(text)) == text
    assert read(show(read(text))) is read(text)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.arity > 0], ids=lambda op: str(op.name))
def test_every_operation_is_read(op: object) -> None:
    condition = call("lt", x, y)
    assert hasattr(op, "name")
    assert hasattr(op, "arity")
    if op.name in ("and", "or", "not"):
        e: Expr = call(op.name, *[condition, call("gt", y, num(1))][: op.arity])
    elif op.name == "where":
        e = call("where", condition, x, y)
    else:
        e = call(op.name, *[x, y, num(2), call("exp", x)][: op.arity])
    assert read(show(e)) is e


def test_what_is_read_is_what_was_shown() -> None:
    assert read("1/2") is num(1) / 2 or show(read("1/2")) == "1/2"
    assert read("inf") is num(INFINITE)
    assert read("double_word(x * y)") is double_word(x * y)
    assert read("0.25") is read("1/4")


@pytest.mark.parametrize("text", ["", "x +", "f(x)", "x.y", "x[0]", "'x'", "lambda: 0", "x < y < 2",
                                  "__import__('os')", "(" * 300 + "x" + ")" * 300])  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InternalError, match="no expression"):
        read(text)
