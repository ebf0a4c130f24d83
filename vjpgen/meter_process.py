"""The process that measures: answers the calls of `meter.Meter` until its standard input ends."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
from contextlib import suppress
from importlib import import_module


def main() -> None:
    """Reads (room, function in it, arguments), writes (True, result) or (False, exception)."""
    gc.disable()  # importing JAX makes nothing that goes again, and takes a seventh longer with it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the process that asks
    questions = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())  # what is run may read
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    with suppress(Exception):  # whoever asks hears of it
        import_module("vjpgen.verify").platform()  # loads JAX and its backend before anybody asks
    while True:
        try:
            room, function, arguments = pickle.load(questions)
        except EOFError:
            return
        try:
            answer = True, getattr(import_module(f"vjpgen.{room}"), function)(*arguments)
        except Exception as error:
            answer = False, _known(error)
        pickle.dump(answer, answers)
        answers.flush()


def _known(error: Exception) -> Exception:
    """The error, or a plain one in place of one whose class the process that asks would have to import."""
    home = type(error).__module__.partition(".")[0]
    with suppress(Exception):
        if home in ("builtins", "vjpgen") and pickle.dumps(error):
            return error
    return RuntimeError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
