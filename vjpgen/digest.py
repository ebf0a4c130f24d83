"""The line in a generated file by which it can be told that nobody changed it since."""

from __future__ import annotations

import hashlib
import re

_END = '\n"""\n'
_LINE = re.compile(r"\n\nDigest: sha256:([0-9a-f]{16})\Z")


def signed(text: str) -> str:
    """The text of a generated file with a digest as the last line of its docstring, in place of any other.

    The digest is the first 16 digits of the SHA-256 of the text without that line, in UTF-8.
    """
    head, end, rest = _parts(text)
    if not end:
        return text
    return f"{head}\n\nDigest: sha256:{_sum(head + end + rest)}{end}{rest}"


def untouched(text: str) -> bool | None:
    """Whether a text is the one that was signed; None where it holds no digest."""
    found = _LINE.search(text.partition(_END)[0])
    return None if found is None else found[1] == _sum("".join(_parts(text)))


def _parts(text: str) -> tuple[str, str, str]:
    """The docstring without its digest, what ends it, and the rest."""
    head, end, rest = text.partition(_END)
    return _LINE.sub("", head), end, rest


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
