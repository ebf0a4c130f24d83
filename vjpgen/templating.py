"""Templates and formatting: where the texts of generated files come from, and how they are laid out.

`templates/` stands at the root of the repository. Installed, it is the package `vjpgen.templates`; in a
checkout, editable or bare, it lies beside the package `vjpgen`.
"""

from __future__ import annotations

import os
import subprocess
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from ruff.__main__ import find_ruff_bin

from vjpgen.errors import InternalError


def environment() -> Environment:
    """The jinja2 environment of all templates: undefined names raise, blocks leave no blank lines.

    Raises:
        InternalError: the installation holds no templates.
    """
    root = templates_root()
    return Environment(
        loader=FunctionLoader(lambda name: _read(root, name)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def templates_root() -> Traversable:
    """The folder that holds the templates of this very copy of vjpgen.

    It is found from the package's own place and never by importing `vjpgen.templates`: beside an
    editable install of another checkout, that import would find the other one's templates.
    """
    package = files("vjpgen")
    installed = package / "templates"
    beside = Path(str(package)).parent / "templates"
    found: Traversable
    for found in (installed, beside):
        if found.is_dir() and (found / "module.py.j2").is_file():
            return found
    raise InternalError(f"templates are missing: neither {installed} nor {beside} holds module.py.j2")


def _read(root: Traversable, name: str) -> str | None:
    file = root.joinpath(*name.split("/"))
    return file.read_text(encoding="utf-8") if file.is_file() else None


def tidy(source: str) -> str:
    """Python source as `ruff format` lays it out under ruff's own defaults, whatever is configured around.

    Raises:
        InternalError: the text is not Python; the message is ruff's.
    """
    done = subprocess.run(
        [_ruff(), "format", "--isolated", "--no-cache", "--stdin-filename", "generated.py", "-"],
        input=source.encode(),
        capture_output=True,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("RUFF_")},
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()
        raise InternalError(f"ruff format refused generated text: {reason}")
    return done.stdout.decode()


@cache
def _ruff() -> str:
    return str(find_ruff_bin())
