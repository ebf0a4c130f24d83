"""The commands that stand first among the words; all others begin with a formula."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click

from vjpgen.arguments import SUBCOMMANDS


def chosen(words: Sequence[str]) -> tuple[click.Command, list[str]] | None:
    """The command that the first word names, and the words after it; None where it names none."""
    if not words or words[0] not in SUBCOMMANDS:
        return None
    found: click.Command = import_module(f"vjpgen.{words[0]}_command").command
    return found, list(words[1:])
