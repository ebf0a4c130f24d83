"""Reference points of partials of the second order and above: exact results, each with a bound of its own.

They are those of the function itself, and the worst points of each higher partial. Nothing here runs JAX:
measured arrays are handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vjpgen import higher_truth, sweep
from vjpgen.floats import Array, representable
from vjpgen.forms import Partial
from vjpgen.reference import HALF, Probe, Suite, bound, distance, is_short

_MOST_TAME = 8


@dataclass(frozen=True, slots=True)
class HigherReference:
    """One reference point.

    Attributes:
        inputs: exact float32 numbers.
        exact: exact partials, in order; nan where not defined.
        bounds: ulps, for every way to them; None where not compared.
    """

    inputs: tuple[float, ...]
    exact: tuple[float, ...]
    bounds: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class HigherSuite:
    """What a test file states of partials of the second order and above.

    Attributes:
        order: the highest.
        wanted: which partials.
        names: what each is called.
        references: the table of reference points.
        levels: per partial its name, and which bound holds at each point of the sweep.
        tame: references at which all partials are of ordinary size, those that half precision holds first.
    """

    order: int
    wanted: tuple[Partial, ...]
    names: tuple[str, ...]
    references: tuple[HigherReference, ...]
    levels: tuple[tuple[str, str], ...]
    tame: tuple[tuple[float, ...], ...]


def exact(probe: Probe) -> Array:
    """Exact higher partials at all points of a probe, (n, t); nan where the value is no float32 number."""
    forms = probe.forms
    assert forms.higher is not None
    found = higher_truth.exact(forms.spec, probe.at, forms.higher.wanted)
    real = np.asarray(representable(probe.values, np.float32)).all(axis=1)
    found[~real] = np.nan
    return found


def higher_suite(probe: Probe, suite: Suite, truth: Array, got: Array, wide: Array) -> HigherSuite:
    """References with bounds.

    Args:
        probe: where was measured.
        suite: of the value and the first partials.
        truth: from `exact`.
        got: (w, n, t), the module's float32 results by each way.
        wide: (s, t), the plain formula's float64 results at the probe's `swept` points.
    """
    higher, spec = probe.forms.higher, probe.forms.spec
    assert higher is not None
    with np.errstate(over="ignore"):
        whole: Array = np.logical_and.reduce(np.isfinite(truth.astype(np.float32)), axis=1)
    first, *others = (distance(way, truth) for way in got)
    # another partial is infinite, times a tangent of 0
    forgiven = (np.where(np.isnan(e) & ~whole[:, None], 0, e) for e in others)
    errors, finite = np.max([first, *forgiven], axis=0), np.logical_and.reduce(np.isfinite(got))
    references = tuple(_references(probe, suite, truth, errors))
    names = tuple(spec.higher_label(*p) for p in higher.wanted)
    swept = probe.swept
    counted = np.where(whole[swept, None], truth[swept], np.nan)
    counted[~representable(counted, np.float32)] = np.nan
    levels = tuple(
        (name, sweep.levels(counted[:, q], wide[:, q], errors[swept, q], finite[swept, q]))
        for q, name in enumerate(names)
    )
    return HigherSuite(higher.order, higher.wanted, names, references, levels, _tame(references))


def _references(probe: Probe, suite: Suite, truth: Array, errors: Array) -> Iterator[HigherReference]:
    known = {row.tobytes(): i for i, row in reversed([*enumerate(probe.at)])}
    at = [np.array(r.inputs, np.float32).tobytes() for r in suite.references]
    worst = np.where(representable(truth, np.float32), np.nan_to_num(errors, nan=np.inf), -1.0)
    rows = [known[key] for key in at] + worst[probe.sampled].argmax(axis=0).tolist()
    for i in dict.fromkeys(rows):
        bounds = tuple(bound(e, t) for e, t in zip(errors[i].tolist(), truth[i].tolist(), strict=True))
        if any(b is not None for b in bounds):
            yield HigherReference(tuple(map(float, probe.at[i])), tuple(truth[i].tolist()), bounds)


def _tame(references: tuple[HigherReference, ...]) -> tuple[tuple[float, ...], ...]:
    low, high = HALF
    found = [
        r
        for r in references
        if all(b is not None and b <= 16 for b in r.bounds)
        and all(x == 0 or low <= abs(x) <= high for x in (*r.exact, *r.inputs))
        and any(r.exact)
    ]
    short = [r.inputs for r in found if all(is_short(x) for x in r.inputs)]
    return tuple(dict.fromkeys((*short, *(r.inputs for r in found))))[:_MOST_TAME]
