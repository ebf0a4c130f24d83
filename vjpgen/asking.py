"""What the library is asked for, from Python's values to text and `Spec`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vjpgen.errors import OptionError
from vjpgen.formula import Formula
from vjpgen.names import split_names
from vjpgen.parse import parse
from vjpgen.passing import NOTHING, Passing
from vjpgen.settings import How
from vjpgen.spec import Spec
from vjpgen.wishes import Wishes


def specify(
    expr: Any,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    assume: str | Sequence[str] = (),
    grad: Mapping[str, Any] | None = None,
    surrogate: Mapping[str, str] | None = None,
    stop: str | Sequence[str] = (),
    grad_scale: Mapping[str, Any] | None = None,
    grad_mask: str | Sequence[str] = (),
) -> Spec:
    """What `generate` is asked for by these arguments, which are its own.

    Raises:
        InputError: the formula, a name, an assumption or a gradient cannot be used; the message says where.
    """
    return spec(expr, name, args, assume, wishes(grad, surrogate, stop, grad_scale, None, grad_mask))


def _plain(note: str) -> str:
    """A note that can stand in a docstring, whatever the text is like that it is from."""
    return re.sub(r"[^ !#-\[\]-~]", "?", note)[:300]


def wishes(
    grad: Any, surrogate: Any, stop: str | Sequence[str], scale: Any, clip: Any, mask: str | Sequence[str]
) -> Wishes:
    """The options about the gradient as text.

    Raises:
        OptionError: one of them is no such value.
    """
    return Wishes(
        grad=_by_argument("grad", grad, _text),
        surrogate=_by_argument("surrogate", surrogate, str),
        scale=_by_argument("grad_scale", scale, _text),
        clip=_by_argument("grad_clip", clip, _clip_text),
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        mask=(mask,) if isinstance(mask, str) else tuple(mask or ()),
    )


def _by_argument(option: str, given: Any, text: Callable[[Any], str]) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise OptionError(
            f"{option} is a mapping from arguments, not {given!r}", hint=f"write {option}={{'x': ...}}"
        )
    return tuple((str(a), text(value)) for a, value in given.items())


def _text(value: Any) -> str:
    """A formula as text: a number, or what `generate` takes as one."""
    if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return str(value)
    from vjpgen.bridge import to_text

    return to_text(value)[0]


def _clip_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise OptionError(
            f"grad_clip takes (low, high), not {value!r}", hint="write grad_clip={'x': (-1, 1)}"
        )
    return ":".join("" if bound is None else _text(bound) for bound in value)


def passing(
    nondiff: str | Sequence[str], static: str | Sequence[str], param: Any, outputs: str | Sequence[str]
) -> Passing:
    """The options about how the function is called as text.

    Raises:
        OptionError: one of them is no such value.
    """
    return Passing(
        nondiff=_names(nondiff),
        static=_names(static),
        defaults=_by_argument("param", param, _text),
        outputs=_names(outputs),
    )


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return split_names(given) if isinstance(given, str) else tuple(given or ())


def spec(
    expr: Any,
    name: str | None,
    args: Sequence[str] | None,
    assume: str | Sequence[str],
    wishes: Wishes,
    passing: Passing = NOTHING,
) -> Spec:
    """What is asked for; arguments as for `specify`.

    Raises:
        InputError: as `specify`.
    """
    conditions = (assume,) if isinstance(assume, str) else tuple(assume or ())
    if isinstance(expr, Formula):
        name, args = expr.name if name is None else name, expr.args if args is None else args
        conditions = (*expr.assume, *conditions)
        found = parse(expr.text, name=name, args=args, assume=conditions, wishes=wishes, passing=passing)
        return replace(found, notes=(*map(_plain, expr.notes), *found.notes))
    if not isinstance(expr, str):
        from vjpgen.bridge import to_text  # a sympy object becomes text of the language first

        expr, names = to_text(expr)
        args = names if args is None else args
    return parse(expr, name=name, args=args, assume=conditions, wishes=wishes, passing=passing)


def differentiable(found: Spec, how: How) -> Spec:
    """What is asked for, where it can be generated with this order and in this mode.

    Raises:
        OptionError: with an order, the gradient is meant to differ from the derivative, or an argument is
            static; in one function for both modes, a cotangent is clipped, an argument is static, or outputs
            are to be kept for a gradient that is meant.
    """
    asked = f"order {how.order}" if how.order > 1 else f"mode {how.mode}"
    if how.order > 1 and found.meant is not None:
        hint = "leave the order out; the gradient's own formula can be generated as a function with it"
        message = "is about derivatives of the derivative, and this gradient is not the derivative"
        raise OptionError(f"{asked} {message}", hint=hint)
    if how.mode == "both" and not found.linear:
        hint = "leave the mode out, or the clip"
        raise OptionError("clipping is not linear in the cotangent, so it has no forward rule", hint=hint)
    if how.mode == "both" and found.meant is not None and how.residuals not in ("auto", "input"):
        message = "in mode both a gradient that is meant is computed from the inputs"
        raise OptionError(f"{message}, not residuals={how.residuals!r}", hint="leave residuals out")
    if (how.order > 1 or how.mode == "both") and found.signature.static:
        hint = "name it in nondiff: then it is an array, and is not differentiated either"
        raise OptionError(f"with {asked} no argument is static", hint=hint)
    return found
