"""From an equation to the files of its solution, by steps like those of `pipeline`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vjpgen import deadline, settings, template_files
from vjpgen.errors import DomainError
from vjpgen.expr import Expr, num, variables
from vjpgen.implicit import Implicit, conditions, read_equation, read_inverse
from vjpgen.implicit_points import SEARCHED, SEED, around, beyond, landmarks, solutions, where
from vjpgen.measured import Measured
from vjpgen.meter import Meter, open_meter
from vjpgen.pipeline import file_words
from vjpgen.spec import Spec

if TYPE_CHECKING:
    from vjpgen.render_implicit import Solved
    from vjpgen.report import Figures
    from vjpgen.roots import Reference

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
        figures: measured errors, by target: the value, then the partial by each argument.
    """

    spec: Implicit
    module: str
    tests: str
    figures: tuple[tuple[str, Figures], ...]


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
        equation: `LEFT = RIGHT` with `solve`, else a formula whose inverse is wanted.
        solve: the name for which the equation is solved; None for the inverse in the first argument.
        name: name of the generated function; default "f".
        args: the arguments in signature order; default the other names as they appear.
        assume: conditions on the arguments, and bounds of the solution by formulas over them.
        guess: where the iteration starts, a formula over the arguments; default the middle of the range.
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
        if solve is None:
            spec = read_inverse(equation, **options)
        else:
            spec = read_equation(equation, solve, **options)
        module_path = None if output is None else Path(output)
        beside = None if tests_path is None else Path(tests_path)
        with open_meter() as meter:
            return _generate(spec, effort, (module_path, beside, styled), step, meter)


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
    command = command_line(spec, output, tests_path, effort, styled)
    finder = roots.RootFinder(spec)
    references = finder.references(landmarks(spec, at))
    known, count = np.array([r.at for r in references], np.float32), len(at)
    columns = [np.ascontiguousarray(c) for c in np.concatenate([at, known]).T]

    def tried(solved: Solved) -> tuple[tuple[tuple[str, Figures], ...], Any]:
        draft = render_implicit.render_implicit(solved, command, styled)
        got = meter.measure(draft, spec.name, 1, False, columns)
        return measured(spec, at, values, partials, cut(got, slice(count))), got

    step("measuring the equation as it is written")
    solved = as_written(spec, at, values, rising)
    figures, got = tried(solved)
    if not good(figures):
        step("searching for stable forms")
        other = searched(spec, at, values, rising, effort)
        step("measuring the stable forms")
        found = tried(other)
        if shortfall(found[0]) < shortfall(figures):
            solved, (figures, got) = other, found
    reached = np.concatenate([values, [r.value for r in references]])
    converged(spec, np.concatenate([at, known]), reached, got.values[:, 0])
    lines = tuple(_sentence(spec, label, f) for label, f in figures)
    module = render_implicit.render_implicit(replace(solved, accuracy=lines), command, styled)
    step("writing the tests")
    errors = misses(references, cut(got, slice(count, None))).tolist()
    nowhere = [p for p in beyond(spec, at) if finder.unsolvable(np.array(p))]
    module_path = output or Path(f"{spec.name}.py")
    beside = tests_path or module_path.with_name(f"test_{module_path.name}")
    place = Path(os.path.relpath(module_path, beside.parent)).as_posix()
    tests = render_implicit_tests.render_tests(spec, references, nowhere, errors, place, command, styled)
    return GeneratedImplicit(spec, digest.signed(module), digest.signed(tests), figures)


def good(figures: Sequence[tuple[str, Figures]]) -> bool:
    """Whether nothing is left to a search: results are correctly rounded but for a few."""
    return all(not f.off and not f.mean_bits > _ENOUGH for _, f in figures)


def shortfall(figures: Sequence[tuple[str, Figures]]) -> tuple[int, float]:
    """How many results are far off, and how many bits are missing on average."""
    return sum(f.off for _, f in figures), sum(f.mean_bits for _, f in figures if f.points)


def as_written(spec: Implicit, at: np.ndarray, values: np.ndarray, rising: bool) -> Solved:
    """The sides as the user wrote them, and their derivatives."""
    from vjpgen import plainly

    slopes = [plainly.partial(spec.residual, a) for a in spec.variables]
    return _solved(spec, (spec.left, spec.right), slopes, at, values, rising)


def searched(spec: Implicit, at: np.ndarray, values: np.ndarray, rising: bool, effort: str) -> Solved:
    """The sides and their derivatives in the most accurate forms found, on and around the solutions."""
    from vjpgen.tidy import tidy

    points = around(spec, at, values)
    left, right = (_side(spec, side, points, effort) for side in (spec.left, spec.right))
    slopes = [tidy(left[1].get(a, num(0)) - right[1].get(a, num(0))) for a in spec.variables]
    return _solved(spec, (left[0], right[0]), slopes, at, values, rising)


def _side(spec: Implicit, side: Expr, points: np.ndarray, effort: str) -> tuple[Expr, dict[str, Expr]]:
    """The best form of one side of the equation, and those of its derivatives by the names that it holds."""
    from vjpgen import search
    from vjpgen.floats import representable
    from vjpgen.points import Points
    from vjpgen.truth import Truth

    used = variables(side)
    names = tuple(a for a in spec.variables if a in used)
    if not side.args:
        return side, dict.fromkeys(names, num(1))
    assume = tuple(c for c in conditions(spec) if set(variables(c)) <= set(names))
    rows = np.unique(points[:, [spec.variables.index(a) for a in names]], axis=0)
    rows = rows[np.random.default_rng(SEED).permutation(len(rows))[:SEARCHED]]
    found, slopes = Truth((side,), names).with_partials(rows.astype(np.float64))
    kept = representable(found, np.float32).all(axis=1)
    whole = Points(rows[kept], found[kept], slopes[kept], int(kept.sum()))
    forms = search.search_at(Spec(spec.name, names, (side,), False, assume, spec.text), whole, effort=effort)
    return forms.values[0], dict(zip(names, forms.partials[0], strict=True))


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


def cut(got: Measured, rows: slice) -> Measured:
    """What was measured at some of the points."""
    forward = None if got.forward is None else got.forward[rows]
    return Measured(got.values[rows], got.partials[rows], forward, got.residual_bytes)


def misses(references: Sequence[Reference], got: Any) -> np.ndarray:
    """Errors in ulps at the references, (n, 1 + a): of a partial in the mode that is worse."""
    from vjpgen.floats import representable, ulps

    def gap(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
        return np.where(representable(exact, np.float32), ulps(np.ascontiguousarray(found), exact), 0.0)

    exact = np.array([r.partials for r in references])
    columns = [gap(got.values[:, 0], np.array([r.value for r in references]))]
    for j in range(exact.shape[1]):
        columns.append(np.maximum(*(gap(p[:, 0, j], exact[:, j]) for p in (got.partials, got.forward))))
    return np.column_stack(columns)


def measured(
    spec: Implicit, at: np.ndarray, values: np.ndarray, partials: np.ndarray, got: Any
) -> tuple[tuple[str, Figures], ...]:
    """Errors of the value and of the partials; of a partial those of the mode that is worse."""
    from vjpgen.report import figures

    found = [("value", figures(got.values[:, 0], values, at))]
    for j, a in enumerate(spec.args):
        both = [figures(p[:, 0, j], partials[:, j], at) for p in (got.partials, got.forward)]
        found.append((f"d/d{a}", max(both, key=lambda f: f.max_ulps if f.points else -1.0)))
    return tuple(found)


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


def _sentence(spec: Implicit, label: str, f: Figures) -> str:
    domain = " & ".join(spec.assume_text) or "all of float32"
    if not f.points:
        return f"{label}: nowhere a normal float32 number on {domain}"
    return (
        f"{label}: at most {f.max_ulps:.0f} ulp, 99% within {f.p99_ulps:.0f}, mean {f.mean_bits:.2f} bits,"
        f" over {f.points} float32 points of {domain}"
    )


def command_line(
    spec: Implicit,
    output: Path | None,
    tests: Path | None,
    effort: str = "normal",
    templates: Path | None = None,
) -> str:
    """The command that generates the same files again."""
    words = ["vjpgen", *spec.words, *(["--effort", effort] if effort != "normal" else [])]
    return shlex.join([*words, *file_words(output, tests, templates)])
