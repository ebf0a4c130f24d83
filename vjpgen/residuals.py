"""What stands between the passes: which arrays fwd saves, and the partials written over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from vjpgen import cuts, two_words
from vjpgen.errors import OptionError
from vjpgen.expr import Expr, substitute, var, variables, walk
from vjpgen.forms import OUTPUT, SLOPE, Forms, Plan, Residual
from vjpgen.naming import Names, output_names, telling

TOLERANCE = 0.1  # bits of error that a cheaper plan may cost
_MOST_CANDIDATES = 8
_COMPUTED = frozenset(("output", "intermediate"))

Score = Callable[[Plan], float]


def plan(forms: Forms, score: Score | None = None, choice: str = "auto", both: bool = False) -> Plan:
    """`chosen`, with one function for both modes or with two.

    A gradient that is meant is one of the arguments alone then: inside the rule an output has it as well.
    """
    found = chosen(forms, score, "input" if both and forms.spec.meant else choice)
    return replace(found, both=both)


def chosen(forms: Forms, score: Score | None = None, choice: str = "auto") -> Plan:
    """The plan that is asked for; without a choice the cheapest that keeps the backward pass accurate.

    Args:
        forms: the forms of the value and the partials.
        score: mean bits of error of a plan's backward pass from rounded residuals. Without it every
            candidate counts as accurate: each computes what the forms say, from values rounded there too.
        choice: "auto"; "input" for arguments alone; "output" for as many outputs and as little else as
            there can be; "recompute" for the fewest arrays, whatever the accuracy; "speed" for the least
            to compute.

    Returns:
        For "auto", the first plan by bytes held per element and then by recomputation whose score is within
        `TOLERANCE` bits of the best.

    Raises:
        OptionError: outputs are asked for, and the partials do not follow from one.
    """
    if choice == "input" or forms.higher is not None:  # which are functions of the arguments
        return next(p for p in candidates(forms) if not any(r.kind in _COMPUTED for r in p.residuals))
    if choice == "output":
        return _of_outputs(forms)
    if choice == "speed":
        return min((*candidates(forms), *_slopes(forms)), key=lambda p: (recomputation(p), cost(p)))
    ranked = sorted(candidates(forms), key=cost)[:_MOST_CANDIDATES]
    if choice == "recompute":
        return ranked[0]
    if score is None or len(ranked) == 1:
        return ranked[0]
    scores = [score(p) for p in ranked]
    best = min(scores)
    return next(p for p, s in zip(ranked, scores, strict=True) if s <= best + TOLERANCE)


def _of_outputs(forms: Forms) -> Plan:
    def rank(p: Plan) -> tuple[int, int, tuple[int, int, int, float]]:
        outputs = sum(r.kind == "output" for r in p.residuals)
        return -outputs, len(p.residuals), cost(p)

    found = min(candidates(forms), key=rank)
    if not any(r.kind == "output" for r in found.residuals):
        hint = "leave --residuals out, or ask for another choice"
        raise OptionError("no partial of this formula can be computed from its output", hint=hint)
    return found


def _slopes(forms: Forms) -> Iterator[Plan]:
    """The plan that keeps the partials themselves, so that bwd only multiplies."""
    names = _names(forms)
    slopes = dict.fromkeys(e for row in forms.partials for e in row if e.args and e.names)
    saved = [Residual(names.new(telling(e, {}) or "slope"), e, "intermediate") for e in slopes]
    found = _make(forms, saved)
    if found is not None:
        yield found


def candidates(forms: Forms) -> list[Plan]:
    """Plans for the forms: over inputs, over outputs, over shared intermediates."""
    forms = _with_one_sign(forms)
    partials = tuple(e for row in forms.partials for e in row)
    outputs = [
        Residual(name, value, "output")
        for name, value in zip(output_names(forms.spec), forms.values, strict=True)
        if value.args and any(value in walk(e) for e in partials)
    ]
    found: list[Plan | None] = []
    if forms.over_output is not None:
        found.append(_of_output(forms, forms.over_output))
    if forms.over_slope is not None:
        found.append(_of_slope(forms, *forms.over_slope))
    for count in range(len(outputs) + 1):
        for chosen in combinations(outputs, count):
            found.append(_make(forms, chosen))
            found += (_make(forms, (*chosen, *cut)) for cut in _cuts(forms, chosen))
    return list({(p.residuals, p.bwd): p for p in found if p is not None}.values())


def _names(forms: Forms) -> Names:
    """What is new beside the arguments, the function and its outputs."""
    return Names((*forms.spec.args, forms.spec.name, *output_names(forms.spec)))


def _of_output(forms: Forms, partial: Expr) -> Plan:
    (name,) = output_names(forms.spec)
    kept = Residual(name, forms.values[0], "output")
    return Plan(forms, (kept,), ((substitute(partial, {OUTPUT: var(name)}),),))


def _of_slope(forms: Forms, slope: Expr, partials: tuple[Expr, Expr]) -> Plan:
    names = _names(forms)
    kept = Residual(names.new("slope"), slope, "intermediate")
    return Plan(forms, (kept,), (tuple(substitute(e, {SLOPE: var(kept.name)}) for e in partials),))


def _with_one_sign(forms: Forms) -> Forms:
    """The forms, with one difference of any two terms, so that fewer values stand for them."""
    n = len(forms.values)
    exprs = cuts.with_one_sign([*forms.values, *(e for row in forms.partials for e in row)])
    rows = zip(*[iter(exprs[n:])] * len(forms.spec.args), strict=True)
    return replace(forms, values=exprs[:n], partials=tuple(rows))


def cost(p: Plan) -> tuple[int, int, int, float]:
    """Arrays held, those that nobody else has, those that are no outputs, and the price of recomputing."""
    held = [r.kind for r in p.residuals if r.kind != "static"]
    fresh, others = (sum(kind not in known for kind in held) for known in (("input", "output"), ("output",)))
    return len(held), fresh, others, recomputation(p)


def recomputation(p: Plan) -> float:
    """Price of the backward pass per element, an addition being 1; shared subexpressions count once."""
    return sum(two_words.cost(x) for x in walk(*(e for row in p.bwd for e in row)) if x.args)


def _make(forms: Forms, saved: Sequence[Residual]) -> Plan | None:
    """The plan that keeps `saved` and the inputs needed beside them; None if one of `saved` is of no use."""
    table = {r.expr: var(r.name) for r in saved}
    bwd = tuple(tuple(substitute(e, table) for e in row) for row in forms.partials)
    used = set(variables(*(e for row in bwd for e in row)))
    if any(r.name not in used for r in saved):
        return None
    static = forms.spec.signature.static
    inputs = [Residual(a, var(a), "static" if a in static else "input") for a in forms.spec.args if a in used]
    middle = [r for r in saved if r.kind == "intermediate"]
    outputs = [r for r in saved if r.kind == "output"]
    return Plan(forms, (*inputs, *middle, *outputs), bwd)


def _cuts(forms: Forms, outputs: Sequence[Residual]) -> Iterator[tuple[Residual, ...]]:
    """The intermediates of the smallest sets of arrays that the partials follow from, if fewer than else."""
    table = {r.expr: var(r.name) for r in outputs}
    meaning = {var(r.name): r.expr for r in outputs}
    partials = [substitute(e, table) for row in forms.partials for e in row]
    arrays = (*forms.spec.arrays, *(r.name for r in outputs))
    needed = {*arrays} & {*variables(*partials)}
    for cut in cuts.smallest(partials, arrays):
        if len(cut) == len(needed):
            return
        names = _names(forms)
        yield tuple(
            Residual(names.new(telling(e, {}) or "inner"), substitute(e, meaning), "intermediate")
            for e in cut
            if e.args
        )
