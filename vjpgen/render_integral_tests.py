"""The tests of an integral as the text of a pytest file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vjpgen import render_implicit_tests
from vjpgen.expr import variables
from vjpgen.integral import Integral
from vjpgen.roots import Reference
from vjpgen.templating import Templates


def render_tests(
    spec: Integral,
    references: Sequence[Reference],
    errors: Sequence[Sequence[float]],
    module_path: str,
    command: str,
    folder: Path | None = None,
) -> str:
    """The test file's source, formatted.

    Args:
        spec: what is integrated.
        references: exact integrals, those at the ends of the domain first.
        errors: measured at each of the references, of the value and of each partial, in ulps.
        module_path: where the module lies, as seen from the test file's folder.
        command: the command that generates both again.
        folder: a user's templates.

    Raises:
        TemplateRefused: they cannot be used.
    """
    templates = Templates(folder)
    held = variables(spec.integrand, *spec.limits)
    text = templates.render(
        "test_integral.py.j2",
        **render_implicit_tests.variables(
            spec, "exact integrals, found in ball arithmetic", references, errors, module_path, command
        ),
        used=repr(tuple(j for j, a in enumerate(spec.args) if a in held)),
        kept="inputs",
    )
    return templates.lay_out(text)
