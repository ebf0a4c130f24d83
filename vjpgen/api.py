"""Generated functions, live: for notebooks and scripts that need no file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vjpgen.errors import OptionError
from vjpgen.pipeline import Generated, generate
from vjpgen.pipeline_external import generate_external

MODES = ("vjp", "jvp", "both")


def function(expr: Any, *, mode: str = "vjp", **options: Any) -> Callable[..., Any]:
    """The generated function of a formula.

    Args:
        expr: as for `generate`.
        mode: "vjp" for the `jax.custom_vjp` function (reverse mode), "jvp" for its `jax.custom_jvp` twin
            (forward mode, and reverse by transposition), "both" for one function that serves reverse and
            forward mode and keeps what is planned (docs/modes.md).
        options: as for `generate`.

    Returns:
        A JAX function of as many positional arguments as the formula has; `inspect.getsource` shows it.

    Raises:
        InputError: as `generate`, or mode is "jvp" and a cotangent is to be clipped.
    """
    _known(mode)
    if mode == "jvp" and options.get("grad_clip"):
        raise _no_forward_rule()
    return live(generate(expr, mode="both" if mode == "both" else "vjp", **options), mode)


def live(generated: Generated, mode: str = "vjp") -> Callable[..., Any]:
    """The function of what was generated.

    Args:
        generated: from `generate`.
        mode: as for `function`.

    Raises:
        OptionError: mode is unknown, or "jvp" and a cotangent is clipped.
    """
    _known(mode)
    if mode == "jvp" and not generated.spec.linear:
        raise _no_forward_rule()
    return _live(generated.module, generated.spec.name, mode)


def external_function(target: str, *, mode: str = "vjp", **options: Any) -> Callable[..., Any]:
    """The generated function that wraps one outside JAX.

    Args:
        target: as for `generate_external`.
        mode: as for `function`.
        options: as for `generate_external`.

    Returns:
        A JAX function of the arguments that were named; `inspect.getsource` shows it.

    Raises:
        InputError: as `generate_external`.
    """
    _known(mode)
    if mode == "both":
        hint = "choose vjp, for reverse mode, or jvp, for both with the partials kept"
        raise OptionError("mode 'both' does not go with a function outside JAX", hint=hint)
    generated = generate_external(target, **options)
    return _live(generated.module, generated.spec.name, mode)


def _no_forward_rule() -> OptionError:
    hint = "leave mode out; without grad_clip there is a forward rule"
    return OptionError("clipping is not linear in the cotangent, so it has no forward rule", hint=hint)


def _known(mode: str) -> None:
    if mode not in MODES:
        raise OptionError(f"mode is one of {', '.join(MODES)}, not {mode!r}")


def _live(module: str, name: str, mode: str) -> Callable[..., Any]:
    from vjpgen import verify

    found: Callable[..., Any] = getattr(verify.load(module, name), f"{name}_jvp" if mode == "jvp" else name)
    return found
