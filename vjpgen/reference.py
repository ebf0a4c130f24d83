"""Reference points of a generated test: exact results, each with a bound of its own.

`probe` says where to measure, `suite` turns what was measured there into references and bounds. Nothing
here runs JAX: measured arrays are handed in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vjpgen import smooth, sweep
from vjpgen.floats import BAR
from vjpgen.forms import Forms
from vjpgen.landmarks import ORDINARY, REMOVABLE, splitpoints
from vjpgen.marks import marks
from vjpgen.oracle import seen, truth_of
from vjpgen.otherwise import elsewhere
from vjpgen.points import Points, box
from vjpgen.truth import Truth

HALF = (2.0**-12, 2.0**12)  # magnitudes that half precision holds well
FLOOR = 4  # ulps; no bound is tighter
FAILS = "where plain autodiff fails"
WORST = "worst points measured"
_NO_DIGITS = 2.0**20  # ulps: an error of an eighth
_PLAIN_FAILS = 2.0**10  # ulps
_TINY, _HUGE = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


class Results(Protocol):
    """What a function returned at the points of a probe, in their dtype: `measured.Measured`."""

    @property
    def values(self) -> np.ndarray: ...
    @property
    def partials(self) -> np.ndarray: ...
    @property
    def forward(self) -> np.ndarray | None: ...
    @property
    def residual_bytes(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Probe:
    """Where a module is to be measured, and the exact results there.

    The rows are, in this order: the sample (for the report), the landmarks, the sweep.

    Attributes:
        forms: what is tested.
        at: (n, a) float32.
        values, partials: exact, float64: (n, m) and (n, m, a).
        sections: one name per landmark.
        rule: the rule of the sweep.
        ordinary: how many rows of the sample are from ordinary ranges.
    """

    forms: Forms
    at: np.ndarray
    values: np.ndarray
    partials: np.ndarray
    sections: tuple[str, ...]
    rule: tuple[sweep.Axis, ...]
    ordinary: int

    @property
    def swept(self) -> slice:
        """The rows of the sweep, the last ones."""
        return slice(len(self.at) - (sweep.COUNT if self.rule else 1), len(self.at))

    @property
    def sampled(self) -> slice:
        """The rows of the sample, the first ones."""
        return slice(0, self.swept.start - len(self.sections))

    def columns(self, rows: slice = slice(None), dtype: type = np.float32) -> list[np.ndarray]:
        """One array per argument."""
        return [np.ascontiguousarray(c).astype(dtype) for c in self.at[rows].T]


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference point.

    Attributes:
        section: what kind of point it is.
        inputs: exact float32 numbers.
        values: exact, one per output.
        partials: exact, output by output; nan where not defined.
        bounds: ulps for the values, then reverse partials, then forward partials; None where not compared.
        elsewhere: those that hold on other platforms, before their margin: never tighter.
    """

    section: str
    inputs: tuple[float, ...]
    values: tuple[float, ...]
    partials: tuple[float, ...]
    bounds: tuple[int | None, ...]
    elsewhere: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """A bound above `BAR`, or none at all, and why."""

    inputs: tuple[float, ...]
    quantity: str
    bound: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Suite:
    """Everything a test file states.

    Attributes:
        forms: what is tested.
        references: the table of reference points.
        remarks: its looser bounds.
        rule, checksum, levels: the sweep, and per quantity which bound holds at each of its points.
        curved: points with exact second partials.
        residual_bytes: bytes that the backward pass keeps per element.
    """

    forms: Forms
    references: tuple[Reference, ...]
    remarks: tuple[Remark, ...]
    rule: tuple[sweep.Axis, ...]
    checksum: int
    levels: tuple[tuple[str, str], ...]
    curved: tuple[smooth.Curved, ...]
    residual_bytes: float


def probe(forms: Forms, sample: Points) -> Probe:
    """The sample, the landmarks and the sweep, with exact results."""
    spec = forms.spec
    chosen = marks(forms, sample)
    low, high = box(spec)
    rule = sweep.axes(low.tolist(), high.tolist(), splitpoints(forms))
    between = sweep.points(rule)
    values, partials = truth_of(spec).with_partials(between.astype(np.float64))
    if spec.assume:
        holds = Truth(spec.assume, spec.args).holds(between.astype(np.float64)).all(axis=1)
        values[~holds] = np.nan
    return Probe(
        forms,
        np.concatenate([sample.at, chosen.at, between]),
        np.concatenate([sample.truth_values, chosen.values, values]),
        seen(np.concatenate([sample.truth_partials, chosen.partials, partials]), forms.spec.clips),
        chosen.sections,
        rule,
        sample.ordinary,
    )


def suite(
    at: Probe, measured: Results, plain: Results, wide: Results, *, demanded: int | None = None
) -> Suite:
    """References with bounds.

    Args:
        at: where was measured.
        measured: the module's float32 results at all points of the probe.
        plain: the plain formula's float32 results there, under JAX autodiff.
        wide: the plain formula's float64 results at the probe's `swept` points.
        demanded: one bound for all results that float32 represents, in ulps; None for bounds that follow
            from what was measured.
    """
    truth, got = _flat(at.values, at.partials, at.partials), _flat(*_three(measured))
    errors = distance(got, truth)
    rows = _chosen(at, errors, plain)
    if demanded is not None:
        errors, got = np.where(_representable(truth), demanded / 2, np.nan), np.zeros_like(got)
        others = errors
    else:
        others = _elsewhere(at, [i for _, i in rows], errors, truth)
    references = tuple(_reference(at, section, i, errors[i], others[i]) for section, i in rows)
    ordinary = [r.inputs for r in references if r.section == ORDINARY]
    curved = smooth.curved(at.forms, ordinary)
    remarks = tuple(r for (_, i), x in zip(rows, references, strict=True) for r in _remarks(at, x, errors[i]))
    swept = at.at[at.swept]
    return Suite(
        at.forms,
        references,
        remarks,
        at.rule,
        sweep.checksum(swept),
        _levels(at, errors, got, wide),
        curved,
        measured.residual_bytes,
    )


def _elsewhere(at: Probe, rows: Sequence[int], errors: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The errors, at these rows no smaller than those of other ways to round."""
    found = errors.copy()
    for values, partials in elsewhere(at.forms, at.at[rows]):
        found[rows] = np.maximum(found[rows], distance(_flat(values, partials, partials), truth[rows]))
    return found


def distance(got: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Ulps between a float32 result and the exact one rounded to float32; nan for nan results.

    Results below the smallest normal number count as zero, because XLA flushes them.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        exact = truth.astype(np.float32)
        gap = np.abs(_ordinal(got.astype(np.float32)) - _ordinal(exact)).astype(np.float64)
        flushed = (np.abs(truth) < _TINY) & (np.abs(got) <= _TINY)
    return np.where(np.isnan(got) | np.isnan(truth), np.nan, np.where(flushed, 0.0, gap))


def quantities(forms: Forms) -> tuple[str, ...]:
    """What a row of results holds, in order: values, reverse partials, forward partials."""
    spec = forms.spec
    tops = [spec.out(i) for i in range(len(spec.outputs))] if spec.several else [""]
    partials = [spec.label(top, i, j) for i, top in enumerate(tops) for j in range(len(spec.args))]
    values = [top or "value" for top in tops]
    return (*values, *(f"{p} reverse" for p in partials), *(f"{p} forward" for p in partials))


def _ordinal(x: np.ndarray) -> np.ndarray:
    pattern = np.ascontiguousarray(x).view(np.int32).astype(np.int64)
    return np.where(pattern < 0, -(pattern & 0x7FFFFFFF), pattern)


def _three(r: Results) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return r.values, r.partials, r.partials if r.forward is None else r.forward


def _flat(values: np.ndarray, reverse: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """(n, m + 2 m a): one row of results per point."""
    n = len(values)
    return np.concatenate([values, reverse.reshape(n, -1), forward.reshape(n, -1)], axis=1)


def _chosen(at: Probe, errors: np.ndarray, plain: Results) -> list[tuple[str, int]]:
    """(section, row of the probe): all landmarks, where plain autodiff fails, and the worst of the sample."""
    first = at.sampled.stop
    rows = [(section, first + k) for k, section in enumerate(at.sections)] or [("the one point", 0)]
    seen = {at.at[i].tobytes() for _, i in rows}
    sample = range(at.sampled.stop if at.sections else 0)
    for section, found in ((FAILS, _plain_fails(at, plain)), (WORST, _worst(at, errors))):
        for i in found:
            if i in sample and at.at[i].tobytes() not in seen:
                seen.add(at.at[i].tobytes())
                rows.append((section, i))
    return rows


def _plain_fails(at: Probe, plain: Results, most: int = 6) -> list[int]:
    """Sample points at which a plain result is far off, at even distances, ordinary ones first."""
    truth = _flat(at.values, at.partials, at.partials)[at.sampled]
    got = _flat(*_three(plain))[at.sampled]
    gap = np.nan_to_num(distance(got, truth), nan=np.inf)
    found = np.flatnonzero(((gap > _PLAIN_FAILS) & _representable(truth)).any(axis=1))
    ordinary, rest = found[found < at.ordinary], found[found >= at.ordinary]
    return [*_evenly(ordinary, most * 2 // 3), *_evenly(rest, most // 3)]


def _evenly(rows: np.ndarray, most: int) -> list[int]:
    count = min(most, len(rows))
    return [int(rows[i * len(rows) // count]) for i in range(count)]


def _worst(at: Probe, errors: np.ndarray, each: int = 1) -> list[int]:
    counted = np.where(_representable(_flat(at.values, at.partials, at.partials)), errors, -1.0)[at.sampled]
    order = np.argsort(-np.nan_to_num(counted, nan=np.inf), axis=0, kind="stable")
    return [int(i) for i in dict.fromkeys(order[:each].ravel().tolist())]


def _representable(truth: np.ndarray) -> np.ndarray:
    size = np.abs(truth)
    return np.asarray((size <= _HUGE) & ((size >= _TINY) | (size == 0)))


def _reference(at: Probe, section: str, i: int, errors: np.ndarray, others: np.ndarray) -> Reference:
    truth = _flat(at.values[i : i + 1], at.partials[i : i + 1], at.partials[i : i + 1])[0]
    here, elsewhere = (tuple(map(bound, e.tolist(), truth.tolist())) for e in (errors, others))
    inputs, values = tuple(map(float, at.at[i])), tuple(at.values[i].tolist())
    return Reference(section, inputs, values, tuple(at.partials[i].reshape(-1).tolist()), here, elsewhere)


def bound(error: float, truth: float) -> int | None:
    """The ulps that a test allows where this error was measured; None where nothing is compared."""
    if math.isnan(truth) or math.isnan(error) or error > _NO_DIGITS:
        return None
    return max(FLOOR, 2 * math.ceil(error))


def _remarks(at: Probe, x: Reference, errors: np.ndarray) -> list[Remark]:
    exact = (*x.values, *x.partials, *x.partials)
    found = []
    for k, (name, bound, t, e) in enumerate(
        zip(quantities(at.forms), x.bounds, exact, errors.tolist(), strict=True)
    ):
        defined = not math.isnan(t) and bool(_representable(np.array(t)))
        if (bound is None and defined) or (bound is not None and bound > BAR):
            found.append(Remark(x.inputs, name, bound, _reason(at, x, k, e)))
    return found


def _reason(at: Probe, x: Reference, k: int, error: float) -> str:
    if x.section == REMOVABLE and not error <= _NO_DIGITS:
        return "the formula is undefined here, and its limit was not found"
    if math.isnan(error):
        return "not finite here; no better form found"
    m, a = len(x.values), len(x.inputs)
    condition = smooth.condition(at.forms.spec, x.inputs, k if k < m else m + (k - m) % (m * a))
    if error <= 2 * condition:
        return f"ill-conditioned here: condition number {condition:.1e}"
    return "no better form found"


def _levels(at: Probe, errors: np.ndarray, got: np.ndarray, wide: Results) -> tuple[tuple[str, str], ...]:
    """Per quantity of the plain formula, its name and the levels of the sweep."""
    values, partials = at.values[at.swept], at.partials[at.swept]
    n, m = values.shape
    truth = np.concatenate([values, partials.reshape(n, -1)], axis=1)
    inside = np.asarray(_representable(values).all(axis=1))
    truth = np.where(inside[:, None] & _representable(truth), truth, np.nan)
    plain = np.concatenate([wide.values, wide.partials.reshape(n, -1)], axis=1)
    width = truth.shape[1]
    reverse, forward = slice(0, width), np.r_[0:m, width : got.shape[1]]
    worse = np.maximum(errors[at.swept, reverse], errors[at.swept][:, forward])
    finite = np.isfinite(got[at.swept, reverse]) & np.isfinite(got[at.swept][:, forward])
    names = [q.removesuffix(" reverse") for q in quantities(at.forms)[:width]]
    return tuple(
        (name, sweep.levels(truth[:, q], plain[:, q], worse[:, q], finite[:, q]))
        for q, name in enumerate(names)
    )


def sections(references: Sequence[Reference]) -> list[tuple[str, list[Reference]]]:
    """References by section, in order."""
    names = dict.fromkeys(r.section for r in references)
    return [(name, [r for r in references if r.section == name]) for name in names]


def is_short(x: float) -> bool:
    """Whether eight significant bits hold a number."""
    return math.ldexp(math.frexp(x)[0], 8).is_integer()
