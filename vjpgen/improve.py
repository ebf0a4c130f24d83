"""The search within one piece: e-graphs, measured beams, derivatives of stable values, series and regimes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vjpgen import chain, refute, regimes, two_words
from vjpgen.balance import Balancer
from vjpgen.cancel import cancelled
from vjpgen.candidates import FLOAT64, Target, columns, cost, front, judged, tails
from vjpgen.classes import analyse
from vjpgen.collect import collected
from vjpgen.effort import Effort
from vjpgen.egraph import saturate
from vjpgen.evaluation import Evaluator
from vjpgen.expr import Expr, has_op, substitute, var, variables, walk
from vjpgen.extract import Term, extract
from vjpgen.floats import BAR, Array, representable, tiny
from vjpgen.forms import Trade
from vjpgen.rational import rational
from vjpgen.refute import WORTHLESS
from vjpgen.spec import Spec
from vjpgen.splits import place
from vjpgen.symmetry import Mirror, mirrors
from vjpgen.tangents import survives
from vjpgen.tidy import tidy
from vjpgen.truncations import leading, truncations
from vjpgen.truth import Truth

if TYPE_CHECKING:
    from vjpgen.inner import Inner

POINTS = 1024
MEASURED = 256  # of these points, where every class of an e-graph is measured
HELD_BACK = 128  # and kept for the final comparison; forms and splits are chosen at all others
FEWEST = 16  # points that a piece needs to be searched
_ZEROS = 16  # of the points of an inner function, one in so many is its zero
_SHARPENED = 4  # candidates that are tried in double words
_BALANCED = 8  # candidates whose products are put into a safer order
_LONGEST_SHAPE = 250  # nodes of a partial that is derived from a form of the value
_NOT_FINITE = 16.0  # further bits that infinity or NaN costs where the truth is a number
_FAR = 8.0  # further bits that a result more than `BAR` ulps off costs
_BAR = math.log2(1 + BAR)
_LOST = 47.0  # bits that only a result that is not finite costs
_RARELY = 0.00125  # share of the points
_SMALL = 2  # so many graphs and one more are small
_BROKEN = 3.0  # bits that a point costs where the second derivative would be NaN or infinite
_OUTSIDE = frozenset(("poly", "where", "besselj", "besseli", "polygamma", "floor", "ceil", "round"))


class Improver:
    """The search within one piece: its points, used ones first, held-back ones last."""

    def __init__(self, spec: Spec, at: Array, effort: Effort, verges: int = 0) -> None:
        self.spec, self.effort, self.price, self.verges = spec, effort, effort.price, verges
        self.seen = max(FEWEST, len(at) * (POINTS - HELD_BACK) // POINTS)
        self.cut = min(self.seen, MEASURED)
        self.env = columns(spec, at[: self.cut])
        self.broad = columns(spec, at[: self.seen])
        self.few, self.many = Evaluator(self.env), Evaluator(self.broad)
        self.few_wide, self.many_wide = (Evaluator(c, np.float64) for c in (self.env, self.broad))
        self.fresh = Evaluator(columns(spec, at[self.seen :]))
        self.balanced = Balancer(self.few_wide)
        self.at = at
        self.positive = frozenset(a for k, a in enumerate(spec.args) if (at[:, k] > 0).all())
        self.inner: dict[tuple[Expr, Expr | None], Expr] = {}  # variables of inner functions, and
        self.meaning: dict[Expr, Expr] = {}  # what stands for each of them
        self.mirrors: dict[Expr, tuple[Mirror, ...]] = {}
        self.fronts: dict[int, tuple[Trade, ...]] = {}
        self.forms: dict[int, tuple[Expr, ...]] = {}  # of each target, the equal terms that were chosen

    def improve(self, targets: Sequence[Target]) -> tuple[Expr, ...]:
        """The best forms: values and partials from ever larger e-graphs, then partials of the forms found."""
        targets = list(targets)
        done = {k: tidy(t.shapes[0]) for k, t in enumerate(targets) if self._worthwhile(t)}
        self.forms = {k: (e,) for k, e in done.items()}
        found: dict[int, Sequence[Term]] = {}
        sizes = self.effort.nodes
        for turn, nodes in enumerate((*sizes, *sizes[1:2])):
            large = turn >= len(sizes) - 1 > _SMALL
            todo = [k for k in done if not self._good(done[k], targets[k], large=large, first=not turn)]
            if turn > 1:  # the first two graphs hold the formula alone
                fresh = {k: self._of_value(k, targets[k]) for k in todo}
                if turn == 2:
                    fresh = {k: shapes + self._wider(k, targets) for k, shapes in fresh.items()}
                targets = [replace(t, shapes=t.shapes + fresh.get(k, ())) for k, t in enumerate(targets)]
                if turn == len(sizes):
                    todo = [k for k in todo if fresh[k]]
            if not todo:
                continue
            found |= dict(zip(todo, self._beams([targets[k] for k in todo], nodes), strict=True))
            done |= {k: self._best(k, targets[k], found[k], done[k]) for k in todo}
        for k in done:  # what one graph for all has no room for
            if len(done) > 1 and self._bits(done[k], targets[k]).mean() > self.effort.poor:
                (found[k],) = self._beams([targets[k]], sizes[-1])
                done[k] = self._best(k, targets[k], found[k], done[k])
        for k in done:  # what no arrangement of single words makes better
            if self.effort.words and not self._good(done[k], targets[k], few=self.effort.sharp):
                done[k] = self._best(k, targets[k], found.get(k, ()), done[k], words=True)
        return tuple(done.get(k, t.shapes[0]) for k, t in enumerate(targets))

    def _of_value(self, k: int, target: Target) -> tuple[Expr, ...]:
        """Shapes of a partial that are derivatives of the forms chosen for its value; none for a value."""
        n = len(self.spec.outputs)
        if k < n:
            return ()
        i, j = divmod(k - n, len(self.spec.args))
        slopes = (chain.partial(form, self.spec.args[j]) for form in self.forms.get(i, ()))
        shapes = (tidy(s) for s in slopes if s is not None and s.size <= _LONGEST_SHAPE)
        return tuple(s for s in dict.fromkeys(shapes) if s not in target.shapes)

    def _wider(self, k: int, targets: Sequence[Target]) -> tuple[Expr, ...]:
        """Shapes that sympy knows, and those over inner functions."""
        from vjpgen import derive  # sympy takes longer to import than most first graphs to grow

        n, scope = len(self.spec.outputs), derive.symbols(self.spec.args, self.positive)
        if k < n:
            shapes = derive.value(targets[k].shapes[0], scope)
        else:
            i, j = divmod(k - n, len(self.spec.args))
            shapes = derive.partial(targets[i].shapes[0], self.spec.args[j], scope)
        known = targets[k].shapes
        return (*(s for s in shapes if s not in known), *self._changed(shapes[0], scope))

    def _changed(self, formula: Expr, scope: dict[str, Any]) -> tuple[Expr, ...]:
        """Shapes over inner functions, each of which is solved for itself and becomes one more variable."""
        from vjpgen import inner

        if has_op(formula, *_OUTSIDE):
            return ()
        found = []
        for change in inner.changes(formula, scope):
            symbols = {var(name): self._log(log) for name, log in change.logs}
            symbols |= {var(i.name): self._inner(i, substitute(i.at, symbols)) for i in change.inner}
            found += [substitute(shape, symbols) for shape in change.shapes]
        return tuple(found)

    def _log(self, log: Expr) -> Expr:
        """The variable that stands for a logarithm of which powers are taken."""
        if (log, None) not in self.inner:
            exact = Truth((log,), self.spec.args).values(self.at.astype(np.float64))[:, 0]
            self._name((log, None), exact[: self.cut])
            alone = Improver(self.spec, self.at, self._part(), self.verges)
            (self.meaning[self.inner[log, None]],) = alone.improve([Target((log,), exact)])
        return self.inner[log, None]

    def _inner(self, one: Inner, at: Expr) -> Expr:
        """The variable that stands for an inner function of `at`."""
        key = (one.function, at)
        if key not in self.inner:
            u = self.few_wide(at)
            truth = Truth((one.function,), (one.variable,))
            exact = truth.values(u[:, None])[:, 0]
            symbol = self._name(key, np.where(u == 0, one.limit, exact))
            shapes = [substitute(e, self.meaning) for e in (at, *self.balanced(at))]
            operand = self._single(shapes, self._counted(u))
            self.meaning[symbol] = substitute(
                _solved(one, truth, u, self._part()),
                {var(one.variable): operand},
            )
        return self.inner[key]

    def _part(self) -> Effort:
        """The effort for a part of a formula: one graph."""
        return replace(self.effort, nodes=self.effort.nodes[1:2], words=False)

    def _name(self, key: tuple[Expr, Expr | None], values: Array) -> Expr:
        """A new variable with exact values at the points."""
        symbol = self.inner[key] = var(f"inner:{len(self.inner)}")
        self.env[str(symbol.value)] = values
        return symbol

    def _single(self, shapes: Sequence[Expr], truth: Array) -> Expr:
        """The best of equal shapes."""
        return min((self._term(e, truth) for e in shapes), key=lambda t: (t.score, t.expr.size)).expr

    def _bits(self, expr: Expr, target: Target) -> Array:
        return self._term(expr, self._counted(target.truth[: self.seen]), self.many).bits

    def _good(
        self, expr: Expr, target: Target, *, large: bool = False, first: bool = False, few: float = 1.0
    ) -> bool:
        """Whether a form is good enough, or passable where the next graph is a large one.

        The ends of the range are worth a first graph, not more.
        """
        bits, how = self._bits(expr, target)[0 if first else self.verges :], self.effort
        share = how.passable if large else 1.0
        lost = float((bits > _LOST).mean())
        return (
            float(bits.mean()) <= how.enough * share
            and float((bits > _BAR).mean()) <= how.few * share * few
            and lost <= (_RARELY if large else 0.0)
        )

    def _worthwhile(self, target: Target) -> bool:
        return bool(variables(target.shapes[0])) and bool(
            representable(target.truth[: self.cut], np.float32).any()
        )

    def _beams(self, targets: Sequence[Target], nodes: int) -> list[list[Term]]:
        """Candidates from one e-graph that holds all targets with operations the e-graph knows."""
        inside = [k for k, t in enumerate(targets) if not all(has_op(s, *_OUTSIDE) for s in t.shapes)]
        found: list[list[Term]] = [[] for _ in targets]
        if not inside:
            return found
        seeds = [[s for s in targets[k].shapes if not has_op(s, *_OUTSIDE)] for k in inside]
        graph = saturate(seeds, self._facts(seeds), limit=nodes + nodes // 4 * (len(inside) - 1))
        truths = [targets[k].truth[: self.cut] for k in inside]
        analysis = analyse(graph, self.env, truths)
        beams = extract(graph, analysis, self.env, [self._counted(t) for t in truths])
        for k, root in zip(inside, graph.roots, strict=True):
            found[k] = beams.get(root, [])
        return found

    def _facts(self, seeds: Sequence[Sequence[Expr]]) -> list[tuple[str, Expr]]:
        """Signs that hold at every point, for the arguments and the subexpressions of the seeds."""
        facts = []
        for e in walk(*(s for shapes in seeds for s in shapes)):
            if e.op == "num":
                continue
            values = np.atleast_1d(self.few_wide(e))
            if np.isnan(values).any():
                continue
            if (values > 0).all():
                facts.append(("pos", e))
            elif (values >= 0).all():
                facts.append(("nonneg", e))
            elif (values != 0).mean() > 0.5:
                facts.append(("nz", e))
        return facts

    def _best(
        self, k: int, target: Target, terms: Sequence[Term], so_far: Expr, *, words: bool = False
    ) -> Expr:
        """The best form, or choice among forms, out of terms; with those in double words where asked for."""
        truth, env, at = self._counted(target.truth[: self.seen]), self.broad, self.many
        shapes = dict.fromkeys(
            substitute(e, self.meaning)
            for e in (
                *target.shapes,
                *rational(target.shapes[0]),
                *self.forms[k],
                *_shorter(t.expr for t in terms),
            )
        )
        shapes |= dict.fromkeys(m.image(e) for m in self._mirrors(target.shapes[0]) for e in tuple(shapes))
        candidates = [self._term(e, truth, at) for e in shapes]
        likely = sorted(candidates, key=lambda t: t.score)[:_BALANCED]
        safer = (tidy(b) for t in likely for b in self.balanced(t.expr))
        candidates += [self._term(e, truth, at) for e in dict.fromkeys(safer) if e not in shapes]
        local = self._series(target, truth)  # right on a part of the domain alone: nothing follows from them
        if words:
            likely = sorted(candidates, key=lambda t: t.score)[:_SHARPENED]
            single = (*(t.expr for t in likely), *self.forms[k])
            sharper = dict.fromkeys(map(two_words.sharper, single))
            local += [self._term(e, truth, at) for e in sharper if e not in shapes]
        candidates += local
        names = variables(target.shapes[0])
        scrutinees = regimes.scrutinees(names, regimes.operands(candidates))
        choice = regimes.choose(candidates, env, scrutinees)
        while (worthless := refute.wrong_limit(choice, target.shapes[0], self.spec, env)) is not None:
            candidates = [worthless if t.expr is worthless.expr else t for t in candidates]
            choice = regimes.choose(candidates, env, scrutinees)
        self.fronts[k] = front(candidates)
        self.forms[k] = tuple(dict.fromkeys(t.expr for t in choice.terms if t not in local))
        expr = regimes.build(choice, lambda c, k: place(c, k, self.spec, self.at, target.shapes[0]))
        found = tidy(self._no_worse(expr, target))
        return min((self._term(e, truth, at) for e in (so_far, found)), key=lambda t: t.score).expr

    def _mirrors(self, formula: Expr) -> tuple[Mirror, ...]:
        if formula not in self.mirrors:
            self.mirrors[formula] = mirrors(formula, self.spec.args, self.at[: self.cut])
        return self.mirrors[formula]

    def _counted(self, truth: Array) -> Array:
        return np.where(representable(truth, np.float32), truth, np.nan)

    def _term(self, expr: Expr, truth: Array, at: Evaluator | None = None) -> Term:
        """A candidate; where it or its derivative breaks, it pays for that."""
        at = self.few if at is None else at
        t = judged(expr, at, truth, self.price * cost(expr))
        if not expr.names:
            return t
        broken = ~survives(expr, {n: at.env[n] for n in expr.names}) & np.isfinite(truth)
        lost = ~np.isfinite(t.values) & np.isfinite(truth)
        bits = t.bits + _FAR * (t.bits > _BAR) + _BROKEN * broken + _NOT_FINITE * lost
        return Term(expr, t.values, bits, t.cost, t.score + float(bits.mean() - t.bits.mean()))

    def _series(self, target: Target, truth: Array) -> list[Term]:
        """Polynomials at 0 in one argument, for the factors that depend on it alone, and limits far out.

        They are worthless where float64 would see the truncation.
        """
        found = []
        shapes = [s for s in target.shapes if substitute(s, self.meaning) is s]
        terms = leading(shapes)
        terms += [b for e in terms for b in self.balanced(e)]
        for e in (*truncations(shapes), *terms, *tails(truth, self.broad)):
            with np.errstate(all="ignore"):
                exact = self.many_wide(e)
                off = np.where(exact == truth, 0.0, np.abs(exact / truth - 1))
            t = self._term(e, truth, self.many)
            bits = np.where(np.isnan(truth) | (off < FLOAT64), t.bits, WORTHLESS)
            found.append(Term(e, t.values, bits, t.cost, float(bits.mean()) + t.score - float(t.bits.mean())))
        return found

    def _no_worse(self, expr: Expr, target: Target) -> Expr:
        """The plain shape instead, where held-back points say that it is better."""
        truth = self._counted(target.truth[self.seen :])
        if not np.isfinite(truth).any():
            return expr
        plain = target.shapes[0]
        old, new = (self._term(e, truth, self.fresh).score for e in (plain, expr))
        return plain if old < new else expr


def _shorter(terms: Iterable[Expr]) -> Iterator[Expr]:
    """Terms without factors above and below one line, as they are and with like terms put together."""
    for e in map(cancelled, terms):
        yield e
        yield tidy(collected(e))


def _solved(one: Inner, truth: Truth, at: Array, effort: Effort) -> Expr:
    """The best form of a function of one variable at what its variable is at the points, and at 0."""
    with np.errstate(over="ignore"):
        u = at.astype(np.float32)
    nonzero = np.unique(u[representable(at, np.float32) & (u != 0)])
    if len(nonzero) < FEWEST:
        return one.function
    zeros = np.zeros(max(len(nonzero) // _ZEROS, int((np.abs(at) < tiny(np.float32)).sum())), np.float32)
    exact = truth.values(nonzero[:, None].astype(np.float64))[:, 0]
    order = np.random.default_rng(len(nonzero)).permutation(len(nonzero) + len(zeros))
    u = np.concatenate([nonzero, zeros])[order]
    exact = np.concatenate([exact, np.full_like(zeros, one.limit, np.float64)])[order]
    from vjpgen import derive

    spec = Spec("g", (one.variable,), (one.function,), False, (), "")
    target = Target(derive.value(one.function, derive.symbols(spec.args)), exact)
    return Improver(spec, u[:, None], effort).improve([target])[0]
