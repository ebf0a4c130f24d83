"""The command's part about formulas that are read from something else than the language."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vjpgen.command_words import in_order
from vjpgen.errors import InputError, OptionError, VjpgenError

if TYPE_CHECKING:
    from vjpgen.formula import Formula

_ONE = ("name", "tests", "report", "plot", "names")


options = in_order(
    click.option("--latex", metavar="TEXT", help="The formula in LaTeX, in place of EXPR."),
    click.option("--srepr", metavar="TEXT", help="What sympy's srepr printed, in place of EXPR."),
)


def alone(texts: Mapping[str, str | None], **others: Any) -> tuple[str, str] | None:
    """The formula that an option holds, and the option; None where there is none.

    Args:
        texts: by option, a formula in place of EXPR.
        others: what contradicts them.

    Raises:
        OptionError: a formula is given twice.
    """
    given = [(option, text) for option, text in texts.items() if text is not None]
    for option, value in [*given[1:], *others.items()] if given else []:
        if value is not None:
            other = f"the formula '{value}'" if option == "expression" else f"--{option}"
            raise OptionError(
                f"--{given[0][0]} and {other} contradict each other", hint="leave one of them out"
            )
    return given[0] if given else None


def each(word: Any, context: click.Context) -> int | None:
    """Generates a module for each FPCore of a file, where that is what the command is given.

    Args:
        word: what stands in place of the formula.
        context: the command, and its options.

    Returns:
        The exit status: that of the worst failure; None where the command is about one function.
    """
    from vjpgen import files, fpcore_files
    from vjpgen.places import python_file

    given = context.params
    output = given["output"]
    if not isinstance(word, str) or (found := fpcore_files.named(word)) is None:
        return None
    folder = None if output is None or output.endswith(".py") or output == "-" else Path(output)
    if folder is None and len(found) == 1:
        return None
    if folder is None:
        names = ", ".join(core.name for core in found[:3]) + (", ..." if len(found) > 3 else "")
        hint = f"name a folder, -o FOLDER, or one of them: {word}:{found[0].name}"
        raise OptionError(f"{word} has {len(found)} FPCores: {names}", hint=hint)
    for option in _ONE:
        if given[option]:
            spelled = {"names": "args"}.get(option, option)
            raise OptionError(f"--{spelled} is about one function", hint=f"name one: {word}:{found[0].name}")
    read = [
        (core, str(folder / f"{core.name}.py")) for core in found if not isinstance(core.read, InputError)
    ]
    if read:
        _made(folder)
    suites = [] if given["no_tests"] else [folder / f"test_{core.name}.py" for core, _ in read]
    files.check([*(python_file(place, "-o") for _, place in read), *suites], force=given["force"])
    failed = [_complain(core.read) for core in found if isinstance(core.read, InputError)]
    for core, place in read:
        try:
            assert context.command.callback is not None
            context.command.callback(**{**given, "expression": core.read, "output": place})
        except VjpgenError as error:
            failed.append(_complain(error, f"{core.name}: "))
    return max(failed, default=0)


def formula(
    expression: Any,
    instead: tuple[str, str] | None,
    args: tuple[str, ...] | None,
    timeout: float,
    *,
    piped: bool,
) -> tuple[Any, tuple[str, ...] | None]:
    """What `generate` takes, and the arguments' order; the text itself where it is in the language.

    Args:
        expression: what stands in place of the formula.
        instead: from `alone`.
        args: the arguments' order, if it is given.
        timeout: seconds that tracing may take, or what sympy computes as it reads.
        piped: whether it is from standard input, which names no file to read and no module to import.

    Raises:
        InputError: what is given cannot be read.
    """
    if instead is not None and instead[0] == "latex":
        from vjpgen.latex import from_latex

        return from_latex(instead[1]), args
    if instead is not None:
        from vjpgen import deadline

        with deadline.limit(timeout):
            from vjpgen.srepr import from_srepr

            return from_srepr(instead[1]), args
    if not isinstance(expression, str):
        return expression, args
    from vjpgen import fpcore_files
    from vjpgen.callee import is_callee
    from vjpgen.fpcore import is_fpcore

    found = fpcore_files.named(expression) if is_fpcore(expression) or not piped else None
    if found is not None:
        return fpcore_files.one(found, "name a folder: -o FOLDER"), args
    if not piped and is_callee(expression):
        return _traced(expression.strip(), args, timeout), None
    return expression, args


def _traced(word: str, args: tuple[str, ...] | None, timeout: float) -> Formula:
    from vjpgen import deadline, terminal
    from vjpgen.tracing import from_function

    with terminal.progress() as say, deadline.steps(timeout, say) as step:
        step(f"tracing {word}")
        return from_function(word, args=args)


def _made(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OptionError(f"cannot make the folder {folder}: {error.strerror or error}") from None


def _complain(error: VjpgenError, about: str = "") -> int:
    print(f"vjpgen: {about}{error}", file=sys.stderr)
    return error.exit_status
