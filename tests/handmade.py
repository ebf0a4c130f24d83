"""Functions as somebody may write them, good and bad; and how they are measured in the tests' own process."""

from __future__ import annotations

from types import ModuleType, TracebackType

import pytest

from vjpgen.meter import Meter

OPS = """
import math
import sys

import jax
import jax.numpy as jnp
from jax import lax


@jax.custom_vjp
def softplus(x):
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def slope(x):
    return jnp.where(x < 0, jnp.exp(x), 1) / (1 + jnp.exp(-abs(x)))


softplus.defvjp(lambda x: (softplus(x), x), lambda x, bar: (bar * slope(x),))


@jax.custom_jvp
def sloppy(x):
    return softplus(x)


sloppy.defjvp(lambda at, tangents: (softplus(*at), 1.0001 * tangents[0] * jax.nn.sigmoid(at[0])))


def naive(x):
    return jnp.log(1 + jnp.exp(x))


def scalar(x):
    if jnp.shape(x):
        raise TypeError("one number, please")
    return lax.cond(x > 0, lambda: x + jnp.log1p(jnp.exp(-x)), lambda: jnp.log1p(jnp.exp(x)))


def polar(r, theta):
    return r * jnp.cos(theta), r * jnp.sin(theta)


def fails(x):
    raise KeyError("a\\nlong story")


def leaves(x):
    sys.exit(3)


class Kept:
    softplus = staticmethod(softplus)


number = 3
"""
SOFTPLUS = "log(1+exp(x))"


class Here:
    """Stands in for `open_meter`: no other process is started."""

    def __init__(self, **how: bool) -> None:
        assert how == {"apart": True}

    def __enter__(self) -> Meter:
        return Meter(None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def measured_here(room: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room measures in this process, at few points."""
    monkeypatch.setattr(room, "open_meter", Here)
    monkeypatch.setattr("vjpgen.pipeline.POINTS", 512)
