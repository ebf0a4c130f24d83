"""The search within one piece: e-graphs, measured beams, derivatives of stable values, series and regimes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from vjpgen import chain, middle, over_ratios, refute, regimes, two_words
from vjpgen.balance import Balancer
from vjpgen.beams import BAR_BITS, beams, counted
from vjpgen.candidates import FEWEST, Target, columns, cost, front, judged, tails
from vjpgen.effort import Bar, Effort
from vjpgen.evaluation import Evaluator
from vjpgen.expr import Expr, substitute, variables
from vjpgen.extract import Term
from vjpgen.factoring import factored, through
from vjpgen.floats import Array, representable, tiny
from vjpgen.known import Known, likely, shorter, strict
from vjpgen.rational import inside, rational
from vjpgen.refute import where_right
from vjpgen.spec import Spec
from vjpgen.splits import place
from vjpgen.stand_ins import OneVariable, StandIns
from vjpgen.symmetry import Mirror, mirrors
from vjpgen.tangents import Survival
from vjpgen.tidy import tidy
from vjpgen.truncations import leading, linear, near_zero, truncations
from vjpgen.widened import widened

POINTS = 1024
MEASURED = 256  # of these points, where every class of an e-graph is measured
HELD_BACK = 128  # and kept for the final comparison; forms and splits are chosen at all others
_SHARPENED = 4  # candidates that are tried in double words
_WIDENED = 6  # candidates that are tried in a wider range
_SAVED = 0.05  # bits on average, at points where it is better, that are worth a choice with a wider range
_BALANCED = 8  # candidates whose products are put into a safer order
LONGEST_SHAPE = 250  # nodes of a partial that is derived from a form of the value
_NOT_FINITE = 96.0  # further bits that infinity or NaN costs where the truth is a number
_FAR = 8.0  # further bits that a result more than `BAR` ulps off costs
_LOST = 47.0  # bits that only a result that is not finite costs
_FEW_RATIOS = 2  # over so many a last graph is grown
_OFTEN = 0.02  # share of such points from which on quotients of sums are divided through
_SHORT = 8  # nodes of a form whose error is that of the few operations in it
_BRIEF = 0.7  # bits on average that are then good enough
_BROKEN = 3.0  # bits that a point costs where the second derivative would be NaN or infinite


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
        self.survival = {at: Survival(at.env) for at in (self.few, self.many, self.fresh)}
        self.balanced = Balancer(self.few_wide)
        self.at = at
        self.positive = frozenset(a for k, a in enumerate(spec.args) if (at[:, k] > 0).all())
        one_graph = replace(effort, graphs=effort.graphs[1:2], words=False)
        self.inner = StandIns(
            *(spec, at, self.env, self.few_wide, self.balanced),
            part=lambda g, at, targets: Improver(g, at, one_graph, verges).improve(targets),
            function=lambda one: _of_one_variable(one, one_graph),
            single=self._single,
        )
        self.mirrors: dict[Expr, tuple[Mirror, ...]] = {}
        self.known: dict[int, Known] = {}

    def improve(self, targets: Sequence[Target]) -> tuple[Expr, ...]:
        """The best forms: values and partials from ever larger e-graphs, then partials of the forms found."""
        targets, graphs = list(targets), self.effort.graphs
        plain = {k: tidy(t.shapes[0]) for k, t in enumerate(targets) if self._worthwhile(t)}
        self.known = {k: Known(e, (e,)) for k, e in plain.items()}
        for turn, graph in enumerate(graphs):
            if turn > 1 and graph is graphs[-1]:
                self._over_ratios(targets, graph)
            for part in self._parts() if turn else ([*self.known],):
                todo = [k for k in part if not self._good(k, targets[k], graph, first=not turn)]
                if turn:  # the first graph holds the formula alone
                    for k in todo:
                        fresh = self._fresh(k, targets, wider=turn == 1)
                        targets[k] = replace(targets[k], shapes=targets[k].shapes + fresh)
                    if graph is graphs[-1]:
                        for k in todo:
                            self.known[k].apart += self._apart(k, targets[k].shapes[0])
                        parts = {k: t for k in todo if (t := self._over_parts(k, targets))}
                        self._advance(targets, parts)
                        todo = [k for k in todo if k not in parts or not self._good(k, targets[k], graph)]
                if todo:
                    room = graph.nodes + graph.nodes // 4 * (len(self.known) - len(todo))
                    terms = self._beams([targets[k] for k in todo], room, glance=not turn)
                    self._advance(targets, dict(zip(todo, terms, strict=True)))
        if len(self.known) > 1:  # what one graph for all has no room for
            poor = [k for k in self.known if self._bits(k, targets[k]).mean() > self.effort.poor]
            self._advance(targets, {k: self._beams([targets[k]], graphs[-1].nodes)[0] for k in poor})
        self._advance(targets, dict.fromkeys(self.known))
        for k in self.known:
            if self.effort.words and not self._good(k, targets[k], self.effort.sharp):
                self.known[k].form = self._wider_range(k, targets[k])
        return tuple(self.known[k].form if k in self.known else t.shapes[0] for k, t in enumerate(targets))

    def _advance(self, targets: Sequence[Target], terms: Mapping[int, Sequence[Term] | None]) -> None:
        """The best forms of some targets out of terms, None for no new ones; then in double words."""
        for k, new in terms.items():
            if new is not None:
                self.known[k].form = self._best(k, targets[k], new)
            self._in_words(k, targets[k])

    def _over_ratios(self, targets: Sequence[Target], bar: Bar) -> None:
        """What a search over ratios of the arguments finds for the forms that do not meet a bar."""

        def solved(g: Spec, at: Array, over: Sequence[Target]) -> tuple[Expr, ...]:
            few = 1 if halves else _FEW_RATIOS
            graphs = self.effort.graphs if len(g.args) <= few else self.effort.graphs[:2]
            return Improver(g, at, replace(self.effort, graphs=graphs, words=False)).improve(over)

        for halves in (False, True):
            poor = [k for k in self.known if not self._good(k, targets[k], bar)]
            found = over_ratios.forms(self.spec, self.at, targets, poor, solved, halves=halves)
            for k, forms in found.items():
                self.known[k].apart = forms
            self._advance(targets, dict.fromkeys(found, ()))

    def _parts(self) -> tuple[list[int], list[int]]:
        """Values, then partials, which begin with what was found for the values."""
        n = len(self.spec.outputs)
        return [k for k in self.known if k < n], [k for k in self.known if k >= n]

    def _fresh(self, k: int, targets: Sequence[Target], *, wider: bool) -> tuple[Expr, ...]:
        """Further shapes for the next graph."""
        own = self.known[k].equal if k < len(self.spec.outputs) else self._of_value(k, targets[k])
        found = dict.fromkeys((*own, *(self._wider(k, targets) if wider else ())))
        if wider and (self._bits(k, targets[k]) > _LOST).mean() > _OFTEN:
            found |= dict.fromkeys(through(targets[k].shapes[0], lambda e: np.isinf(self.many(e))))
        return tuple(e for e in found if e not in targets[k].shapes)

    def _in_words(self, k: int, target: Target) -> None:
        """Forms in double words, of what no arrangement of single words has made good so far."""
        known = self.known[k]
        if not self.effort.words or known.sharpened is known.form:
            return
        if not self._good(k, target, self.effort.sharp):
            known.form = known.sharpened = self._sharper(k, target)

    def _of_value(self, k: int, target: Target) -> tuple[Expr, ...]:
        """Shapes of a partial that are derivatives of the forms chosen for its value; none for a value."""
        n = len(self.spec.outputs)
        if k < n:
            return ()
        i, j = divmod(k - n, len(self.spec.args))
        forms = self.known[i].equal if i in self.known else ()
        slopes = (chain.partial(form, self.spec.args[j]) for form in forms)
        shapes = [tidy(s) for s in slopes if s is not None and s.size <= LONGEST_SHAPE]
        shapes += [factored(s) for s in shapes]
        return tuple(s for s in dict.fromkeys(shapes) if s not in target.shapes)

    def _wider(self, k: int, targets: Sequence[Target]) -> tuple[Expr, ...]:
        """Shapes that sympy knows, and those over inner functions."""
        from vjpgen import further

        shapes = further.shapes(k, targets, self.spec, self.positive, self._above)
        changed = self.inner.over(further.changes(shapes, self.spec, self.positive))
        return (*(s for s in shapes if s not in targets[k].shapes), *changed)

    def _tiny(self, e: Expr) -> bool:
        """Whether there are points where it is too small for a normal float32."""
        size = np.abs(self.many_wide(e))
        return bool(((size > 0) & (size < tiny(np.float32))).any())

    def _above(self, e: Expr) -> bool:
        return bool((self.many_wide(e) > 0).all())

    def _apart(self, k: int, formula: Expr) -> tuple[Expr, ...]:
        """Shapes for what nothing has made good so far."""
        from vjpgen import further

        return self.inner.over(further.terms_apart(formula, self.known[k].equal, self.spec, self.positive))

    def _over_parts(self, k: int, targets: Sequence[Target]) -> list[Term]:
        """What a graph of its own has over differences of like functions, or over elasticities."""
        from vjpgen import further

        shapes = middle.apart(targets[k].shapes[0], self.inner.part)
        changes = further.elasticities(k, targets, self.spec, self.positive)
        i = (k - len(self.spec.outputs)) // len(self.spec.args)
        if changes and i in self.known:
            self.inner.part(targets[i].shapes[0], self.known[i].form)
        shapes += self.inner.over(changes)
        target = replace(targets[k], shapes=shapes)
        return self._beams([target], self.effort.graphs[1].nodes)[0] if shapes else []

    def _single(self, shapes: Sequence[Expr], truth: Array) -> Expr:
        """The best of equal shapes."""
        terms = (self._term(e, counted(truth)) for e in shapes)
        return min(terms, key=lambda t: (t.score, t.expr.size)).expr

    def _bits(self, k: int, target: Target) -> Array:
        return self._term(self.known[k].form, counted(target.truth[: self.seen]), self.many).bits

    def _good(self, k: int, target: Target, bar: Bar, *, first: bool = False) -> bool:
        """Whether the form so far meets a bar; the ends of the range are worth a first graph, not more."""
        bits = self._bits(k, target)[0 if first else self.verges :]
        far, lost = float((bits > BAR_BITS).mean()), float((bits > _LOST).mean())
        enough = max(bar.enough, _BRIEF) if self.known[k].form.size <= _SHORT and not far else bar.enough
        return float(bits.mean()) <= enough and far <= bar.few and lost <= bar.lost

    def _worthwhile(self, target: Target) -> bool:
        return bool(variables(target.shapes[0])) and bool(
            representable(target.truth[: self.cut], np.float32).any()
        )

    def _beams(self, targets: Sequence[Target], nodes: int, *, glance: bool = False) -> list[list[Term]]:
        truths = [t.truth[: self.cut] for t in targets]
        return beams([t.shapes for t in targets], truths, self.env, nodes, glance=glance)

    def _best(self, k: int, target: Target, terms: Sequence[Term]) -> Expr:
        """The best form, or choice among forms, out of terms."""
        truth, at, known = counted(target.truth[: self.seen]), self.many, self.known[k]
        shapes = dict.fromkeys(
            substitute(e, self.inner.meaning)
            for e in (
                *(*target.shapes, *rational(target.shapes[0])),
                *(*known.equal, *known.apart),
                *shorter(t.expr for t in terms),
            )
        )
        shapes |= dict.fromkeys(m.image(e) for m in self._mirrors(target.shapes[0]) for e in tuple(shapes))
        equal = [self._term(e, truth, at) for e in shapes]
        lowest = [e for t in likely(equal, _BALANCED) for e in rational(inside(t.expr))[:1]]
        equal += [self._term(e, truth, at) for e in dict.fromkeys(lowest) if e not in shapes]
        safer = (tidy(b) for t in likely(equal, _BALANCED) for b in self.balanced(t.expr))
        equal += [self._term(e, truth, at) for e in dict.fromkeys(safer) if e not in shapes]
        local = self._series(target, truth)  # right on a part of the domain alone: nothing follows from them
        best = [t.expr for t in likely(equal, _BALANCED)]
        local += [self._term(tidy(e), truth, at) for e in self.balanced.at_last(best)]
        first = linear(best, self._tiny)
        local += [self._local(b, truth) for e in first for b in (e, *self.balanced(e))]
        known.offers = equal, local
        found, chosen = self._chosen(k, target, [*equal, *local])
        known.equal = tuple(dict.fromkeys(t.expr for t in chosen if t not in local))
        return found

    def _sharper(self, k: int, target: Target) -> Expr:
        """The best form out of what was on offer for `_best`, and of that in double words."""
        known = self.known[k]
        if known.offers is None:
            known.form = self._best(k, target, ())
        assert known.offers is not None
        equal, local = known.offers
        single = (*(t.expr for t in likely(equal, _SHARPENED)), *known.equal)
        truth, before = counted(target.truth[: self.seen]), {t.expr for t in equal}
        sharper = dict.fromkeys(map(two_words.sharper, single))
        terms = [self._term(e, truth, self.many) for e in sharper if e not in before]
        safer = (tidy(b) for t in likely(terms, _SHARPENED) for b in self.balanced(t.expr))
        terms += [self._term(e, truth, self.many) for e in dict.fromkeys(safer) if e not in sharper]
        return self._chosen(k, target, strict(*equal, *local, *terms))[0] if terms else known.form

    def _wider_range(self, k: int, target: Target) -> Expr:
        """The best form out of what was on offer, of that in a wider range, and of the form so far."""
        known, truth = self.known[k], counted(target.truth[: self.seen])
        assert known.offers is not None
        equal, local = known.offers
        forms = (known.form, *known.equal, *(t.expr for t in likely(equal, _WIDENED)))
        wider = dict.fromkeys(w for e in forms if (w := widened(e)) is not e)
        terms = [self._term(e, truth, self.many) for e in (known.form, *wider)]
        parts = dict.fromkeys(w for t in likely(local, _WIDENED) if (w := widened(t.expr)) is not t.expr)
        terms += [self._local(e, truth) for e in parts]
        saved = ((terms[0].bits - t.bits).clip(0).mean() for t in terms)
        worth = max(saved) > _SAVED
        return self._chosen(k, target, strict(*equal, *local, *terms))[0] if worth else known.form

    def _chosen(self, k: int, target: Target, candidates: list[Term]) -> tuple[Expr, Sequence[Term]]:
        """The best choice among candidates or what there was so far, and the candidates in it."""
        truth, env, known = counted(target.truth[: self.seen]), self.broad, self.known[k]
        names = variables(target.shapes[0])
        inner = regimes.operands(candidates) + regimes.earlier(known.form) + middle.distances(target.shapes)
        scrutinees = regimes.scrutinees(names, inner)
        choice = regimes.choose(candidates, env, scrutinees)
        while (worthless := refute.wrong_limit(choice, target.shapes[0], self.spec, env)) is not None:
            candidates = [worthless if t.expr is worthless.expr else t for t in candidates]
            choice = regimes.choose(candidates, env, scrutinees)
        known.front = front(candidates)
        expr = regimes.build(choice, lambda c, k: place(c, k, self.spec, self.at, target.shapes[0]))
        found = tidy(self._no_worse(expr, target))
        (best,) = likely(strict(*(self._term(e, truth, self.many) for e in (known.form, found))), 1)
        return best.expr, choice.terms

    def _mirrors(self, formula: Expr) -> tuple[Mirror, ...]:
        if formula not in self.mirrors:
            self.mirrors[formula] = mirrors(formula, self.spec.args, self.at[: self.cut])
        return self.mirrors[formula]

    def _term(self, expr: Expr, truth: Array, at: Evaluator | None = None) -> Term:
        """A candidate; where it or its derivative breaks, it pays for that."""
        at = self.few if at is None else at
        t = judged(expr, at, truth, self.price * cost(expr))
        if not expr.names:
            return t
        broken = ~self.survival[at](expr) & np.isfinite(truth)
        lost = ~np.isfinite(t.values) & np.isfinite(truth)
        bits = t.bits + _FAR * (t.bits > BAR_BITS) + _BROKEN * broken + _NOT_FINITE * lost
        return Term(expr, t.values, bits, t.cost, t.score + float(bits.mean() - t.bits.mean()))

    def _series(self, target: Target, truth: Array) -> list[Term]:
        """Polynomials at 0 in one argument, for the factors that depend on it alone, and limits far out."""
        shapes = [s for s in target.shapes if substitute(s, self.inner.meaning) is s]
        terms = leading(shapes)
        terms += [b for e in terms for b in self.balanced(e)]
        found = (
            *truncations(shapes),
            *near_zero(shapes),
            *middle.near(shapes),
            *terms,
            *tails(truth, self.broad),
        )
        return [self._local(e, truth) for e in found]

    def _local(self, e: Expr, truth: Array) -> Term:
        """A candidate that need not stand for the target everywhere."""
        with np.errstate(all="ignore"):
            return where_right(self._term(e, truth, self.many), self.many_wide(e), truth)

    def _no_worse(self, expr: Expr, target: Target) -> Expr:
        """The plain shape instead, where held-back points say that it is better."""
        truth = counted(target.truth[self.seen :])
        if not np.isfinite(truth).any():
            return expr
        plain = target.shapes[0]
        old, new = (self._term(e, truth, self.fresh).score for e in (plain, expr))
        return plain if old < new else expr


@lru_cache(maxsize=512)
def _of_one_variable(one: OneVariable, effort: Effort) -> Expr:
    """The best form of a function of one variable, wherever it stands."""
    found = one.problem()
    if found is None:
        return one.function
    spec, at, target, verges = found
    return Improver(spec, at, effort, verges).improve([target])[0]
