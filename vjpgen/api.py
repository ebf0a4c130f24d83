"""Generated functions, live: for notebooks and scripts that need no file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vjpgen.errors import OptionError
from vjpgen.pipeline import generate

MODES = ("vjp", "jvp")


def function(expr: Any, *, mode: str = "vjp", **options: Any) -> Callable[..., Any]:
    """The generated function of a formula.

    Args:
        expr: as for `generate`.
        mode: "vjp" for the `jax.custom_vjp` function (reverse mode), "jvp" for its `jax.custom_jvp` twin
            (forward mode, and reverse by transposition).
        options: as for `generate`.

    Returns:
        A JAX function of as many positional arguments as the formula has; `inspect.getsource` shows it.

    Raises:
        InputError: as `generate`.
    """
    if mode not in MODES:
        raise OptionError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    generated = generate(expr, **options)
    from vjpgen import verify

    name = generated.spec.name
    found: Callable[..., Any] = getattr(
        verify.load(generated.module, name), name if mode == "vjp" else f"{name}_jvp"
    )
    return found
