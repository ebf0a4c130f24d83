"""`vjpgen stubs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vjpgen.command_words import SETTINGS, Command, about_the_formula, asked, limited
from vjpgen.errors import OptionError

_EPILOG = """\b
Examples:
  vjpgen stubs mypackage.ops:softplus "log(1+exp(x))" -o test_softplus.py
  vjpgen stubs ops.py:growth "x*log(1 + y)" --assume "y > -1" -o test_growth.py

\b
Exit status: 0 written, 1 the file could not be written, 2 the formula or the function
was refused, 3 out of time. Whether the function passes is for pytest to say.
"""


@click.command("stubs", cls=Command, epilog=_EPILOG, context_settings=SETTINGS)
@about_the_formula
@click.option("-o", "--output", type=click.Path(), metavar="FILE.py", help="Write the tests here.")
@click.option("--force", is_flag=True, help="Overwrite a file that vjpgen did not generate.")
@limited
def command(
    target: str, expression: str, output: str | None, force: bool, seed: int, timeout: float, **given: Any
) -> int:
    """Write the pytest file of a function that somebody wrote.

    MODULE:FUNCTION is a dotted name such as mypackage.ops:softplus, or path/file.py:softplus; EXPR is the
    formula that it is meant to compute. The file holds exact results and needs jax and pytest alone. Without
    -o it goes to standard output.
    """
    from vjpgen import files, terminal
    from vjpgen.stubbing import stubs

    place = None if output is None or output == "-" else Path(output)
    if place is not None:
        if place.suffix != ".py":
            raise OptionError(
                f"-o {output} is no Python file", hint=f"name it {place.name or 'test_NAME'}.py"
            )
        files.check([place], force=force)
    with terminal.progress() as say:
        found = stubs(
            target, expression, output=place, seed=seed, timeout=timeout, progress=say, **asked(**given)
        )
    if place is None:
        click.echo(found.text, nl=False)
        return 0
    files.write_all([(place, found.text)], force=force)
    click.echo(f"{found.target} = {found.formula}    {place}")
    click.echo(f"  {found.references} reference points, {found.swept} between them; bounds of 16 ulp")
    return 0
