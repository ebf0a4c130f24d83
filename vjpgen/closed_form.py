"""Antiderivatives and definite integrals that sympy knows, in a process of its own: some take for ever.

Run as a program it reads a pickled `Question` and writes candidates, one pickle each. What it returns is a
guess: whoever asks holds it against exact integrals.
"""

from __future__ import annotations

import inspect
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

import sympy as sp
from sympy.integrals.heurisch import heurisch
from sympy.integrals.manualintegrate import manualintegrate

from vjpgen.bridge import from_sympy, to_sympy
from vjpgen.expr import Expr
from vjpgen.guesses import Question

CALLS = 600_000  # of Python functions, for each way: a few seconds


class _TooLong(BaseException):
    """A way took more than its share; no Exception, which sympy's own code would swallow and go on from."""


def candidates(question: Question) -> Iterator[Expr]:
    """What may be the integral, the simplest way first."""
    q = question
    names = dict.fromkeys(
        (q.variable, *q.integrand.names, *(n for e in (q.low, q.high) if e for n in e.names))
    )
    symbols = {n: sp.Symbol(n, real=True, positive=n in q.positive or None) for n in names}
    t = symbols[q.variable]
    f = to_sympy(q.integrand, symbols)
    low, high = (sp.oo * s if e is None else to_sympy(e, symbols) for s, e in ((-1, q.low), (1, q.high)))
    ways: list[Callable[[], Any]] = [
        lambda: _between(manualintegrate(f, t), t, low, high),
        lambda: _between(heurisch(f, t), t, low, high),
        lambda: sp.integrate(f, (t, low, high), conds="none"),
    ]
    for way in ways:
        with suppress(Exception, _TooLong):
            found = _within_budget(way)
            if found is not None and not found.has(
                sp.Integral, sp.Limit, sp.AccumBounds, sp.I, sp.nan, sp.zoo
            ):
                yield from_sympy(sp.simplify(found) if found.count_ops() < 60 else found)


def _between(antiderivative: Any, t: Any, low: Any, high: Any) -> Any:
    if antiderivative is None or antiderivative.has(sp.Integral):
        return None
    ends = (sp.limit(antiderivative, t, e, "-" if e is sp.oo else "+") if e.is_infinite
            else antiderivative.subs(t, e) for e in (low, high))  # fmt: skip
    below, above = ends
    return above - below


def _within_budget(way: Callable[[], Any]) -> Any:
    """The result of a call that may make so many calls: a count of them is the same on every machine.

    It ends in a function of sympy's, and in none that Python may be calling to clear something away (a
    generator, a finaliser, a weak reference's callback): what these raise is lost, and the count with it.
    """
    left = CALLS

    def counted(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        left -= event == "call"
        if left < 0 and event == "call" and _may_raise(frame):
            raise _TooLong

    sys.setprofile(counted)
    try:
        return way()
    finally:
        sys.setprofile(None)


def _may_raise(frame: FrameType) -> bool:
    code = frame.f_code
    ours = frame.f_globals.get("__name__", "").startswith("sympy.")
    return ours and code.co_name != "__del__" and not code.co_flags & inspect.CO_GENERATOR


def main() -> None:
    """Answers one question."""
    for found in candidates(pickle.load(sys.stdin.buffer)):
        pickle.dump(found, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
