"""What the search knows of its targets on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from vjpgen.beams import BAR_BITS
from vjpgen.cancel import cancelled
from vjpgen.collect import collected
from vjpgen.expr import Expr
from vjpgen.extract import Term
from vjpgen.forms import Trade
from vjpgen.tidy import tidy

_STRICT = 24.0  # further bits for a result that is far off, where digits are what is paid for


@dataclass
class Known:
    """What is known of one target.

    Attributes:
        form: the best so far.
        equal: the terms in it that stand for the target everywhere.
        apart: shapes that need no graph.
        offers: what was on offer for it: terms that stand for the target everywhere, and others.
        front: of those, the ones that trade cost for accuracy.
        sharpened: the form when double words were tried last.
    """

    form: Expr
    equal: tuple[Expr, ...]
    apart: tuple[Expr, ...] = ()
    offers: tuple[list[Term], list[Term]] | None = None
    front: tuple[Trade, ...] = ()
    sharpened: Expr | None = None


def likely(terms: Iterable[Term], count: int) -> list[Term]:
    """The terms with the best scores."""
    return sorted(terms, key=lambda t: t.score)[:count]


def strict(*terms: Term) -> list[Term]:
    """Terms for a choice with double words in it: results more than `floats.BAR` ulps off weigh more."""
    further = [_STRICT * (t.bits > BAR_BITS) for t in terms]
    return [
        replace(t, bits=t.bits + f, score=t.score + float(f.mean()))
        for t, f in zip(terms, further, strict=True)
    ]


def shorter(terms: Iterable[Expr]) -> Iterator[Expr]:
    """Terms without factors above and below one line, as they are and with like terms put together."""
    for e in map(cancelled, terms):
        yield e
        yield tidy(collected(e))
