"""The command `vjpgen`."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from vjpgen import __version__
from vjpgen.arguments import sort_words
from vjpgen.errors import InternalError, OptionError, VjpgenError

if TYPE_CHECKING:
    from vjpgen.pipeline import Generated

_INTERRUPTED = 130
_TERMINATED = 143

_EPILOG = """\b
Examples:
  vjpgen "log(1+exp(x))" -o softplus.py
  vjpgen "-x*log(x)" --assume "0 < x < 1" --name entropy -o entropy.py
  vjpgen "(r*cos(t), r*sin(t))" --args r,t -o polar.py --tests tests/test_polar.py
  vjpgen "Piecewise((r**2/2, Abs(r) <= d), (d*(Abs(r) - d/2), True))" --assume "d > 0"
  echo "x/(1+exp(-x))" | vjpgen - --no-tests -o silu.py

\b
The language is described in docs/language.md: + - * / ** ^, comparisons, Piecewise,
where, and some 200 functions; a name that is none of these is an argument.

\b
Completion of options, for bash (zsh and fish likewise), in ~/.bashrc:
  eval "$(_VJPGEN_COMPLETE=bash_source vjpgen)"

\b
Exit status: 0 done, 1 a file could not be written, 2 the input was refused,
3 out of time, 70 an error of vjpgen's own, 130 interrupted.
"""


class _Command(click.Command):
    """A command whose one argument may begin with a minus sign."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # completion of a command that is half written
            return super().parse_args(ctx, args)
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        flags = [name for p in options if p.is_flag for name in (*p.opts, *p.secondary_opts)]
        valued = [name for p in options if not p.is_flag for name in p.opts]
        if not args:
            click.echo(self.get_usage(ctx) + '\nTry "vjpgen --help".', err=True)
            ctx.exit(2)
        return super().parse_args(ctx, sort_words(args, flags, valued))


@click.command(
    cls=_Command,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("expression", metavar="EXPR")
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
    "--tests",
    type=click.Path(),
    metavar="FILE",
    help="Write the tests here.  [default: test_FILE.py beside FILE.py]",
)
@click.option("--no-tests", is_flag=True, help="Write no tests.")
@click.option("--force", is_flag=True, help="Overwrite files that vjpgen did not generate.")
@click.option(
    "--effort",
    type=click.Choice(["low", "normal", "high"]),
    default="normal",
    show_default=True,
    help="How far the search goes.",
)
@click.option(
    "--prefer",
    type=click.Choice(["accuracy", "speed"]),
    default="accuracy",
    show_default=True,
    help="What a form is chosen for.",
)
@click.option("--timeout", type=float, default=60.0, show_default=True, metavar="S", help="Seconds at most.")
@click.version_option(__version__, prog_name="vjpgen", message="%(prog)s %(version)s")
def command(
    expression: str,
    output: str | None,
    name: str | None,
    names: str | None,
    assume: tuple[str, ...],
    tests: str | None,
    no_tests: bool,
    force: bool,
    effort: str,
    prefer: str,
    timeout: float,
) -> None:
    """Generate a JAX module from a formula: its value and its derivatives, right to the last bits.

    EXPR is a formula such as "log(1+exp(x))"; "-" reads it from standard input. Without -o the module goes
    to standard output.
    """
    from vjpgen import files
    from vjpgen.parse import parse, split_names

    places = _places(output, tests, no_tests)
    text = _standard_input() if expression.strip() == "-" else expression
    wanted = name if name is not None else places[0].stem if places else None
    arguments = None if names is None else split_names(names)
    parse(text, name=wanted, args=arguments, assume=assume)  # refuses before anything slow is imported
    files.check(places, force=force)
    generated = _generate(
        text, wanted, arguments, assume, places, effort=effort, prefer=prefer, timeout=timeout
    )
    _deliver(generated, places, force)


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and exits with its status."""
    signal.signal(signal.SIGTERM, _terminated)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # they are for those who maintain vjpgen and its libraries
    try:
        status = command.main(
            args=None if words is None else list(words), prog_name="vjpgen", standalone_mode=False
        )
        _flush()
    except VjpgenError as error:
        status = _complain(str(error), error.exit_status)
    except click.ClickException as error:
        status = _complain(f"{error.format_message()}\nTry: vjpgen --help", error.exit_code)
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
    module = _python_file(output, "-o")
    if no_tests:
        return (module,)
    return module, module.with_name(f"test_{module.name}") if tests is None else _python_file(
        tests, "--tests"
    )


def _python_file(text: str, option: str) -> Path:
    path = Path(text)
    if path.is_dir():
        raise OptionError(f"{option} {text} is a folder", hint=f"name a file: {option} {path / 'NAME.py'}")
    if path.suffix != ".py":
        raise OptionError(f"{option} {text} is no Python file", hint=f"name it {path.name or 'NAME'}.py")
    if option == "-o" and path.stem in ("jax", "jaxlib", "numpy", "pytest", "math", "typing", "dataclasses"):
        hint = "choose another name for the file; --name names the function"
        raise OptionError(f"a file {path.name} would hide the module {path.stem} that it imports", hint=hint)
    if option == "-o" and path.stem.startswith("test_"):
        raise OptionError(
            f"pytest would take {path.name} for a file of tests", hint=f"name it {path.name[5:]}"
        )
    return path


def _standard_input() -> str:
    from vjpgen.tokens import MAX_TEXT

    try:
        return sys.stdin.read(4 * MAX_TEXT).strip()
    except UnicodeDecodeError:
        raise OptionError("standard input is not text in UTF-8") from None


def _generate(
    text: str,
    name: str | None,
    args: tuple[str, ...] | None,
    assume: tuple[str, ...],
    places: Sequence[Path],
    **how: Any,
) -> Generated:
    from vjpgen import terminal
    from vjpgen.pipeline import generate

    with terminal.progress() as say:
        return generate(
            text,
            name=name,
            args=args,
            assume=assume,
            output=places[0] if places else None,
            tests_path=places[1] if len(places) > 1 else None,
            progress=say,
            **how,
        )


def _deliver(generated: Generated, places: Sequence[Path], force: bool) -> None:
    from vjpgen import files, terminal

    texts = (generated.module, generated.tests)
    files.write_all([(p, t) for p, t in zip(places, texts, strict=False)], force=force)
    if not places:
        click.echo(generated.module, nl=False)
        _flush()
    terminal.show(generated.report, places, to_stderr=not places)


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
