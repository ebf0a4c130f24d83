"""The command's words: what is an option, and what is an expression that begins with a minus sign."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vjpgen.errors import OptionError

SUBCOMMANDS = ("build", "cache", "check", "compare", "explain", "report", "stubs")


def sort_words(
    words: Sequence[str], flags: Collection[str], valued: Collection[str], most: int = 1
) -> list[str]:
    """The words with all options first, then "--", then the expression and what else is no option.

    A word that begins with one minus sign and is no option (`-x*log(x)`, `-omega*t`) is an expression;
    `-oNAME.py` is the option -o.

    Args:
        flags: the options without a value.
        valued: the options with one.
        most: how many words may be no options; below zero, any number.

    Raises:
        OptionError: the expression is the name of a subcommand, or there are too many.
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
    _few(expressions, most)
    return [*options, "--", *expressions]


def _is_option(word: str, valued: Collection[str]) -> bool:
    if word.startswith("--"):
        return len(word) > 2 and (word[2].isalpha() and ("=" in word or word[2:].replace("-", "").isalpha()))
    return word[:2] in valued and word.endswith((".py", ".html"))


def _few(expressions: Sequence[str], most: int) -> None:
    word = expressions[0].strip() if expressions and most == 1 else ""
    hint = f"for an argument of that name write '({word})'"
    if word in SUBCOMMANDS:
        raise OptionError(f"'{word}' is a subcommand, and stands first", hint=hint)
    if 0 <= most < len(expressions):
        shown = " ".join(expressions[most - 1 :])
        wanted = "one expression is expected" if most == 1 else f"{most} words are expected"
        raise OptionError(
            f"{wanted}, not {len(expressions)}",
            hint=f"put it in quotes: {'vjpgen ' * (most == 1)}'{shown}'"
            if len(shown) < 60
            else "put it in quotes",
        )
