"""Results that were generated before, kept on disk under a digest of everything that decides them.

An entry is one file. It is written beside its place and renamed into it, so that runs that are killed, and
runs beside one another, leave whole entries only. What cannot be read, or is not what was written, is absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vjpgen.errors import OptionError

VARIABLE, SIZE = "VJPGEN_CACHE", "VJPGEN_CACHE_SIZE"
MEGABYTES = 256
_ENTRY = re.compile(r"[0-9a-f]{64}\.json(\.\w+\.tmp)?")
_ABANDONED = 3600  # seconds after which a file that was never renamed belongs to a run that was killed


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of results.

    Attributes:
        folder: it need not exist.
        limit: bytes; beyond them the entries that were not used for longest go.
    """

    folder: Path
    limit: int

    def get(self, key: str) -> Any:
        """The value kept under a key; None where there is none that can be read."""
        path = self._path(key)
        try:
            total, _, text = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        if total != _sum(text):
            return None
        with contextlib.suppress(OSError):  # a folder that can only be read serves as well
            os.utime(path)
        return json.loads(text)

    def put(self, key: str, value: Any) -> bool:
        """Keeps plain data under a key; whether it could, as a full disk is no reason to stop."""
        text = json.dumps(value, ensure_ascii=True).encode()
        if len(text) > self.limit:
            return False
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._path(key), _sum(text) + b"\n" + text)
            self._bound()
        except OSError:
            return False
        return True

    def entries(self) -> list[Path]:
        """The files that are the cache's, oldest use first; others in the folder are left alone."""
        return [path for _, _, path in sorted(self._files())]

    def size(self) -> int:
        """Bytes that they take."""
        return sum(size for _, size, _ in self._files())

    def clear(self) -> int:
        """Deletes them; how many there were.

        Raises:
            OSError: one cannot be deleted.
        """
        found = self.entries()
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _write(self, path: Path, content: bytes) -> None:
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _bound(self) -> None:
        found = sorted(self._files())
        total = sum(size for _, size, _ in found)
        for used, size, path in found:
            abandoned = path.suffix == ".tmp" and used < time.time() - _ABANDONED
            if total > self.limit or abandoned:
                path.unlink(missing_ok=True)
                total -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """(last use, size, path) of each file; another run may delete one meanwhile."""
        try:
            found = [Path(entry.path) for entry in os.scandir(self.folder) if _ENTRY.fullmatch(entry.name)]
        except (FileNotFoundError, NotADirectoryError):
            return
        for path in found:
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                yield status.st_mtime, status.st_size, path


def asked() -> Cache | None:
    """The cache that $VJPGEN_CACHE names; None where it is not set, or empty."""
    return default() if os.environ.get(VARIABLE) else None


def default() -> Cache:
    """The cache that $VJPGEN_CACHE names, or else the one in the user's folder for caches.

    Raises:
        OptionError: $VJPGEN_CACHE_SIZE is no number of megabytes.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Cache(Path(named).absolute(), _limit())
    from platformdirs import user_cache_path

    return Cache(user_cache_path("vjpgen", appauthor=False), _limit())


def key(*parts: Any) -> str:
    """The key of what is asked for, here and now: with vjpgen's own files, versions and this machine."""
    from vjpgen import provenance  # reads the metadata of what is installed

    return provenance.digest(parts, provenance.versions(), provenance.machine())


def _limit() -> int:
    text = os.environ.get(SIZE) or str(MEGABYTES)
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise OptionError(f"{SIZE} is a number of megabytes, not {text!r}", hint=f"write {SIZE}={MEGABYTES}")
    return int(text) * 1_000_000


def _sum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()
