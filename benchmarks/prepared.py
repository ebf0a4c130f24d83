"""Folders that `prepare.py` writes and the benchmarks read: cases, each with the modules that compete.

A folder holds `cases.json` with the fields of `Case` and the reasons of `Prepared.left_out`, `points.npz`
with the inputs of every case, `exact.npz` with the exact results there, and `STEM_generated.py`,
`STEM_plain.py` and, where JAX has the function, `STEM_jax.py`. Reading one takes jax and numpy.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

GENERATED, PLAIN, JAX = "generated", "plain", "jax"
_CASES, _POINTS, _EXACT = "cases.json", "points.npz", "exact.npz"


class PreparedError(Exception):
    """A folder or an option that a benchmark cannot use."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How right one contender is at the points of its case, measured on the machine that prepared them.

    Attributes:
        value, gradient: mean bits of error, log2(1 + ulps), over the outputs and over the partials.
        bad: results that are not finite where the exact ones are, of values and partials together.
        residual_bytes: what the backward pass keeps, per element.
    """

    value: float
    gradient: float
    bad: int
    residual_bytes: float


@dataclass(frozen=True, slots=True)
class Case:
    """One formula.

    Attributes:
        name: as the list of formulas has it.
        stem: of the files, and the function's name in each of them.
        formula: what was typed.
        arguments, outputs: how many.
        ordinary: how many of the points, the first ones, are from ordinary ranges.
        jax: JAX's own function as text, or "".
        accuracy: by contender, of `GENERATED`, `PLAIN` and `JAX`.
    """

    name: str
    stem: str
    formula: str
    arguments: int
    outputs: int
    ordinary: int
    jax: str
    accuracy: dict[str, Accuracy]

    @property
    def contenders(self) -> tuple[str, ...]:
        """Those that there is a module of."""
        return tuple(self.accuracy)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a folder holds.

    Attributes:
        folder: where it lies.
        cases: what can be run.
        left_out: why the others cannot, by name.
    """

    folder: Path
    cases: tuple[Case, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    def points(self, case: Case, *, ordinary: bool) -> list[np.ndarray]:
        """One float32 array of inputs per argument, all in the domain of the formula."""
        with np.load(self.folder / _POINTS) as file:
            at = file[case.stem]
        if ordinary and case.ordinary:
            at = at[: case.ordinary]
        return [np.ascontiguousarray(column) for column in at.T]

    def exact(self, case: Case) -> np.ndarray:
        """Float64, one row for each point: values, then partials output by output; nan where undefined."""
        with np.load(self.folder / _EXACT) as file:
            return np.asarray(file[case.stem])

    def function(self, case: Case, contender: str) -> Callable[..., tuple[Any, ...]]:
        """The contender as a function of arrays of one shape that returns a tuple of such arrays."""
        path = self.folder / f"{case.stem}_{contender}.py"
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module  # dataclasses look their own module up
        spec.loader.exec_module(module)
        f = getattr(module, case.stem)

        def outputs(*at: Any) -> tuple[Any, ...]:
            found = f(*at)
            found = found if isinstance(found, tuple) else (found,)
            return tuple(jnp.broadcast_to(jnp.asarray(y, at[0].dtype), at[0].shape) for y in found)

        return outputs


def write(
    found: Prepared,
    points: dict[str, np.ndarray],
    exact: dict[str, np.ndarray],
    sources: dict[tuple[str, str], str],
) -> None:
    """Write a folder; inputs and exact results by stem, the modules' texts by stem and contender."""
    found.folder.mkdir(parents=True, exist_ok=True)
    for (stem, contender), text in sources.items():
        (found.folder / f"{stem}_{contender}.py").write_text(text)
    np.savez_compressed(found.folder / _POINTS, **points)
    np.savez_compressed(found.folder / _EXACT, **exact)
    record = {"cases": [asdict(c) for c in found.cases], "left_out": found.left_out}
    (found.folder / _CASES).write_text(json.dumps(record, indent=1) + "\n")


def read(folder: Path, only: re.Pattern[str]) -> Prepared:
    """Read a folder that `write` wrote, but only what has a name that matches.

    Raises:
        PreparedError: it is no such folder, or no name matches.
    """
    try:
        record = json.loads((folder / _CASES).read_text())
    except OSError:
        raise PreparedError(f"{folder} holds no {_CASES}: write it with prepare.py") from None
    cases = tuple(
        Case(**{**row, "accuracy": {who: Accuracy(**found) for who, found in row["accuracy"].items()}})
        for row in record["cases"]
        if only.search(row["name"])
    )
    if not cases:
        raise PreparedError(f"no formula in {folder} has a name like {only.pattern!r}")
    return Prepared(folder, cases, {k: v for k, v in record["left_out"].items() if only.search(k)})


def names(text: str) -> re.Pattern[str]:
    """The regular expression of an option, for argparse."""
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None


def count(text: str) -> int:
    """A whole number above zero, for argparse."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above zero")
    return int(text)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, the first column to the left and the others to the right."""
    lines = [columns, ("---", *("---:" for _ in columns[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
