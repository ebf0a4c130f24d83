"""The tests of the solution of an equation as the text of a pytest file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from vjpgen.doc import heading_of_tests
from vjpgen.implicit import Implicit
from vjpgen.roots import Reference
from vjpgen.templating import Templates

LOOSE = 4  # ulps that every quantity is allowed


def render_tests(
    spec: Implicit,
    references: Sequence[Reference],
    outside: Sequence[Sequence[float]],
    errors: Sequence[Sequence[float]],
    module_path: str,
    command: str,
    folder: Path | None = None,
) -> str:
    """The test file's source, formatted.

    Args:
        spec: what is solved.
        references: exact solutions, those at the ends of the domain first.
        outside: points without a solution.
        errors: measured at each of the references, of the value and of each partial, in ulps.
        module_path: where the module lies, as seen from the test file's folder.
        command: the command that generates both again.
        folder: a user's templates.

    Raises:
        TemplateRefused: they cannot be used.
    """
    templates = Templates(folder)
    text = templates.render(
        "test_implicit.py.j2",
        **variables(
            spec,
            "exact solutions, certified in ball arithmetic",
            references,
            errors,
            module_path,
            command,
        ),
        outside=[_tuple(p) for p in outside],
        kept="inputs and output",
    )  # fmt: skip
    return templates.lay_out(text)


class Titled(Protocol):
    """What a module was generated from."""

    @property
    def name(self) -> str: ...
    @property
    def args(self) -> tuple[str, ...]: ...
    @property
    def title(self) -> str: ...
    @property
    def assume_text(self) -> tuple[str, ...]: ...


def variables(
    spec: Titled,
    exact: str,
    references: Sequence[Reference],
    errors: Sequence[Sequence[float]],
    module_path: str,
    command: str,
) -> dict[str, Any]:
    """What the template of tests against `exact` references is told."""
    return {
        **shared(spec, exact, module_path, command),
        "quantities": ["value", *(f"d/d{a}" for a in spec.args)],
        "rows": [
            row_of(r.at, r.value, r.partials, r.second, e) for r, e in zip(references, errors, strict=True)
        ],
        "several": False,
    }


def shared(spec: Titled, exact: str, module_path: str, command: str) -> dict[str, Any]:
    """What is told whatever the number of outputs."""
    about = [f"Tests of {spec.title}.", f"Values and partials are held against {exact}."]
    return {
        "header": heading_of_tests(about, spec.assume_text, command),
        "module_path": json.dumps(module_path.replace("\\", "/")),
        "name": spec.name,
        "n_arguments": len(spec.args),
        "loose": LOOSE,
    }


def row_of(
    at: Sequence[float],
    value: float | Sequence[float],
    partials: Sequence[float],
    second: Sequence[Sequence[float]],
    errors: Sequence[float],
) -> str:
    """A point, what is exact there, and bounds from the errors measured there."""
    bounds = [max(LOOSE, 2 * int(e)) for e in errors]
    found = _number(value) if isinstance(value, float) else _tuple(value)
    rows = f"({', '.join(map(_tuple, second))},)"
    return f"({_tuple(at)}, {found}, {_tuple(partials)}, {rows}, {_tuple(bounds)})"


def _tuple(items: Sequence[float]) -> str:
    return f"({', '.join(map(_number, items))},)"


def _number(x: float) -> str:
    return {"nan": "NAN", "inf": "INF", "-inf": "-INF"}.get(repr(x), repr(x))
