"""The build hook for setuptools.

In pyproject.toml: "vjpgen" among the requirements of the build system, and

    [tool.setuptools.cmdclass]
    build_py = "vjpgen.setuptools_hook.BuildModules"
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from setuptools.command.build_py import build_py

from vjpgen.errors import VjpgenError
from vjpgen.packaging import generated, sources


class BuildModules(build_py):
    """Generates the modules of [tool.vjpgen], then collects the package's modules as ever."""

    def run(self) -> None:
        """Called by setuptools for wheels and editable installs."""
        with _told():
            generated(Path.cwd())
        super().run()

    def get_source_files(self) -> list[str]:
        """Called for source distributions, which hold the modules and what they are generated from."""
        with _told():
            generated(Path.cwd())
            more = [os.path.relpath(path) for path in sources(Path.cwd())]
        return [*super().get_source_files(), *more]


@contextmanager
def _told() -> Iterator[None]:
    """Ends with the message alone where the modules cannot be generated."""
    try:
        yield
    except VjpgenError as error:
        raise SystemExit(f"vjpgen: {error}") from None
