"""What each operation is for complex balls, with its derivative: what exact integration evaluates.

An integral is certified by enclosures of the integrand around the path, so every row says where it is
analytic: asked for that, it returns nan on a branch cut or a kink. On the real line it is the real function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import acb, arb, fmpq

from vjpgen.arb_ops import rational, write_out
from vjpgen.expr import Expr, rebuild, walk

NAN = acb("nan")
Value = Callable[..., acb]  # (analytic, operands) -> result
Slopes = Callable[..., tuple[acb | int, ...]]  # (analytic, result, operands) -> derivative by each


@dataclass(frozen=True, slots=True)
class Row:
    """One operation: its value, and its derivative by each operand."""

    value: Value
    slopes: Slopes


def _off(cut: Callable[[acb], bool], value: Callable[[acb], acb]) -> Value:
    """A function that is not analytic where `cut` says that its operand may lie on a branch cut."""
    return lambda n, a: NAN if n and cut(a) else value(a)


def _real(a: acb) -> bool:
    return bool(a.imag.contains(0))


def _left_of(end: float) -> Callable[[acb], bool]:
    return lambda a: _real(a) and not a.real > end


def _beyond_one(a: acb) -> bool:
    return _real(a) and not abs(a.real) < 1


def _beyond_i(a: acb) -> bool:
    return bool(a.real.contains(0)) and not abs(a.imag) < 1


def _log(n: bool, a: acb) -> acb:
    return a.log(analytic=n)


def _root(n: bool, a: acb) -> acb:
    return a.sqrt(analytic=n)


def _power(n: bool, a: acb, b: acb) -> acb:
    return acb.pow(a, b, analytic=n)


def _bell() -> acb:
    return acb(2) / acb.pi().sqrt()


def _ln(k: int) -> acb:
    return acb(k).log()


def _max(n: bool, a: acb, b: acb) -> acb:
    return a.real_max(b, analytic=n)


def _step(n: bool, a: acb) -> acb:
    return a.real_heaviside(analytic=n)


ROWS: dict[str, Row] = {
    "add": Row(lambda n, a, b: a + b, lambda n, r, a, b: (1, 1)),
    "sub": Row(lambda n, a, b: a - b, lambda n, r, a, b: (1, -1)),
    "mul": Row(lambda n, a, b: a * b, lambda n, r, a, b: (b, a)),
    "div": Row(lambda n, a, b: a / b, lambda n, r, a, b: (1 / b, -r / b)),
    "neg": Row(lambda n, a: -a, lambda n, r, a: (-1,)),
    "pow": Row(_power, lambda n, r, a, b: (b * _power(n, a, b - 1), r * _log(n, a))),
    "abs": Row(lambda n, a: a.real_abs(analytic=n), lambda n, r, a: (a.real_sgn(analytic=n),)),
    "sign": Row(lambda n, a: a.real_sgn(analytic=n), lambda n, r, a: (0,)),
    "floor": Row(lambda n, a: a.real_floor(analytic=n), lambda n, r, a: (0,)),
    "ceil": Row(lambda n, a: a.real_ceil(analytic=n), lambda n, r, a: (0,)),
    "max": Row(_max, lambda n, r, a, b: (_step(n, a - b), _step(n, b - a))),
    "min": Row(
        lambda n, a, b: a.real_min(b, analytic=n), lambda n, r, a, b: (_step(n, b - a), _step(n, a - b))
    ),
    "exp": Row(lambda n, a: a.exp(), lambda n, r, a: (r,)),
    "exp2": Row(lambda n, a: (a * _ln(2)).exp(), lambda n, r, a: (r * _ln(2),)),
    "expm1": Row(lambda n, a: a.expm1(), lambda n, r, a: (r + 1,)),
    "log": Row(_log, lambda n, r, a: (1 / a,)),
    "log2": Row(lambda n, a: _log(n, a) / _ln(2), lambda n, r, a: (1 / (a * _ln(2)),)),
    "log10": Row(lambda n, a: _log(n, a) / _ln(10), lambda n, r, a: (1 / (a * _ln(10)),)),
    "log1p": Row(_off(_left_of(-1), lambda a: a.log1p()), lambda n, r, a: (1 / (1 + a),)),
    "sqrt": Row(_root, lambda n, r, a: (1 / (2 * r),)),
    "rsqrt": Row(lambda n, a: a.rsqrt(analytic=n), lambda n, r, a: (-r / (2 * a),)),
    "sin": Row(lambda n, a: a.sin(), lambda n, r, a: (a.cos(),)),
    "cos": Row(lambda n, a: a.cos(), lambda n, r, a: (-a.sin(),)),
    "tan": Row(lambda n, a: a.tan(), lambda n, r, a: (1 + r * r,)),
    "sinpi": Row(lambda n, a: a.sin_pi(), lambda n, r, a: (acb.pi() * a.cos_pi(),)),
    "cospi": Row(lambda n, a: a.cos_pi(), lambda n, r, a: (-acb.pi() * a.sin_pi(),)),
    "asin": Row(_off(_beyond_one, lambda a: a.asin()), lambda n, r, a: ((1 - a * a).rsqrt(analytic=n),)),
    "acos": Row(_off(_beyond_one, lambda a: a.acos()), lambda n, r, a: (-(1 - a * a).rsqrt(analytic=n),)),
    "atan": Row(_off(_beyond_i, lambda a: a.atan()), lambda n, r, a: (1 / (1 + a * a),)),
    "sinh": Row(lambda n, a: a.sinh(), lambda n, r, a: (a.cosh(),)),
    "cosh": Row(lambda n, a: a.cosh(), lambda n, r, a: (a.sinh(),)),
    "tanh": Row(lambda n, a: a.tanh(), lambda n, r, a: (a.sech() ** 2,)),
    "asinh": Row(_off(_beyond_i, lambda a: a.asinh()), lambda n, r, a: ((1 + a * a).rsqrt(analytic=n),)),
    "acosh": Row(_off(_left_of(1), lambda a: a.acosh()), lambda n, r, a: ((a * a - 1).rsqrt(analytic=n),)),
    "atanh": Row(_off(_beyond_one, lambda a: a.atanh()), lambda n, r, a: (1 / (1 - a * a),)),
    "erf": Row(lambda n, a: a.erf(), lambda n, r, a: (_bell() * (-a * a).exp(),)),
    "erfc": Row(lambda n, a: a.erfc(), lambda n, r, a: (-_bell() * (-a * a).exp(),)),
    "gamma": Row(lambda n, a: a.gamma(), lambda n, r, a: (r * a.digamma(),)),
    "lgamma": Row(_off(_left_of(0), lambda a: a.lgamma()), lambda n, r, a: (a.digamma(),)),
    "digamma": Row(lambda n, a: a.digamma(), lambda n, r, a: (acb(1).polygamma(a),)),
    "lambertw": Row(
        _off(lambda a: _real(a) and not a.real > -1 / arb.const_e(), lambda a: a.lambertw()),
        lambda n, r, a: (1 / (a + r.exp()),),
    ),
}  # fmt: skip
COMPARED = frozenset(("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "true", "false"))
_CONSTANTS: dict[str, Callable[[], acb]] = {
    "pi": acb.pi,
    "e": lambda: acb(1).exp(),
    "euler_gamma": lambda: acb(arb.const_euler()),
}


def row(e: Expr) -> Row | None:
    """The row for one node; None where there is none."""
    if e.op == "pow" and (exponent := rational(e.args[1])) is not None:
        return _exact_power(exponent)
    if e.op in ("besselj", "besseli") and (order := rational(e.args[0])) is not None:
        return _of_order(e.op, order)
    return ROWS.get(e.op)


def _exact_power(exponent: Fraction) -> Row:
    k, top, bottom = exponent.denominator == 1, exponent.numerator, exponent.denominator

    def power(n: bool, a: acb, less: int) -> acb:
        return a ** (top - less) if k else acb.pow(a, acb(arb(fmpq(top - less * bottom, bottom))), analytic=n)

    return Row(
        lambda n, a, b: power(n, a, 0),
        lambda n, r, a, b: (power(n, a, 1) * top / bottom, 0),
    )


def _of_order(op: str, order: Fraction) -> Row:
    sign = -1 if op == "besselj" else 1
    k = int(order)

    def bessel(a: acb, n: int) -> acb:
        return a.bessel_j(acb(n)) if op == "besselj" else a.bessel_i(acb(n))

    return Row(
        lambda n, o, a: bessel(a, k),
        lambda n, r, o, a: (0, (bessel(a, k - 1) + sign * bessel(a, k + 1)) / 2),
    )


class Program:
    """Formulas over named complex balls, and their derivatives by one of the names."""

    def __init__(self, e: Expr, names: Sequence[str]) -> None:
        root = rebuild(e, write_out)
        self._nodes = list(walk(root))
        self._rows = {x: row(x) for x in self._nodes if x.args and x.op != "where" and x.op not in COMPARED}
        self._names, self._root = tuple(names), root
        self.missing = next((x.op for x, r in self._rows.items() if r is None), None)

    def __call__(self, values: Sequence[acb], analytic: bool, by: str | None = None) -> acb:
        """The value, or the derivative by one name; nan where it is not analytic, if that is asked for."""
        given = dict(zip(self._names, values, strict=True))
        found: dict[Expr, acb] = {}
        slope: dict[Expr, acb] = {}
        holds: dict[Expr, bool | None] = {}
        for x in self._nodes:
            if x.op in COMPARED:
                holds[x] = _decided(x, found, holds)
            elif x.op == "where":
                self._choose(x, found, slope, holds[x.args[0]], analytic)
            elif not x.args:
                found[x] = _leaf(x, given)
                if x.op == "var" and x.value == by:
                    slope[x] = acb(1)
            else:
                self._apply(x, found, slope, analytic)
        return found[self._root] if by is None else slope.get(self._root, acb(0))

    def _apply(self, x: Expr, found: dict[Expr, acb], slope: dict[Expr, acb], analytic: bool) -> None:
        line = self._rows[x]
        assert line is not None
        operands = [found[a] for a in x.args]
        found[x] = line.value(analytic, *operands)
        if any(a in slope for a in x.args):
            slopes = line.slopes(analytic, found[x], *operands)
            slope[x] = sum((s * slope[a] for s, a in zip(slopes, x.args, strict=True) if a in slope), acb(0))

    def _choose(
        self, x: Expr, found: dict[Expr, acb], slope: dict[Expr, acb], holds: bool | None, analytic: bool
    ) -> None:
        _, yes, no = x.args
        for table in (found, slope):
            if yes not in table and no not in table:
                continue
            one, other = table.get(yes, acb(0)), table.get(no, acb(0))
            if holds is None:
                table[x] = NAN if analytic else one.union(other)
            else:
                table[x] = one if holds else other


def _leaf(x: Expr, given: dict[str, acb]) -> acb:
    if x.op == "num":
        assert isinstance(x.value, Fraction)
        return acb(arb(fmpq(x.value.numerator, x.value.denominator)))
    return given[str(x.value)] if x.op == "var" else _CONSTANTS[str(x.value)]()


def _decided(x: Expr, found: dict[Expr, acb], holds: dict[Expr, bool | None]) -> bool | None:
    """Whether a condition holds all over the balls, by their real parts; None where it may change."""
    if x.op in ("true", "false"):
        return x.op == "true"
    if x.op == "not":
        inner = holds[x.args[0]]
        return None if inner is None else not inner
    if x.op in ("and", "or"):
        sides, ends = [holds[a] for a in x.args], x.op == "or"
        return ends if ends in sides else None if None in sides else not ends
    a, b = (found[y].real for y in x.args)
    less, more = bool(a < b), bool(a > b)
    if x.op in ("lt", "le", "gt", "ge"):
        yes, no = (less, more) if x.op in ("lt", "le") else (more, less)
        return yes if yes or no else None
    apart = less or more
    return (x.op == "ne") if apart else None
