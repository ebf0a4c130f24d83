"""A limit on the time that work may take. It aborts the work; it never changes its result."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from vjpgen.errors import OptionError, TimeoutReached

_AGAIN = 0.5  # seconds; the exception is raised again in case code on the way up swallowed it


@contextmanager
def limit(seconds: float | None) -> Iterator[Callable[[], None]]:
    """Runs a block for at most so many seconds; None is no limit.

    On the main thread of a Unix process a timer interrupts the block. Elsewhere the block has to call
    the function that the `with` statement yields, between its steps.

    Raises:
        TimeoutReached: the time is over.
        OptionError: the limit is not a positive number.
    """
    if seconds is None:
        yield lambda: None
        return
    if not 0 < seconds < 1e9:
        raise OptionError(f"the time limit is a positive number of seconds, not {seconds}")
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() >= end:
            raise TimeoutReached(
                f"stopped after {seconds:g} s, the limit that --timeout sets; nothing was written"
            )

    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        with _alarm(seconds, check):
            yield check
    else:
        yield check


@contextmanager
def steps(seconds: float | None, progress: Callable[[str], None] | None) -> Iterator[Callable[[str], None]]:
    """`limit` for work in steps: yields what the work calls with the name of each before it begins.

    Args:
        seconds: the limit; None for none.
        progress: is told the names.

    Raises:
        TimeoutReached, OptionError: as `limit`.
    """
    with limit(seconds) as check:

        def step(name: str) -> None:
            check()
            if progress is not None:
                progress(name)

        yield step


@contextmanager
def _alarm(seconds: float, check: Callable[[], None]) -> Iterator[None]:
    """Calls `check` from a signal handler once the time is over."""
    armed = True

    def ring(number: int, frame: FrameType | None) -> None:
        if armed:
            check()

    before = signal.signal(signal.SIGALRM, ring)
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds + 0.001, _AGAIN)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, left, again)
        signal.signal(signal.SIGALRM, before)
