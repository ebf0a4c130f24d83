"""The command that generates the same files again, and where they lie as seen from each other."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from vjpgen import settings
from vjpgen.spec import Spec


def command_line(
    spec: Spec,
    output: Path | None,
    tests_path: Path | None,
    how: settings.How | None = None,
    templates: Path | None = None,
) -> str:
    """The command that generates the same files again."""
    words = ["vjpgen", spec.text, "--name", spec.name, "--args", ",".join(spec.args)]
    for text in spec.assume_text:
        words += ["--assume", text]
    for option, text in spec.meant.words if spec.meant else ():
        words += [option, text]
    for option, text in spec.signature.words:
        words += [option, text]
    words += how.words if how is not None else []
    return shlex.join([*words, *file_words(output, tests_path, templates)])


def module_place(name: str, output: Path | None, tests: Path | None) -> str:
    """The module of a function as its tests find it, from their own folder."""
    module = output or Path(f"{name}.py")
    beside = tests or module.with_name(f"test_{module.name}")
    return Path(os.path.relpath(module, beside.parent)).as_posix()


def command_again(
    words: Sequence[str],
    output: Path | None,
    tests: Path | None,
    effort: str = "normal",
    templates: Path | None = None,
) -> str:
    """The command that generates the same files again, of what is no formula."""
    how = ["--effort", effort] if effort != "normal" else []
    return shlex.join(["vjpgen", *words, *how, *file_words(output, tests, templates)])


def file_words(output: Path | None, tests_path: Path | None, templates: Path | None = None) -> list[str]:
    """The options that say where templates, a module and its tests are, as seen from the module's folder."""
    words = []
    if templates is not None:
        place = templates if output is None else Path(os.path.relpath(templates, output.parent))
        words += ["--templates", place.as_posix()]
    if output is None:
        return words
    words += ["-o", output.name]
    if tests_path is not None and tests_path != output.with_name(f"test_{output.name}"):
        words += ["--tests", Path(os.path.relpath(tests_path, output.parent)).as_posix()]
    return words
