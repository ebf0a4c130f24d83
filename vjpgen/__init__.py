"""Numerically right custom derivative rules for JAX, generated from a formula."""

from __future__ import annotations

__version__ = "0.1.0"
