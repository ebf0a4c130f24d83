"""From a function outside JAX to its files: the steps of `pipeline`, without a search for the value."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vjpgen import deadline, digest, dotted, settings, template_files
from vjpgen.again import command_again, module_place
from vjpgen.external import External, formulas_without_calls, read
from vjpgen.parse import parse
from vjpgen.wishes import Wishes


@dataclass(frozen=True, slots=True)
class GeneratedExternal:
    """A module that wraps a function outside JAX, and its tests.

    Attributes:
        spec: what was asked for.
        module: source of the module.
        tests: source of its pytest file.
    """

    spec: External
    module: str = field(repr=False)
    tests: str = field(repr=False)

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
            tests: where the tests go; default test_NAME.py beside the module.
            force: overwrite files that vjpgen did not generate.

        Raises:
            OutputError: a file cannot be written, or is not vjpgen's to overwrite.
        """
        from vjpgen import files

        module = Path(path)
        beside = module.with_name(f"test_{module.name}") if tests is None else Path(tests)
        files.write_all([(module, self.module), (beside, moved(self, module, beside))], force=force)
        return module, beside


def generate_external(
    target: str,
    *,
    args: str | Sequence[str],
    grad: Mapping[str, Any] | None = None,
    also: Mapping[str, str] | None = None,
    stop: str | Sequence[str] = (),
    missing: Mapping[str, str] | None = None,
    name: str | None = None,
    assume: str | Sequence[str] = (),
    elementwise: bool = False,
    call_dtype: str = "float64",
    output: str | os.PathLike[str] | None = None,
    tests_path: str | os.PathLike[str] | None = None,
    effort: str = "normal",
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
    templates: str | os.PathLike[str] | None = None,
) -> GeneratedExternal:
    """Generate the module that wraps a function outside JAX with a gradient, and its tests.

    Args:
        target: the function as `package.module:name`; it takes NumPy arrays (or numbers, see `elementwise`)
            and returns one real number for each point. It is looked up here and called by the module.
        args: its arguments in signature order.
        grad: by argument, the gradient as a formula over the arguments and the value `y`, which may call the
            function by its name and the functions of `also` by theirs.
        also: by the name that formulas use, further functions as `package.module:name`.
        stop: arguments to which no gradient flows.
        missing: by argument, "difference", "complex-step" or "zero": what stands in for a formula.
        name: name of the generated function; default the function's own.
        assume: conditions that every input satisfies; the tests choose their points accordingly.
        elementwise: whether the function takes single numbers, point after point.
        call_dtype: what the function gets: "float64", "float32", or "same" for the dtype of the arguments.
        output: where the module will be written; the tests import it from there.
        tests_path: where the tests will be written; default test_NAME.py beside the module.
        effort: how far the search for accurate forms of pure formulas goes: "low", "normal" or "high".
        timeout: seconds after which the work is abandoned.
        progress: called with the name of each step.
        templates: a folder of templates that stand in for vjpgen's own, see docs/templates.md.

    Raises:
        InputError: a name, a formula, a condition or a template cannot be used, or a gradient is missing.
        TimeoutReached: the work took longer than `timeout`.
    """
    settings.accept(effort=effort)
    spec = read(
        target,
        name=name,
        args=args,
        assume=_several(assume),
        grad=[(a, str(text)) for a, text in (grad or {}).items()],
        also=list((also or {}).items()),
        stop=_several(stop),
        missing=list((missing or {}).items()),
        elementwise=elementwise,
        call_dtype=call_dtype,
    )
    module_path = None if output is None else Path(output)
    beside = None if tests_path is None else Path(tests_path)
    styled = None if templates is None else Path(templates)
    if styled is not None:
        template_files.accepted(styled)
    with deadline.steps(timeout, progress) as step:
        step("looking the functions up")
        look_up(spec, [Path.cwd(), *([module_path.parent] if module_path else [])])
        command = command_again(spec.words, module_path, beside, effort, styled)
        spec = searched(spec, effort, step)
        return _render(spec, command, (module_path, beside, styled), step)


def look_up(spec: External, folders: Sequence[Path]) -> None:
    """Whether every function outside exists.

    Raises:
        OptionError: one cannot be imported or called.
    """
    dotted.look_up(spec.target, "--external", folders)
    for alias, name in spec.also:
        dotted.look_up(name, f"--also {alias}:", folders)


def _several(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def searched(spec: External, effort: str, step: Callable[[str], None]) -> External:
    """The same with every gradient that is a formula over the arguments alone in its most accurate form."""
    for j in formulas_without_calls(spec):
        from vjpgen import search

        step(f"searching for a stable form of the gradient to {spec.args[j]}")
        plain = Wishes(stop=spec.args)
        value = parse(spec.partials[j].text, args=spec.args, assume=spec.assume_text, wishes=plain)
        forms = search.search(value, effort=effort, prefer="accuracy")
        partials = list(spec.partials)
        partials[j] = replace(partials[j], expr=forms.values[0])
        anchors = (*spec.anchors, *forms.anchors)
        spec = replace(spec, partials=tuple(partials), anchors=anchors, searched=spec.searched | {j})
    return spec


def _render(
    spec: External,
    command: str,
    places: tuple[Path | None, Path | None, Path | None],
    step: Callable[[str], None],
) -> GeneratedExternal:
    from vjpgen import render_external, render_external_tests

    step("writing the module and its tests")
    output, tests, styled = places
    where = module_place(spec.name, output, tests)
    module = render_external.render_external(spec, command, styled)
    suite = render_external_tests.render_tests(spec, where, command, styled)
    return GeneratedExternal(spec, digest.signed(module), digest.signed(suite))


def moved(generated: GeneratedExternal, module: Path, tests: Path) -> str:
    """The tests of what was generated without `output`, looking for the module where it is written."""
    place = Path(os.path.relpath(module, tests.parent)).as_posix()
    return digest.signed(generated.tests.replace(f'"{generated.spec.name}.py"', f'"{place}"'))
