"""The tests of the solution of several equations as the text of a pytest file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vjpgen.expr import variables
from vjpgen.render_implicit_tests import row_of, shared
from vjpgen.system import System
from vjpgen.system_roots import Solution
from vjpgen.templating import Templates


def render_tests(
    spec: System,
    references: Sequence[Solution],
    errors: Sequence[Sequence[float]],
    module_path: str,
    command: str,
    folder: Path | None = None,
) -> str:
    """The test file's source, formatted.

    Args:
        spec: what is solved.
        references: exact solutions, those at the ends of the domain first.
        errors: measured at each of the references, of each value and its partials, in ulps.
        module_path: where the module lies, as seen from the test file's folder.
        command: the command that generates both again.
        folder: a user's templates.

    Raises:
        TemplateRefused: they cannot be used.
    """
    templates = Templates(folder)
    held = variables(*spec.residuals)
    rows = [
        row_of(r.at, r.values, [p for row in r.partials for p in row], r.second, e)
        for r, e in zip(references, errors, strict=True)
    ]
    quantities = [q for u in spec.unknowns for q in (u, *(f"d{u}/d{a}" for a in spec.args))]
    text = templates.render(
        "test_system.py.j2",
        **shared(spec, "exact solutions, certified in ball arithmetic", module_path, command),
        quantities=quantities,
        rows=rows,
        several=True,
        outputs=len(spec.unknowns),
        used=repr(tuple(j for j, a in enumerate(spec.args) if a in held)),
    )
    return templates.lay_out(text)
