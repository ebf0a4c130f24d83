"""The command's options about how a function is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorated = Callable[..., Any]
SPELLED = {"nondiff": "--nondiff", "static": "--static", "param": "--param", "outputs": "--outputs"}


def options(command: Decorated) -> Decorated:
    """Adds the options to the command, in the order in which --help shows them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS: tuple[Callable[[Decorated], Decorated], ...] = (
    click.option(
        "--nondiff", multiple=True, metavar="X", help="X is not differentiated; it may hold integers."
    ),
    click.option("--static", multiple=True, metavar="X", help="X is a Python number, fixed when JAX traces."),
    click.option("--param", multiple=True, metavar="X=NUMBER", help="X may be left out, and is NUMBER then."),
    click.option("--outputs", multiple=True, metavar="U,V", help="Return a dict of outputs by these names."),
)
