"""XLA's own rewritings: each one that the search reckons with is looked up in a compiled program."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import pytest

from vjpgen.compiled import compiled, variants
from vjpgen.expr import Expr, call, num, show, var, variables
from vjpgen.ops import OPS

a, b, c, d = map(var, "abcd")
exp = {n: call("exp", var(n)) for n in "ab"}
ROWS = [
    (a / b / c, a / (b * c)),
    (a / (b / c), a * c / b),
    (num(1) / (a / (b / c)), b / (a * c)),
    ((a / b) / (c / d), a * d / (b * c)),
    ((num(-2) / b) / (b / c), num(-2) * c / (b * b)),
    (exp["a"] * exp["b"], call("exp", a + b)),
    (call("square", exp["a"]), call("exp", a + a)),
    (a / exp["b"], a * call("exp", -b)),
    (a / call("pow", b, c), a * call("pow", b, -c)),
    (a / call("sqrt", b), a * call("rsqrt", b)),
    (a * num(3) * num(5), a * num(15)),
    (a + num(3) + num(5), a + num(8)),
    (a / num(8), a * num(1) / num(8)),
    (call("log", exp["a"]), a),
]


def source(e: Expr) -> str:
    if not e.args:
        return str(e.value) if e.op == "var" else f"jnp.float32({e.value})"
    return "(" + OPS[e.op].jax.format(*map(source, e.args)) + ")"


def opcodes(e: Expr) -> list[str]:
    """The arithmetic of the optimised program, sorted; constants and plumbing left out."""
    names = sorted(variables(e))
    f = eval(f"lambda {', '.join(names)}: {source(e)}", {"jax": jax, "jnp": jnp})
    text = jax.jit(f).lower(*[jax.ShapeDtypeStruct((2048,), jnp.float32)] * len(names)).compile().as_text()
    plumbing = ("parameter", "fusion", "call", "broadcast", "copy", "constant", "convert")
    found = re.findall(r"= f32\[(?:2048)?\]\S* ([\w-]+)\(", text)
    return sorted(op for op in found if op not in plumbing)


@pytest.mark.parametrize(("written", "run"), ROWS, ids=[show(e) for e, _ in ROWS])
def test_xla_rewrites_as_the_search_expects(written: Expr, run: Expr) -> None:
    assert opcodes(written) == opcodes(run)
    if written.op != "div" or written.args[1].op != "num":
        assert compiled(written) is run


@pytest.mark.parametrize(
    "e", [a / b * c, a * b / c, -(a / b) / c, call("square", a / b), a + b + num(3)], ids=show
)
def test_other_forms_stay(e: Expr) -> None:
    assert compiled(e) is e


def test_a_root_may_stay_a_divisor() -> None:
    """a/sqrt(b)/c is inf/inf where a is infinite and sqrt(b)*c is, though not alone."""
    root = call("sqrt", b)
    assert variants(a / root / c) == (a / (root * c), a * call("rsqrt", b) / c)
    assert variants(a / root) == (a / root, a * call("rsqrt", b))
    assert variants(a / b / c) == (a / (b * c),)
