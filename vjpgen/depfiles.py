"""What the modules of a build depend on, as a rule for Make and ninja."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from vjpgen import files
from vjpgen.build_config import Module, Project


def write(path: Path, project: Project, modules: Sequence[Module]) -> None:
    """Writes a rule without commands: modules and tests depend on the tables, on a user's templates
    and on what formulas are read from.

    Each of these is a target of its own too, so that one that is deleted stops nothing (as of `gcc -MP`).
    Paths are seen from the working directory, as Make and ninja see them.

    Raises:
        OutputError: the file cannot be written.
    """
    targets = " ".join(_escaped(file) for m in modules for file in m.files)
    needed = [_escaped(source) for source in (*project.sources, *project.templates, *project.inputs)]
    lines = [f"{targets}: {' '.join(needed)}", *(f"{name}:" for name in needed)]
    files.write_all([(path, "\n".join(lines) + "\n")], force=True)


def _escaped(path: Path) -> str:
    name = Path(os.path.relpath(path)).as_posix()
    return re.sub(r"([ #\\])", r"\\\1", name).replace("$", "$$")
