"""Where the templates are.

`templates/` stands at the root of the repository. Installed, it is the package `vjpgen.templates`; in a
checkout, editable or bare, it lies beside the package `vjpgen`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from vjpgen.errors import InternalError, TemplateRefused, TimeoutReached

_PLAIN = "meant_formula.py.j2"  # what modules are held against; it is in no file


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


def accepted(folder: Path) -> str:
    """The digest of a user's templates: the first 16 digits of a SHA-256.

    Each has the name of one of vjpgen's, or one that begins with "_", which others include.

    Raises:
        TemplateRefused: there is no such folder, or a template in it stands in for none of vjpgen's.
    """
    known, found = tuple(name for name in names() if name != _PLAIN), hashlib.sha256()
    for name in _own(folder):
        if name not in known and not name.rpartition("/")[2].startswith("_"):
            from vjpgen.unknown import nearest

            near = nearest(name, known)
            hint = f"did you mean {near}? " if near else ""
            raise TemplateRefused(
                f"{folder / name} stands in for no template of vjpgen's",
                hint=f"{hint}A template that others include has a name that begins with _",
            )
        text = (folder / name).read_bytes()
        found.update(f"{name}\0{len(text)}\0".encode() + text)
    return found.hexdigest()[:16]


@contextmanager
def blamed(folder: Path | None) -> Iterator[None]:
    """Blames a user's templates, where there are any, for what goes wrong when a module is run.

    Raises:
        TemplateRefused: something does.
    """
    try:
        yield
    except TimeoutReached:
        raise
    except Exception as error:
        if folder is None:
            raise
        said = f"{type(error).__name__}: {error}"
        raise TemplateRefused(f"what the templates in {folder} make cannot be run: {said}") from error


def names() -> Iterator[str]:
    """Every template of vjpgen's, by its path with forward slashes."""
    yield from (name for name, _ in texts(templates_root()))


def texts(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    """Every template in a folder with its text."""
    for entry in folder.iterdir():
        name = f"{above}{entry.name}"
        if entry.is_dir():
            yield from texts(entry, f"{name}/")
        elif name.endswith(".j2"):
            yield name, entry.read_bytes()


def _own(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise TemplateRefused(f"there is no folder of templates {folder}")
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.j2") if path.is_file())
    if not found:
        hint = "copy one of vjpgen's own templates there, under its name; see docs/templates.md"
        raise TemplateRefused(f"{folder} holds no templates: none of its files ends in .j2", hint=hint)
    return found
