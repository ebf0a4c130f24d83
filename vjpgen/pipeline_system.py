"""From several equations to the files of their solution, by steps like those of `pipeline_implicit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from vjpgen import digest, plainly, render_system, render_system_tests
from vjpgen.again import command_again, module_place
from vjpgen.against_exact import ByTarget, cut, good, measured, misses, sentence, shortfall
from vjpgen.domain_points import spec_of, where
from vjpgen.errors import DomainError
from vjpgen.expr import num
from vjpgen.floats import Array, representable
from vjpgen.implicit_points import SEED, around, landmarks
from vjpgen.measured import Measured
from vjpgen.meter import Meter
from vjpgen.points import sample
from vjpgen.render_system import SolvedSystem
from vjpgen.stable_sides import stable_side
from vjpgen.system import System
from vjpgen.system_roots import SystemFinder
from vjpgen.tidy import tidy

POINTS = 2048
_STARTS = 8
_ANCHORS = 48
_ENOUGH = 0.1  # bits on average
Places = tuple[Path | None, Path | None, Path | None]


def generated(
    spec: System, effort: str, places: Places, step: Callable[[str], None], meter: Meter
) -> tuple[str, str, ByTarget]:
    """The module, its tests and its figures.

    Args:
        spec: what was asked for.
        effort: how far the search goes.
        places: where the module and the tests will be written, and a user's templates.
        step: called with the name of each step.
        meter: what measures.

    Raises:
        DomainError: at a point of the domain there is no solution, there are several, or the iteration does
            not reach it; says where.
    """
    step("solving the equations in exact arithmetic")
    finder = SystemFinder(spec)
    at, values, partials = solutions(spec, POINTS, SEED, finder)
    output, tests_path, styled = places
    command = command_again(spec.words, output, tests_path, effort, styled)
    references = finder.references(landmarks(spec, at, values, partials))
    known, count = np.array([r.at for r in references], np.float32), len(at)
    every = np.concatenate([at, known])
    columns = [np.ascontiguousarray(c) for c in every.T]

    def tried(solved: SolvedSystem) -> tuple[ByTarget, Measured, SolvedSystem]:
        draft = render_system.render_system(solved, command, styled)
        got = meter.measure(draft, spec.name, len(spec.unknowns), True, columns)
        kept = cut(got, slice(count))
        return measured(spec.args, at, values, partials, kept, spec.unknowns), got, solved

    step("measuring the equations as they are written")
    best = tried(as_written(spec, at, values))
    if not good(best[0], _ENOUGH):
        step("searching for stable forms")
        other = searched(best[2], at, values, effort)
        step("measuring the stable forms")
        best = min(best, tried(other), key=lambda t: shortfall(t[0]))
    figures, got, solved = best
    _reached(spec, every, np.concatenate([values, [r.values for r in references]]), got.values)
    lines = tuple(sentence(spec, label, f) for label, f in figures)
    module = render_system.render_system(replace(solved, accuracy=lines), command, styled)
    step("writing the tests")
    errors = misses(references, cut(got, slice(count, None)))
    place = module_place(spec.name, output, tests_path)
    tests = render_system_tests.render_tests(spec, references, errors, place, command, styled)
    return digest.signed(module), digest.signed(tests), figures


def solutions(
    spec: System, n: int, seed: int, finder: SystemFinder | None = None
) -> tuple[Array, Array, Array]:
    """Points of the domain in float32, the solutions (n, m) and partials (n, m, a) there.

    Raises:
        DomainError: at a point there is no solution or there are several, or none is a float32 number.
    """
    at = sample(spec_of(spec), n, seed).at
    values, partials = (finder or SystemFinder(spec)).solve(at)
    kept = representable(values, np.float32).all(1)
    if not kept.any():
        raise DomainError("the solution is nowhere in the range of float32", hint=f"{n} points were tried")
    return at[kept], values[kept], partials[kept]


def as_written(spec: System, at: Array, values: Array) -> SolvedSystem:
    """The equations as the user wrote them, and their derivatives."""
    names = (*spec.unknowns, *spec.args)
    slopes = tuple(tuple(plainly.partial(r, a) for a in names) for r in spec.residuals)
    anchors = np.column_stack([at[:_ANCHORS], values[:_ANCHORS]]).astype(float)
    starts = () if spec.guess else _spread(values)
    return SolvedSystem(spec, spec.sides, slopes, starts, tuple(map(tuple, anchors.tolist())))


def searched(solved: SolvedSystem, at: Array, values: Array, effort: str) -> SolvedSystem:
    """The same with sides and derivatives in the most accurate forms found."""
    spec, points = solved.spec, around(solved.spec, at, values)
    names = (*spec.unknowns, *spec.args)
    sides, slopes = [], []
    for both in spec.sides:
        left, right = (stable_side(spec, side, points, effort) for side in both)
        sides.append((left[0], right[0]))
        slopes.append(tuple(tidy(left[1].get(a, num(0)) - right[1].get(a, num(0))) for a in names))
    return replace(solved, sides=tuple(sides), slopes=tuple(slopes))


def _spread(values: Array) -> tuple[tuple[float, ...], ...]:
    """Solutions far from one another, by the logarithms of their sizes."""
    place = np.sign(values) * np.log2(1 + np.abs(values) * 2.0**30)
    chosen = [int(np.argmin(np.abs(place - np.median(place, 0)).sum(1)))]
    far = np.full(len(values), np.inf)
    while len(chosen) < min(_STARTS, len(values)):
        far = np.minimum(far, np.abs(place - place[chosen[-1]]).max(1))
        if not far.max() > 0:
            break
        chosen.append(int(np.argmax(far)))
    rounded = np.array([[float(f"{x:.3g}") for x in values[k]] for k in chosen])
    return tuple(map(tuple, rounded.tolist()))


def _reached(spec: System, at: Array, values: Array, got: Array) -> None:
    """Refuses equations whose solution the generated code does not reach.

    Raises:
        DomainError: it is more than one part in 256 off; says where.
    """
    with np.errstate(invalid="ignore"):
        off = ~(np.abs(got - values) <= np.abs(values) / 256).all(1)
    if off.any():
        k = int(np.flatnonzero(off)[0])
        found, exact = (", ".join(f"{x:.9g}" for x in row) for row in (got[k], values[k]))
        raise DomainError(
            f"the iteration does not reach the solution at {where(spec, at[k])}:"
            f" ({found}) instead of ({exact})",
            hint="narrow the domain with --assume, or say where to start with --guess",
        )
