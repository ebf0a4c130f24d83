"""From an integrand to the files of its integral, by steps like those of `pipeline`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vjpgen import asking, deadline, pipeline, settings, template_files
from vjpgen.errors import DomainError
from vjpgen.expr import show
from vjpgen.integral import Integral, read_integral
from vjpgen.meter import Meter, open_meter
from vjpgen.pipeline import file_words

if TYPE_CHECKING:
    from vjpgen.integral_doc import Quadrature
    from vjpgen.integral_points import Exact
    from vjpgen.integral_truth import IntegralTruth
    from vjpgen.report import Figures
    from vjpgen.roots import Reference

_ENOUGH = 1.0  # bits on average
_RARE = 100  # one point in so many may be far off before a closed form is held against a quadrature
_NOT_FINITE = 2.0**32  # ulps; such results are said to be missed, and no test can hold them
_LOST = 8  # one point in so many may be beyond the quadrature; more of them are refused


@dataclass(frozen=True, slots=True)
class GeneratedIntegral:
    """A module that integrates, and its tests.

    Attributes:
        spec: what was asked for.
        module: source of the module.
        tests: source of its pytest file.
        figures: measured errors, by target: the value, then the partial by each argument.
        how: how the integral is computed, in words.
        kept: what is kept between the passes, in words.
        missed: what is more than 16 ulps off, in sentences.
        closed: the formula that the integral is equal to; empty where there is none.
    """

    spec: Integral
    module: str
    tests: str
    figures: tuple[tuple[str, Figures], ...]
    how: str
    kept: str
    missed: tuple[str, ...] = ()
    closed: str = ""


@dataclass(frozen=True, slots=True)
class _Work:
    """What every step needs."""

    spec: Integral
    effort: str
    output: Path | None
    tests: Path | None
    templates: Path | None
    step: Callable[[str], None]

    @property
    def command(self) -> str:
        """The command that generates the same files again."""
        effort = ["--effort", self.effort] if self.effort != "normal" else []
        places = file_words(self.output, self.tests, self.templates)
        return shlex.join(["vjpgen", *self.spec.words, *effort, *places])


def generate_integral(
    integrand: str,
    over: str,
    *,
    name: str | None = None,
    args: str | Sequence[str] | None = None,
    assume: str | Sequence[str] = (),
    output: str | os.PathLike[str] | None = None,
    tests_path: str | os.PathLike[str] | None = None,
    effort: str = "normal",
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
    templates: str | os.PathLike[str] | None = None,
) -> GeneratedIntegral:
    """Generate the module of a function that an integral defines, and the tests that prove it.

    Args:
        integrand: a formula in the language of docs/language.md.
        over: `VARIABLE=LOWER..UPPER`; the limits are formulas of the arguments, or `oo` with a sign.
        name: name of the generated function; default "f".
        args: the arguments in signature order; default the names as they appear, the variable left out.
        assume: conditions that every input satisfies.
        output: where the module will be written; the tests import it from there.
        tests_path: where the tests will be written; default test_NAME.py beside the module.
        effort: how far searches go: "low", "normal" or "high".
        timeout: seconds after which the work is abandoned.
        progress: called with the name of each step.
        templates: a folder of templates that stand in for vjpgen's own, see docs/templates.md.

    Raises:
        InputError: a text or a template cannot be used, or at a point of the domain the integral is not known
            to converge, or the quadrature misses it; the message says where.
        TimeoutReached: the work took longer than `timeout`.
    """
    settings.accept(effort=effort)
    given = (assume,) if isinstance(assume, str) else tuple(assume)
    places = [None if p is None else Path(p) for p in (output, tests_path, templates)]
    if places[2] is not None:
        template_files.accepted(places[2])
    with deadline.steps(timeout, progress) as step:
        spec = read_integral(integrand, over, name=name, args=args, assume=given)
        work = _Work(spec, effort, places[0], places[1], places[2], step)
        with open_meter() as meter:
            return _generate(work, meter)


def _generate(work: _Work, meter: Meter) -> GeneratedIntegral:
    from vjpgen.guesses import closed_forms
    from vjpgen.integral_forms import refuse_jumps
    from vjpgen.integral_points import agrees, landmarks, measured_at
    from vjpgen.integral_truth import IntegralTruth

    spec = work.spec
    truth = IntegralTruth(spec)
    refuse_jumps(spec)
    with closed_forms(spec) as guesses:
        work.step("integrating in exact arithmetic")
        exact = measured_at(spec, truth, lambda: work.step("integrating in exact arithmetic"))
        rows = landmarks(spec, exact.at)
        work.step("looking for a closed form")
        closed = next((e for e in guesses() if agrees(e, spec, exact, truth, rows)), None)
    if closed is not None and closed.names:
        found = _from_closed_form(work, show(closed))
        if all(f.mean_bits <= _ENOUGH and f.off * _RARE <= f.points for _, f in found.figures if f.points):
            return found
        with suppress(DomainError):
            other = _by_quadrature(work, meter, truth, exact, rows)
            return min(found, other, key=lambda g: sum(f.mean_bits for _, f in g.figures))
        return found
    return _by_quadrature(work, meter, truth, exact, rows)


def _from_closed_form(work: _Work, formula: str) -> GeneratedIntegral:
    spec = work.spec
    note = f"It is {spec.formula}, in closed form: equal to it in exact arithmetic at every point tried."
    found = asking.specify(formula, name=spec.name, args=spec.args, assume=spec.assume_text)
    how = settings.How(effort=work.effort)
    order = pipeline.Order(how, work.output, work.tests, work.templates, work.command)
    made = pipeline.searched(replace(found, notes=(note, *spec.notes)), order, work.step)
    figures = tuple((t.label, t.figures) for t in made.report.targets)
    missed = tuple(_miss(spec, label, f) for label, f in figures if f.off)
    return GeneratedIntegral(
        spec, made.module, made.tests, figures, f"the closed form {formula}", made.report.residuals, missed,
        formula,
    )  # fmt: skip


def _by_quadrature(
    work: _Work, meter: Meter, truth: IntegralTruth, exact: Exact, rows: Any
) -> GeneratedIntegral:
    from vjpgen import digest, integral_doc, render_integral, render_integral_tests
    from vjpgen.integral_forms import as_written, searched

    spec = work.spec
    references = [truth.reference(r) for r in rows.tolist()]
    references = [r for r in references if _whole(r)]
    at = np.concatenate([exact.at, np.array([r.at for r in references], np.float32)])
    columns, count = [np.ascontiguousarray(c) for c in at.T], len(exact.at)

    def tried(draft: Quadrature) -> tuple[tuple[tuple[str, Figures], ...], Any, Quadrature]:
        text = render_integral.render_integral(draft, work.command, work.templates)
        got = meter.measure(text, spec.name, 1, False, columns)
        return _measured(spec, exact, got, count), got, draft

    work.step("choosing a quadrature")
    written = as_written(spec, truth, exact)
    work.step("measuring the integral as it is written")
    best = tried(written)
    if not _good(best[0]):
        work.step("searching for stable forms")
        stable = searched(written, exact, work.effort)
        mixed = replace(written, ends=stable.ends)
        drafts = dict.fromkeys((stable, mixed))  # the integrand may be best as it is written, the ends not
        best = min(best, *map(tried, drafts), key=lambda t: _shortfall(t[0]))
        if not _good(best[0]):
            work.step("measuring the integral in double words")
            best = min(best, tried(replace(best[2], words=2)), key=lambda t: _shortfall(t[0]))
    figures, got, draft = best
    _converged(
        spec, draft, at, np.concatenate([exact.values, [r.value for r in references]]), got.values[:, 0]
    )
    missed = tuple(_miss(spec, label, f) for label, f in figures if f.off)
    lines = tuple(_sentence(spec, label, f) for label, f in figures) + missed
    module = render_integral.render_integral(replace(draft, accuracy=lines), work.command, work.templates)
    work.step("writing the tests")
    errors = _misses(references, got, count)
    module_path = work.output or Path(f"{spec.name}.py")
    beside = work.tests or module_path.with_name(f"test_{module_path.name}")
    where = Path(os.path.relpath(module_path, beside.parent)).as_posix()
    told = [(r, e) for r, e in zip(references, errors, strict=True) if max(e) < _NOT_FINITE]
    references, errors = [r for r, _ in told], [e for _, e in told]
    tests = render_integral_tests.render_tests(spec, references, errors, where, work.command, work.templates)
    how, kept = integral_doc.how(draft), integral_doc.kept(spec)
    return GeneratedIntegral(spec, digest.signed(module), digest.signed(tests), figures, how, kept, missed)


def _whole(r: Reference) -> bool:
    from vjpgen.floats import representable

    known = np.isfinite([r.value, *r.partials]).all()
    return bool(known and representable(np.array(r.value), np.float32))


def _good(figures: Sequence[tuple[str, Figures]]) -> bool:
    return all(not f.off and not f.mean_bits > _ENOUGH for _, f in figures)


def _shortfall(figures: Sequence[tuple[str, Figures]]) -> tuple[int, float]:
    """How many results are far off, and how many bits are missing on average."""
    return sum(f.off for _, f in figures), sum(f.mean_bits for _, f in figures if f.points)


def _measured(spec: Integral, exact: Exact, got: Any, count: int) -> tuple[tuple[str, Figures], ...]:
    """Errors of the value and of the partials; of a partial those of the mode that is worse."""
    from vjpgen.report import figures

    found = [("value", figures(got.values[:count, 0], exact.values, exact.at))]
    reverse = got.partials[:count, 0]
    infinite = ~np.isfinite(reverse).all(1, keepdims=True)  # times a tangent that is zero: nan
    forward = np.where(infinite, reverse, got.forward[:count, 0])
    for j, a in enumerate(spec.args):
        both = [
            figures(np.ascontiguousarray(p[:, j]), exact.partials[:, j], exact.at) for p in (reverse, forward)
        ]
        found.append((f"d/d{a}", max(both, key=lambda f: f.max_ulps if f.points else -1.0)))
    return tuple(found)


def _misses(references: Sequence[Reference], got: Any, count: int) -> list[list[float]]:
    """Errors in ulps at the references, of the value and of each partial in the mode that is worse."""
    from vjpgen.floats import representable, ulps

    def gap(found: Any, exact: Any) -> Any:
        return np.where(representable(exact, np.float32), ulps(np.ascontiguousarray(found), exact), 0.0)

    exact = np.array([r.partials for r in references])
    columns = [gap(got.values[count:, 0], np.array([r.value for r in references]))]
    for j in range(exact.shape[1]):
        columns.append(np.maximum(*(gap(p[count:, 0, j], exact[:, j]) for p in (got.partials, got.forward))))
    found: list[list[float]] = np.column_stack(columns).tolist()
    return found


def _converged(spec: Integral, draft: Quadrature, at: Any, values: Any, got: Any) -> None:
    """Refuses an integral that the quadrature misses at many points.

    Raises:
        DomainError: it is more than one part in 256 off at one point in eight; says where.
    """
    from vjpgen.integral_points import where

    with np.errstate(invalid="ignore"):
        off = ~(np.abs(got - values) <= np.abs(values) / 256)
    if off.sum() * _LOST > len(at):
        k = int(np.flatnonzero(off)[0])
        raise DomainError(
            f"{draft.rule.words} does not reach the integral at {off.sum()} of {len(at)} points, such as"
            f" {where(spec, at[k])}: {got[k]:.9g} instead of {values[k]:.9g}",
            hint="narrow the domain with --assume, or split the range where the integrand changes fast",
        )


def _miss(spec: Integral, label: str, f: Figures) -> str:
    from vjpgen.integral_points import where

    return f"missed: {label}: {f.off} of {f.points} more than 16 ulp off, the worst at {where(spec, f.worst)}"


def _sentence(spec: Integral, label: str, f: Figures) -> str:
    if not f.points:
        return f"{label}: nowhere a normal float32 number on {spec.domain}"
    return (
        f"{label}: at most {f.max_ulps:.0f} ulp, 99% within {f.p99_ulps:.0f}, mean {f.mean_bits:.2f} bits,"
        f" over {f.points} float32 points of {spec.domain}"
    )
