"""Everything vjpgen refuses, as one exception tree with exit statuses."""

from __future__ import annotations


class VjpgenError(Exception):
    """Base of every error vjpgen raises on purpose; `exit_status` is the command's."""

    exit_status = 1


class InputError(VjpgenError):
    """The user's text cannot be used: says where (a caret) and what to do instead.

    Args:
        message: what is wrong, one sentence.
        text: the text the position refers to, if any.
        position: 0-based offset into `text`, if known.
        hint: what to write instead, if known.
    """

    exit_status = 2

    def __init__(self, message: str, *, text: str = "", position: int | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.text, self.position, self.hint = message, text, position, hint

    def __str__(self) -> str:
        lines = [self.message]
        if self.position is not None and self.text:
            line, column = _window(self.text, self.position)
            lines += ["    " + line, "    " + " " * column + "^"]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class ParseError(InputError):
    """The expression or assumption is not in the language."""


class NameRefused(InputError):
    """A name cannot be used in a generated module."""


class DomainError(InputError):
    """No point satisfies the assumptions, or the value is nowhere real on them."""


class OptionError(InputError):
    """An option of the command or the library has a value that does not fit."""


class ConfigError(InputError):
    """The tables that say what to build cannot be used."""


class TemplateRefused(InputError):
    """A user's template cannot be used."""


class TargetError(InputError):
    """A function that somebody wrote cannot be found, or cannot be run."""


class FileRefused(VjpgenError):
    """A file cannot be checked: it is missing, or not a module that vjpgen generated."""


class OutputError(VjpgenError):
    """A file cannot be written, or is not vjpgen's to overwrite."""


class TimeoutReached(VjpgenError):
    """The work took longer than `--timeout`; nothing was written."""

    exit_status = 3


class InternalError(VjpgenError):
    """An invariant of vjpgen's own is broken: a bug, to be reported with the command."""

    exit_status = 70


def _window(text: str, position: int, width: int = 72) -> tuple[str, int]:
    """The line around a position, at most `width` characters of it, and the caret's column."""
    start = text.rfind("\n", 0, position) + 1
    stop = text.find("\n", position)
    line, column = text[start : stop if stop >= 0 else len(text)], position - start
    if len(line) <= width:
        return line, column
    left = max(0, min(column - width // 2, len(line) - width))
    head, tail = "..." if left else "", "..." if left + width < len(line) else ""
    return head + line[left : left + width] + tail, column - left + len(head)
