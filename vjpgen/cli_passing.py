"""The command's options about how a function is called."""

from __future__ import annotations

import click

from vjpgen.command_words import in_order

SPELLED = {"nondiff": "--nondiff", "static": "--static", "param": "--param", "outputs": "--outputs"}


options = in_order(
    click.option(
        "--nondiff", multiple=True, metavar="X", help="X is not differentiated; it may hold integers."
    ),
    click.option("--static", multiple=True, metavar="X", help="X is a Python number, fixed when JAX traces."),
    click.option("--param", multiple=True, metavar="X=NUMBER", help="X may be left out, and is NUMBER then."),
    click.option("--outputs", multiple=True, metavar="U,V", help="Return a dict of outputs by these names."),
)
