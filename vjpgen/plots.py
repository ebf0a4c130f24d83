"""The plots of the report, interactive: error against each argument, curves, accuracy against cost.

bokeh draws them in the browser from data alone; no program of ours travels inside a plot.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vjpgen.extras import missing, needed
from vjpgen.floats import BAR, Array
from vjpgen.survey import GENERATED, PLAIN, Contender, Curve, Quantity, Survey, named, positions

LIBRARIES = "bokeh", "pygments"
COLOURS = {GENERATED: "#1f7ac8", PLAIN: "#d9681d"}
BESIDE = "#169c70"
MARKERS = {GENERATED: ("circle", "\u25cf"), PLAIN: ("triangle", "\u25b2")}  # bokeh's name, and a character
SQUARE = "square", "\u25a0"
DASHES = {GENERATED: ("solid", "\u2501"), PLAIN: ("dashed", "\u2505")}
DOTS = "dotted", "\u2508"
ULPS = (0, 1, 2, 4, 8, 12, 16, 20, 24, 28)  # bits of error that have a label in ulps
LOST = 32.0  # bits of error of a result that is not finite
_ERRORS, _CURVES = 300_000, 100_000  # characters that the points of plots may take, all together
_NUMBER = 5.4  # characters that a number takes
_INK = "#7d7d7d"  # readable on white and on black, until the page knows which it is


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot.

    Attributes:
        place: the id of its element in the page.
        title: what it shows, in a few words.
        said: the same in a sentence, for those who do not see it.
        scale: "patterns" where the horizontal axis counts floats, "plain", or "front".
        item: bokeh's document, as plain data.
        key: what the marks mean: a mark, its colour and the name of what it shows.
    """

    place: str
    title: str
    said: str
    scale: str
    item: Any
    key: tuple[tuple[str, str, str], ...] = ()


def installed() -> bool:
    """Whether the libraries of the report are installed."""
    return not missing(*LIBRARIES)


def require() -> None:
    """Refuses where the libraries of the report are not installed.

    Raises:
        OptionError: bokeh or pygments is missing.
    """
    needed("the report", *LIBRARIES)


def script() -> str:
    """bokeh's own program, which the page carries along."""
    from bokeh.resources import Resources

    parts = Resources(mode="inline", components=["bokeh"], log_level="error").js_raw
    return "\n".join(parts).replace("</script", "<\\/script")


def of_errors(survey: Survey, q: Quantity, place: str) -> list[Plot]:
    """Error against each argument: over all floats, and over ordinary ranges."""
    plots = []
    for j, arg in enumerate(survey.spec.args):
        for ordinary in (False, True):
            where = "in ordinary ranges" if ordinary else "over all floats"
            title = f"Error of {q.label} against {arg}, {where}"
            plots.append(
                _plot(
                    f"{place}-{j}-{'ordinary' if ordinary else 'all'}",
                    title,
                    f"{title}: {_told(survey, q)}",
                    "plain" if ordinary else "patterns",
                    _errors(survey, q, j, ordinary),
                    tuple((MARKERS.get(c.name, SQUARE)[1], colour(c), c.name) for c in survey.contenders),
                )
            )
    return plots


def of_curves(survey: Survey, q: Quantity, place: str) -> list[Plot]:
    """The quantity itself along each argument."""
    plots = []
    for j, (arg, curve) in enumerate(zip(survey.spec.args, survey.curves, strict=True)):
        held = f", at {', '.join(f'{a} = {v:.6g}' for a, v in curve.fixed)}" if curve.fixed else ""
        title = f"{q.label} against {arg}{held}"
        said = f"{title}: the exact curve, and what each way to compute it returns"
        key = [(DASHES.get(c.name, DOTS)[1], colour(c), c.name) for c in survey.contenders]
        key.append(("\u2588", _INK, "exact"))
        drawn = _curve(survey, q, j, curve)
        plots.append(_plot(f"{place}-{j}-curve", title, said, "plain", drawn, tuple(key)))
    return plots


def of_front(front: Sequence[tuple[float, float, str]], form: str, label: str, place: str) -> Plot:
    """Accuracy against cost of the forms that no other beats in both."""
    from bokeh.models import ColumnDataSource

    figure = _figure("cost (an addition is 1)", "mean bits of error in the search")
    costs, bits, forms = zip(*front, strict=True)
    source = ColumnDataSource({"cost": costs, "bits": bits, "form": [f[:300] for f in forms]})
    figure.step("cost", "bits", source=source, mode="after", color=_INK)
    figure.scatter("cost", "bits", source=source, size=9, color=COLOURS[GENERATED])
    chosen = [(c, b) for c, b, f in front if f == form]
    if chosen:
        figure.scatter(*zip(*chosen, strict=True), size=18, color=_INK, fill_alpha=0, line_width=2)
    _hover(figure, [("cost", "@cost{%.4g}"), ("bits", "@bits{%.3f}"), ("form", "@form")], ("cost", "bits"))
    title = f"Accuracy against cost of forms of {label}"
    return _plot(f"{place}-front", title, f"{title}: {len(front)} forms, listed below", "front", figure)


def _told(survey: Survey, q: Quantity) -> str:
    found = ((c.name, survey.figures(c, q)) for c in survey.contenders)
    return "; ".join(f"{name} mean {f.mean_bits:.2f} bits, at most {f.max_ulps:.6g} ulp" for name, f in found)


def _plot(
    place: str,
    title: str,
    said: str,
    scale: str,
    figure: Any,
    key: tuple[tuple[str, str, str], ...] = (),
) -> Plot:
    from bokeh.core.types import ID
    from bokeh.embed import json_item

    return Plot(place, title, said, scale, json_item(figure, ID(place)), key)


def packed(plots: Sequence[Plot]) -> str:
    """The documents of some plots by their places, as JSON under gzip in base64."""
    text = json.dumps({p.place: p.item for p in plots}, separators=(",", ":"))
    return b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _errors(survey: Survey, q: Quantity, j: int, ordinary: bool) -> Any:
    from bokeh.models import ColumnDataSource, FixedTicker

    args, rows = survey.spec.args, _rows(survey, q, ordinary)
    place = (lambda x: x) if ordinary else positions
    at = survey.exact.at
    shown: dict[str, Array] = {f"arg{k}": at[rows, k] for k in range(len(args))}
    shown["x"] = place(at[rows, j])
    reach = at[survey.curves[j].rows, j] if ordinary else shown["x"]
    figure = _figure(args[j], "bits of error", x_range=_wider(reach), y_range=(-0.7, LOST + 1))
    bits = [survey.bits(c, q).astype(np.float32) for c in survey.contenders]
    shown |= {f"bits{k}": column[rows] for k, column in enumerate(bits)}
    source = ColumnDataSource(shown)
    for k, c in reversed([*enumerate(survey.contenders)]):  # the first on top
        look = {"size": 5 - (k == 0), "color": colour(c), "alpha": 0.65, "marker": marker(c)}
        figure.scatter("x", f"bits{k}", source=source, **look)
    for c, column in zip(survey.contenders, bits, strict=True):
        worst = [r for r in survey.worst(c, q) if not ordinary or r < survey.ordinary]
        look = {"size": 13, "fill_alpha": 0, "line_color": colour(c), "line_width": 2, "marker": marker(c)}
        figure.scatter(place(at[worst, j]), column[worst], **look)
    figure.hspan(y=[float(np.log2(1 + BAR))], line_color=_INK, line_dash="dotted")
    figure.add_layout(_in_ulps(), "right")
    if not ordinary:
        figure.xaxis[0].ticker = FixedTicker(ticks=[])  # the page sets them, as many as there is room for
    tips = [(a, f"@arg{k}{{%.9g}}") for k, a in enumerate(args)]
    tips += [(c.name, f"@bits{k}{{%.2f}} bits") for k, c in enumerate(survey.contenders)]
    _hover(figure, tips, [tip.partition("{")[0].strip("@") for _, tip in tips])
    return figure


def _in_ulps() -> Any:
    """A second vertical axis: bits of error in ulps."""
    from bokeh.models import FixedTicker, LinearAxis

    labels: dict[Any, Any] = {b: f"{2.0**b - 1:.3g}" for b in ULPS} | {LOST: "not finite"}
    ticker: Any = FixedTicker(ticks=[*labels])
    return LinearAxis(axis_label="ulps", ticker=ticker, major_label_overrides=labels)


def _rows(survey: Survey, q: Quantity, ordinary: bool) -> list[int]:
    """Which drawn points a plot shows: as many as the page has room for, and the worst."""
    args = len(survey.spec.args)
    plots = 2 * args * len(survey.quantities)
    room = int(_ERRORS / (_NUMBER * plots * (args + 1 + len(survey.contenders))))
    first = survey.ordinary if ordinary else survey.drawn
    step = max(1, -(-first // room))
    worst = {r for c in survey.contenders for r in survey.worst(c, q) if r < first}
    return sorted({*range(0, first, step), *worst})


def _curve(survey: Survey, q: Quantity, j: int, curve: Curve) -> Any:
    figure = _figure(survey.spec.args[j], q.label)
    plots = len(survey.curves) * len(survey.quantities)
    room = int(_CURVES / (_NUMBER * plots * (2 + 2 * len(survey.contenders))))
    rows = curve.rows[:: max(1, -(-len(curve.rows) // room))]
    x = survey.exact.at[rows, j]
    with np.errstate(over="ignore"):
        exact = survey.truth(q)[rows].astype(np.float32)
    figure.line(x, exact, line_width=7, alpha=0.35, color=_INK)
    for c in survey.contenders:
        got = survey.result(c, q)[rows]
        look = {"line_width": 2, "color": colour(c), "line_dash": DASHES.get(c.name, DOTS)[0]}
        figure.line(x, np.where(np.isfinite(got), got, np.nan), **look)
    return figure


def _figure(across: str, up: str, **ranges: Any) -> Any:
    """An empty figure whose colours suit any background."""
    from bokeh.plotting import figure as new

    made = new(
        height=320,
        sizing_mode="stretch_width",
        toolbar_location="above",
        tools="pan,box_zoom,wheel_zoom,reset,save",
        active_scroll=None,
        background_fill_color=None,
        border_fill_color=None,
        x_axis_label=across,
        y_axis_label=up,
        **ranges,
    )
    made.toolbar.logo = None
    return made


def _hover(figure: Any, tips: Sequence[tuple[str, str]], numbers: Sequence[str]) -> None:
    from bokeh.models import HoverTool

    formats: dict[str, Any] = {f"@{name}": "printf" for name in numbers}
    figure.add_tools(HoverTool(tooltips=list(tips), formatters=formats))


def _wider(x: Array) -> tuple[float, float]:
    low, high = float(x.min()), float(x.max())
    margin = 0.02 * (high - low) or 1.0
    return low - margin, high + margin


def colour(c: Contender) -> str:
    return COLOURS.get(c.name, BESIDE)


def marker(c: Contender) -> str:
    return MARKERS.get(c.name, SQUARE)[0]


def worst_rows(survey: Survey, c: Contender, q: Quantity) -> list[tuple[str, str, str, str]]:
    """The worst points as text: input, result, truth, ulps."""
    gap, found = survey.ulps(c, q), []
    for r in survey.worst(c, q):
        got, truth = float(survey.result(c, q)[r]), float(survey.truth(q)[r])
        far = "not finite" if gap[r] >= 2.0**32 else f"{gap[r]:,.0f}"
        found.append((named(survey.spec.args, survey.exact.at[r]), f"{got:.9g}", f"{truth:.9g}", far))
    return found
