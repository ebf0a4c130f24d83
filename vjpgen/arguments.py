"""The command's words: what is an option, and what is an expression that begins with a minus sign."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vjpgen.errors import OptionError

RESERVED = ("check", "compare", "stubs", "report", "build", "explain", "cache")


def sort_words(words: Sequence[str], flags: Collection[str], valued: Collection[str]) -> list[str]:
    """The words with all options first, then "--", then the expression.

    A word that begins with one minus sign and is no option (`-x*log(x)`, `-omega*t`) is an expression;
    `-oNAME.py` is the option -o.

    Args:
        flags: the options without a value.
        valued: the options with one.

    Raises:
        OptionError: the expression is a reserved word, or there are several.
    """
    options: list[str] = []
    expressions: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            expressions += rest
        elif word in valued:
            options.append(word)
            options += [value for value in [next(rest, None)] if value is not None]
        elif word in flags or _is_option(word, valued):
            options.append(word)
        else:
            expressions.append(word)
    _one(expressions)
    return [*options, "--", *expressions]


def _is_option(word: str, valued: Collection[str]) -> bool:
    if word.startswith("--"):
        return len(word) > 2 and (word[2].isalpha() and ("=" in word or word[2:].replace("-", "").isalpha()))
    return word[:2] in valued and word.endswith(".py")


def _one(expressions: Sequence[str]) -> None:
    if expressions and expressions[0].strip() in RESERVED:
        word = expressions[0].strip()
        message = f"'{word}' is reserved for a later subcommand"
        raise OptionError(message, hint=f"for an argument of that name write '({word})'")
    if len(expressions) > 1:
        shown = " ".join(expressions)
        raise OptionError(
            f"one expression is expected, not {len(expressions)}",
            hint=f"put it in quotes: vjpgen '{shown}'" if len(shown) < 60 else "put it in quotes",
        )
