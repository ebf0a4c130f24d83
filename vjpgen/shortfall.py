"""Where the bar is missed, how far, and why: said in the report and in the module, not left to be found."""

from __future__ import annotations

from collections.abc import Sequence

from vjpgen import higher_truth, smooth
from vjpgen.expr import Expr, walk
from vjpgen.floats import BAR, XLA_ULPS
from vjpgen.forms import Forms, Plan
from vjpgen.ops import OPS
from vjpgen.report import Shortfall, Target, labels

_POOR = 2.0  # ulps; a primitive with a larger typical error is a reason of its own


def shortfalls(plan: Plan, found: Sequence[Target]) -> tuple[Shortfall, ...]:
    """The targets that miss the bar, the worst share first."""
    missed = []
    for target, (_, i, j) in zip(found, labels(plan.forms.spec), strict=True):
        f = target.figures
        if f.points and f.off:
            form = plan.forms.values[i] if j is None else plan.forms.partials[i][j]
            reason = _reason(plan, form, i, j, target)
            missed.append(Shortfall(target.label, f.off, f.points, f.max_ulps, f.worst, reason))
    return tuple(sorted(missed, key=lambda s: -s.off))


def of_higher(forms: Forms, found: Sequence[Target]) -> tuple[Shortfall, ...]:
    """The partials of the second order and above that miss the bar, the worst share first."""
    missed = []
    for target, (which, form) in zip(found, forms.higher.found if forms.higher else (), strict=True):
        f = target.figures
        if f.points and f.off:
            condition = higher_truth.condition(forms.spec, f.worst, which)
            reason = _why(form, f.max_ulps, condition)
            missed.append(Shortfall(target.label, f.off, f.points, f.max_ulps, f.worst, reason))
    return tuple(sorted(missed, key=lambda s: -s.off))


def sentence(s: Shortfall, args: Sequence[str]) -> str:
    """One line for people."""
    at = ", ".join(f"{a} = {v:.6g}" for a, v in zip(args, s.inputs, strict=True))
    worst = "not finite" if s.max_ulps >= 2.0**32 else f"up to {s.max_ulps:.3g} ulp"
    share = f"{s.off} of {s.points} points are more than {BAR} ulp off"
    return f"{s.label}: {share}, {worst} at {at}: {s.reason}"


def _reason(plan: Plan, form: Expr, i: int, j: int | None, target: Target) -> str:
    spec = plan.forms.spec
    k = i if j is None else len(spec.outputs) + i * len(spec.args) + j
    return _why(form, target.figures.max_ulps, smooth.condition(spec, target.figures.worst, k))


def _why(form: Expr, max_ulps: float, condition: float) -> str:
    if max_ulps <= 2 * condition:
        return f"ill-conditioned there, condition number {condition:.1e}"
    poor = [OPS[x.op].jax for x in walk(form) if XLA_ULPS.get(x.op, 0.0) > _POOR]
    if poor:
        names = ", ".join(dict.fromkeys(source.partition("(")[0] for source in poor))
        return f"{names}, which it is built on, is itself off"
    return "no better form was found"
