"""The functions that JAX ships, against what vjpgen generates from their formulas.

    python scripts/jax_library.py [--only REGEX] [--points 512] [--jobs 2] [--write docs/jax_library.md]

Both sides are measured alike: compiled, float32, value and reverse-mode partials at points that no step of
the search has used, half over bit patterns and half in ordinary ranges, against exact arithmetic. Columns,
generated / JAX: mean bits of error log2(1 + ulps) of the value and of the partials, the worst ulps among
ordinary points, results that are not finite where the truth is, residual bytes per element.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
SEED = 777
COLUMNS = ("value", "grad", "worst", "bad", "resid")
BETTER = 0.05  # bits within which two means count as equal


def measured(row: dict[str, Any], points: int) -> dict[str, Any]:
    """The figures of one function on both sides."""
    from vjpgen import doc, render, residuals, search, verify
    from vjpgen import points as sampling
    from vjpgen.parse import parse

    spec = parse(row["expr"], name="f", assume=(row["pre"],) if "pre" in row else (), args=row.get("args"))
    plan = residuals.plan(search.search(spec), search.backward_bits)
    module = render.render_module(plan, doc.draft(plan, command="", notes=()))
    at = sampling.sample(spec, points, SEED)
    columns = [np.ascontiguousarray(at.at[:, k]) for k in range(len(spec.args))]
    arguments = ", ".join(spec.args)
    head = "import jax\nimport jax.numpy as jnp\n\n\n"
    library = f"{head}def f({arguments}):\n    return ({row['jax']})({arguments})\n"
    found: dict[str, Any] = {"name": row.get("name", row["jax"]), "expr": row["expr"]}
    found["why"] = row.get("why", "no reason is known")
    for who, source in (("", module), ("jax_", library)):
        got = verify.measure_source(source, "f", 1, False, columns)
        found |= {who + k: v for k, v in figures(got, at).items()}
    return found


def figures(got: Any, at: Any) -> dict[str, float]:
    """Mean bits of value and partials, worst ulps among ordinary points, non-finite results, bytes."""
    from vjpgen.floats import error_bits, representable, ulps

    n = len(at.at)
    bits: list[float] = []
    worst, bad = 0.0, 0
    pairs = [(got.values, at.truth_values), (got.partials, at.truth_partials)]
    for found, truth in pairs:
        for a, b in zip(np.asarray(found).reshape(n, -1).T, truth.reshape(n, -1).T, strict=True):
            counted = representable(b, np.float32)
            gap = ulps(np.ascontiguousarray(a), b)
            bits.append(float(error_bits(gap[counted]).mean()))
            ordinary = gap[: at.ordinary][counted[: at.ordinary]]
            worst = max(worst, float(ordinary.max(initial=0.0)))
            bad += int((~np.isfinite(a[counted])).sum())
    return {
        "value": bits[0], "grad": float(np.mean(bits[1:])), "worst": worst, "bad": float(bad),
        "resid": float(got.residual_bytes),
    }  # fmt: skip


def verdict(r: dict[str, Any]) -> str:
    """Empty where the generated function is as good or better in value and gradient, else what is not."""
    worse = [k for k in ("value", "grad") if r[k] > r["jax_" + k] + BETTER]
    if r["bad"] > r["jax_bad"]:
        worse.append("bad")
    return f"{', '.join(worse)}: {r['why']}" if worse else ""


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, one function a row."""
    import jax

    lines = [
        "# What JAX ships, and what vjpgen generates",
        "",
        f"Written by `scripts/jax_library.py` with jax {jax.__version__} on {jax.default_backend()}, float32;"
        " each cell is generated / JAX.",
        "",
        *(line.strip() for line in (__doc__ or "").split("\n\n")[2].splitlines()),
        "",
        "| function | formula | value bits | gradient bits | worst ulps, ordinary points | not finite"
        " | residual bytes | worse in, and why |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        cells = [
            f"{r['value']:.2f} / {r['jax_value']:.2f}", f"{r['grad']:.2f} / {r['jax_grad']:.2f}",
            f"{ulps_text(r['worst'])} / {ulps_text(r['jax_worst'])}", f"{r['bad']:.0f} / {r['jax_bad']:.0f}",
            f"{r['resid']:.0f} / {r['jax_resid']:.0f}", verdict(r),
        ]  # fmt: skip
        formula = r["expr"].replace("|", "\\|")
        lines.append(f"| {r['name']} | `{formula}` | {' | '.join(cells)} |")
    means = [np.mean([r[k] for r in rows]) for c in ("value", "grad") for k in (c, f"jax_{c}")]
    text = "Means over {} functions: value {:.2f} / {:.2f}, gradient {:.2f} / {:.2f} bits."
    lines += ["", text.format(len(rows), *means)]
    return "\n".join(lines) + "\n"


def ulps_text(u: float) -> str:
    return f"{u:.0f}" if u < 1e4 else f"{u:.0e}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="regular expression on the name")
    parser.add_argument("--points", type=int, default=512)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    cases = [
        r for r in json.loads((HERE / "jax_library.json").read_text()) if re.search(options.only, r["jax"])
    ]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        rows = list(pool.map(measured, cases, [options.points] * len(cases)))
    text = table(rows)
    print(text, end="")
    if options.write:
        options.write.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
