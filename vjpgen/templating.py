"""Templates and formatting: how the texts of generated files are made and laid out."""

from __future__ import annotations

import os
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, FunctionLoader, StrictUndefined
from jinja2.meta import find_referenced_templates
from jinja2.sandbox import SandboxedEnvironment
from ruff.__main__ import find_ruff_bin

from vjpgen import digest, files, template_files
from vjpgen.errors import InternalError, TemplateRefused


class Templates:
    """All templates: undefined names raise, blocks leave no blank lines, HTML is escaped.

    Args:
        folder: a user's templates, which stand in for those of the same names; jinja2's
            sandbox runs them.
        filters: by name, what they may apply.

    Raises:
        InternalError: the installation holds no templates.
        TemplateRefused: the folder cannot be used.
    """

    def __init__(self, folder: Path | None = None, **filters: Callable[..., Any]) -> None:
        if folder is not None:
            template_files.accepted(folder)
        self.folder = folder
        self.jinja = _own(tuple(filters.items())) if folder is None else _theirs(folder, filters)

    def render(self, name: str, /, **variables: Any) -> str:
        """The text that a template makes of its variables.

        Raises:
            TemplateRefused: one of a user's templates cannot be rendered; the message says where.
        """
        try:
            return self.jinja.get_template(name).render(**variables)
        except Exception as error:
            if self.folder is None:
                raise
            hint = f"the variables of {name} are {', '.join(variables)}"
            raise TemplateRefused(f"{self._place(error, name)}: {_said(error)}", hint=hint) from error

    def lay_out(self, text: str) -> str:
        """The text of a generated file, formatted.

        Raises:
            TemplateRefused: a user's templates make no Python, or nothing that vjpgen knows as its own.
        """
        try:
            found = tidy(text)
        except InternalError as error:
            if self.folder is None:
                raise
            raise TemplateRefused(f"the templates in {self.folder} make no Python: {error}") from None
        if self.folder is not None and not (files.owned(found) and digest.untouched(digest.signed(found))):
            hint = 'begin it with """{{ header }} on a line of its own, and """ on the next'
            raise TemplateRefused(
                f"what the templates in {self.folder} make has no docstring with the header", hint=hint
            )
        return found

    def _place(self, error: Exception, name: str) -> str:
        """The template and the line in which an error was raised."""
        line = getattr(error, "lineno", None)
        if line is not None:
            return f"{self.folder}/{getattr(error, 'name', None) or name}, line {line}"
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".j2")]
        return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else f"{self.folder}/{name}"


@cache
def _own(filters: tuple[tuple[str, Callable[..., Any]], ...]) -> Environment:
    """The package's, one for all with the same filters: compiling takes longer than rendering."""
    return _configured(Environment, FunctionLoader(template_files.read), dict(filters))


@contextmanager
def foreseen(name: str) -> Iterator[None]:
    """Compiles one of the package's templates, and those that it includes, while the block waits."""

    def compiled() -> None:
        jinja = _own(())
        for part in (name, *find_referenced_templates(jinja.parse(template_files.read(name) or ""))):
            jinja.get_template(part or name)

    thread = Thread(target=compiled)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _theirs(folder: Path, filters: dict[str, Callable[..., Any]]) -> Environment:
    """A user's, read anew: files come and go."""
    loader = ChoiceLoader([FileSystemLoader(folder), FunctionLoader(template_files.read)])
    return _configured(SandboxedEnvironment, loader, filters)


def _configured(
    kind: type[Environment], loader: BaseLoader, filters: dict[str, Callable[..., Any]]
) -> Environment:
    made = kind(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=lambda name: name is not None and ".html." in name,
    )
    made.filters |= filters
    return made


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


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
