"""`vjpgen` and `python -m vjpgen`: the command as a process of its own."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, suppress
from typing import NoReturn

from vjpgen.arguments import SUBCOMMANDS
from vjpgen.meter import ahead


def main() -> NoReturn:
    """Runs the command in a process that starts and ends with it.

    What measures is started before the command is imported. At the end nothing is taken down: all
    is written, and taking down the libraries costs more than a short search.
    """
    formula = len(sys.argv) > 1 and not {*SUBCOMMANDS, "--help", "--version"} & {*sys.argv[1:]}
    with ahead() if formula else nullcontext():
        from vjpgen import cli

        try:
            cli.main()
        except SystemExit as ending:
            status = ending.code if isinstance(ending.code, int) else 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # whoever read it went
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
