"""Templates and formatting: how the texts of generated files are made and laid out."""

from __future__ import annotations

import os
import subprocess
from functools import cache

from jinja2 import Environment, FunctionLoader, StrictUndefined
from ruff.__main__ import find_ruff_bin

from vjpgen import template_files
from vjpgen.errors import InternalError


def environment() -> Environment:
    """The jinja2 environment of all templates: undefined names raise, blocks leave no blank lines.

    Raises:
        InternalError: the installation holds no templates.
    """
    return Environment(
        loader=FunctionLoader(template_files.read),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def tidy(source: str) -> str:
    """Python source as `ruff format` lays it out under ruff's own defaults, whatever is configured around.

    Raises:
        InternalError: the text is not Python; the message is ruff's.
    """
    return _through_ruff(source, "format", "--no-cache")


def sorted_imports(source: str) -> str:
    """Python source with its imports merged and in order.

    Raises:
        InternalError: as `tidy`.
    """
    return _through_ruff(source, "check", "--no-cache", "--select", "I", "--fix", "--quiet")


def _through_ruff(source: str, *words: str) -> str:
    done = subprocess.run(
        [_ruff(), *words, "--isolated", "--stdin-filename", "generated.py", "-"],
        input=source.encode(),
        capture_output=True,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("RUFF_")},
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()
        raise InternalError(f"ruff {words[0]} refused generated text: {reason}")
    return done.stdout.decode()


@cache
def _ruff() -> str:
    return str(find_ruff_bin())
