"""What the bytes of a generated file depend on besides what was asked for."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from vjpgen import __version__
from vjpgen.template_files import templates_root, texts

# Whose versions can change a form, a figure or the layout of a line.
LIBRARIES = (
    "egglog", "jax", "jaxlib", "jinja2", "numpy", "python-flint", "ruff", "scipy", "sympy",
)  # fmt: skip
_SETTINGS = ("JAX_", "XLA_", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


@cache
def versions() -> dict[str, str]:
    """vjpgen, as its version and the digest of its own files, and the libraries that it works with."""
    return {"vjpgen": f"{__version__} ({code()})", **{name: _version(name) for name in LIBRARIES}}


@cache
def code() -> str:
    """A digest of vjpgen's own sources and templates: the first 16 digits of a SHA-256."""
    found = hashlib.sha256()
    sources = [(f.name, f.read_bytes()) for f in files("vjpgen").iterdir() if f.name.endswith(".py")]
    for name, text in sorted((*sources, *texts(templates_root()))):
        found.update(f"{name}\0{len(text)}\0".encode() + text)
    return found.hexdigest()[:16]


def machine() -> dict[str, str]:
    """What the last bits of a measurement depend on: processor, accelerators, settings of JAX and XLA."""
    plugins = sorted(
        f"{p.name} {p.dist.version if p.dist else ''}" for p in entry_points(group="jax_plugins")
    )
    settings = {name: value for name, value in os.environ.items() if name.startswith(_SETTINGS)}
    devices = [str(d) for place in ("nvidia[0-9]*", "kfd", "accel*") for d in Path("/dev").glob(place)]
    return {
        "python": ".".join(map(str, sys.version_info[:2])),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "accelerators": " ".join([*plugins, *sorted(devices)] if plugins else []),
        **settings,
    }


@cache
def _processor() -> str:
    """What the processor can do; XLA compiles for all of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    told = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return " ".join(sorted(told.partition(":")[2].split()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def digest(*parts: Any) -> str:
    """The SHA-256 of plain data, in hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
