"""The process that measures: answers the calls of `meter.Meter` until its standard input ends."""

from __future__ import annotations

import os
import pickle
import signal
import sys


def main() -> None:
    """Reads (function of `verify`, arguments), writes (True, result) or (False, exception)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the process that asks
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    from vjpgen import verify

    verify.warm_up()
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = True, getattr(verify, function)(*arguments)
        except Exception as error:
            answer = False, error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
