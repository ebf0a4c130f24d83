"""Floats as the numbers that were meant: the decimal somebody typed, or the constant it was computed from."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

from vjpgen.expr import Expr, call, const, num

_PI, _TWO, _TEN = const("pi"), num(2), num(10)
_KNOWN: tuple[tuple[Expr, float], ...] = (
    (_PI, math.pi),
    (const("e"), math.e),
    (const("euler_gamma"), 0.5772156649015329),
    (_TWO * _PI, 2 * math.pi),
    (_PI / 2, math.pi / 2),
    (_PI / 4, math.pi / 4),
    (1 / _PI, 1 / math.pi),
    (call("sqrt", _PI), math.sqrt(math.pi)),
    (1 / call("sqrt", _PI), 1 / math.sqrt(math.pi)),
    (2 / call("sqrt", _PI), 2 / math.sqrt(math.pi)),
    (call("sqrt", _TWO), math.sqrt(2)),
    (1 / call("sqrt", _TWO), math.sqrt(0.5)),
    (call("sqrt", _TWO * _PI), math.sqrt(2 * math.pi)),
    (1 / call("sqrt", _TWO * _PI), 1 / math.sqrt(2 * math.pi)),
    (call("sqrt", 2 / _PI), math.sqrt(2 / math.pi)),
    (call("log", _TWO), math.log(2)),
    (call("log", _TEN), math.log(10)),
    (1 / call("log", _TWO), 1 / math.log(2)),
    (1 / call("log", _TEN), 1 / math.log(10)),
    (call("log", _TWO * _PI), math.log(2 * math.pi)),
    (call("log", _TWO * _PI) / 2, math.log(2 * math.pi) / 2),
)
_LONG = {True: 6, False: 14}  # digits, of float32 or not, from which a decimal is no accident


def meant(value: float, single: bool = False) -> tuple[Expr, str]:
    """The number behind a finite float, and how its magnitude is written where it is a decimal.

    Args:
        value: the float; one that is a float32 number with a shorter decimal there is read as that one.
        single: whether it is of type float32.
    """
    size = abs(value)
    wide, narrow = repr(size), _shortest_single(size)
    single = single or (narrow is not None and len(narrow) < len(wide))
    text = narrow if single and narrow is not None else wide
    if len(text.partition("e")[0].replace(".", "").strip("0")) > _LONG[single]:
        for known, exact in _KNOWN:
            if abs(size - exact) <= exact * (6e-8 if single else 3e-16):
                return (-known if value < 0 else known), ""
    exact_value = Fraction(text)
    return num(exact_value if value >= 0 else -exact_value), text.removesuffix(".0")


def _shortest_single(value: float) -> str | None:
    """The shortest decimal that rounds to a float32 number; None for what is none."""
    if not _is_single(value):
        return None
    for digits in range(1, 10):
        text = repr(float(f"{value:.{digits}g}"))
        if _rounded(float(text)) == value:
            return text
    return repr(value)


def _rounded(value: float) -> float:
    try:
        found: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.inf
    return found


def _is_single(value: float) -> bool:
    return _rounded(value) == value
