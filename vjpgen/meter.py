"""Where generated code is measured: in this process if JAX is loaded, otherwise in one of its own.

Importing JAX takes about as long as a short search. In a process of its own it goes on beside the
search; on a thread of this one the two would take turns.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vjpgen import interrupts
from vjpgen.errors import InternalError, TargetError

if TYPE_CHECKING:
    from vjpgen.callee import Callee
    from vjpgen.forms import Partial
    from vjpgen.spec import Structure

_ahead: list[subprocess.Popen[bytes]] = []  # started, and taken by no meter yet


@contextmanager
def open_meter(*, apart: bool = False) -> Iterator[Meter]:
    """A meter for the block; a process that it started ends with the block, however the block ends.

    Args:
        apart: whether it has to be a process of its own, because what it runs may end it.
    """
    if "jax" in sys.modules and not apart:
        yield Meter(None)
        return
    with _ahead.pop() if _ahead else _child() as process:
        try:
            yield Meter(process)
        finally:
            _end(process)


@contextmanager
def ahead() -> Iterator[None]:
    """Starts the process for the first meter of the block, so that it is loading while the caller is.

    One block inside another starts nothing more.
    """
    if "jax" in sys.modules or _ahead:
        yield
        return
    _ahead.append(process := _child())
    try:
        yield
    finally:
        if process in _ahead:
            _ahead.remove(process)
            with process:
                _end(process)


class Meter:
    """Calls functions of `vjpgen.verify`, here or in the process that JAX is loaded in."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        self._process = process
        self._unread = 0  # answers that nobody waits for

    def measure(
        self,
        source: str,
        name: str,
        outputs: int,
        structure: Structure,
        columns: Sequence[Any],
        clips: Sequence[Any] = (),
    ) -> Any:
        """`verify.measure_source`: what a module returned at these points.

        Raises:
            InternalError: the process ended before it answered.
        """
        return self._call("measure_source", source, name, outputs, structure, columns, clips)

    def measure_higher(
        self,
        source: str,
        name: str,
        structure: Structure,
        columns: Sequence[Any],
        wanted: Sequence[Partial],
        plain: bool = False,
    ) -> Any:
        """`verify_higher.measure`: partials of the second order and above.

        Raises:
            InternalError: the process ended before it answered.
        """
        asked = source, name, structure, columns, wanted, plain
        return self._call("measure", *asked, room="verify_higher")

    def foresee(self, source: str, *asked: Any) -> None:
        """Lets the other process compile what `measure` will be asked for, while this one goes on.

        It is asked what `measure` takes, with one point of the dtype.
        """
        if self._process is not None:
            self._ask("verify", "measure_source", source, *asked)
            self._unread += 1

    def measure_function(self, at: Callee, outputs: int, several: bool, columns: Sequence[Any]) -> Any:
        """`foreign.measure_function`: what a function that somebody wrote returned, and what it can do.

        Raises:
            TargetError: it cannot be run, or ended the process that ran it.
        """
        try:
            return self._call("measure_function", at, outputs, several, columns, room="foreign")
        except InternalError as error:
            raise TargetError(f"{at.text} ended the process that ran it: {error}") from None

    def trace(self, at: Callee, args: Sequence[str] | None) -> Any:
        """`traced.trace`: the formula of a function that somebody wrote.

        Raises:
            TargetError: it cannot be traced, or ended the process that traced it.
        """
        try:
            return self._call("trace", at, args, room="traced")
        except InternalError as error:
            raise TargetError(f"{at.text} ended the process that traced it: {error}") from None

    def versions(self) -> tuple[tuple[str, str], ...]:
        """`verify.versions`: what measured."""
        found: tuple[tuple[str, str], ...] = self._call("versions")
        return found

    def platform(self) -> tuple[str, str, str, str]:
        """`verify.platform`: what the last bits depend on."""
        found: tuple[str, str, str, str] = self._call("platform")
        return found

    def _call(self, function: str, *arguments: Any, room: str = "verify") -> Any:
        if self._process is None:
            return getattr(import_module(f"vjpgen.{room}"), function)(*arguments)
        self._ask(room, function, *arguments)
        for _ in range(self._unread):
            self._answer()
        self._unread = 0
        done, found = self._answer()
        if not done:
            raise found
        return found

    def _ask(self, room: str, function: str, *arguments: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with self._alive():
            pickle.dump((room, function, arguments), self._process.stdin)
            self._process.stdin.flush()

    def _answer(self) -> tuple[bool, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._alive():
            found: tuple[bool, Any] = pickle.load(self._process.stdout)
            return found

    @contextmanager
    def _alive(self) -> Iterator[None]:
        assert self._process is not None
        try:
            yield
        except (EOFError, BrokenPipeError):
            raise InternalError(
                f"the process that measures ended with status {self._process.wait()}"
            ) from None


def _child() -> subprocess.Popen[bytes]:
    """This Python with this vjpgen, wherever it was imported from, and JAX on the same platform."""
    home = str(Path(__file__).parents[1])
    places = [home, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = {
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # a GPU's memory stays with those who need it
        **os.environ,
        "PYTHONPATH": os.pathsep.join(places),
    }
    words = [sys.executable, "-m", "vjpgen.meter_process"]
    with interrupts.held():
        return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _end(process: subprocess.Popen[bytes]) -> None:
    """No goodbye: the process holds nothing that has to be kept, and taking JAX down is slow."""
    process.kill()
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # half a question may be left for a process that died
        process.stdin.close()
