"""The keys of a function's table: what each may hold, and what it is as an argument of the library."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from vjpgen import build_inputs, fpcore_files
from vjpgen.callee import is_callee
from vjpgen.errors import ConfigError
from vjpgen.fpcore import is_fpcore
from vjpgen.settings import EFFORTS, MODES, ORDERS, PREFERENCES, RESIDUALS

Complain = Callable[[str, str], ConfigError]  # message and hint to the error that says where
Asked = dict[str, Any]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def _words(value: Any) -> list[str]:
    """Text, or a list of texts."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise ValueError("text, or a list of texts")
    return given


def _names(value: Any) -> list[str]:
    """Names in a list, or in one text with commas."""
    return [name.strip() for word in _words(value) for name in word.split(",")]


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("a formula or a number")
    return str(value)


def _formulas(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("a table from arguments to formulas, such as { x = '1' }")
    return {name: _number(item) for name, item in value.items()}


def _table(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError("a table from names to texts, such as { x = '...' }")
    return dict(value)


def _bounds(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("a table from arguments to bounds, such as { x = [-1, 1] }")
    return {name: _bound(item) for name, item in value.items()}


def _bound(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("bounds as [-1, 1] or '-1:1'")
    return ":".join("" if math.inf in (v, -v) else _number(v) for v in map(_finite, value))


def _finite(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("bounds as [-1, 1] or '-1:1'")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ValueError("a positive number of seconds")
    return float(value)


def _order(value: Any) -> int:
    if isinstance(value, bool) or value not in ORDERS:
        raise ValueError("1, 2 or 3")
    return int(value)


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def choice(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return choice


# By key: what it may hold, and the library's name of it. The keys are the command's long options.
_Keys = dict[str, tuple[Callable[[Any], Any], str]]
_ALL: _Keys = {
    "args": (_names, "args"),
    "assume": (_words, "assume"),
    "effort": (_one_of(EFFORTS), "effort"),
}
_BOTH: _Keys = {**_ALL, "grad": (_formulas, "grad"), "stop": (_names, "stop")}
FORMULA: _Keys = {
    **_BOTH,
    "expr": (_text, "expr"),
    "latex": (_text, "latex"),
    "srepr": (_text, "srepr"),
    "fpcore": (_text, "fpcore"),
    "function": (_text, "function"),
    "surrogate": (_table, "surrogate"),
    "grad-scale": (_formulas, "grad_scale"),
    "grad-clip": (_bounds, "grad_clip"),
    "grad-mask": (_words, "grad_mask"),
    "nondiff": (_names, "nondiff"),
    "static": (_names, "static"),
    "param": (_formulas, "param"),
    "outputs": (_names, "outputs"),
    "prefer": (_one_of(PREFERENCES), "prefer"),
    "residuals": (_one_of(RESIDUALS), "residuals"),
    "order": (_order, "order"),
    "mode": (_one_of(MODES), "mode"),
}
EXTERNAL: _Keys = {
    **_BOTH,
    "external": (_text, "target"),
    "also": (_table, "also"),
    "missing": (_table, "missing"),
    "elementwise": (_flag, "elementwise"),
    "call-dtype": (_text, "call_dtype"),
}
EQUATION: _Keys = {
    **_ALL,
    "expr": (_text, "equation"),
    "solve": (_text, "solve"),
    "guess": (_number, "guess"),
}
INVERSE: _Keys = {**_ALL, "inverse": (_text, "equation"), "guess": (_number, "guess")}
INTEGRAL: _Keys = {**_ALL, "integral": (_text, "integrand"), "over": (_text, "over")}
_KINDS = (FORMULA, EXTERNAL, EQUATION, INVERSE, INTEGRAL)
_BY_KEY = {"external": EXTERNAL, "inverse": INVERSE, "integral": INTEGRAL}  # others are formulas
PLACES: dict[str, Callable[[Any], Any]] = {
    "name": _text,
    "output": _text,
    "tests": lambda value: value if value is False else _text(value),
    "templates": _text,
    "timeout": _seconds,
}
_CONVERSIONS = {key: convert for kind in _KINDS for key, (convert, _) in kind.items()} | PLACES
KEYS = tuple(dict.fromkeys((*PLACES, *(key for kind in _KINDS for key in kind))))


def checked(table: Mapping[str, Any], complain: Complain) -> dict[str, Any]:
    """The values of a table, each as what it stands for, by key.

    Raises:
        ConfigError: an unknown key, or a value of another kind.
    """
    found = {}
    for key, value in table.items():
        if key not in KEYS:
            raise complain(f"unknown key '{key}'", _instead(key))
        try:
            found[key] = _CONVERSIONS[key](value)
        except ValueError as error:
            raise complain(f"{key} is {error}, not {_shown(value)}", "") from None
    return found


def asked(values: Mapping[str, Any], own: Mapping[str, Any], complain: Complain) -> Asked:
    """The arguments of `generate`, `generate_external`, `generate_implicit` or `generate_integral`.

    They are plain data in a fixed order.

    Args:
        values: checked, with what is shared.
        own: those of the function's own table.
        complain: says where.

    Raises:
        ConfigError: there is no formula and no function, or more than one, or a key that does not go with it.
    """
    given = [key for key in (*build_inputs.KEYS, *_BY_KEY) if key in values]
    if len(given) != 1:
        both = f"{' and '.join(given)} contradict each other" if given else "there is no expr"
        formula = f"{', '.join(build_inputs.KEYS[:-1])} or {build_inputs.KEYS[-1]}"
        others = "a function outside JAX as external, or what is sought as inverse or integral"
        raise complain(both, f"give the formula as {formula}, {others}")
    (key,) = given
    words, keys = key, _BY_KEY.get(key, FORMULA)
    if key == "expr" and "solve" in values:
        words, keys = "solve", EQUATION
    elif key == "expr" and (meant := _meant(values["expr"])):
        raise complain(f"expr is a formula, and {_shown(values['expr'])} is none", f"write {meant} = ...")
    for other in own:
        if other not in keys and other not in PLACES:
            raise complain(f"{other} does not go with {words}", "")
    if keys is INTEGRAL and "over" not in values:
        raise complain("integral needs over", "say what is integrated over: over = 't=0..y'")
    return {keys[k][1]: values[k] for k in sorted(values) if k in keys and values[k] != []}


def _meant(expr: str) -> str:
    """The key for what stands in place of a formula, as the command takes it; empty for a formula."""
    if is_fpcore(expr) or fpcore_files.place(expr):
        return "fpcore"
    return "function" if is_callee(expr) else ""


def _instead(key: str) -> str:
    from vjpgen.unknown import nearest

    near = nearest(key.replace("_", "-"), KEYS)
    return f"did you mean {near}?" if near else f"the keys are {', '.join(KEYS)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
