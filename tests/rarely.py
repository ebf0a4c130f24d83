"""What only the thorough tests go through."""

from __future__ import annotations

from typing import Any

import pytest


def rarely(value: Any) -> Any:
    """A parameter of the thorough tests alone."""
    return pytest.param(value, marks=pytest.mark.thorough)
