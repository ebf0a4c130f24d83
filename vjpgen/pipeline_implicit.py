"""From an equation to the files of its solution, by steps like those of `pipeline`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vjpgen import deadline, settings, template_files
from vjpgen.again import command_again, module_place
from vjpgen.against_exact import ByTarget, cut, good, measured, misses, sentence, shortfall
from vjpgen.domain_points import where
from vjpgen.errors import DomainError
from vjpgen.expr import Expr, num
from vjpgen.implicit import Implicit, read_equation, read_inverse
from vjpgen.implicit_points import SEED, around, beyond, landmarks, solutions
from vjpgen.measured import Measured
from vjpgen.meter import Meter, open_meter
from vjpgen.stable_sides import stable_side
from vjpgen.system import System, read_system

if TYPE_CHECKING:
    from vjpgen.render_implicit import Solved

_POINTS = 4096
_ANCHORS = 48
_ENOUGH = 0.1  # bits on average


@dataclass(frozen=True, slots=True)
class GeneratedImplicit:
    """A module that solves an equation, and its tests.

    Attributes:
        spec: what was asked for.
        module: source of the module.
        tests: source of its pytest file.
        figures: measured errors, by target: each value, then its partial by each argument.
    """

    spec: Implicit | System
    module: str = field(repr=False)
    tests: str = field(repr=False)
    figures: ByTarget


def generate_implicit(
    equation: str,
    *,
    solve: str | None = None,
    name: str | None = None,
    args: str | Sequence[str] | None = None,
    assume: str | Sequence[str] = (),
    guess: str | None = None,
    output: str | os.PathLike[str] | None = None,
    tests_path: str | os.PathLike[str] | None = None,
    effort: str = "normal",
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
    templates: str | os.PathLike[str] | None = None,
) -> GeneratedImplicit:
    """Generate the module of a function that an equation defines, and the tests that prove it.

    Args:
        equation: `LEFT = RIGHT` with `solve`, two or three of them with commas between, else a formula whose
            inverse is wanted.
        solve: the name for which the equation is solved, or a name for each equation, "x,y"; None for the
            inverse in the first argument.
        name: name of the generated function; default "f".
        args: the arguments in signature order; default the other names as they appear.
        assume: conditions on the arguments, and bounds of the solution by formulas over them.
        guess: where the iteration starts, a formula over the arguments, or "x=FORMULA, y=FORMULA";
            default the middle of the range, or solutions elsewhere in the domain.
        output: where the module will be written; the tests import it from there.
        tests_path: where the tests will be written; default test_NAME.py beside the module.
        effort: how far the search goes: "low", "normal" or "high".
        timeout: seconds after which the work is abandoned.
        progress: called with the name of each step.
        templates: a folder of templates that stand in for vjpgen's own, see docs/templates.md.

    Raises:
        InputError: a text or a template cannot be used, or at a point of the domain the equation has no
            solution, has several, or the iteration does not reach it; the message says where.
        TimeoutReached: the work took longer than `timeout`.
    """
    settings.accept(effort=effort)
    given = (assume,) if isinstance(assume, str) else tuple(assume)
    options: dict[str, Any] = {"name": name, "args": args, "assume": given, "guess": guess}
    styled = None if templates is None else Path(templates)
    if styled is not None:
        template_files.accepted(styled)
    with deadline.steps(timeout, progress) as step:
        spec = asked_for(equation, solve, **options)
        module_path = None if output is None else Path(output)
        beside = None if tests_path is None else Path(tests_path)
        places = module_path, beside, styled
        with open_meter() as meter:
            if isinstance(spec, System):
                from vjpgen.pipeline_system import generated

                return GeneratedImplicit(spec, *generated(spec, effort, places, step, meter))
            return _generate(spec, effort, places, step, meter)


def asked_for(equation: str, solve: str | None, **options: Any) -> Implicit | System:
    """What an equation, equations or, without `solve`, a formula to be inverted ask for.

    Raises:
        InputError: a text cannot be used.
    """
    if solve is None:
        return read_inverse(equation, **options)
    return (read_system if "," in solve else read_equation)(equation, solve, **options)


def _generate(
    spec: Implicit,
    effort: str,
    places: tuple[Path | None, Path | None, Path | None],
    step: Callable[[str], None],
    meter: Meter,
) -> GeneratedImplicit:
    from vjpgen import digest, render_implicit, render_implicit_tests, roots

    step("solving the equation in exact arithmetic")
    at, values, partials, rising = solutions(spec, _POINTS, SEED)
    output, tests_path, styled = places
    command = command_again(spec.words, output, tests_path, effort, styled)
    finder = roots.RootFinder(spec)
    references = finder.references(landmarks(spec, at, values, partials))
    known, count = np.array([r.at for r in references], np.float32), len(at)
    columns = [np.ascontiguousarray(c) for c in np.concatenate([at, known]).T]

    def tried(solved: Solved) -> tuple[ByTarget, Measured]:
        draft = render_implicit.render_implicit(solved, command, styled)
        got = meter.measure(draft, spec.name, 1, False, columns)
        return measured(spec.args, at, values, partials, cut(got, slice(count))), got

    step("measuring the equation as it is written")
    solved = as_written(spec, at, values, rising)
    figures, got = tried(solved)
    if not good(figures, _ENOUGH):
        step("searching for stable forms")
        other = searched(spec, at, values, rising, effort)
        step("measuring the stable forms")
        found = tried(other)
        if shortfall(found[0]) < shortfall(figures):
            solved, (figures, got) = other, found
    reached = np.concatenate([values, [r.value for r in references]])
    converged(spec, np.concatenate([at, known]), reached, got.values[:, 0])
    lines = tuple(sentence(spec, label, f) for label, f in figures)
    module = render_implicit.render_implicit(replace(solved, accuracy=lines), command, styled)
    step("writing the tests")
    errors = misses(references, cut(got, slice(count, None)))
    nowhere = [p for p in beyond(spec, at) if finder.unsolvable(np.array(p))]
    place = module_place(spec.name, output, tests_path)
    tests = render_implicit_tests.render_tests(spec, references, nowhere, errors, place, command, styled)
    return GeneratedImplicit(spec, digest.signed(module), digest.signed(tests), figures)


def as_written(spec: Implicit, at: np.ndarray, values: np.ndarray, rising: bool) -> Solved:
    """The sides as the user wrote them, and their derivatives."""
    from vjpgen import plainly

    slopes = [plainly.partial(spec.residual, a) for a in spec.variables]
    return _solved(spec, (spec.left, spec.right), slopes, at, values, rising)


def searched(spec: Implicit, at: np.ndarray, values: np.ndarray, rising: bool, effort: str) -> Solved:
    """The sides and their derivatives in the most accurate forms found, on and around the solutions."""
    from vjpgen.tidy import tidy

    points = around(spec, at, values)
    left, right = (stable_side(spec, side, points, effort) for side in (spec.left, spec.right))
    slopes = [tidy(left[1].get(a, num(0)) - right[1].get(a, num(0))) for a in spec.variables]
    return _solved(spec, (left[0], right[0]), slopes, at, values, rising)


def _solved(
    spec: Implicit,
    sides: tuple[Expr, Expr],
    slopes: Sequence[Expr],
    at: np.ndarray,
    values: np.ndarray,
    rising: bool,
) -> Solved:
    from vjpgen.render_implicit import Solved

    anchors = np.column_stack([at[:_ANCHORS], values[:_ANCHORS]]).astype(float)
    return Solved(spec, *sides, slopes[-1], tuple(slopes[:-1]), rising, tuple(map(tuple, anchors.tolist())))


def converged(spec: Implicit, at: np.ndarray, values: np.ndarray, got: np.ndarray) -> None:
    """Refuses an equation whose solution the generated code does not reach.

    Raises:
        DomainError: it is more than one part in 256 off; says where.
    """
    with np.errstate(invalid="ignore"):
        off = ~(np.abs(got - values) <= np.abs(values) / 256)
    if off.any():
        k = int(np.flatnonzero(off)[0])
        raise DomainError(
            f"the iteration does not reach the solution at {where(spec, at[k])}:"
            f" {got[k]:.9g} instead of {values[k]:.9g}",
            hint="narrow the domain or the range of the solution with --assume",
        )
