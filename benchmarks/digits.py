"""How right generated rules are on the device at hand, beside autodiff of the plain formula and JAX's own.

    python benchmarks/digits.py FOLDER [--only REGEX] [--write FILE.md]

FOLDER is from `prepare.py`; jax and numpy are all that this needs. Each contender returns values and partials
in reverse mode at the points of the folder, in float32 and compiled; they are held against the exact results
that lie there. Bits are log2(1 + ulps), 32 where a result is not finite, means over the points whose exact
result is a normal number or zero, then over the outputs, or over the partials. Beside them stand the figures
of the generated rule on the machine that prepared the folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prepared import GENERATED, JAX, PLAIN, Case, Prepared, PreparedError, names, read, table

_BITS = 32.0
_INFO = np.finfo(np.float32)


@dataclass(frozen=True, slots=True)
class Found:
    """How right one contender is.

    Attributes:
        value, gradient: mean bits of error.
        bad: results that are not finite where the exact ones are.
    """

    value: float
    gradient: float
    bad: int


def results(prepared: Prepared, case: Case, who: str) -> np.ndarray:
    """One row for each point, as `Prepared.exact` has them."""
    f = prepared.function(case, who)

    def program(*at: Any) -> Any:
        values, pull = jax.vjp(f, *at)
        one, zero = jnp.ones_like(at[0]), jnp.zeros_like(at[0])
        bars = [tuple(one if k == i else zero for k in range(case.outputs)) for i in range(case.outputs)]
        return [*values, *(p for bar in bars for p in pull(bar))]

    return np.stack(jax.jit(program)(*prepared.points(case, ordinary=False)), axis=1)


def found(got: np.ndarray, exact: np.ndarray, outputs: int) -> Found:
    """The figures of one contender."""
    size = np.abs(exact)
    counted = (size <= float(_INFO.max)) & ((size >= float(_INFO.tiny)) | (exact == 0))
    bits = np.where(counted, error(got, exact), np.nan)
    columns = [c[~np.isnan(c)].mean() for c in bits.T[:outputs] if not np.isnan(c).all()]
    slopes = [c[~np.isnan(c)].mean() for c in bits.T[outputs:] if not np.isnan(c).all()]
    means = (float(np.mean(c)) if c else 0.0 for c in (columns, slopes))
    return Found(*means, int((counted & ~np.isfinite(got)).sum()))


def error(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """log2(1 + ulps) of float32 results; `vjpgen.floats` is not at hand."""
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.abs(place(got) - place(exact.astype(np.float32)))
    return np.where(np.isfinite(got), np.log2(1.0 + gap), _BITS)


def place(x: np.ndarray) -> np.ndarray:
    pattern = np.ascontiguousarray(x).view(np.int32).astype(np.int64)
    return np.where(pattern >= 0, pattern, -(pattern & 0x7FFFFFFF))


def row(case: Case, by: dict[str, Found]) -> list[str]:
    before = case.accuracy[GENERATED]
    shown = [case.name]
    for kind, then in (("value", before.value), ("gradient", before.gradient), ("bad", before.bad)):
        now = [getattr(by[who], kind) if who in by else None for who in (GENERATED, PLAIN, JAX)]
        shown += ["" if x is None else f"{x}" if kind == "bad" else f"{x:.2f}" for x in (then, *now)]
    return shown


def page(rows: Sequence[tuple[Case, dict[str, Found]]], failed: dict[str, str]) -> str:
    """The table in Markdown."""
    device = jax.devices()[0]
    kinds = ("value, bits", "gradient, bits", "not finite")
    columns = ["formula"] + [
        f"{k}: {who}" for k in kinds for who in ("where made", "generated", "plain", "jax")
    ]
    lines = [
        "# Accuracy on this device",
        "",
        f"Written by `benchmarks/digits.py` with jax {jax.__version__} on {device.platform}"
        f" ({device.device_kind}), float32. *Where made*: the generated rule on the machine that made it.",
        "",
        table(columns, [row(case, by) for case, by in rows]),
        "Means over the formulas:",
        "",
    ]
    for kind in ("value", "gradient", "bad"):
        then = np.mean([getattr(case.accuracy[GENERATED], kind) for case, _ in rows])
        means = [(who, np.mean([getattr(by[who], kind) for _, by in rows])) for who in (GENERATED, PLAIN)]
        lines.append(f"- {kind}: where made {then:.2f}, " + ", ".join(f"{who} {x:.2f}" for who, x in means))
    beside = [by for _, by in rows if JAX in by]
    if beside:
        told = (f"{k} {np.mean([getattr(by[w], k) for by in beside]):.2f} ({w})"
                for k in ("value", "gradient") for w in (GENERATED, JAX))  # fmt: skip
        lines.append(f"- where JAX has the function ({len(beside)}): " + ", ".join(told))
    lines += [f"- {name}: not run: {reason}" for name, reason in failed.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", type=names, default="", help="regular expression on the name")
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    given = parser.parse_args()
    try:
        prepared = read(given.folder, given.only)
    except PreparedError as error:
        parser.error(str(error))
    rows: list[tuple[Case, dict[str, Found]]] = []
    failed: dict[str, str] = {}
    for case in prepared.cases:
        exact = prepared.exact(case)
        try:
            rows.append(
                (
                    case,
                    {
                        who: found(results(prepared, case, who), exact, case.outputs)
                        for who in case.contenders
                    },
                )
            )
        except Exception as error:  # one formula that a backend refuses is no reason to lose the others
            failed[case.name] = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        if given.write and rows:
            given.write.write_text(page(rows, failed))
    if rows:
        print(page(rows, failed), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
