"""Generated functions on eight devices, in a process of its own: JAX counts devices once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kinds import KINDS
from rarely import rarely

OFTEN = ("nondiff",)


@pytest.mark.parametrize("name", [n if n in OFTEN else rarely(n) for n in KINDS])
def test_on_eight_devices_as_on_one(name: str) -> None:
    here = Path(__file__).parent
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8".strip()
    done = subprocess.run(
        [sys.executable, here / "sharding_program.py", name],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
