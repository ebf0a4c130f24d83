"""What other tools make of a formula and its gradient, beside what vjpgen generates.

    pip install sympy2jax pytensor symforce
    python scripts/comparison.py [--only REGEX] [--points 512] [--write docs/comparison.md]

All are measured alike: float32, value and reverse-mode partials at points that no step of the search has
used, half over bit patterns and half in ordinary ranges, against exact arithmetic. Each cell is mean bits of
error log2(1 + ulps) of the value / of the partials / results that are not finite where the truth is.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jax_library import figures

SEED = 777
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"
FORMULAS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("log(1 + exp(x))", ()),
    ("1/(1 + exp(-x))", ()),
    ("x*tanh(log(1 + exp(x)))", ()),
    ("log(cosh(x))", ()),
    ("log(1 - exp(-x))", ("x > 0",)),
    ("sqrt(1 + x**2) - 1", ()),
    ("(exp(x) - 1)/x", ()),
    ("sin(x)/x", ()),
    ("sqrt(x**2 + y**2)", ()),
    ("log(exp(x) + exp(y))", ()),
    ("x*log(1 + y)", ("y > -1",)),
)
HEAD = "import jax\nimport jax.numpy as jnp\n\n\n"


@dataclass(frozen=True)
class Got:
    """Results at n points: (n, 1) values and (n, 1, a) partials."""

    values: Any
    partials: Any
    residual_bytes: float = 0.0


def plain(spec: Any, columns: Sequence[Any]) -> Any:
    """The formula in jax.numpy, differentiated by JAX."""
    from vjpgen import render, verify

    return verify.measure_source(render.render_plain(spec), spec.name, 1, False, columns)


def generated(spec: Any, columns: Sequence[Any]) -> Any:
    """What vjpgen generates."""
    from vjpgen import doc, render, residuals, search, verify

    plan = residuals.plan(search.search(spec), search.backward_bits)
    module = render.render_module(plan, doc.draft(plan, command="", notes=()))
    return verify.measure_source(module, spec.name, 1, False, columns)


def by_sympy2jax(spec: Any, columns: Sequence[Any]) -> Any:
    """sympy2jax's module of the sympy expression, differentiated by JAX."""
    from vjpgen import verify

    names = ", ".join(spec.args)
    called = ", ".join(f"{a}={a}" for a in spec.args)
    module = f"MODULE = sympy2jax.SymbolicModule(sympy.sympify({spec.text!r}))"
    function = f"def {spec.name}({names}):\n    return MODULE({called})"
    source = f"{HEAD}import sympy\nimport sympy2jax\n\n{module}\n\n\n{function}\n"
    return verify.measure_source(source, spec.name, 1, False, columns)


def by_pytensor(spec: Any, columns: Sequence[Any]) -> Got:
    """PyTensor's compiled function of the formula and of its gradient, with its default rewrites."""
    import pytensor
    import pytensor.tensor as pt
    import sympy

    operands = [pt.vector(a, dtype="float32") for a in spec.args]
    names = {n: getattr(pt, n) for n in ("exp", "log", "tanh", "cosh", "sqrt", "sin")}
    value = sympy.lambdify(sympy.symbols(spec.args), sympy.sympify(spec.text), modules=[names])(*operands)
    compiled = pytensor.function(operands, [value, *pytensor.grad(value.sum(), operands)], mode="JAX")
    found = [np.asarray(r, np.float32) for r in compiled(*columns)]
    return Got(found[0][:, None], np.stack(found[1:], 1)[:, None, :])


def by_symforce(spec: Any, columns: Sequence[Any]) -> Got:
    """symforce's expressions of the formula and of its derivatives, in jax.numpy."""
    import jax
    import symforce.symbolic as sf
    import sympy

    operands = [sf.Symbol(a) for a in spec.args]
    value = sf.S(spec.text)
    texts = [str(value), *(str(value.diff(a)) for a in operands)]
    found = []
    for text in texts:
        function = sympy.lambdify(sympy.symbols(spec.args), sympy.sympify(text, evaluate=False), "jax")
        found.append(np.asarray(jax.jit(function)(*columns), np.float32))
    return Got(found[0][:, None], np.stack(found[1:], 1)[:, None, :])


TOOLS: tuple[tuple[str, Callable[[Any, Sequence[Any]], Any]], ...] = (
    ("plain JAX", plain), ("sympy2jax", by_sympy2jax), ("symforce", by_symforce), ("PyTensor", by_pytensor),
    ("vjpgen", generated),
)  # fmt: skip


def measured(text: str, assume: tuple[str, ...], points: int) -> list[dict[str, float]]:
    """The figures of one formula, tool by tool."""
    from vjpgen import points as sampling
    from vjpgen.parse import parse

    spec = parse(text, name="f", assume=assume)
    at = sampling.sample(spec, points, SEED)
    columns = [np.ascontiguousarray(at.at[:, k]) for k in range(len(spec.args))]
    return [figures(tool(spec, columns), at) for _, tool in TOOLS]


def table(rows: Sequence[tuple[str, tuple[str, ...], list[dict[str, float]]]], points: int) -> str:
    """A Markdown table, one formula a row."""
    names = ("jax", "sympy2jax", "symforce", "pytensor", "numpy")
    used = ", ".join(f"{name} {version(name)}" for name in names)
    lines = [
        f"Written by `scripts/comparison.py`: {points} float32 points each, on the CPU, {used}.",
        "",
        f"| formula | {' | '.join(name for name, _ in TOOLS)} |",
        f"|---|{'---|' * len(TOOLS)}",
    ]
    for text, assume, found in rows:
        cells = [f"{r['value']:.2f} / {r['grad']:.2f} / {r['bad']:.0f}" for r in found]
        domain = f", {assume[0]}" if assume else ""
        lines.append(f"| `{text}`{domain} | {' | '.join(cells)} |")
    means = [
        " / ".join(f"{np.mean([f[i][k] for _, _, f in rows]):.2f}" for k in ("value", "grad", "bad"))
        for i in range(len(TOOLS))
    ]
    return "\n".join([*lines, f"| mean of {len(rows)} | {' | '.join(means)} |"]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="regular expression on the formula")
    parser.add_argument("--points", type=int, default=512)
    parser.add_argument("--write", type=Path, help="Markdown file whose table is replaced")
    options = parser.parse_args()
    rows = [(t, a, measured(t, a, options.points)) for t, a in FORMULAS if re.search(options.only, t)]
    text = table(rows, options.points)
    print(text, end="")
    if options.write:
        head, _, rest = options.write.read_text().partition(BEGIN)
        options.write.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
