"""What the report shows of a module: its results and others' at fresh points, and along each argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vjpgen import judged, oracle, points, render, report
from vjpgen.callee import callee
from vjpgen.floats import Array, error_bits, ordinals, representable, ulps
from vjpgen.measured import Measured
from vjpgen.meter import open_meter
from vjpgen.spec import Spec
from vjpgen.truth import Truth

GENERATED, PLAIN = "generated", "plain jnp"
POINTS = 2048
_FRESH = 3_000_000  # added to the seed, so that no point is drawn as others were
_STEPS = 385  # points along an argument
_REACH = 20.0  # how far they go, where the domain does
_WORST = 5


@dataclass(frozen=True, slots=True)
class Curve:
    """Rows of a survey along one argument, the others fixed at an ordinary point."""

    rows: range
    fixed: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to compute the formula: its name, and what it returned at every point."""

    name: str
    got: Measured


@dataclass(frozen=True, slots=True)
class Quantity:
    """The value of an output, or a partial: its label, and where it stands in the results."""

    label: str
    output: int
    argument: int | None

    def of(self, values: Array, partials: Array) -> Array:
        """Its column among results."""
        return values[:, self.output] if self.argument is None else partials[:, self.output, self.argument]


@dataclass(frozen=True, slots=True)
class Survey:
    """Results at points that the search has not seen.

    Attributes:
        spec: the function.
        exact: all points with exact results: those drawn, then the curves.
        drawn: how many were drawn; the first `ordinary` of them from ordinary ranges.
        curves: one for each argument.
        contenders: the generated code, plain autodiff, and a function beside them if one was named.
        seed: what the points were drawn with.
        versions: of JAX, jaxlib, and the backend.
    """

    spec: Spec
    exact: judged.Exact
    drawn: int
    ordinary: int
    curves: tuple[Curve, ...]
    contenders: tuple[Contender, ...]
    seed: int
    versions: tuple[tuple[str, str], ...]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Every value and every partial."""
        return tuple(Quantity(*row) for row in report.labels(self.spec))

    def truth(self, q: Quantity) -> Array:
        """Exact results at all points."""
        return q.of(self.exact.values, self.exact.partials)

    def result(self, c: Contender, q: Quantity) -> Array:
        """What a contender returned at all points, partials by reverse mode."""
        return q.of(c.got.values, c.got.partials)

    def ulps(self, c: Contender, q: Quantity) -> Array:
        """Its errors at the drawn points; nan where the exact result is no normal number and not zero."""
        got, truth = self.result(c, q)[: self.drawn], self.truth(q)[: self.drawn]
        return np.where(representable(truth, got.dtype), ulps(np.ascontiguousarray(got), truth), np.nan)

    def bits(self, c: Contender, q: Quantity) -> Array:
        """The same as log2(1 + ulps)."""
        return error_bits(self.ulps(c, q))

    def figures(self, c: Contender, q: Quantity) -> report.Figures:
        """Errors at the drawn points in figures."""
        n = self.drawn
        return report.figures(self.result(c, q)[:n], self.truth(q)[:n], self.exact.at[:n])

    def worst(self, c: Contender, q: Quantity) -> tuple[int, ...]:
        """Rows of the largest errors, if any is off at all, largest first; of equals the most ordinary."""
        gap = np.nan_to_num(self.ulps(c, q))
        size = np.abs(np.log10(np.maximum(np.abs(self.exact.at[: self.drawn].astype(float)), 1e-300)))
        order = np.lexsort((size.max(axis=1, initial=0.0), -gap))[:_WORST]
        return tuple(k for k in order.tolist() if gap[k] > 0)


def survey(
    spec: Spec,
    module: str,
    *,
    beside: str | None = None,
    seed: int = 0,
    step: Callable[[str], None] = lambda name: None,
) -> Survey:
    """Run a generated module, and plain autodiff of its formula, at fresh float32 points.

    Args:
        spec: the function.
        module: source of the module.
        beside: "package.module:function", one more function to show beside both.
        seed: another one draws other points; 0 and above.
        step: is told what is done.

    Raises:
        TargetError: the function beside cannot be found or run, or returns something else than the formula.
    """
    at_beside = None if beside is None else callee(beside)
    step("computing exact values for the report")
    sample = points.sample(spec, POINTS, _FRESH + seed)
    blocks, curves = [sample.at], []
    for curve_at, fixed in _along(spec, sample):
        start = sum(map(len, blocks))
        curves.append(Curve(range(start, start + len(curve_at)), fixed))
        blocks.append(curve_at)
    exact = _exact(spec, sample, np.concatenate(blocks))
    step("measuring for the report")
    shape, plain_shape = (len(spec.outputs), spec.structure), (len(spec.outputs), spec.several)
    with open_meter(apart=at_beside is not None) as meter:
        plain = render.render_plain(spec)
        found = [
            Contender(GENERATED, meter.measure(module, spec.name, *shape, exact.columns, spec.clips)),
            Contender(PLAIN, meter.measure(plain, spec.name, *plain_shape, exact.columns)),
        ]
        if at_beside is not None:
            got, _ = meter.measure_function(at_beside, *plain_shape, exact.columns)
            found.append(Contender(at_beside.text, got))
        versions = meter.versions()
    return Survey(spec, exact, len(sample.at), sample.ordinary, tuple(curves), tuple(found), seed, versions)


def _along(spec: Spec, sample: points.Points) -> Iterator[tuple[Array, tuple[tuple[str, float], ...]]]:
    """Points along each argument through the most ordinary point of the sample."""
    size = np.abs(np.log2(np.maximum(np.abs(sample.at.astype(float)), 1e-300)))
    center = sample.at[int(np.argmin(size.max(axis=1, initial=0.0)))]
    low, high = points.box(spec)
    for j in range(len(spec.args)):
        a, b = max(low[j], -_REACH), min(high[j], _REACH)
        if not a < b:  # a domain far from there
            a, b = sample.at[:, j].min(), sample.at[:, j].max()
        rows = np.tile(center, (_STEPS, 1))
        rows[:, j] = np.linspace(a, b, _STEPS)
        others = (k for k in range(len(spec.args)) if k != j)
        yield rows, tuple((spec.args[k], float(center[k])) for k in others)


def _exact(spec: Spec, sample: points.Points, at: Array) -> judged.Exact:
    """Exact results at all points; nan where the assumptions do not hold."""
    more = at[len(sample.at) :].astype(np.float64)
    values, partials = oracle.truth_of(spec).with_partials(more)
    if spec.assume:
        outside = ~Truth(spec.assume, spec.args).holds(more).all(axis=1)
        values[outside], partials[outside] = np.nan, np.nan
    return judged.Exact(
        at,
        np.concatenate([sample.truth_values, values]),
        oracle.seen(np.concatenate([sample.truth_partials, partials]), spec.clips),
    )


def named(args: Sequence[str], at: Any) -> str:
    """A point in words."""
    return ", ".join(f"{a} = {v:.9g}" for a, v in zip(args, at, strict=True))


def positions(x: Array) -> Array:
    """Where float32 numbers stand when all floats are equally far apart: about log2|x| + 127, signed."""
    return (ordinals(x) / 2.0**23).astype(np.float32)
