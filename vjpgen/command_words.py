"""What the commands have in common: words that begin with a minus sign, and the options about a formula."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vjpgen.arguments import sort_words
from vjpgen.errors import OptionError
from vjpgen.settings import EFFORTS, MODES, ORDERS, PREFERENCES, RESIDUALS, How

if TYPE_CHECKING:
    from vjpgen.report import Figures

F = TypeVar("F", bound=Callable[..., Any])
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Command(click.Command):
    """A command one of whose arguments may begin with a minus sign."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # completion of a command that is half written
            return super().parse_args(ctx, args)
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        flags = [name for p in options if p.is_flag for name in (*p.opts, *p.secondary_opts)]
        valued = [name for p in options if not p.is_flag for name in p.opts]
        if not args:
            click.echo(self.get_usage(ctx) + f'\nTry "{ctx.command_path} --help".', err=True)
            ctx.exit(2)
        most = sum(p.nargs for p in self.get_params(ctx) if isinstance(p, click.Argument))
        return super().parse_args(ctx, sort_words(args, flags, valued, most))


def about_the_formula(command: F) -> F:
    """The arguments TARGET and EXPR, and the options that say how the formula is meant."""
    return click.argument("target", metavar="MODULE:FUNCTION")(the_formula(command))


def the_formula(command: F) -> F:
    """The argument EXPR, and the options that say how it is meant."""
    return click.argument("expression", metavar="EXPR")(formula_options(command))


def formula_options(command: F) -> F:
    """The options that say how a formula is meant."""
    found: F = in_order(*_OPTIONS)(command)
    return found


def in_order(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Adds options to a command, in the order in which --help shows them."""

    def added(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return added


def searched(command: F) -> F:
    """The options --effort, --prefer and --residuals."""
    return effort(prefer(residuals(command)))


def derived(command: F) -> F:
    """The options --order and --mode."""
    return _order(_mode(command))


def refuse_choices(given: Mapping[str, Any], asks: str) -> None:
    """Refuses what only the search of a formula can be asked for.

    Args:
        given: the options by their names.
        asks: the option beside which they make no sense.

    Raises:
        OptionError: one of them is given.
    """
    usual = How()
    for option in ("prefer", "residuals", "order", "mode"):
        if given[option] != getattr(usual, option):
            raise OptionError(f"--{option} does not go with {asks}", hint="leave it out")


def limited(command: F) -> F:
    """The options --seed and --timeout."""
    return seed(timeout(command))


def asked(**given: Any) -> dict[str, Any]:
    """Those options as `asking.specify` takes them."""
    from vjpgen.names import split_names
    from vjpgen.wishes import worded

    names = given["names"]
    options = ("grad", "surrogate", "stop", "scale", "mask", "clip")
    wishes = worded(**{option: given[option] for option in options if option in given})
    return {
        "args": None if names is None else split_names(names),
        "assume": given["assume"],
        **wishes.options(),
    }


def refuse_together(given: Mapping[str, Any], others: Mapping[str, str], asked: str) -> None:
    """Refuses options that do not go with another.

    Args:
        given: the options by their names.
        others: those that do not go with it, and how they are spelled.
        asked: the other, as it is spelled.

    Raises:
        OptionError: one is given.
    """
    for option, spelled in others.items():
        if given[option]:
            raise OptionError(f"{spelled} does not go with {asked}", hint="leave it out")
    refuse_choices(given, asked)


def named(given: Mapping[str, Any], places: Sequence[Path]) -> dict[str, Any]:
    """What a function is called, its arguments and assumptions."""
    return {
        "name": given["name"] if given["name"] is not None or not places else places[0].stem,
        "args": given["names"],
        "assume": given["assume"],
    }


def generating(
    given: Mapping[str, Any], places: Sequence[Path], say: Callable[[str], None] | None
) -> dict[str, Any]:
    """Where files go and how far a search goes."""
    return {
        "output": places[0] if places else None,
        "tests_path": places[1] if len(places) > 1 else None,
        "effort": given["effort"],
        "templates": given["templates"],
        "timeout": given["timeout"],
        "progress": say,
    }


def figures_shown(
    title: str, figures: Sequence[tuple[str, Figures]], places: Sequence[Path], *, missed: bool
) -> list[str]:
    """What was generated and its figures, in lines; `missed` says how many results are far off."""
    lines = ["    ".join([title, *([", ".join(map(str, places))] if places else [])])]
    width = max(len(label) for label, _ in figures)
    for label, f in figures:
        if f.points:
            far = f", {f.off} of {f.points} more than 16 ulp off" if missed and f.off else ""
            lines.append(
                f"  {label:{width}}  max {f.max_ulps:.0f} ulp, 99% within {f.p99_ulps:.0f} ulp,"
                f" mean {f.mean_bits:.3f} bits{far}"
            )
    return lines


def deliver(
    texts: tuple[str, str], places: Sequence[Path], force: bool, more: Sequence[tuple[Path, str | bytes]] = ()
) -> None:
    """Writes a module and its tests to their places, and what else there is; without places, prints it."""
    from vjpgen import files

    files.write_all([*zip(places, texts, strict=False), *more], force=force)
    if not places:
        click.echo(texts[0], nl=False)
        sys.stdout.flush()


def to_json(found: Any) -> str:
    """Plain data as JSON; numbers that are not finite, which JSON lacks, as "nan", "inf" and "-inf"."""
    return json.dumps(_finite(found), indent=2, allow_nan=False)


def _finite(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _finite(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [_finite(value) for value in found]
    return str(found) if isinstance(found, float) and not math.isfinite(found) else found


def _one_of(option: str, words: Sequence[str], usual: str, says: str) -> Callable[[F], F]:
    return click.option(option, type=click.Choice(words), default=usual, show_default=True, help=says)


effort = _one_of("--effort", EFFORTS, "normal", "How far the search goes.")
prefer = _one_of("--prefer", PREFERENCES, "accuracy", "What a form is chosen for.")
residuals = _one_of("--residuals", RESIDUALS, "auto", "What is kept for the backward pass.")
_order = click.option(
    "--order",
    type=click.IntRange(min(ORDERS), max(ORDERS)),
    default=1,
    show_default=True,
    help="Up to which order derivatives are generated.",
)
_mode = _one_of("--mode", MODES, "vjp", "both: one function for reverse and forward mode.")
seed = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Draws other points."
)
timeout = click.option(
    "--timeout",
    type=float,
    default=600.0,
    show_default=True,
    envvar="VJPGEN_TIMEOUT",
    show_envvar=True,
    metavar="S",
    help="Seconds at most.",
)
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--args", "names", metavar="X,Y", help="The arguments in the function's order.  [default: as in EXPR]"
    ),
    click.option(
        "--assume", multiple=True, metavar="COND", help="What holds of every input, such as 'x > 0 & y < 1'."
    ),
    click.option("--grad", multiple=True, metavar="X=FORMULA", help="The gradient to X is meant to be this."),
    click.option("--surrogate", multiple=True, metavar="X=NAME", help="The same by a name."),
    click.option("--stop", multiple=True, metavar="X", help="No gradient flows to X."),
    click.option(
        "--grad-scale", "scale", multiple=True, metavar="X=FACTOR", help="The gradient to X is multiplied."
    ),
    click.option(
        "--grad-mask", "mask", multiple=True, metavar="COND", help="Without COND the gradient is zero."
    ),
)
