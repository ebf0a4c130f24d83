"""What is computed of an integral, and what its module says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from vjpgen.doc import closing, readable, table, wrapped
from vjpgen.expr import Expr, num
from vjpgen.integral import Integral
from vjpgen.quadrature import Rule
from vjpgen.statements import words

ZERO = num(0)


@dataclass(frozen=True, slots=True)
class Quadrature:
    """An integral in the forms in which it is computed.

    Attributes:
        spec: what was asked for.
        rule: the nodes.
        integrand: the formula.
        slopes: its derivative by each argument.
        ends: by each argument, what the integral gains where the limits move with it.
        singular: whether the integrand may be infinite at the lower and at the upper limit.
        words: one or two to a number.
        anchors: ordinary points, a number for the variable and each argument.
        accuracy: measured figures, in sentences.
    """

    spec: Integral
    rule: Rule
    integrand: Expr
    slopes: tuple[Expr, ...]
    ends: tuple[Expr, ...]
    singular: tuple[bool, bool]
    words: int
    anchors: tuple[tuple[float, ...], ...]
    accuracy: tuple[str, ...] = ()


def documentation(found: Quadrature) -> str:
    """The function's docstring, without quotes and unindented."""
    spec = found.spec
    parts = [wrapped(spec.title, "    "), wrapped(f"Computed by {how(found)}.", "")]
    computed = [("integrand", found.integrand)]
    for a, slope, end in zip(spec.args, found.slopes, found.ends, strict=True):
        computed += [(f"its d/d{a}", slope)] if slope is not ZERO else []
        computed += [(f"ends d/d{a}", end)] if end is not ZERO else []
    parts.append(table("Made of", [(n, readable(e)) for n, e in computed]))
    return "\n\n".join([*parts, *closing(found.accuracy, kept(spec), spec.assume_text)])


def how(found: Quadrature) -> str:
    """The quadrature in words."""
    return f"{found.rule.words}, in {'double' if found.words == 2 else 'single'} words"


def kept(spec: Integral) -> str:
    """What is kept between the passes, in words."""
    return f"the input{'s' if len(spec.args) > 1 else ''} {words(spec.args)}"
