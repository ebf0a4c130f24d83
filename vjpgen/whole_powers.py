"""Powers of negative numbers, which are real at whole exponents.

The search looks where a power is real for every exponent, at bases from 0 on, and may have written it as an
exponential of a logarithm. Large floats are whole numbers, so that an exponent is one more often than it
seems: (1 + e*s)/(1 - e*s) to the power e/2 is real at every e beyond 2**25. There the formula is searched
anew, b**e being sign*(-b)**e; where there are several bases it holds as it is written. Bases are computed
well: tan(x/2 + pi/4) has any sign at large x, where the sum is rounded, and (1 + tan(x/2))/(1 - tan(x/2))
has the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce

import numpy as np

from vjpgen import plainly
from vjpgen.candidates import FEWEST, Target, columns, full
from vjpgen.effort import Effort
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, has_op, num, substitute, var, variables, walk, where
from vjpgen.floats import Array, representable
from vjpgen.forms import Forms
from vjpgen.improve import POINTS, Improver
from vjpgen.points import Drawing, Format, sample
from vjpgen.spec import Spec
from vjpgen.truth import Truth

_DRAWN, _SOUGHT = 4096, 512
_FEWEST = 8  # points that show that a power of a negative number is meant
_CHOICES = ("where", "max", "min")


def mend(forms: Forms, derived: Callable[[int, int], bool], seed: int, how: Effort) -> Forms:
    """The forms with others where the base of one of its powers is negative, as the formula has it there.

    Args:
        forms: what the search found.
        derived: whether partial (i, j) is the derivative of output i; others are left alone.
        seed: of the points at which the forms are compared with the formula.
        how: the effort of the searches for forms of the bases and of what is missed.
    """
    spec = forms.spec
    values, partials = list(forms.values), [list(row) for row in forms.partials]
    for i, output in enumerate(spec.outputs):
        bases = _bases(output)
        if not bases or has_op(output, *_CHOICES):
            continue
        env = _env(spec, _negative(bases), seed)
        slopes = {
            j: plainly.partial(output, name)
            for j, name in enumerate(spec.args)
            if derived(i, j) and name in variables(output)
        }
        value = _missed(output, values[i], env)
        missed = {j: e for j, e in slopes.items() if _missed(e, partials[i][j], env)}
        if not value and not missed:
            continue
        stable = {b: _stable(b, spec, seed, how) for b in bases}
        negative = _negative([*stable.values()])
        found: dict[int | None, Expr] = {j: substitute(e, stable) for j, e in missed.items()}
        if value:
            found[None] = substitute(output, stable)
        if len(bases) == 1:
            found |= _searched(output, bases[0], found, env, spec, seed, how)
        if value:
            values[i] = where(negative, found[None], values[i])
        for j in missed:
            partials[i][j] = where(negative, found[j], partials[i][j])
    return replace(forms, values=tuple(values), partials=tuple(map(tuple, partials)))


def _searched(
    output: Expr,
    base: Expr,
    plain: Mapping[int | None, Expr],
    env: Mapping[str, Array],
    spec: Spec,
    seed: int,
    how: Effort,
) -> dict[int | None, Expr]:
    """The best forms at points where the base is negative: of the output (None) and of partials by argument.

    There base**e is sign*(-base)**e, with the sign (-1)**e, which is a variable of the search.
    """
    exponents = dict.fromkeys(x.args[1] for x in walk(output) if x.op == "pow" and x.args[0] is base)
    signs = {e: var(f"sign:{k}") for k, e in enumerate(exponents)}
    formula = substitute(
        output, {call("pow", base, e): sign * call("pow", -base, e) for e, sign in signs.items()}
    )
    meaning = {sign: call("pow", num(-1), e) for e, sign in signs.items()}
    names = (*spec.args, *(str(sign.value) for sign in meaning))
    with np.errstate(all="ignore"):
        given = [full(evaluate(e, env), env[spec.args[0]]) for e in meaning.values()]
    at = np.stack([*(env[a] for a in spec.args), *given], axis=1)
    at = at[np.isfinite(at).all(axis=1)]
    part = Spec("g", names, (formula,), False, (), "")
    formulas = {k: formula if k is None else plainly.partial(formula, spec.args[k]) for k in plain}
    exact = Truth(tuple(formulas.values()), names).values(at.astype(np.float64))
    known = representable(exact, np.float32).any(axis=1)
    if known.sum() < FEWEST:
        return {}
    chosen = np.random.default_rng(seed).permutation(np.flatnonzero(known))[:POINTS]
    at, exact = at[chosen], exact[chosen]
    nothing = Target((num(0),), np.zeros(len(at)))
    targets = dict.fromkeys((None, *range(len(names))), nothing)
    for (k, e), truth in zip(formulas.items(), exact.T, strict=True):
        targets[k] = Target((e, plain[k]), truth)
    forms = Improver(part, at, replace(how, graphs=how.graphs[:2], words=False)).improve([*targets.values()])
    found = dict(zip(targets, forms, strict=True))
    return {k: substitute(found[k], meaning) for k in plain}


def _negative(bases: Sequence[Expr]) -> Expr:
    return reduce(partial(call, "or"), [call("lt", b, num(0)) for b in bases])


def _stable(base: Expr, spec: Spec, seed: int, how: Effort) -> Expr:
    """The best form of a base, over the arguments of either sign of it."""
    if not base.args:
        return base
    alone = Spec("g", spec.args, (base,), False, spec.assume, "")
    points = sample(alone, _SOUGHT, seed)
    order = np.random.default_rng(seed).permutation(len(points.at))
    target = Target((base,), points.truth_values[order, 0])
    part = replace(how, graphs=how.graphs[:2], words=False)
    return Improver(alone, points.at[order], part).improve([target])[0]


def _bases(formula: Expr) -> list[Expr]:
    """What varying powers are taken of."""
    powers = (x for x in walk(formula) if x.op == "pow" and variables(x.args[1]))
    return list(dict.fromkeys(x.args[0] for x in powers if variables(x.args[0])))


def _env(spec: Spec, negative: Expr, seed: int) -> dict[str, Array]:
    """Points of the domain where a base is negative: even numbers, small whole numbers, and all magnitudes.

    The square of a root is a number at even exponents alone, a power of half an argument is one there.
    """
    drawing = Drawing(spec, Format.of(np.float32), np.random.default_rng(seed))
    small = [step * np.round(drawing.ordinary(_DRAWN)) for step in (2, 1)]
    drawn = np.concatenate([*small, drawing.patterns(_DRAWN)])
    at = drawing.admitted(drawn.astype(np.float32))
    below = full(evaluate(negative, columns(spec, at)), at[:, 0])
    return columns(spec, at[below])


def _missed(plain: Expr, found: Expr, env: dict[str, Array]) -> bool:
    """Whether the formula as written is a number at enough of the points where the form found is none."""
    with np.errstate(all="ignore"):
        wanted, got = (full(evaluate(e, env), next(iter(env.values()))) for e in (plain, found))
    return bool((np.isfinite(wanted) & ~np.isfinite(got)).sum() >= _FEWEST)
