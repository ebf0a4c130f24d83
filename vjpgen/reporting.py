"""Reports and pictures of what was generated, as files."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vjpgen import settings
from vjpgen.places import picture_file

if TYPE_CHECKING:
    from vjpgen.pipeline import Generated

Written = tuple[Path, str | bytes]


@dataclass(frozen=True, slots=True)
class Pictures:
    """What to make.

    Attributes:
        page: where the HTML page goes, if one is wanted.
        plot: where the still picture goes, if one is wanted; a .png or .svg file.
        beside: "package.module:function" to show beside the generated code and plain autodiff.
        seed: another one draws other points.
    """

    page: Path | None = None
    plot: Path | None = None
    beside: str | None = None
    seed: int = 0

    @property
    def places(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(path for path in (self.page, self.plot) if path is not None)

    def draw(self, made: Generated, step: Callable[[str], None], how: settings.How) -> list[Written]:
        """The files with what goes into them.

        Args:
            made: what was generated.
            step: is told what is done.
            how: how it was generated.

        Raises:
            TargetError: the function beside cannot be found or run.
        """
        from vjpgen import page, paper
        from vjpgen.survey import survey

        if not self.places:
            return []
        from vjpgen.again import command_line

        found = survey(made.spec, made.module, beside=self.beside, seed=self.seed, step=step)
        step("drawing")
        written: list[Written] = []
        if self.page is not None:
            again = self.command(command_line(made.spec, None, None, how))
            written.append((self.page, page.page(made.module, made.report, found, command=again)))
        if self.plot is not None:
            written.append((self.plot, paper.picture(found, self.plot.suffix[1:])))
        return written

    def command(self, generating: str) -> str:
        """The words of `vjpgen report` for what such a command of vjpgen generates."""
        words = ["--beside", self.beside] if self.beside is not None else []
        words += ["--seed", str(self.seed)] if self.seed else []
        words += ["-o", self.page.name] if self.page is not None else []
        return f"vjpgen report{generating.removeprefix('vjpgen')} {shlex.join(words)}".rstrip()


def pictures(
    report: str | None,
    plot: str | None,
    *,
    option: str = "--report",
    beside: str | None = None,
    seed: int = 0,
) -> Pictures:
    """What is asked for by file names, looked at before any work.

    Args:
        report: the page's file, if any; `option` is what names it.
        plot: the still picture's file, if any.
        option: the command's word for `report`.
        beside, seed: as in `Pictures`.

    Raises:
        OptionError: a file has the wrong suffix, a library is missing, or the seed is negative.
        TargetError: `beside` names no place of a function.
    """
    from vjpgen.callee import callee

    settings.accept(seed=seed)
    if beside is not None:
        callee(beside)
    page = None if report is None else picture_file(report, option, ".html")
    still = None if plot is None else picture_file(plot, "--plot", ".png", ".svg")
    if page is not None:
        from vjpgen import plots

        plots.require()
    if still is not None:
        from vjpgen import paper

        paper.require()
    return Pictures(page, still, beside, seed)
