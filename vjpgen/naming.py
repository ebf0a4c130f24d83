"""Names inside a generated module: telling ones for subexpressions, and none twice."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Mapping
from fractions import Fraction

from vjpgen.expr import Expr
from vjpgen.spec import Spec

_LONGEST = 18
_PREFIX = {"add": "plus", "sub": "minus", "mul": "times", "div": "over"}
_UNARY = frozenset((
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "cbrt", "sin", "cos", "tan",
    "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "erfcx",
    "erfinv", "ndtri", "gamma", "lgamma", "digamma", "lambertw", "logistic", "softplus", "neg", "abs", "sign",
    "floor", "ceil", "round",
))  # fmt: skip
_SPOKEN = {"logistic": "sigmoid", "rsqrt": "inverse_sqrt"}
_WORDS = {1: "one", 2: "two", 3: "three", 4: "four"}
_ALWAYS = frozenset(
    (*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "jax", "jnp", "math", "Array", "ArrayLike")
)


class Names:
    """Hands out identifiers, each once.

    Args:
        taken: names that are in use already, besides keywords and builtins.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {*_ALWAYS, *taken}

    def new(self, *wishes: str) -> str:
        """The first wish that is free; else the last one with a number."""
        for wish in wishes:
            if wish not in self._taken:
                self._taken.add(wish)
                return wish
        number = 2
        while f"{wishes[-1]}_{number}" in self._taken:
            number += 1
        return self.new(f"{wishes[-1]}_{number}")

    def numbered(self, letter: str) -> str:
        """`letter` with the first free number, from 0."""
        number = 0
        while f"{letter}{number}" in self._taken:
            number += 1
        return self.new(f"{letter}{number}")

    def copy(self) -> Names:
        """The same names taken, to go on separately (another function of the module)."""
        return Names(self._taken)


def output_names(spec: Spec) -> tuple[str, ...]:
    """What the outputs are called inside the module."""
    names = Names((*spec.args, spec.name))
    if not spec.several:
        return (names.new("y", "z", "w", "value"),)
    return tuple(names.new(spec.out(i)) for i in range(len(spec.outputs)))


def telling(e: Expr, names: Mapping[Expr, str]) -> str | None:
    """A short name that says what `e` is, such as `exp_x` or `x_minus_y`; None if none is short."""
    text = _telling(e, names)
    return text if text is not None and len(text) <= _LONGEST else None


def _telling(e: Expr, names: Mapping[Expr, str]) -> str | None:
    if e in names:
        return names[e]
    if e.op in ("var", "const"):
        return str(e.value)
    if e.op == "num":
        return _word(e.value)
    if e.size > 8:
        return None
    parts = [_telling(a, names) for a in e.args]
    if any(p is None for p in parts):
        return None
    if e.op in _UNARY:
        return f"{_SPOKEN.get(e.op, e.op)}_{parts[0]}"
    if e.op in _PREFIX:
        return f"{parts[0]}_{_PREFIX[e.op]}_{parts[1]}"
    if e.op == "square" or (e.op == "pow" and parts[1] == "two"):
        return f"{parts[0]}_squared"
    if e.op == "pow" and parts[1] == "three":
        return f"{parts[0]}_cubed"
    if e.op in ("max", "min", "hypot"):
        return f"{e.op}_{parts[0]}_{parts[1]}"
    return None


def _word(value: object) -> str | None:
    if not isinstance(value, Fraction):
        return None
    if value == Fraction(1, 2):
        return "half"
    return _WORDS.get(int(value)) if value.denominator == 1 and value > 0 else None
