"""The error against each argument as a still picture, for papers and slides."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from vjpgen import __version__
from vjpgen.extras import needed
from vjpgen.files import MARK
from vjpgen.floats import BAR
from vjpgen.survey import GENERATED, PLAIN, Contender, Quantity, Survey, positions

_COLOURS = {GENERATED: "#0072b2", PLAIN: "#d55e00"}  # told apart by colour-blind eyes (Okabe, Ito 2008)
_MARKERS = {GENERATED: "o", PLAIN: "^"}
_POWERS = (-20, 0, 20)
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "vjpgen",  # the same bytes every time
    "svg.fonttype": "none",
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def require() -> None:
    """Refuses where the library that draws is not installed.

    Raises:
        OptionError: matplotlib is missing.
    """
    needed("--plot", "matplotlib")


def picture(survey: Survey, kind: str) -> bytes:
    """One row for the value and for each partial; for each argument all floats, then ordinary ranges.

    Args:
        survey: what is shown.
        kind: "png" or "svg".

    Raises:
        OptionError: matplotlib is not installed.
    """
    require()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    quantities, args = survey.quantities, survey.spec.args
    size = 3.2 * 2 * max(1, len(args)), 1.9 * len(quantities) + 0.4
    with rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained", dpi=200)
        axes = figure.subplots(len(quantities), 2 * len(args), squeeze=False, sharey=True)
        for i, q in enumerate(quantities):
            for j in range(len(args)):
                _draw(axes[i, 2 * j], survey, q, j, ordinary=False)
                _draw(axes[i, 2 * j + 1], survey, q, j, ordinary=True)
            axes[i, 0].set_ylabel(f"{q.label}: bits of error", parse_math=False)
        figure.legend(
            *axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(survey.contenders)
        )
        written = io.BytesIO()
        mark = f"{MARK} {__version__}"
        about = {"Software": mark} if kind == "png" else {"Date": None, "Creator": None}
        figure.savefig(written, format=kind, metadata=about)
    if kind == "png":
        return written.getvalue()
    head, _, rest = written.getvalue().partition(b"\n")
    return head + f"\n<!-- {mark} -->\n".encode() + rest


def _draw(axis: Any, survey: Survey, q: Quantity, j: int, *, ordinary: bool) -> None:
    rows = slice(0, survey.ordinary if ordinary else survey.drawn)
    x = survey.exact.at[rows][:, j]
    for c in reversed(survey.contenders):
        look = {"s": 5, "linewidths": 0, "alpha": 0.7, "rasterized": True}
        axis.scatter(
            x if ordinary else positions(x),
            survey.bits(c, q)[rows],
            color=_colour(c),
            marker=_MARKERS.get(c.name, "s"),
            label=c.name,
            **look,
        )
    axis.axhline(np.log2(1 + BAR), color="0.5", linewidth=0.6, linestyle=":")
    axis.set_ylim(-1, 33)
    axis.set_xlabel(survey.spec.args[j], parse_math=False)
    if ordinary:
        along = survey.exact.at[survey.curves[j].rows][:, j]
        axis.set_xlim(float(along.min()), float(along.max()))
        return
    sides = [s for s, some in ((-1, (x < 0).any()), (1, (x > 0).any())) if some]
    marks = [s * 10.0**p for s in sides for p in _POWERS]
    names = [f"${'-' * (s < 0)}10^{{{p}}}$" if p else f"${s}$" for s in sides for p in _POWERS]
    axis.set_xticks(positions(np.array(marks, np.float32)), names)


def _colour(c: Contender) -> str:
    return _COLOURS.get(c.name, "#009e73")
