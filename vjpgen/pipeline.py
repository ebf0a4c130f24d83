"""The flow from a formula to its files, step by step."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vjpgen import __version__, asking, deadline, settings, template_files
from vjpgen import cache as caching
from vjpgen.again import command_line, module_place
from vjpgen.meter import Meter, open_meter
from vjpgen.spec import Spec

if TYPE_CHECKING:
    from vjpgen.forms import Plan
    from vjpgen.report import Report

POINTS = 4096
_WORK = 150_000  # exact evaluations (operations x points) that the report may cost; fewer points beyond
_FEWEST = 512
_SEED = 7


@dataclass(frozen=True, slots=True)
class Generated:
    """A module, the tests that prove it, and what was measured.

    Attributes:
        spec: what was asked for.
        module: source of the module.
        tests: source of its pytest file.
        report: structured figures.
    """

    spec: Spec
    module: str = field(repr=False)
    tests: str = field(repr=False)
    report: Report = field(repr=False)

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        tests: str | os.PathLike[str] | None = None,
        force: bool = False,
    ) -> tuple[Path, Path]:
        """Write the module to `path` and the tests beside it, both or neither.

        Args:
            path: a file ending in .py.
            tests: where the tests go; default test_NAME.py beside the module. They find the module by the
                place given to `generate`, so pass `output` and `tests_path` there if they part.
            force: overwrite files that vjpgen did not generate.

        Raises:
            OutputError: a file cannot be written, or is not vjpgen's to overwrite.
        """
        from vjpgen import files

        module = Path(path)
        beside = module.with_name(f"test_{module.name}") if tests is None else Path(tests)
        text = self.tests if module.stem == self.spec.name else moved(self, module, beside)
        files.write_all([(module, self.module), (beside, text)], force=force)
        return module, beside

    def page(self, *, beside: str | None = None, seed: int = 0) -> str:
        """The report, one HTML page that needs no network (docs/report.md).

        Args:
            beside: "package.module:function", one more function to show.
            seed: another one draws other points; 0 and above.

        Raises:
            OptionError: the libraries of the report are not installed, or the seed is negative.
            TargetError: the function beside cannot be found or run.
        """
        from vjpgen import page, plots
        from vjpgen.survey import survey

        plots.require()
        settings.accept(seed=seed)
        found = survey(self.spec, self.module, beside=beside, seed=seed)
        return page.page(self.module, self.report, found)

    def _repr_html_(self) -> str | None:
        """The report in a frame, for notebooks; None, for its text, where the libraries are missing."""
        from vjpgen import page, plots

        return page.framed(self.page()) if plots.installed() else None


def generate(
    expr: Any,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    assume: str | Sequence[str] = (),
    grad: Mapping[str, Any] | None = None,
    surrogate: Mapping[str, str] | None = None,
    stop: str | Sequence[str] = (),
    grad_scale: Mapping[str, Any] | None = None,
    grad_clip: Mapping[str, Any] | None = None,
    grad_mask: str | Sequence[str] = (),
    nondiff: str | Sequence[str] = (),
    static: str | Sequence[str] = (),
    param: Mapping[str, Any] | None = None,
    outputs: str | Sequence[str] = (),
    output: str | os.PathLike[str] | None = None,
    tests_path: str | os.PathLike[str] | None = None,
    effort: str = "normal",
    prefer: str = "accuracy",
    residuals: str = "auto",
    order: int = 1,
    mode: str = "vjp",
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
    templates: str | os.PathLike[str] | None = None,
    cache: caching.Cache | bool = True,
) -> Generated:
    """Generate the module of a formula and the tests that prove it.

    Args:
        expr: a formula in the language of docs/language.md, a sympy expression (a tuple of them for several
            outputs), or a `Formula` that was read from something else (docs/inputs.md).
        name: name of the generated function; default "f".
        args: the arguments in signature order; default the order in which they appear.
        assume: conditions that every input satisfies.
        grad: by argument, the gradient that is meant in place of the derivative: a formula, a number or a
            sympy expression; for several outputs a tuple, as for `expr`.
        surrogate: by argument, the name of a preset in its place (docs/gradients.md).
        stop: arguments to which no gradient flows.
        grad_scale: by argument, what the gradient is multiplied by; -1 reverses it.
        grad_clip: by argument, bounds of its cotangent: (low, high), None for no bound, or "low:high".
        grad_mask: conditions without which the gradient to every argument is zero.
        nondiff: arguments that are not differentiated: arrays of any dtype (docs/arguments.md).
        static: arguments that are Python numbers, fixed when the function is traced.
        param: by argument, the constant that stands for it where it is left out.
        outputs: names of the outputs, by which the function returns them in a dict.
        output: where the module will be written; the tests import it from there.
        tests_path: where the tests will be written; default test_NAME.py beside the module.
        effort: "low", "normal" or "high": how far the search goes.
        prefer: "accuracy", or "speed" for cheaper forms at the price of some bits.
        residuals: what is kept for the backward pass: "auto", the fewest arrays from which it is accurate;
            "input" or "output", those alone as far as they go; "recompute", the fewest arrays whatever the
            accuracy; "speed", what leaves the least to compute (docs/residuals.md).
        order: 2 or 3, for generated forms of the second or third derivatives too (docs/orders.md).
        mode: "both" for one function that serves reverse and forward mode (docs/modes.md).
        timeout: seconds after which the work is abandoned.
        progress: called with the name of each step.
        templates: a folder of templates that stand in for vjpgen's own, see docs/templates.md.
        cache: where results are kept and looked up; True for the folder that $VJPGEN_CACHE names, if it is
            set; False for nowhere.

    Raises:
        InputError: the formula, a name, an assumption, a gradient or a template cannot be used; the message
            says where.
        TimeoutReached: the work took longer than `timeout`.
    """
    how = settings.How(effort, prefer, residuals, order, mode)
    with deadline.steps(timeout, progress) as step:
        wanted = asking.wishes(grad, surrogate, stop, grad_scale, grad_clip, grad_mask)
        passing = asking.passing(nondiff, static, param, outputs)
        spec = asking.differentiable(asking.spec(expr, name, args, assume, wanted, passing), how)
        work = Order(how, _place(output), _place(tests_path), _place(templates))
        style = "" if work.templates is None else template_files.accepted(work.templates)
        results = caching.asked() if cache is True else cache
        if not results:
            return searched(spec, work, step)
        step("looking among earlier results")
        key = caching.key("formula", work.command(spec), spec.notes, work.where(spec), style)
        return _recalled(spec, results.get(key)) or _recorded(results, key, searched(spec, work, step))


@dataclass(frozen=True, slots=True)
class Order:
    """How a formula is searched, and where its files go."""

    how: settings.How
    output: Path | None
    tests: Path | None
    templates: Path | None
    asked: str = ""  # by another command than that of the formula

    def command(self, spec: Spec) -> str:
        return self.asked or command_line(spec, self.output, self.tests, self.how, self.templates)

    def where(self, spec: Spec) -> str:
        """The module as its tests find it, from their own folder."""
        return module_place(spec.name, self.output, self.tests)


def _recalled(spec: Spec, found: Any) -> Generated | None:
    """What was generated before, from what the cache holds of it."""
    from vjpgen.report import Report

    if found is None:
        return None
    return Generated(spec, found["module"], found["tests"], Report.from_dict(found["report"]))


def _recorded(results: caching.Cache, key: str, made: Generated) -> Generated:
    results.put(key, {"module": made.module, "tests": made.tests, "report": made.report.to_dict()})
    return made


def searched(spec: Spec, order: Order, step: Callable[[str], None]) -> Generated:
    """Generates what is asked for, whatever the cache holds."""
    with open_meter() as meter:
        return _generate(spec, order, step, meter)


def _generate(spec: Spec, order: Order, step: Callable[[str], None], meter: Meter) -> Generated:
    import numpy as np

    from vjpgen import (
        departure,
        digest,
        doc,
        higher_steps,
        points,
        reference,
        render,
        render_tests,
        report,
        residuals,
        search,
        shortfall,
        templating,
    )

    shape, plain_shape = (len(spec.outputs), spec.structure), (len(spec.outputs), spec.several)
    naive = render.render_plain(spec)
    one, wide_one = ([np.ones(1, dtype)] * len(spec.args) for dtype in (np.float32, np.float64))
    meter.foresee(naive, spec.name, *plain_shape, one)
    meter.foresee(naive, spec.name, *plain_shape, wide_one)
    step("searching for stable forms")
    how = order.how
    forms = search.search(spec, effort=how.effort, prefer=how.prefer)
    if how.order > 1:
        step("searching for stable forms of higher derivatives")
        forms = higher_steps.with_higher(forms, how)
    step("planning what is kept between the passes")
    plan = residuals.plan(forms, lambda p: search.backward_bits(p), how.residuals, how.mode == "both")
    command, styled = order.command(spec), order.templates
    draft = render.render_module(plan, doc.draft(plan, command=command, notes=spec.notes), styled)
    meter.foresee(draft, spec.name, *shape, one, spec.clips)
    step("computing exact values")
    sample = points.sample(spec, sample_size(spec), _SEED)
    probe, far = reference.probe(forms, sample), departure.departures(spec, sample)
    meant = departure.sentences(spec, far)
    step("measuring the generated code")
    with template_files.blamed(styled), templating.foreseen(render_tests.TEMPLATE):
        got = meter.measure(draft, spec.name, *shape, probe.columns(), spec.clips)
    step("measuring the plain formula")
    plain = meter.measure(naive, spec.name, *plain_shape, probe.columns())
    wide = meter.measure(naive, spec.name, *plain_shape, probe.columns(probe.swept, float))
    found = replace(_report(plan, probe, got, plain, meter.versions()), meant=meant, departures=far)
    above = None
    if how.order > 1:
        step("measuring higher derivatives")
        above = higher_steps.measured(plan, probe, draft, naive, meter)
        missed = (*found.shortfalls, *shortfall.of_higher(forms, above.targets))
        found = replace(found, order=how.order, higher=above.targets, shortfalls=missed)
    lines = report.accuracy_lines((*found.targets, *found.higher), found.dtype, found.domain)
    lines += tuple(shortfall.sentence(s, spec.args) for s in found.shortfalls)
    told = doc.draft(plan, accuracy=lines, command=command, notes=spec.notes, meant=meant)
    module = render.render_module(plan, told, styled)
    step("writing the tests")
    suite = reference.suite(probe, got, plain, wide)
    higher = None if above is None else above.suite(suite)
    extra: dict[str, Any] = {"folder": styled, "higher": higher, "both": plan.both}
    tests = render_tests.render_tests(suite, order.where(spec), command, meter.platform(), **extra)
    return Generated(spec, digest.signed(module), digest.signed(tests), found)


def _place(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else Path(path)


def sample_size(spec: Spec) -> int:
    """How many points a function is measured at; fewer where exact values cost much."""
    work = sum(e.size for e in spec.outputs) * (1 + len(spec.args))
    return max(_FEWEST, min(POINTS, _WORK // work))


def _report(plan: Plan, probe: Any, got: Any, plain: Any, versions: tuple[tuple[str, str], ...]) -> Report:
    from vjpgen import doc, report, shortfall

    spec = plan.forms.spec
    targets = report.targets(plan, probe, got, plain)
    return report.Report(
        name=spec.name,
        formula=spec.text,
        args=spec.args,
        dtype="float32",
        domain=" & ".join(spec.assume_text) or "all of float32",
        targets=targets,
        residuals=doc.saved(plan),
        residual_bytes=got.residual_bytes,
        plain_residual_bytes=plain.residual_bytes,
        versions=(("vjpgen", __version__), *versions),
        notes=spec.notes,
        shortfalls=shortfall.shortfalls(plan, targets),
        definitions=report.definitions(plan),
    )


def moved(generated: Generated, module: Path, tests: Path) -> str:
    """The tests of what was generated without `output`, looking for the module where it is written."""
    from vjpgen import digest

    old = f"{generated.spec.name}.py"
    new = Path(os.path.relpath(module, tests.parent)).as_posix()
    return digest.signed(generated.tests.replace(f'"{old}"', f'"{new}"'))
