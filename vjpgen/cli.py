"""The command `vjpgen`."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from vjpgen import (
    __version__,
    cli_external,
    cli_implicit,
    cli_inputs,
    cli_integral,
    cli_passing,
    settings,
    subcommands,
)
from vjpgen.command_words import SETTINGS, Command, deliver, derived, searched
from vjpgen.errors import InternalError, OptionError, VjpgenError
from vjpgen.places import python_file, suite_of

if TYPE_CHECKING:
    from vjpgen.pipeline import Generated
    from vjpgen.reporting import Pictures, Written
    from vjpgen.wishes import Wishes

_INTERRUPTED = 130
_TERMINATED = 143

_EPILOG = """\b
Examples:
  vjpgen "log(1+exp(x))" -o softplus.py
  vjpgen "-x*log(x)" --assume "0 < x < 1" --name entropy -o entropy.py
  vjpgen "(r*cos(t), r*sin(t))" --args r,t -o polar.py --tests tests/test_polar.py
  vjpgen "Piecewise((r**2/2, Abs(r) <= d), (d*(Abs(r) - d/2), True))" --assume "d > 0"
  echo "x/(1+exp(-x))" | vjpgen - --no-tests -o silu.py
  vjpgen --latex '\\log(1+e^x)' -o softplus.py
  vjpgen --srepr "log(Add(Integer(1), exp(Symbol('x'))))" -o softplus.py
  vjpgen bench.fpcore -o modules
  vjpgen mypackage.model:activation -o activation.py
  vjpgen --external scipy.special:j0 --args x --also j1=scipy.special:j1 --grad "x=-j1(x)"
  vjpgen --solve y "y*exp(y) = x" --assume "x > -exp(-1)" --assume "y >= -1" -o lambert.py
  vjpgen --integral "exp(-t*x)/(1+t)" --over "t=0..oo" --assume "1e-6 < x < 1e6" -o stieltjes.py

\b
The language is described in docs/language.md: + - * / ** ^, comparisons, Piecewise,
where, and some 200 functions; a name that is none of these is an argument.

\b
Other commands, each with --help:
  vjpgen build                            generate what a project's tables ask for
  vjpgen cache                            look at the cache of results, or clear it
  vjpgen check FILE.py...                 verify generated modules anew
  vjpgen compare MODULE:FUNCTION EXPR     judge a function that somebody wrote
  vjpgen explain FILE.py                  show what it could keep between the passes
  vjpgen report EXPR                      write a page that shows what was found
  vjpgen stubs MODULE:FUNCTION EXPR       write the pytest file of such a function

\b
Completion of options, for bash (zsh and fish likewise), in ~/.bashrc:
  eval "$(_VJPGEN_COMPLETE=bash_source vjpgen)"

\b
Exit status: 0 done, 1 a file could not be written, 2 the input was refused,
3 out of time, 70 an error of vjpgen's own, 130 interrupted.
"""


@click.command(
    cls=Command,
    epilog=_EPILOG,
    context_settings=SETTINGS,
)
@click.argument("expression", metavar="EXPR", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="FILE.py",
    help="Write the module here, and its tests beside it.",
)
@click.option("--name", help="The function's name.  [default: FILE's stem, or f]")
@click.option(
    "--args", "names", metavar="X,Y", help="The arguments in order.  [default: as they first appear]"
)
@click.option(
    "--assume", multiple=True, metavar="COND", help="What holds of every input, such as 'x > 0 & y < 1'."
)
@click.option(
    "--grad", multiple=True, metavar="X=FORMULA", help="The gradient to X, in place of the derivative."
)
@click.option("--surrogate", multiple=True, metavar="X=NAME", help="The same by a name such as fast-sigmoid.")
@click.option("--stop", multiple=True, metavar="X", help="No gradient flows to X.")
@click.option(
    "--grad-scale",
    "scale",
    multiple=True,
    metavar="X=FACTOR",
    help="Multiply the gradient to X; -1 reverses it.",
)
@click.option("--grad-clip", "clip", multiple=True, metavar="X=LOW:HIGH", help="Clip the cotangent of X.")
@click.option(
    "--grad-mask",
    "mask",
    multiple=True,
    metavar="COND",
    help="The gradient is zero where COND does not hold.",
)
@cli_passing.options
@cli_inputs.options
@cli_implicit.options
@cli_integral.options
@cli_external.options
@click.option(
    "--tests",
    type=click.Path(),
    metavar="FILE",
    help="Write the tests here.  [default: test_FILE.py beside FILE.py]",
)
@click.option("--no-tests", is_flag=True, help="Write no tests.")
@click.option("--report", metavar="FILE.html", help="Write a page that shows it all; see docs/report.md.")
@click.option("--plot", metavar="FILE", help="Write a picture of the error to FILE.png or FILE.svg.")
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Templates that stand in for vjpgen's own; see docs/templates.md.",
)
@click.option("--force", is_flag=True, help="Overwrite files that vjpgen did not generate.")
@searched
@derived
@click.option(
    "--timeout",
    type=float,
    default=60.0,
    show_default=True,
    envvar="VJPGEN_TIMEOUT",
    show_envvar=True,
    metavar="S",
    help="Seconds at most.",
)
@click.version_option(__version__, prog_name="vjpgen", message="%(prog)s %(version)s")
def command(
    expression: Any,
    output: str | None,
    name: str | None,
    names: str | None,
    assume: tuple[str, ...],
    grad: tuple[str, ...],
    surrogate: tuple[str, ...],
    stop: tuple[str, ...],
    scale: tuple[str, ...],
    clip: tuple[str, ...],
    mask: tuple[str, ...],
    nondiff: tuple[str, ...],
    static: tuple[str, ...],
    param: tuple[str, ...],
    outputs: tuple[str, ...],
    latex: str | None,
    srepr: str | None,
    solve: str | None,
    inverse: str | None,
    guess: str | None,
    integral: str | None,
    over: str | None,
    external: str | None,
    tests: str | None,
    no_tests: bool,
    report: str | None,
    plot: str | None,
    templates: Path | None,
    force: bool,
    effort: str,
    prefer: str,
    residuals: str,
    order: int,
    mode: str,
    timeout: float,
    **outside: Any,
) -> int | None:
    """Generate a JAX module from a formula: its value and its derivatives, right to the last bits.

    EXPR is a formula such as "log(1+exp(x))"; "-" reads it from standard input. It may also be FILE.fpcore
    or a JAX function, MODULE:FUNCTION; see docs/inputs.md. Without -o the module goes to standard output.
    """
    from vjpgen import asking, files
    from vjpgen.meter import ahead
    from vjpgen.names import split_names
    from vjpgen.passing import worded as passed
    from vjpgen.reporting import pictures
    from vjpgen.wishes import worded

    others = {"solve": solve, "inverse": inverse, "integral": integral, "external": external}
    instead = cli_inputs.alone({"latex": latex, "srepr": srepr}, expression=expression, **others)
    status = cli_inputs.each(expression, click.get_current_context())
    if status is not None:
        return status
    places = _places(output, tests, no_tests)
    if cli_integral.asked(expression, {"integral": integral, "over": over}):
        cli_integral.run(places, click.get_current_context().params, force=force)
        return None
    if cli_implicit.asked(expression, solve, inverse, guess):
        cli_implicit.run(expression, places, click.get_current_context().params, force=force)
        return None
    if external is not None:
        cli_external.run(expression, external, places, click.get_current_context().params, force=force)
        return None
    cli_external.without_external(**outside)
    if expression is None and instead is None:
        raise click.UsageError("Missing argument 'EXPR'.")
    piped = isinstance(expression, str) and expression.strip() == "-"
    text = _standard_input() if piped else expression
    wanted = name if name is not None else places[0].stem if places else None
    arguments = None if names is None else split_names(names)
    wishes = worded(grad=grad, surrogate=surrogate, scale=scale, clip=clip, stop=stop, mask=mask)
    passing = passed(nondiff=nondiff, static=static, param=param, outputs=outputs)
    text, arguments = cli_inputs.formula(text, instead, arguments, timeout, piped=piped)
    how = settings.How(effort, prefer, residuals, order, mode)
    # before anything slow is imported
    asking.differentiable(asking.spec(text, wanted, arguments, assume, wishes, passing), how)
    beside = pictures(report, plot)
    files.check((*places, *beside.places), force=force)
    with ahead():
        from vjpgen import terminal

        rest = {"templates": templates, **passing.options()}
        generated, drawn = _generate(
            text, wanted, arguments, assume, wishes, places, beside, timeout, how, **rest
        )
    deliver((generated.module, generated.tests), places, force, drawn)
    terminal.show(generated.report, (*places, *beside.places), to_stderr=not places)
    return None


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and exits with its status."""
    signal.signal(signal.SIGTERM, _terminated)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # they are for those who maintain vjpgen and its libraries
    words = sys.argv[1:] if words is None else words
    told = "vjpgen"
    try:
        named = subcommands.chosen(words)
        if named is None:
            status = command.main(args=list(words), prog_name=told, standalone_mode=False)
        else:
            told = f"vjpgen {words[0]}"
            status = named[0].main(args=named[1], prog_name=told, standalone_mode=False)
        _flush()
    except VjpgenError as error:
        status = _complain(str(error), error.exit_status)
    except click.ClickException as error:
        status = _complain(f"{error.format_message()}\nTry: {told} --help", error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        status = _complain("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except Exception as error:
        status = _internal(error)
    sys.exit(status if isinstance(status, int) else 0)


def _places(output: str | None, tests: str | None, no_tests: bool) -> tuple[Path, ...]:
    """Where the module goes, and the tests if any; none of them for standard output."""
    if tests is not None and no_tests:
        raise OptionError("--tests and --no-tests contradict each other")
    if output is None or output == "-":
        if tests is not None:
            raise OptionError("--tests needs -o: the tests import the module from its file")
        return ()
    module = python_file(output, "-o")
    if no_tests:
        return (module,)
    return module, suite_of(module) if tests is None else python_file(tests, "--tests")


def _standard_input() -> str:
    from vjpgen.tokens import MAX_TEXT

    try:
        return sys.stdin.read(4 * MAX_TEXT).strip()
    except UnicodeDecodeError:
        raise OptionError("standard input is not text in UTF-8") from None


def _generate(
    text: Any,
    name: str | None,
    args: tuple[str, ...] | None,
    assume: tuple[str, ...],
    wishes: Wishes,
    places: Sequence[Path],
    beside: Pictures,
    timeout: float,
    how: settings.How,
    **rest: Any,
) -> tuple[Generated, list[Written]]:
    from vjpgen import deadline, terminal
    from vjpgen.pipeline import generate

    with terminal.progress() as say, deadline.steps(timeout, say) as step:
        made = generate(
            text,
            name=name,
            args=args,
            assume=assume,
            output=places[0] if places else None,
            tests_path=places[1] if len(places) > 1 else None,
            progress=step,
            **wishes.options(),
            **asdict(how),
            **rest,
        )
        return made, beside.draw(made, step, how)


def _flush() -> None:
    sys.stdout.flush()


def _complain(message: str, status: int) -> int:
    click.echo(f"vjpgen: {message}", err=True)
    return status


def _internal(error: Exception) -> int:
    if os.environ.get("VJPGEN_TRACEBACK"):
        raise error
    hint = (
        "This is an error of vjpgen's own; please report it with the command. VJPGEN_TRACEBACK=1 shows where."
    )
    return _complain(f"{type(error).__name__}: {error}\n{hint}", InternalError.exit_status)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(_TERMINATED)
