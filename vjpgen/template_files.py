"""Where the templates are.

`templates/` stands at the root of the repository. Installed, it is the package `vjpgen.templates`; in a
checkout, editable or bare, it lies beside the package `vjpgen`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from vjpgen.errors import InternalError


@cache
def templates_root() -> Traversable:
    """The folder that holds the templates of this very copy of vjpgen.

    It is found from the package's own place and never by importing `vjpgen.templates`: beside an
    editable install of another checkout, that import would find the other one's templates.

    Raises:
        InternalError: the installation holds no templates.
    """
    package = files("vjpgen")
    installed = package / "templates"
    beside = Path(str(package)).parent / "templates"
    found: Traversable
    for found in (installed, beside):
        if found.is_dir() and (found / "module.py.j2").is_file():
            return found
    raise InternalError(f"templates are missing: neither {installed} nor {beside} holds module.py.j2")


def read(name: str) -> str | None:
    """The text of a template, named by its path with forward slashes; None where there is none."""
    file = templates_root().joinpath(*name.split("/"))
    return file.read_text(encoding="utf-8") if file.is_file() else None
