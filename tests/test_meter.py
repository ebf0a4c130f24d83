"""Code is measured alike in this process and in one of its own, which ends with the work."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import numpy as np
import pytest

from vjpgen import meter as meter_room
from vjpgen import verify
from vjpgen.errors import InternalError, VjpgenError
from vjpgen.meter import ahead, open_meter

SOURCE = "import jax.numpy as jnp\n\ndef f(x):\n    return jnp.sin(x)\n"
APART = "import sys\nfrom vjpgen.meter import open_meter\nwith open_meter() as meter:\n"
X = np.linspace(0, 1, 9, dtype=np.float32)


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "jax", raising=False)


@pytest.mark.usefixtures("apart")
def test_a_process_of_its_own_answers_as_this_one_does() -> None:
    with open_meter() as meter:
        found = meter.measure(SOURCE, "f", 1, False, [X])
        facts = meter.versions(), meter.platform()
    same = verify.measure_source(SOURCE, "f", 1, False, [X])
    assert np.array_equal(found.values, same.values)
    assert np.array_equal(found.partials, same.partials)
    assert facts == (verify.versions(), verify.platform())


@pytest.mark.usefixtures("apart")
def test_an_error_there_is_raised_here_and_the_next_call_is_answered() -> None:
    with open_meter() as meter:
        with pytest.raises(ZeroDivisionError):
            meter.measure("1/0", "f", 1, False, [X])
        assert meter.versions()


@pytest.mark.usefixtures("apart")
def test_the_process_ends_with_the_block_however_that_ends() -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyError))
        meter = stack.enter_context(open_meter())
        assert meter._process is not None
        assert meter._process.poll() is None
        raise KeyError
    assert meter._process.poll() is not None


@pytest.mark.usefixtures("apart")
def test_a_process_started_ahead_is_the_one_that_measures() -> None:
    with ahead():
        (waiting,) = meter_room._ahead
        with open_meter() as meter:
            assert meter._process is waiting
            assert meter.versions() == verify.versions()
        assert waiting.poll() is not None
        with open_meter() as another:
            assert another._process is not waiting


@pytest.mark.usefixtures("apart")
def test_a_process_started_ahead_for_nothing_ends_with_the_block() -> None:
    with contextlib.suppress(KeyError), ahead():
        (waiting,) = meter_room._ahead
        raise KeyError
    assert waiting.poll() is not None
    assert not meter_room._ahead


@pytest.mark.usefixtures("apart")
def test_a_process_that_dies_is_an_internal_error_and_not_a_wait() -> None:
    with open_meter() as meter:
        assert meter._process is not None
        meter._process.kill()
        with pytest.raises(InternalError) as caught:
            meter.versions()
    assert isinstance(caught.value, VjpgenError)


@pytest.mark.usefixtures("apart")
def test_a_question_too_long_for_the_pipe_is_no_broken_pipe_either() -> None:
    def ask() -> None:
        with open_meter() as meter:
            assert meter._process is not None
            meter._process.kill()
            meter.measure(SOURCE, "f", 1, False, [np.zeros(10**6, np.float32)])

    with pytest.raises(InternalError):
        ask()


def test_this_process_never_loads_jax() -> None:
    program = APART + "    assert meter.versions()\nassert 'jax' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", program], check=True)
