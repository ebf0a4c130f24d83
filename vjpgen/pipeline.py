"""The flow from a formula to its files, step by step."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vjpgen import __version__, deadline
from vjpgen.errors import OptionError
from vjpgen.meter import Meter, open_meter
from vjpgen.parse import parse
from vjpgen.spec import Spec

if TYPE_CHECKING:
    from vjpgen.forms import Plan
    from vjpgen.report import Report

POINTS = 4096
_WORK = 150_000  # exact evaluations (operations x points) that the report may cost; fewer points beyond
_FEWEST = 512
_SEED = 7
EFFORTS = ("low", "normal", "high")
PREFERENCES = ("accuracy", "speed")


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
    module: str
    tests: str
    report: Report

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
        text = self.tests if module.stem == self.spec.name else _moved(self, module, beside)
        files.write_all([(module, self.module), (beside, text)], force=force)
        return module, beside


def generate(
    expr: Any,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    assume: str | Sequence[str] = (),
    output: str | os.PathLike[str] | None = None,
    tests_path: str | os.PathLike[str] | None = None,
    effort: str = "normal",
    prefer: str = "accuracy",
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Generated:
    """Generate the module of a formula and the tests that prove it.

    Args:
        expr: a formula in the language of docs/language.md, or a sympy expression (a tuple of them for
            several outputs).
        name: name of the generated function; default "f".
        args: the arguments in signature order; default the order in which they appear.
        assume: conditions that every input satisfies.
        output: where the module will be written; the tests import it from there.
        tests_path: where the tests will be written; default test_NAME.py beside the module.
        effort: "low", "normal" or "high": how far the search goes.
        prefer: "accuracy", or "speed" for cheaper forms at the price of some bits.
        timeout: seconds after which the work is abandoned.
        progress: called with the name of each step.

    Raises:
        InputError: the formula, a name or an assumption cannot be used; the message says where.
        TimeoutReached: the work took longer than `timeout`.
    """
    if effort not in EFFORTS:
        raise OptionError(f"effort is one of {', '.join(EFFORTS)}, not {effort!r}")
    if prefer not in PREFERENCES:
        raise OptionError(f"prefer is one of {', '.join(PREFERENCES)}, not {prefer!r}")
    with deadline.limit(timeout) as check:

        def step(what: str) -> None:
            check()
            if progress is not None:
                progress(what)

        spec = _spec(expr, name, args, assume)
        with open_meter() as meter:
            return _generate(spec, (effort, prefer), _place(output), _place(tests_path), step, meter)


def _generate(
    spec: Spec,
    how: tuple[str, str],
    output: Path | None,
    tests_path: Path | None,
    step: Callable[[str], None],
    meter: Meter,
) -> Generated:
    from vjpgen import doc, points, reference, render, render_tests, report, residuals, search

    step("searching for stable forms")
    forms = search.search(spec, effort=how[0], prefer=how[1])
    step("planning what is kept between the passes")
    plan = residuals.plan(forms, lambda p: search.backward_bits(p))
    step("computing exact values")
    probe = reference.probe(forms, points.sample(spec, _sample_size(spec), _SEED))
    module_path = output or Path(f"{spec.name}.py")
    beside = tests_path or module_path.with_name(f"test_{module_path.name}")
    command = command_line(spec, output, tests_path, *how)
    draft = render.render_module(plan, doc.draft(plan, command=command, notes=spec.notes))
    step("measuring the generated code")
    shape = len(spec.outputs), spec.several
    got = meter.measure(draft, spec.name, *shape, probe.columns())
    step("measuring the plain formula")
    naive = render.render_plain(spec)
    plain = meter.measure(naive, spec.name, *shape, probe.columns())
    wide = meter.measure(naive, spec.name, *shape, probe.columns(probe.swept, float))
    found = _report(plan, probe, got, plain, meter.versions())
    lines = report.accuracy_lines(found.targets, found.dtype, found.domain)
    module = render.render_module(plan, doc.draft(plan, accuracy=lines, command=command, notes=spec.notes))
    step("writing the tests")
    suite = reference.suite(probe, got, plain, wide)
    where = Path(os.path.relpath(module_path, beside.parent)).as_posix()
    tests = render_tests.render_tests(suite, where, command, meter.platform())
    return Generated(spec, module, tests, found)


def _spec(expr: Any, name: str | None, args: Sequence[str] | None, assume: str | Sequence[str]) -> Spec:
    conditions = (assume,) if isinstance(assume, str) else tuple(assume or ())
    if not isinstance(expr, str):
        from vjpgen.bridge import to_text  # a sympy object becomes text of the language first

        expr, names = to_text(expr)
        args = names if args is None else args
    return parse(expr, name=name, args=args, assume=conditions)


def _place(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else Path(path)


def _sample_size(spec: Spec) -> int:
    work = sum(e.size for e in spec.outputs) * (1 + len(spec.args))
    return max(_FEWEST, min(POINTS, _WORK // work))


def command_line(
    spec: Spec,
    output: Path | None,
    tests_path: Path | None,
    effort: str = "normal",
    prefer: str = "accuracy",
) -> str:
    """The command that generates the same files again."""
    words = ["vjpgen", spec.text, "--name", spec.name, "--args", ",".join(spec.args)]
    for text in spec.assume_text:
        words += ["--assume", text]
    words += ["--effort", effort] if effort != "normal" else []
    words += ["--prefer", prefer] if prefer != "accuracy" else []
    if output is not None:
        words += ["-o", output.name]
    if (
        tests_path is not None
        and output is not None
        and tests_path != output.with_name(f"test_{output.name}")
    ):
        words += ["--tests", Path(os.path.relpath(tests_path, output.parent)).as_posix()]
    return shlex.join(words)


def _report(plan: Plan, probe: Any, got: Any, plain: Any, versions: tuple[tuple[str, str], ...]) -> Report:
    from vjpgen import doc, report

    spec = plan.forms.spec
    return report.Report(
        name=spec.name,
        formula=spec.text,
        args=spec.args,
        dtype="float32",
        domain=" & ".join(spec.assume_text) or "all of float32",
        targets=report.targets(plan, probe, got, plain),
        residuals=doc.saved(plan),
        residual_bytes=got.residual_bytes,
        plain_residual_bytes=plain.residual_bytes,
        versions=(("vjpgen", __version__), *versions),
        notes=spec.notes,
    )


def _moved(generated: Generated, module: Path, tests: Path) -> str:
    """The tests, looking for the module under the name it was written to."""
    old = f"{generated.spec.name}.py"
    return generated.tests.replace(f'"{old}"', f'"{os.path.relpath(module, tests.parent)}"')
