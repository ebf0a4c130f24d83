"""Terms whose exponentials differ by what logarithms undo, put together as rational functions.

The derivative of s*N(a) - k*N(b), with normal distributions N and a = (log(s/k) + ...)/v, is full of terms
in exp(-a**2/2) and exp(-b**2/2). Where the exponents differ by log(s/k), one is s/k times the other: the
terms cancel or become one. `collect` sees only terms that are written alike; here exponents and coefficients
are quotients of polynomials over Q in what they are made of (roots, logarithms, other functions), and sums
of them are in lowest terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from flint import fmpq, fmpq_mpoly_ctx

from vjpgen.expr import Expr, call, num

_MOST_TERMS = 24  # of the sum
_LONGEST = 400  # terms of a polynomial
_LARGEST_POWER = 12
_LARGEST_WHOLE = 10**6  # that a coefficient is written as
_LONG = 2**60  # a whole number that is not written out
_HALF = Fraction(1, 2)


class TooLong(Exception):
    """A polynomial has more terms than are worth the time."""


@dataclass(frozen=True, slots=True)
class _Term:
    """coefficient * exp(exponent)."""

    coefficient: Expr
    exponent: Expr


def gathered(e: Expr) -> Expr | None:
    """A shorter expression with fewer exponentials; None where their exponents have nothing in common."""
    terms = list(_spread(e))
    exponents = {t.exponent for t in terms} - {num(0)}
    if len(terms) > _MOST_TERMS or len(exponents) < 2:
        return None
    try:
        found = _together(Field(e for t in terms for e in (t.coefficient, t.exponent)), terms)
    except TooLong:
        return None
    return found if found is not None and found.size < e.size else None


def _spread(e: Expr) -> Iterator[_Term]:
    """The terms of a sum, products multiplied out as far as exponentials are concerned."""
    if e.op in ("add", "sub"):
        yield from _spread(e.args[0])
        yield from (t if e.op == "add" else _Term(-t.coefficient, t.exponent) for t in _spread(e.args[1]))
    elif e.op == "neg":
        yield from (_Term(-t.coefficient, t.exponent) for t in _spread(e.args[0]))
    elif e.op == "exp":
        yield _Term(num(1), e.args[0])
    elif e.op == "mul":
        yield from (_times(a, b) for a in _spread(e.args[0]) for b in _spread(e.args[1]))
    elif e.op == "div":
        below = list(_spread(e.args[1]))
        one = below[0] if len(below) == 1 else _Term(e.args[1], num(0))
        exponent = one.exponent if one.exponent is num(0) else -one.exponent
        inverse = num(1) if one.coefficient is num(1) else 1 / one.coefficient
        yield from (_times(a, _Term(inverse, exponent)) for a in _spread(e.args[0]))
    else:
        yield _Term(e, num(0))


def _times(a: _Term, b: _Term) -> _Term:
    if num(0) in (a.exponent, b.exponent):
        exponent = a.exponent if b.exponent is num(0) else b.exponent
    else:
        exponent = a.exponent + b.exponent
    if num(1) in (a.coefficient, b.coefficient):
        return _Term(a.coefficient if b.coefficient is num(1) else b.coefficient, exponent)
    return _Term(a.coefficient * b.coefficient, exponent)


def parted(share: Fraction) -> tuple[Fraction, Fraction]:
    """A coefficient above and below the line: in one number above where its parts are long."""
    if max(abs(share.numerator), share.denominator) > _LONG:
        return share, Fraction(1)
    return Fraction(share.numerator), Fraction(share.denominator)


Quotient = tuple[Any, Any]  # numerator and denominator, polynomials without a common factor


class Field:
    """Quotients of polynomials in the functions, roots and variables that some terms are made of."""

    def __init__(self, exprs: Iterable[Expr]) -> None:
        self.atoms: dict[Expr, int] = {}
        for e in exprs:
            self._enter(e)
        # A variable whose root occurs is the square of that root.
        self.roots = {x.args[0]: x for x in self.atoms if x.op == "sqrt"}
        names = tuple(f"x{k}" for k in range(len(self.atoms)))
        self.ring = fmpq_mpoly_ctx.get(names, "lex")
        self.gens, self.one = self.ring.gens(), self.ring.constant(1)
        self.numbers = {
            k: x.args[0].value for x, k in self.atoms.items() if x.op == "sqrt" and x.args[0].op == "num"
        }
        self.known: dict[Expr, Quotient] = {}

    def _enter(self, e: Expr) -> None:
        """Gives every function, root and variable in an expression a number."""
        parts = _parts(e)
        if parts is None:
            self.atoms.setdefault(e, len(self.atoms))
        for p in parts or ():
            self._enter(p)

    def quotient(self, e: Expr) -> Quotient:
        """What an expression is, in lowest terms."""
        if e not in self.known:
            self.known[e] = self._quotient(e)
        return self.known[e]

    def _quotient(self, e: Expr) -> Quotient:
        if isinstance(e.value, Fraction):
            return self.ring.constant(fmpq(e.value.numerator, e.value.denominator)), self.one
        parts = _parts(e)
        if parts is None:
            root = self.roots.get(e)
            gen = self.gens[self.atoms[e]] if root is None else self.gens[self.atoms[root]] ** 2
            return gen, self.one
        below = [self.quotient(p) for p in parts]
        if e.op in ("add", "sub", "log"):
            negative = e.op == "sub" or (e.op == "log" and e.args[0].op == "div")
            if e.op == "log" and len(parts) == 1:
                return self.product(below[0], self.quotient(e.args[0].args[1]))
            second = (-below[1][0], below[1][1]) if negative else below[1]
            return self.sum(below[0], second)
        if e.op == "neg":
            return -below[0][0], below[0][1]
        if e.op == "mul":
            return self.product(*below)
        if e.op == "sqrt":
            return self.product(*below)
        if e.op == "div":
            return self.product(below[0], _inverse(below[1]))
        n = 2 if e.op == "square" else int(e.args[1].value)  # type: ignore[arg-type]
        base = below[0] if n >= 0 else _inverse(below[0])
        return self._lowest(base[0] ** abs(n), base[1] ** abs(n))

    def sum(self, a: Quotient, b: Quotient) -> Quotient:
        return self._lowest(a[0] * b[1] + b[0] * a[1], a[1] * b[1])

    def product(self, a: Quotient, b: Quotient) -> Quotient:
        return self._lowest(a[0] * b[0], a[1] * b[1])

    def _lowest(self, above: Any, below: Any) -> Quotient:
        above, below = self._reduced(above), self._reduced(below)
        if len(above) + len(below) > _LONGEST:
            raise TooLong
        if below == 0:
            raise TooLong  # 1/0 stays what it is
        common = above.gcd(below) if above != 0 else below
        return above / common, below / common

    def _reduced(self, p: Any) -> Any:
        """The polynomial with even powers of roots of numbers written as numbers."""
        if not self.numbers:
            return p
        found: dict[tuple[int, ...], Any] = {}
        for powers, factor in p.to_dict().items():
            left = list(powers)
            for k, value in self.numbers.items():
                factor *= fmpq(value.numerator, value.denominator) ** (left[k] // 2)  # type: ignore[union-attr]
                left[k] %= 2
            found[tuple(left)] = found.get(tuple(left), fmpq(0)) + factor
        return self.ring.from_dict(found)

    def exponential(self, difference: Quotient) -> Quotient | None:
        """exp of a sum of logarithms with integer factors; None of anything else."""
        above, below = difference
        if below.total_degree() > 0:
            return None
        found, atoms = (self.one, self.one), list(self.atoms)
        for powers, factor in (above / below).to_dict().items():
            used = [k for k, n in enumerate(powers) if n]
            if len(used) != 1 or powers[used[0]] != 1 or factor.q != 1 or abs(factor.p) > _LARGEST_POWER:
                return None
            atom = atoms[used[0]]
            if atom.op != "log":
                return None
            base = self.quotient(atom.args[0]) if self._inside(atom.args[0]) else None
            if base is None:
                return None
            base = base if factor > 0 else _inverse(base)
            for _ in range(abs(int(factor.p))):
                found = self.product(found, base)
        return found

    def _inside(self, e: Expr) -> bool:
        """Whether an expression is made of what has a number here."""
        parts = _parts(e)
        return e in self.atoms or e in self.roots if parts is None else all(map(self._inside, parts))

    def text(self, q: Quotient) -> Expr:
        """The expression of a quotient, its polynomials in factors."""
        (share, above), (less, below) = self._factored(q[0]), self._factored(q[1])
        share /= less
        numerator, denominator = parted(share)
        if numerator != 1 or not above:
            above = [num(numerator), *above]
        if denominator != 1:
            below = [num(denominator), *below]
        top = _multiplied(above)
        return top / _multiplied(below) if below else top

    def _factored(self, p: Any) -> tuple[Fraction, list[Expr]]:
        share, factors = self.factors(p)
        return share, [power(self.polynomial(f), n) for f, n in factors]

    def factors(self, p: Any) -> tuple[Fraction, list[tuple[Any, int]]]:
        """The content of a polynomial, and its irreducible factors with their exponents.

        Integers that are long as integers alone become the decimals that they are multiples of.
        """
        content, factors = p.factor()
        share, found = _fraction(content), []
        for f, n in factors:
            numbers = [abs(_fraction(c)) for c in f.coeffs()]
            unit = Fraction(1)
            if max(numbers) > _LARGEST_WHOLE:
                unit = min(numbers, key=lambda u: sum(len(str(float(x / u))) for x in numbers))
            share *= unit**n
            found.append((f / fmpq(unit.numerator, unit.denominator), int(n)))
        return share, found

    def polynomial(self, p: Any) -> Expr:
        """The expression of a polynomial, a sum of monomials."""
        atoms, total = list(self.atoms), None
        for powers, factor in p.to_dict().items():
            share = _fraction(factor)
            parts = [x for k, n in enumerate(powers) if n for x in self._powers(atoms[k], int(n))]
            if not parts or abs(share) != 1:
                parts = [num(abs(share)), *parts]
            monomial = _multiplied(parts)
            if total is None:
                total = -monomial if share < 0 else monomial
            else:
                total = total - monomial if share < 0 else total + monomial
        return num(0) if total is None else total

    def _powers(self, atom: Expr, n: int) -> list[Expr]:
        if atom.op != "sqrt" or n == 1:
            return [power(atom, n)]
        whole = power(atom.args[0], n // 2)
        return [whole, atom] if n % 2 else [whole]


def _together(field: Field, terms: Sequence[_Term]) -> Expr | None:
    """The sum of the terms, those in one whose exponents differ by logarithms; None if there are none."""
    groups: list[tuple[_Term, Quotient, Quotient, int]] = []
    for t in sorted(terms, key=lambda t: t.exponent.size):
        exponent, coefficient = field.quotient(t.exponent), field.quotient(t.coefficient)
        for k, (first, its, total, count) in enumerate(groups):
            ratio = field.exponential(field.sum(exponent, (-its[0], its[1])))
            if ratio is not None:
                both = field.sum(total, field.product(coefficient, ratio))
                groups[k] = (first, its, both, count + 1)
                break
        else:
            groups.append((t, exponent, coefficient, 1))
    if len(groups) == len({t.exponent for t in terms}):
        return None
    parts = []
    for first, _, total, count in groups:
        if total[0] == 0:
            continue
        part = first.coefficient if count == 1 else field.text(total)
        parts.append(part if first.exponent is num(0) else part * call("exp", first.exponent))
    return reduce(lambda a, b: a + b, parts) if parts else num(0)


def _parts(e: Expr) -> Sequence[Expr] | None:
    """What a quotient of polynomials is made of; None for what is one symbol."""
    if e.op == "num":
        return ()
    if e.op in ("add", "sub", "mul", "div", "neg"):
        return e.args
    if e.op == "square" or (e.op == "pow" and _is_whole(e.args[1])):
        return e.args[:1]
    if e.op == "log" and e.args[0].op in ("mul", "div"):
        return [call("log", a) for a in e.args[0].args]
    if e.op == "sqrt" and e.args[0].op == "mul" and all(a.op in ("num", "const") for a in e.args[0].args):
        return [call("sqrt", a) for a in e.args[0].args]
    return None


def _fraction(x: Any) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def _is_whole(e: Expr) -> bool:
    return isinstance(e.value, Fraction) and e.value.denominator == 1 and abs(e.value) <= _LARGEST_POWER


def _inverse(q: Quotient) -> Quotient:
    if q[0] == 0:
        raise TooLong
    return q[1], q[0]


def power(e: Expr, n: int) -> Expr:
    """e**n for a positive integer."""
    return e if n == 1 else call("square", e) if n == 2 else call("pow", e, num(n))


def _multiplied(factors: Iterable[Expr]) -> Expr:
    return reduce(lambda a, b: a * b, factors)
