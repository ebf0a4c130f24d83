"""An interrupt is for the process that the user started, never for those that it starts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held() -> Iterator[None]:
    """An interrupt waits until the block is over, and processes started in the block never see one.

    A process that is half started when its parent goes on elsewhere reads half a message and complains
    of it. The signal mask is what a new process inherits, and keeps an interrupt out of its imports; the
    handler is for the other threads of this process, which the system may choose to tell. Outside the main
    thread, under a handler not of Python's, and where there are no signal masks, the block runs as it is.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not main or before is None or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    told = []
    signal.signal(signal.SIGINT, lambda *_: told.append(True))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # before the handler: what waited is noted too
        signal.signal(signal.SIGINT, before)
        if told:
            signal.raise_signal(signal.SIGINT)
