"""The figures of the documentation, from what is measured while this runs and from the tables of docs/.

python scripts/figures.py [--only NAME]

flow         from a formula to a module, step by step                       docs/figures/flow.svg
sampling     where the points lie at which forms are judged                 docs/figures/sampling.svg
forms        errors of several forms of one formula, and of the generated   docs/figures/forms.svg
jax_library  the gradients of docs/jax_library.md                           docs/figures/jax_library.svg
softplus     errors of softplus, as `vjpgen report --plot` draws them       docs/softplus.png
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

DOCS = Path(__file__).resolve().parents[1] / "docs"
LINE = 'stroke="#555" marker-end="url(#tip)" fill="none"'
PLAIN, OURS, OTHER, GREY = "#d55e00", "#0072b2", "#009e73", "#999999"  # Okabe, Ito 2008
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "vjpgen", "svg.fonttype": "none", "font.size": 9.0,
    "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip
STEPS = (  # what a step is called, what it gives, and what it knows
    ("parse", "Spec", "the language, by a grammar of its own"),
    ("derive", "Targets", "the value and every partial, in several equal shapes"),
    ("search", "Forms", "rules, e-graph, series, regimes; judged by running"),
    ("residuals", "Plan", "what is kept; judged from its rounded values"),
    ("render", "files", "templates over finished strings"),
    ("verify", "Report", "JAX: the compiled module at fresh points"),
)
EXACT = (
    "half of the points over bit patterns,",
    "half in ordinary ranges;",
    "values and partials by Arb,",
    "from the formula as typed;",
    "precision is raised at each point",
    "until the result rounds",
)
LOBE = "(1 - cos(x))/x**2"
SHAPES = (
    ("as typed", LOBE, PLAIN, "^"),
    ("2*(sin(x/2)/x)**2", "2*(sin(x/2)/x)**2", OTHER, "s"),
    ("four terms of its series", "1/2 - x**2/24 + x**4/720 - x**6/40320", GREY, "v"),
)


def flow() -> str:
    """The steps, each with what it gives, and the exact arithmetic that judges them."""
    high, left, wide, step, top = 46, 20, 330, 76, 84
    middle, bottom = left + wide / 2, step * len(STEPS) + top
    parts = [box(left, 10, wide, 34, "log(1+exp(x))"), arrow(middle, 44, top - 2)]
    for k, (name, gives, knows) in enumerate(STEPS):
        y = step * k + top
        parts.append(box(left, y, wide, high, name, knows, "#e8f1f8"))
        parts.append(arrow(middle, y + high, y + step - 2, gives))
    parts.append(box(left, bottom, wide, 34, "softplus.py, test_softplus.py"))
    x, first, last = left + wide + 70, 2 * step + top, 5 * step + top
    parts.append(box(x, first, 250, last - first + high, "exact arithmetic", "", "#fdf1e6"))
    parts += [text(x + 125, first + 85 + 22 * k, line, 12) for k, line in enumerate(EXACT)]
    for k in (2, 3, 5):  # the steps that judge by it
        parts.append(f'<path d="M{x} {step * k + top + high / 2}H{left + wide + 4}" {LINE}/>')
    size = f'viewBox="0 0 690 {bottom + 44}" width="690" height="{bottom + 44}"'
    shape = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" fill="#222">'
    about = "<title>From a formula to a module: parse, derive, search, residuals, render, verify</title>"
    defs = f'<defs><marker id="tip" {shape}><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>'
    return "\n".join([head, about, defs, *parts, "</svg>"]) + "\n"


def box(
    x: float, y: float, wide: float, high: float, title: str, below: str = "", colour: str = "#ffffff"
) -> str:
    """A rounded box with a title, and a line below it."""
    drawn = f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" rx="6" fill="{colour}" stroke="#555"/>'
    first = text(x + wide / 2, y + (20 if below else 22), title, 14, "bold")
    return drawn + first + (text(x + wide / 2, y + 37, below, 11) if below else "")


def text(x: float, y: float, said: str, size: int, weight: str = "normal") -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="middle"'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(said)}</text>'


def arrow(x: float, start: float, end: float, said: str = "") -> str:
    """An arrow downwards, with what is handed on beside it."""
    line = f'<path d="M{x:g} {start:g}V{end:g}" {LINE}/>'
    return line + (text(x + 34, (start + end) / 2 + 3, said, 11) if said else "")


def sampling(axes: Any) -> None:
    """How many points lie at each magnitude, by where they are drawn from."""
    from vjpgen import points
    from vjpgen.parse import parse

    at = points.sample(parse("log(1 + exp(x))", name="f"), 4096, 0)
    magnitude = [np.log2(np.abs(rows[rows != 0])) for rows in (at.at[: at.ordinary], at.at[at.ordinary :])]
    names = ["from ordinary ranges", "from all bit patterns"]
    axes.hist(magnitude, bins=range(-128, 132, 4), stacked=True, color=[OURS, PLAIN], label=names)
    axes.set_xlabel("magnitude of x, as a power of 2")
    axes.set_ylabel("points of 4,096")
    axes.legend(frameon=False)


def forms(axes: Any) -> None:
    """Bits of error of every form of one formula against x."""
    from vjpgen import oracle, render, verify
    from vjpgen.floats import error_bits, ulps
    from vjpgen.parse import parse
    from vjpgen.pipeline import generate

    x = np.geomspace(1e-4, 20, 700).astype(np.float32)
    exact = oracle.truth_of(parse(LOBE, name="f")).values(x[:, None].astype(np.float64))[:, 0]
    modules = [(name, render.render_plain(parse(s, name="f")), c, m) for name, s, c, m in SHAPES]
    modules.append(("generated", generate(LOBE, name="f").module, OURS, "o"))
    for name, source, colour, mark in modules:
        got = verify.measure_source(source, "f", 1, False, [x])
        bits = error_bits(ulps(np.ascontiguousarray(got.values[:, 0]), exact))
        look = {"s": 7, "linewidths": 0, "alpha": 0.7, "rasterized": True}
        axes.scatter(x, bits, color=colour, marker=mark, label=name, **look)
    axes.set_xscale("log")
    axes.set_xlabel("x")
    axes.set_ylabel("bits of error")
    axes.legend(frameon=False, markerscale=2)


def jax_library(axes: Any) -> None:
    """Mean bits of error of the gradients, generated and JAX's own, function by function."""
    rows = []
    for line in (DOCS / "jax_library.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if line.startswith("| jax.") or line.startswith("| jnp."):
            ours, theirs = map(float, cells[4].split("/"))
            rows.append((theirs, ours, cells[1]))
    rows.sort()
    place = range(len(rows))
    axes.hlines(place, [r[1] for r in rows], [r[0] for r in rows], color="0.8", linewidth=1)
    axes.scatter([r[0] for r in rows], place, s=18, color=PLAIN, marker="^", label="JAX's own", zorder=2)
    axes.scatter([r[1] for r in rows], place, s=18, color=OURS, label="generated", zorder=3)
    axes.set_yticks(place, [r[2] for r in rows], fontsize=7)
    axes.set_xlabel("mean bits of error of the gradient, float32")
    axes.legend(frameon=False, loc="lower right")


def softplus() -> None:
    """The picture that the command draws."""
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder) / "softplus.html", DOCS / "softplus.png"
        where = ["-o", str(page), "--plot", str(picture), "--force"]
        words = ["report", "log(1+exp(x))", "--beside", "jax.nn:softplus", *where]
        subprocess.run([sys.executable, "-m", "vjpgen", *words], check=True)


def draw(name: str, size: tuple[float, float], fill: Callable[[Any], None]) -> None:
    """A figure of matplotlib, the same bytes every time."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        fill(figure.subplots())
        figure.savefig(DOCS / "figures" / f"{name}.svg", dpi=200, metadata={"Date": None, "Creator": None})


FIGURES: dict[str, Callable[[], object]] = {
    "flow": lambda: (DOCS / "figures" / "flow.svg").write_text(flow(), encoding="utf-8"),
    "sampling": lambda: draw("sampling", (6.5, 2.6), sampling),
    "forms": lambda: draw("forms", (6.5, 3.2), forms),
    "jax_library": lambda: draw("jax_library", (6.5, 6.5), jax_library),
    "softplus": softplus,
}


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=FIGURES, help="one figure alone")
    only = parser.parse_args(words).only
    for name, make in FIGURES.items():
        if only in (None, name):
            make()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
