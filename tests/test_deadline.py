"""A time limit interrupts, wherever it can, and leaves the process as it was."""

from __future__ import annotations

import contextlib
import signal
import threading
import time

import pytest

from patience import PATIENCE
from vjpgen.deadline import limit
from vjpgen.errors import OptionError, TimeoutReached

unix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="timers of Unix")


def busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


def stubborn() -> None:
    with contextlib.suppress(Exception):
        busy(4 * PATIENCE)
    busy(4 * PATIENCE)


@unix
def test_work_is_interrupted() -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutReached, match="--timeout"), limit(0.05):
        busy(4 * PATIENCE)
    assert time.monotonic() - start < PATIENCE


@unix
def test_work_that_swallows_the_exception_is_interrupted_again() -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutReached), limit(0.05):
        stubborn()
    assert time.monotonic() - start < PATIENCE


@unix
def test_handler_and_timer_are_put_back() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with limit(30.0):
        assert signal.getsignal(signal.SIGALRM) is not before
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_no_limit() -> None:
    with limit(None) as check:
        check()


def test_off_the_main_thread_the_steps_check() -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            with limit(0.01) as check:
                time.sleep(0.05)
                check()
        except TimeoutReached as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(caught) == 1


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_limit_is_a_positive_number(seconds: float) -> None:
    with pytest.raises(OptionError), limit(seconds):
        pass
