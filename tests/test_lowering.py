"""Statements mean what the expression means, operation by operation, and read like code."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vjpgen.expr import Expr, call, const, num, var, walk, where
from vjpgen.floats import NUMPY
from vjpgen.lowering import Block, lower
from vjpgen.naming import Names
from vjpgen.printer import is_bool, is_constant, source

x, y, z = var("x"), var("y"), var("z")
ANCHORS = (
    {"x": 0.7, "y": 1.9, "z": 3.0},
    {"x": -4.0, "y": 2.0, "z": -1.0},
    {"x": 40.0, "y": 50.0, "z": 60.0},
)


def lowered(*exprs: Expr, taken: tuple[str, ...] = ("x", "y", "z")) -> Block:
    return lower(exprs, Names(taken), ANCHORS)


def half(n: int, d: int = 2) -> Expr:
    return num(Fraction(n, d))


PRINTED = {
    "x + y * z": x + y * z,
    "(x + y) * z": (x + y) * z,
    "x - (y - z)": x - (y - z),
    "x - y - z": x - y - z,
    "x + (y + z)": x + (y + z),
    "x / (y * z)": x / (y * z),
    "x / y * z": x / y * z,
    "x * (y / z)": x * (y / z),
    "x - y": x + -y,
    "x + y": x - -y,
    "y - x": -x + y,
    "-x - y": -x - y,
    "-x * y": -x * y,
    "-x / y": -(x / y),
    "-(x + y)": -(x + y),
    "-(-x)": call("neg", -x),
    "x * -y": x * -y,
    "x - 2.0": x + num(-2),
    "-2.0 * x": num(-2) * x,
    "x**2": call("square", x),
    "-x**2": -call("square", x),
    "jnp.square(x + y)": call("square", x + y),
    "x ** 3": call("pow", x, num(3)),
    "(-x) ** 3": call("pow", -x, num(3)),
    "x ** -2": call("pow", x, num(-2)),
    "(x + y) ** 4": call("pow", x + y, num(4)),
    "2.0 ** x": call("pow", num(2), x),
    "x ** y": call("pow", x, y),
    "x ** -y": call("pow", x, -y),
    "(x ** y) ** z": call("pow", call("pow", x, y), z),
    "x ** y ** z": call("pow", x, call("pow", y, z)),
    "jnp.sqrt(x)": call("pow", x, half(1)),
    "1.0 / jnp.sqrt(x)": call("pow", x, half(-1)),
    "x ** 2.5": call("pow", x, half(5)),
    "0.1 * x": half(1, 10) * x,
    "1 / 3 * x": half(1, 3) * x,
    "x * (1 / 3)": x * half(1, 3),
    "x - 1 / 3": x + half(-1, 3),
    "0.0010372034319817076 * x": half(123457, 119028723) * x,
    "1e+100 * x": num(10**100) * x,
    "jnp.inf * x": num(10**400) * x,
    "-jnp.inf * x": num(-(10**400)) * x,
    "jnp.pi * x": const("pi") * x,
    "2 * jnp.pi * x": num(2) * const("pi") * x,
    "x / math.sqrt(2 * jnp.pi)": x / call("sqrt", num(2) * const("pi")),
    "math.log(2) + x": call("log", num(2)) + x,
    "jnp.nan + x": call("log", num(-2)) + x,
    "jnp.where(x < 1.0, x, y)": where(call("lt", x, num(1)), x, y),
    "jnp.where((x < 1.0) & (y > x), x, y)": where(call("and", call("lt", x, num(1)), call("gt", y, x)), x, y),
    "jnp.where(~(x < 1.0) | (y > x), x, y)": where(
        call("or", call("not", call("lt", x, num(1))), call("gt", y, x)), x, y
    ),
    "jnp.where(x != y, x, y)": where(call("not", call("eq", x, y)), x, y),
    "jnp.where(True, x, y)": where(call("not", call("false")), x, y),
    "jnp.where(False, x, y)": where(call("not", call("lt", num(1), num(2))), x, y),
    "jnp.maximum(x, 0.0)": call("max", x, num(0)),
    "_polygamma(1, x)": call("polygamma", num(1), x),
    "1.0 + x * (2.0 + x * 3.0)": call("poly", x, num(1), num(2), num(3)),
    "_horner(x, 1.0, 2.0, 3.0, 4.0)": call("poly", x, num(1), num(2), num(3), num(4)),
    "_horner(x + y, 1.0, 2.0)": call("poly", x + y, num(1), num(2)),
    "jax.nn.sigmoid(x)": call("logistic", x),
    "jax.lax.rsqrt(x)": call("rsqrt", x),
}


@pytest.mark.parametrize("text", PRINTED)
def test_printing(text: str) -> None:
    assert source(PRINTED[text], {}) == text


BINARY = st.sampled_from(["add", "sub", "mul", "div", "max", "min"])
UNARY = st.sampled_from(["neg", "abs", "square", "sign", "floor"])
REAL = st.recursive(
    st.sampled_from([x, y, z, num(2), num(-3), half(1, 3), half(-5, 4)]),
    lambda inner: st.one_of(
        st.builds(call, BINARY, inner, inner),
        st.builds(call, UNARY, inner),
        st.builds(lambda a, n: call("pow", a, num(n)), inner, st.sampled_from([2, 3])),
        st.builds(
            lambda op, a, b, c, d: where(call(op, a, b), c, d),
            st.sampled_from(["lt", "le", "gt", "ge"]), inner, inner, inner, inner,
        ),
    ),
    max_leaves=14,
)  # fmt: skip


def exact(e: Expr, at: Mapping[str, Fraction]) -> Any:
    """The value in rational arithmetic; None where it divides by zero."""
    if e.op == "num":
        return e.value
    if e.op == "var":
        return at[str(e.value)]
    if e.op == "where":
        return exact(e.args[1] if exact(e.args[0], at) else e.args[2], at)
    return {
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
        "div": lambda a, b: a / b, "max": max, "min": min, "neg": lambda a: -a, "abs": abs,
        "square": lambda a: a * a, "sign": lambda a: Fraction((a > 0) - (a < 0)),
        "floor": lambda a: Fraction(math.floor(a)), "pow": lambda a, b: a ** int(b),
        "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
        "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
    }[e.op](*(exact(a, at) for a in e.args))  # fmt: skip


class Rational:
    """jax.numpy for exact numbers: what the statements mean, without rounding."""

    maximum, minimum, abs, floor = max, min, abs, staticmethod(lambda a: Fraction(math.floor(a)))
    square = staticmethod(lambda a: a * a)
    sign = staticmethod(lambda a: Fraction((a > 0) - (a < 0)))
    where = staticmethod(lambda c, a, b: a if c else b)


def run(block: Block, at: Mapping[str, Fraction]) -> list[Any]:
    """What the statements compute, every literal read as the rational number that was meant."""
    env: dict[str, Any] = {"jnp": Rational, **at}
    for line in block.lines:
        target, _, text = line.partition(" = ")
        env[target] = value(text, env)
    return [value(text, env) for text in block.results]


def value(text: str, env: dict[str, Any]) -> Any:
    tree = ast.fix_missing_locations(Rationalise().visit(ast.parse(text, mode="eval")))
    return eval(compile(tree, "<statement>", "eval"), {**env, "Q": Fraction})


class Rationalise(ast.NodeTransformer):
    """Literals become rationals, exponents stay integers, `~` becomes `not`."""

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        node.left = self.visit(node.left)
        node.right = node.right if isinstance(node.op, ast.Pow) else self.visit(node.right)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        node.op = ast.Not() if isinstance(node.op, ast.Invert) else node.op
        return node

    def visit_Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool):
            return node
        return ast.Call(ast.Name("Q", ast.Load()), [ast.Constant(str(node.value))], [])


@settings(max_examples=300, deadline=None)
@given(st.lists(REAL, min_size=1, max_size=3), st.tuples(*[st.fractions(-4, 4, max_denominator=8)] * 3))
def test_statements_mean_the_expressions(exprs: list[Expr], point: tuple[Fraction, ...]) -> None:
    at = dict(zip("xyz", point, strict=True))
    if any(
        is_constant(n) and n.args for e in exprs for n in walk(e)
    ):  # Python computes it in double precision
        return
    try:
        wanted = [exact(e, at) for e in exprs]
    except ZeroDivisionError:
        return
    for anchors in (ANCHORS, None):
        try:
            got = run(lower(exprs, Names("xyz"), anchors), at)
        except ZeroDivisionError:  # in a branch that is not taken
            continue
        assert got == wanted


def test_shared_subexpressions_are_named_once() -> None:
    e = call("exp", -call("abs", x))
    block = lowered(e / (1 + e), e * y)
    assert block.lines == ("exp_neg_abs_x = jnp.exp(-jnp.abs(x))",)
    assert block.results == ("exp_neg_abs_x / (1.0 + exp_neg_abs_x)", "exp_neg_abs_x * y")


def test_equal_results_are_computed_once() -> None:
    e = call("sin", x * y)
    assert lowered(e, e).results == ("sin_x_times_y", "sin_x_times_y")


def test_nothing_is_named_without_need() -> None:
    assert lowered(call("exp", x) + -x * -x + num(2)).lines == ()


def test_long_expressions_are_cut() -> None:
    e = x
    for k in range(40):
        e = call("sin", e) + call("cos", y * num(k))
    block = lowered(e)
    assert block.lines
    assert max(map(len, (*block.lines, *block.results))) < 140


@pytest.mark.parametrize("name", ["exp_x", "t0", "jnp", "lambda", "sum", "x_near"])
def test_names_never_clash(name: str) -> None:
    e = call("exp", x)
    block = lowered(
        e * e + where(call("lt", call("abs", x), num(1)), e / x, call("log", x)), taken=("x", name)
    )
    targets = [line.partition(" = ")[0] for line in block.lines]
    assert name not in targets
    assert len(set(targets)) == len(targets)
    assert all(t.isidentifier() for t in targets)


def test_support_is_listed_with_what_it_needs() -> None:
    e = call("erfcx", x) + call("poly", y, *map(num, range(1, 6))) + call("erfcx", y)
    assert lowered(e).support == ("erfcx", "horner")


def test_numbers_beyond_single_precision_are_infinite_without_a_warning() -> None:
    block = lowered(x * num(10**100) + where(call("lt", y, num(-(10**50))), y, num(2) * num(10**100)))
    assert block.lines == (
        "huge = _huge(1e+100, x)",
        "huge_2 = _huge(-1e+50, x)",
        "huge_3 = _huge(2 * 1e+100, x)",
    )
    assert block.support == ("huge",)


def test_order_is_the_same_every_time() -> None:
    e = where(call("lt", x, num(1)), call("log", y) * z, call("exp", x) / y)
    assert lowered(e, e + z) == lowered(e, e + z)


# Choices


def branches(block: Block) -> str:
    return "\n".join((*block.lines, *block.results))


def test_a_simple_choice_stays_simple() -> None:
    e = where(call("gt", x, num(0)), x, num(0))
    assert branches(lowered(e)) == "jnp.where(x > 0.0, x, 0.0)"
    e = where(call("le", call("abs", x), y), call("square", x) / num(2), y * (call("abs", x) - y / num(2)))
    assert lowered(e).lines == ("abs_x = jnp.abs(x)",)


def test_inputs_of_both_branches_are_guarded() -> None:
    near = call("lt", call("abs", x), half(1, 10))
    block = lowered(where(near, call("poly", x, *map(num, range(1, 5))), call("sin", x) / x))
    assert block.lines == (
        "near_zero = jnp.abs(x) < 0.1",
        "x_near = jnp.where(near_zero, x, 0.0)",
        "x_far = jnp.where(near_zero, 1.0, x)",
    )
    assert block.results == (
        "jnp.where(near_zero, _horner(x_near, 1.0, 2.0, 3.0, 4.0), jnp.sin(x_far) / x_far)",
    )


def test_a_chain_of_thresholds() -> None:
    low, high = call("lt", x, num(-5)), call("lt", x, num(3))
    e = where(low, call("exp", x), where(high, call("log", x + num(7)), call("log", x)))
    block = lowered(e)
    assert block.lines[:5] == (
        "below_minus_5 = x < -5.0",
        "x_low = jnp.where(below_minus_5, x, -10.0)",
        "below_3 = x < 3.0",
        "x_mid = jnp.where(~below_minus_5 & below_3, x, 1.0)",
        "x_high = jnp.where(below_3, 10.0, x)",
    )


def test_what_cannot_be_reached_is_dropped() -> None:
    inner = where(call("lt", x, num(-5)), call("exp", x), call("log", x))
    e = where(call("lt", x, num(3)), x, inner)
    assert "exp" not in branches(lowered(e))


def test_the_point_for_the_other_branch_lies_in_its_domain() -> None:
    low = call("lt", x, y)
    e = where(low, call("acos", x - y), call("log", z) / (x - y))
    for line in lowered(e).lines:
        assert "nan" not in line
        assert "inf" not in line
    e = where(call("gt", x, num(1)), call("acosh", x), num(0))
    assert "jnp.where(above_1, x, 2.0)" in branches(lowered(e))


def test_nested_choices_share_conditions() -> None:
    c, d = call("lt", x, num(1)), call("gt", y, num(0))
    e = where(c, where(d, call("log", y), call("exp", x)), where(d, call("sqrt", y), call("log", x)))
    text = branches(lowered(e))
    assert text.count("x < 1.0") == text.count("y > 0.0") == 1


def test_a_number_keeps_its_value_through_guards() -> None:
    e = where(call("lt", x, num(1)), call("exp", x), call("log", x))
    for at in (-3.0, 0.5, 1.0, 7.0):
        env: dict[str, Any] = {"jnp": np, "x": np.float64(at)}
        block = lowered(e)
        for line in block.lines:
            exec(line, env)
        assert eval(block.results[0], env) == (math.exp(at) if at < 1 else math.log(at))


def test_conditions_are_bool() -> None:
    assert is_bool(call("lt", x, y))
    assert not is_bool(x)
    assert set(NUMPY) >= {"lt", "where"}
