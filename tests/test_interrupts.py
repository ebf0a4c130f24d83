"""Interrupts wait while processes are started, and are not lost."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from vjpgen import interrupts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")

_ASK = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"


@pytest.fixture(autouse=True)
def listening():
    """Python's own handler, which a process started in the background of a shell lacks."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    """Interrupts this process, and waits until that has arrived: another thread that is told may be slow.

    What no thread takes stays pending until the main one may be told.
    """
    heard, tells = socket.socketpair()
    tells.setblocking(False)
    before = signal.set_wakeup_fd(tells.fileno())
    try:
        os.kill(os.getpid(), signal.SIGINT)
        patience = time.monotonic() + 1
        while signal.SIGINT in signal.sigpending() and time.monotonic() < patience:
            time.sleep(0.01)
        if signal.SIGINT not in signal.sigpending():
            assert select.select([heard], [], [], 60)[0]
    finally:
        signal.set_wakeup_fd(before)
        heard.close()
        tells.close()


@pytest.mark.parametrize("where", ["process", "handler"])
def test_an_interrupt_waits_until_the_block_is_over(where: str) -> None:
    done = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the block has to go on
        with interrupts.held():
            if where == "process":
                interrupt()
            else:  # as when the system tells another thread of it
                signal.getsignal(signal.SIGINT)(signal.SIGINT, None)
            done.append(True)
        done.append(False)
    assert done == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_hears_of_it_and_it_waits_all_the_same() -> None:
    """A thread that was there before takes no part in the mask."""
    go, gone, done = threading.Event(), threading.Event(), []
    thread = threading.Thread(target=lambda: (go.set(), gone.wait()))
    thread.start()
    go.wait()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        try:
            with interrupts.held():
                interrupt()
                for _ in range(1000):
                    done.append(True)
        finally:
            gone.set()
            thread.join()
    assert len(done) == 1000


def test_a_process_started_inside_sees_none_and_one_outside_does() -> None:
    with interrupts.held():
        inside = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)
    outside = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)
    assert (inside.stdout, outside.stdout) == ("True\n", "False\n")


def test_errors_pass_and_everything_is_as_before() -> None:
    with pytest.raises(ZeroDivisionError), interrupts.held():
        _ = 1 / 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_off_the_main_thread_the_block_runs_as_it_is() -> None:
    done = []

    def work() -> None:
        with interrupts.held():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.default_int_handler]
