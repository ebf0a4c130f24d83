"""What was measured, as structured figures: per target its form, its error, and the plain formula's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

import numpy as np

from vjpgen.departure import Departure
from vjpgen.expr import Expr, show
from vjpgen.floats import BAR, Array, error_bits, representable, ulps
from vjpgen.forms import Forms, Plan
from vjpgen.naming import output_names
from vjpgen.spec import Spec


@dataclass(frozen=True, slots=True)
class Failure:
    """An input at which the plain formula under autodiff is wrong.

    Attributes:
        inputs: one value per argument.
        got: what it returns.
        truth: the exact value.
    """

    inputs: tuple[float, ...]
    got: float
    truth: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Error over the points whose exact value is a normal number or zero.

    Attributes:
        points: how many there are.
        mean_bits: mean of log2(1 + ulps).
        p99_ulps: 99th percentile, in ulps.
        max_ulps: largest error, in ulps.
        worst: the inputs where it occurs, empty without points.
        bad: results that are not finite.
        off: results more than `BAR` ulps off, those that are not finite included.
    """

    points: int
    mean_bits: float
    p99_ulps: float
    max_ulps: float
    worst: tuple[float, ...]
    bad: int
    off: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """The value of one output, or one of its partials.

    Attributes:
        label: "value", "d/dx", or with the output's name where there are several.
        form: how it is computed.
        figures: the generated code (for a partial, in reverse mode).
        forward: the custom_jvp twin's, for a partial; equal to `figures` for a value.
        plain: the plain formula in jax.numpy under JAX's autodiff.
        failure: where the plain formula fails first, by magnitude of the inputs; None where it does not.
        front: forms that trade cost for accuracy, as (cost, mean bits, form), cheapest first; bits are those
            of the search, whose points are not those of `figures`.
    """

    label: str
    form: str
    figures: Figures
    forward: Figures
    plain: Figures
    failure: Failure | None
    front: tuple[tuple[float, float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A target with results more than `BAR` ulps off.

    Attributes:
        label: of the target.
        off: how many results are that far off, those that are not finite included.
        points: of how many.
        max_ulps: the largest error, in ulps; 2**32 where a result is not finite.
        inputs: where it occurs, one value per argument.
        reason: conditioning, a primitive, or that no better form was found.
    """

    label: str
    off: int
    points: int
    max_ulps: float
    inputs: tuple[float, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured of one generated module.

    Attributes:
        name, formula, args: what was asked for.
        dtype: of the measurement.
        domain: the assumptions, or "all of float32".
        targets: value and partials, output by output.
        residuals: what is kept between the passes, in words.
        residual_bytes: per element, saved outputs included.
        plain_residual_bytes: what autodiff of the plain formula keeps.
        versions: of vjpgen, jax and jaxlib, and the backend.
        notes: remarks for the user.
        shortfalls: the targets that miss the bar, and why.
        meant: that the gradient is not the derivative, what it is and how far from it; empty where it is.
        departures: the figures in those sentences.
        definitions: names in the forms that are no arguments, and what they stand for.
        order: up to which order derivatives are generated forms.
        higher: partials of the second order and above; `figures` with reverse mode, `forward` with forward
            mode throughout.
    """

    name: str
    formula: str
    args: tuple[str, ...]
    dtype: str
    domain: str
    targets: tuple[Target, ...]
    residuals: str
    residual_bytes: float
    plain_residual_bytes: float
    versions: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    shortfalls: tuple[Shortfall, ...] = ()
    meant: tuple[str, ...] = ()
    departures: tuple[Departure, ...] = ()
    definitions: tuple[tuple[str, str], ...] = ()
    order: int = 1
    higher: tuple[Target, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same as nested plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Report:
        """The report of which `to_dict` gave this, as it is or by way of JSON.

        Raises:
            TypeError, KeyError, ValueError: it is not such data.
        """
        return cast("Report", _restored(cls, found))


def _restored(kind: Any, found: Any) -> Any:
    """Plain data as a value of this type: dataclasses, tuples of one type or of several, numbers, text."""
    if is_dataclass(kind):
        types, make = get_type_hints(kind), cast("Callable[..., Any]", kind)
        return make(**{f.name: _restored(types[f.name], found[f.name]) for f in fields(kind)})
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        each = itertools.repeat(inner[0], len(found)) if inner[-1:] == (...,) else inner
        return tuple(_restored(k, item) for k, item in zip(each, found, strict=True))
    if get_origin(kind) is UnionType:
        return None if found is None else _restored(get_args(kind)[0], found)
    return kind(found)


def figures(got: Array, truth: Array, at: Array) -> Figures:
    """Error figures of float results against float64 truth at the points `at` (n, a)."""
    counted = representable(truth, got.dtype)
    if not counted.any():
        return Figures(0, float("nan"), float("nan"), float("nan"), (), 0)
    rows = np.flatnonzero(counted)
    gap = ulps(np.ascontiguousarray(got[rows]), truth[rows])
    worst = rows[int(np.argmax(gap))]
    return Figures(
        points=len(rows),
        mean_bits=float(error_bits(gap).mean()),
        p99_ulps=float(np.quantile(gap, 0.99, method="higher")),
        max_ulps=float(gap.max()),
        worst=tuple(float(v) for v in at[worst]),
        bad=int((~np.isfinite(got[rows])).sum()),
        off=int((gap > BAR).sum()),
    )


def failure(got: Array, truth: Array, at: Array, ulps_allowed: float = 1024.0) -> Failure | None:
    """The point of least magnitude where `got` is not finite, or else more than `ulps_allowed` off."""
    counted = representable(truth, got.dtype)
    gap = np.where(counted, ulps(np.ascontiguousarray(got), truth), 0.0)
    for wrong in (counted & ~np.isfinite(got), gap > ulps_allowed):
        if wrong.any():
            rows = np.flatnonzero(wrong)
            size = np.abs(np.log10(np.maximum(np.abs(at[rows].astype(np.float64)), 1e-300))).max(axis=1)
            k = rows[int(np.argmin(size))]
            return Failure(tuple(float(v) for v in at[k]), float(got[k]), float(truth[k]))
    return None


def labels(spec: Spec) -> list[tuple[str, int, int | None]]:
    """(label, output, argument) of each target, values first within an output; argument None for a value.

    Arguments that are not differentiated have none.
    """
    rows: list[tuple[str, int, int | None]] = []
    for i, out in enumerate(output_names(spec)):
        rows.append((out if spec.several else "value", i, None))
        top = out if spec.several else ""
        rows += [(spec.label(top, i, j), i, j) for j, a in enumerate(spec.args) if a in spec.moving]
    return rows


def targets(plan: Plan, probe: Any, got: Any, plain: Any) -> tuple[Target, ...]:
    """Measured figures of every target.

    Args:
        plan: what was generated.
        probe: `reference.Probe`; figures are over its sample.
        got, plain: `measured.Measured` of the module and of the plain formula, at all points of the probe.
    """
    rows, found = probe.sampled, []
    pushed = got.partials if got.forward is None else got.forward  # no forward mode, nothing to add
    at = probe.at[rows]
    for label, i, j in labels(plan.forms.spec):
        form: Expr = plan.forms.values[i] if j is None else plan.bwd[i][j]
        truth = probe.values[rows, i] if j is None else probe.partials[rows, i, j]
        reverse, forward, naive = (
            (m.values[rows, i] if j is None else partials[rows, i, j])
            for m, partials in ((got, got.partials), (got, pushed), (plain, plain.partials))
        )
        found.append(
            Target(
                label,
                show(form),
                figures(reverse, truth, at),
                figures(forward, truth, at),
                figures(naive, truth, at),
                failure(naive, truth, at),
                _front(plan, i, j),
            )
        )
    return tuple(found)


def higher_targets(forms: Forms, probe: Any, truth: Array, got: Array, plain: Array) -> tuple[Target, ...]:
    """Measured figures of every partial of the second order and above.

    Args:
        forms: with the higher ones.
        probe: `reference.Probe`; figures are over its sample.
        truth: exact, (n, t), at all points of the probe.
        got: (w, n, t), from reverse mode throughout to forward mode throughout.
        plain: (n, t), the plain formula's.
    """
    assert forms.higher is not None
    rows, found = probe.sampled, []
    at = probe.at[rows]
    for q, (which, form) in enumerate(forms.higher.found):
        results = (np.ascontiguousarray(r[rows, q]) for r in (got[0], got[-1], plain))
        reverse, forward, naive = results
        exact = truth[rows, q]
        found.append(
            Target(
                forms.spec.higher_label(*which),
                show(form),
                figures(reverse, exact, at),
                figures(forward, exact, at),
                figures(naive, exact, at),
                failure(naive, exact, at),
            )
        )
    return tuple(found)


def definitions(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What is kept between the passes beside arguments, by name, over the arguments."""
    kept = (r for r in plan.residuals if r.kind in ("output", "intermediate"))
    return tuple((r.name, show(r.expr)) for r in kept)


def _front(plan: Plan, i: int, j: int | None) -> tuple[tuple[float, float, str], ...]:
    outputs, arguments = len(plan.forms.values), len(plan.forms.spec.args)
    k = i if j is None else outputs + i * arguments + j
    trades = plan.forms.fronts[k] if k < len(plan.forms.fronts) else ()
    return tuple((t.cost, t.bits, show(t.form)) for t in trades)


def accuracy_lines(found: Sequence[Target], dtype: str, domain: str) -> tuple[str, ...]:
    """The figures as sentences for a docstring: dtype, domain, points and maximum."""
    lines = []
    for t in found:
        f = t.figures
        if not f.points:
            lines.append(f"{t.label}: nowhere a normal {dtype} number on {domain}")
            continue
        lines.append(
            f"{t.label}: at most {f.max_ulps:.0f} ulp, 99% within {f.p99_ulps:.0f},"
            f" mean {f.mean_bits:.2f} bits, over {f.points} {dtype} points of {domain}"
        )
    return tuple(lines)
