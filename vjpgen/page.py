"""The report: one HTML page that shows a generated module, and how far off it and others are.

The page carries everything with it and asks the network for nothing; its own policy forbids it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from vjpgen import __version__, branches, derivations, doc, mathml, plots, steps_shown
from vjpgen.files import MARK
from vjpgen.report import Figures, Report, Target
from vjpgen.spec import Spec
from vjpgen.survey import PLAIN, Contender, Quantity, Survey
from vjpgen.templating import Templates

_LONGEST = 4000  # characters of a form that is typeset
_STYLES = {"light": "xcode", "dark": "github-dark"}


@dataclass(frozen=True, slots=True)
class Panel:
    """What the page shows of one value or partial.

    Attributes:
        place: the id of its element.
        label: "value", "d/dx", ...
        plain: the formula or its derivative, as MathML.
        chosen: how it is computed, as MathML; empty where that is too long to be read.
        text: the same as text.
        splitpoints: the conditions that choose between branches, as MathML.
        steps: how each branch follows from the formula.
        figures: a row of text for each contender.
        worst: for each contender, its name and rows of text.
        errors, curves: plots.
        front: the plot of accuracy against cost, if there is a choice.
        forms: its rows: cost, bits, form, and whether it is the one chosen.
        packed: the documents of all these plots.
    """

    place: str
    label: str
    plain: str
    chosen: str
    text: str
    splitpoints: tuple[str, ...]
    steps: tuple[steps_shown.BranchShown, ...]
    figures: tuple[tuple[str, ...], ...]
    worst: tuple[tuple[str, list[tuple[str, str, str, str]]], ...]
    errors: tuple[plots.Plot, ...]
    curves: tuple[plots.Plot, ...]
    front: tuple[plots.Plot, ...]
    forms: tuple[tuple[str, str, str, bool], ...]
    packed: str


def page(module: str, report: Report, survey: Survey, *, command: str = "") -> str:
    """The page as text.

    Args:
        module: source of the module.
        report: its figures, from `generate`.
        survey: its results, and others', at fresh points.
        command: what generates the page again, if it is a command.

    Raises:
        OptionError: the libraries of the report are not installed.
    """
    plots.require()
    spec = survey.spec
    follows = derivations.derivations(report, survey)
    panels = tuple(
        _panel(survey, q, target, f"q{k}", steps_shown.branches(found))
        for k, (q, target, found) in enumerate(zip(survey.quantities, report.targets, follows, strict=True))
    )
    return Templates().render(
        "report/page.html.j2",
        mark=f"{MARK} {__version__}",
        title=f"{spec.name}({', '.join(spec.args)}) = {doc.one_line(spec.text)}",
        formulas=tuple(mathml.math(doc.readable(o), left=_left(spec, i)) for i, o in enumerate(spec.outputs)),
        report=report,
        survey=survey,
        panels=panels,
        heads=(*_HEADS,),
        kept=_kept(report, survey),
        module=_highlighted(module),
        styles=tuple((scheme, _style(name)) for scheme, name in _STYLES.items()),
        bokeh=plots.script(),
        facts=_facts(report, survey, command),
    )


def framed(text: str) -> str:
    """The page in a frame, for notebooks."""
    look = "width:100%;height:45em;border:0"
    return f'<iframe title="vjpgen report" srcdoc="{escape(text)}" style="{look}"></iframe>'


_HEADS = ("mean error", "99 % within", "largest error", "more than 16 ulp off", "not finite")


def _panel(
    survey: Survey,
    q: Quantity,
    target: Target,
    place: str,
    steps: tuple[steps_shown.BranchShown, ...],
) -> Panel:
    spec, form = survey.spec, doc.decimals(target.form)
    readable = len(form) <= _LONGEST
    choice = len(target.front) > 1
    errors, curves = plots.of_errors(survey, q, place), plots.of_curves(survey, q, place)
    front = [plots.of_front(target.front, target.form, q.label, place)] if choice else []
    return Panel(
        place=place,
        label=q.label,
        plain=mathml.math(doc.readable(branches.plain(spec, q)), left=_left(spec, q.output, q.argument)),
        chosen=mathml.math(form) if readable else "",
        text=form,
        splitpoints=tuple(mathml.math(c, block=False) for c in mathml.splitpoints(form)) if readable else (),
        steps=steps,
        figures=tuple((c.name, *_row(survey.figures(c, q))) for c in survey.contenders),
        worst=tuple((c.name, plots.worst_rows(survey, c, q)) for c in survey.contenders),
        errors=tuple(errors),
        curves=tuple(curves),
        front=tuple(front),
        forms=tuple(
            (f"{c:.4g}", f"{b:.3f}", doc.decimals(f), f == target.form) for c, b, f in target.front if choice
        ),
        packed=plots.packed([*errors, *curves, *front]),
    )


def _left(spec: Spec, output: int, argument: int | None = None) -> str:
    """The left side of an equation about an output or a partial."""
    name = f"{spec.name}_{output}" if spec.several else spec.name
    if argument is not None:
        return mathml.partial(name, spec.args, spec.args[argument])
    return f"{name}({', '.join(spec.args)})"


def _row(f: Figures) -> tuple[str, ...]:
    if not f.points:
        return ("-",) * len(_HEADS)
    worst = "not finite" if f.max_ulps >= 2.0**32 else f"{f.max_ulps:,.0f} ulp"
    most = "not finite" if f.p99_ulps >= 2.0**32 else f"{f.p99_ulps:,.0f} ulp"
    return f"{f.mean_bits:.2f} bits", most, worst, f"{f.off:,} of {f.points:,}", f"{f.bad:,}"


def _kept(report: Report, survey: Survey) -> tuple[tuple[str, str, str], ...]:
    """What each contender keeps between the passes, and its bytes per element."""

    def words(c: Contender) -> str:
        return "what JAX saves" if c.name == PLAIN else report.residuals if c is survey.contenders[0] else ""

    return tuple((c.name, words(c), f"{c.got.residual_bytes:g}") for c in survey.contenders)


def _highlighted(source: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    found: str = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    return found


def _style(name: str) -> str:
    from pygments.formatters import HtmlFormatter

    found: str = HtmlFormatter(style=name).get_style_defs(".source")
    return found


def _facts(report: Report, survey: Survey, command: str) -> Sequence[tuple[str, str]]:
    """Where the figures come from."""
    found = [
        ("dtype", report.dtype),
        ("domain", report.domain),
        ("points", f"{survey.drawn:,} drawn, {survey.ordinary:,} of them in ordinary ranges"),
        ("seed", str(survey.seed)),
        *report.versions,
    ]
    return (*found, ("command", command)) if command else tuple(found)
