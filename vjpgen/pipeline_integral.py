"""From an integrand to the files of its integral, by steps like those of `pipeline`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vjpgen import asking, deadline, pipeline, settings, template_files
from vjpgen.again import command_again, module_place
from vjpgen.against_exact import ByTarget, cut, good, measured, misses, sentence, shortfall
from vjpgen.domain_points import where
from vjpgen.errors import DomainError
from vjpgen.expr import show
from vjpgen.integral import Integral, read_integral
from vjpgen.meter import Meter, open_meter

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
    module: str = field(repr=False)
    tests: str = field(repr=False)
    figures: ByTarget
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
        return command_again(self.spec.words, self.output, self.tests, self.effort, self.templates)


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

    def tried(draft: Quadrature) -> tuple[ByTarget, Any, Quadrature]:
        text = render_integral.render_integral(draft, work.command, work.templates)
        got = meter.measure(text, spec.name, 1, False, columns)
        return _measured(spec, exact, cut(got, slice(count))), got, draft

    work.step("choosing a quadrature")
    written = as_written(spec, truth, exact)
    work.step("measuring the integral as it is written")
    best = tried(written)
    if not good(best[0], _ENOUGH):
        work.step("searching for stable forms")
        stable = searched(written, exact, work.effort)
        mixed = replace(written, ends=stable.ends)
        drafts = dict.fromkeys((stable, mixed))  # the integrand may be best as it is written, the ends not
        best = min(best, *map(tried, drafts), key=lambda t: shortfall(t[0]))
        if not good(best[0], _ENOUGH):
            work.step("measuring the integral in double words")
            best = min(best, tried(replace(best[2], words=2)), key=lambda t: shortfall(t[0]))
    figures, got, draft = best
    _converged(
        spec, draft, at, np.concatenate([exact.values, [r.value for r in references]]), got.values[:, 0]
    )
    missed = tuple(_miss(spec, label, f) for label, f in figures if f.off)
    lines = tuple(sentence(spec, label, f) for label, f in figures) + missed
    module = render_integral.render_integral(replace(draft, accuracy=lines), work.command, work.templates)
    work.step("writing the tests")
    errors = misses(references, cut(got, slice(count, None)))
    place = module_place(spec.name, work.output, work.tests)
    told = [(r, e) for r, e in zip(references, errors, strict=True) if max(e) < _NOT_FINITE]
    references, errors = [r for r, _ in told], [e for _, e in told]
    tests = render_integral_tests.render_tests(spec, references, errors, place, work.command, work.templates)
    how, kept = integral_doc.how(draft), integral_doc.kept(spec)
    return GeneratedIntegral(spec, digest.signed(module), digest.signed(tests), figures, how, kept, missed)


def _whole(r: Reference) -> bool:
    from vjpgen.floats import representable

    known = np.isfinite([r.value, *r.partials]).all()
    return bool(known and representable(np.array(r.value), np.float32))


def _measured(spec: Integral, exact: Exact, got: Any) -> ByTarget:
    """Figures; an infinite partial, times a tangent that is zero nan, is not held against forward mode."""
    infinite = ~np.isfinite(got.partials).all(2, keepdims=True)
    found = replace(got, forward=np.where(infinite, got.partials, got.forward))
    return measured(spec.args, exact.at, exact.values, exact.partials, found)


def _converged(spec: Integral, draft: Quadrature, at: Any, values: Any, got: Any) -> None:
    """Refuses an integral that the quadrature misses at many points.

    Raises:
        DomainError: it is more than one part in 256 off at one point in eight; says where.
    """
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
    return f"missed: {label}: {f.off} of {f.points} more than 16 ulp off, the worst at {where(spec, f.worst)}"
