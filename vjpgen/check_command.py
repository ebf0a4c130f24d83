"""`vjpgen check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vjpgen.command_words import SETTINGS, Command, limited, to_json
from vjpgen.errors import FileRefused, OptionError

_EPILOG = """\b
Looked at, for each FILE:
  text         nobody changed it since it was generated
  header       title, command and code name the same function
  tests        pytest runs the test file where it stands
  each target  accuracy at points at which it was not measured when it was generated

\b
Exit status: 0 all of it holds, 1 something does not or a FILE is none of vjpgen's,
2 the options were refused, 3 out of time.
"""


@click.command("check", cls=Command, epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("paths", metavar="FILE.py...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--tests", type=click.Path(), metavar="FILE", help="The tests.  [default: test_FILE.py beside it]"
)
@click.option("--no-tests", is_flag=True, help="Run no tests.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@limited
def command(
    paths: tuple[str, ...], tests: str | None, no_tests: bool, as_json: bool, seed: int, timeout: float
) -> int:
    """Verify generated modules anew."""
    from vjpgen import tables, terminal
    from vjpgen.checking import check

    if tests is not None and (no_tests or len(paths) > 1):
        raise OptionError("--tests names the tests of one file", hint="leave --tests or --no-tests out")
    how: dict[str, Any] = {"tests": tests or not no_tests, "seed": seed, "timeout": timeout}
    kept: list[dict[str, Any]] = []
    for path in paths:
        for name in _functions(path, kept):
            try:
                with terminal.progress() as say:
                    found = check(path, function=name, progress=say, **how)
            except FileRefused as error:
                _refused(path, error, kept)
                continue
            kept.append(found.to_dict())
            if not as_json:
                tables.show_checked(found)
    good = all(entry["holds"] for entry in kept)
    if as_json:
        click.echo(to_json({"holds": good, "files": kept}))
    return 0 if good else 1


def _functions(path: str, kept: list[dict[str, Any]]) -> tuple[str, ...]:
    """The functions of a module; none where the file is refused, which is told."""
    from vjpgen.recorded import functions

    try:
        return functions(Path(path))
    except FileRefused as error:
        _refused(path, error, kept)
        return ()


def _refused(path: str, error: FileRefused, kept: list[dict[str, Any]]) -> None:
    click.echo(f"vjpgen: {error}", err=True)
    kept.append({"path": path, "holds": False, "refused": str(error)})
