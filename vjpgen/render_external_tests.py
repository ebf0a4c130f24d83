"""The tests of an external function as the text of a pytest file, and the points at which they look."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np

from vjpgen.doc import heading_of_tests
from vjpgen.domain_points import inside, spec_of
from vjpgen.dotted import bindings
from vjpgen.errors import DomainError
from vjpgen.external import ZERO, External
from vjpgen.points import box
from vjpgen.printer import ATOM, source
from vjpgen.render_external import imported
from vjpgen.templating import Templates

_COUNT, _FEWEST, _DRAWS, _SEED = 48, 4, 20_000, 5
_WIDTH = 4.0  # of the ranges from which numbers are drawn
_BITS = 8  # of a bfloat16
_CORNERS = 16  # of the domain, at most


def render_tests(spec: External, module_path: str, command: str, folder: Path | None = None) -> str:
    """The test file's source, formatted.

    Args:
        spec: what is wrapped.
        module_path: where the module lies, as seen from the test file's folder.
        command: the command that generates both again.
        folder: a user's templates.

    Raises:
        TemplateRefused: they cannot be used.
    """
    templates = Templates(folder)
    imports, sources = bindings([spec.target], [spec.target.package])
    bound, _, rest = imported(spec)[1][spec.target].partition(".")
    stopped = [j for j, p in enumerate(spec.partials) if p.way == ZERO]
    held = [j for j in range(len(spec.args)) if j not in stopped]
    text = templates.render(
        "test_external.py.j2",
        header=heading_of_tests(
            [
                f"Tests of {spec.name}({', '.join(spec.args)}) = {spec.target}, a function outside JAX.",
                "Values are held against the function itself, the gradient against its central differences, "
                "extrapolated (Richardson 1911), within the error that these estimate (Ridders 1982).",
            ],
            spec.assume_text,
            command,
        ),
        imports=imports,
        module_path=json.dumps(module_path.replace("\\", "/")),
        name=spec.name,
        outside=sources[spec.target],
        title=str(spec.target),
        bound=bound,
        rest=rest,
        n_arguments=len(spec.args),
        arguments=", ".join(spec.args),
        held=held and _tuple(held),
        stopped=stopped and _tuple(stopped),
        epsilon="2.0**-23" if spec.call_dtype == "float32" else "2.0**-52",
        points=[_tuple(p) for p in points(spec).tolist()],
        inside=" & ".join(source(c, {}, ATOM) for c in spec.assume) or "True",
        same=spec.call_dtype == "same",
        dtype=spec.call_dtype,
        elementwise=spec.elementwise,
        twice=spec.twice and bool(held),
    )  # fmt: skip
    return templates.lay_out(text)


def _tuple(items: list[int] | list[float]) -> str:
    return f"({', '.join(map(repr, items))}{',' * (len(items) == 1)})"


def points(spec: External, count: int = _COUNT, seed: int = _SEED) -> np.ndarray:
    """Points that satisfy what is assumed, of ordinary size, each number with the bits of a bfloat16.

    Args:
        spec: what is wrapped.
        count: how many there are at most.
        seed: another one draws other points.

    Raises:
        DomainError: too few are found.
    """
    rng = np.random.default_rng(seed)
    bounds = [(low, max(low, high)) for low, high in zip(*box(spec_of(spec)), strict=True)]
    drawn = np.stack([_column(rng, low, high) for low, high in bounds], axis=1)
    corners = itertools.islice(itertools.product(*(_sides(low, high) for low, high in bounds)), _CORNERS)
    drawn = _rounded(np.concatenate([np.array(list(corners)), drawn]))
    found = list(dict.fromkeys(map(tuple, drawn[inside(spec, drawn)].tolist())))[:count]
    if len(found) < _FEWEST:
        said = " and ".join(spec.assume_text)
        hint = f"{_DRAWS} points were tried"
        raise DomainError(f"too few points satisfy the assumption: {said}", hint=hint)
    return np.array(found)


def _sides(low: float, high: float) -> tuple[float, float]:
    """A number near each end of the range that bounds leave, of ordinary size."""
    if np.isfinite(low) and np.isfinite(high):
        return low + (high - low) / 64, high - (high - low) / 64
    if np.isfinite(low):
        return low + 1 / 16, low + _WIDTH
    return (high - _WIDTH, high - 1 / 16) if np.isfinite(high) else (-_WIDTH / 2, _WIDTH / 2)


def _column(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Half from a plain range, half from logarithmic ones, on the side of the bounds that they leave."""
    near = 2.0 ** rng.uniform(-_WIDTH, _WIDTH / 2, _DRAWS)
    flat = rng.uniform(0.0, _WIDTH, _DRAWS)
    step = np.where(rng.random(_DRAWS) < 0.5, near, flat)
    if np.isfinite(low) and np.isfinite(high):
        share = np.where(step < _WIDTH / 2, rng.random(_DRAWS), 2.0 ** -rng.uniform(0.0, _BITS, _DRAWS))
        return low + (high - low) * np.where(rng.random(_DRAWS) < 0.5, share, 1 - share)
    if np.isfinite(low):
        return low + step
    return high - step if np.isfinite(high) else step * rng.choice([-1.0, 1.0], _DRAWS)


def _rounded(column: np.ndarray) -> np.ndarray:
    mantissa, exponent = np.frexp(column)
    return np.asarray(np.ldexp(np.round(mantissa * 2.0**_BITS) / 2.0**_BITS, exponent))
