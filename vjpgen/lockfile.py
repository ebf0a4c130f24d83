"""What was built, from what and by which versions: vjpgen.lock, by which it is told what is out of date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vjpgen import build_inputs, digest, files, provenance, template_files
from vjpgen.build_config import Function, Module, Project
from vjpgen.errors import OutputError

NAME = "vjpgen.lock"
_FORMAT = 1
_READ = "what it is read from"
_NO_FILE = "there is no file"


@dataclass(frozen=True, slots=True)
class Entry:
    """One module as it was built.

    Attributes:
        files: by path, the digest of its text.
        functions: by name, what was asked for.
        versions: what it was made with.
    """

    files: Mapping[str, str]
    functions: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lock:
    """All modules that were built, by path.

    Attributes:
        entries: paths are seen from the lock's folder.
        note: why it holds nothing, where it cannot be read.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    note: str = ""


def read(root: Path) -> Lock:
    """The lock of a project; an empty one where there is none, or none that can be read."""
    path = root / NAME
    try:
        found = json.loads(path.read_bytes())
        if found["format"] != _FORMAT:
            raise ValueError("another vjpgen wrote it")
        made = found["made_with"]
        return Lock(
            {
                name: Entry(dict(e["files"]), dict(e["functions"]), dict(made[e["made_with"]]))
                for name, e in found["modules"].items()
            }
        )
    except FileNotFoundError:
        return Lock()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Lock(note=f"{path} cannot be read, and is written anew: {error}")


def write(root: Path, entries: Mapping[str, Entry]) -> None:
    """Writes the lock, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    made: dict[str, Mapping[str, str]] = {}
    modules = {}
    for name, e in sorted(entries.items()):
        key = provenance.digest(e.versions)[:8]
        made[key] = e.versions
        modules[name] = {"files": e.files, "functions": e.functions, "made_with": key}
    found = {"format": _FORMAT, "made_with": dict(sorted(made.items())), "modules": modules}
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    path = root / NAME
    if path.is_file() and path.read_bytes() == text.encode():
        return
    files.write_all([(path, text)], force=True)


def entry(project: Project, module: Module, versions: Mapping[str, str]) -> Entry:
    """The entry of a module that was just built."""
    return Entry(
        {project.named(path): _sum(path) for path in module.files},
        {f.name: _asked(f) for f in module.functions},
        versions,
    )


def reasons(
    project: Project, module: Module, lock: Lock, versions: Mapping[str, str], any_versions: bool = False
) -> list[str]:
    """Why a module is out of date, in words; none where it is not.

    Args:
        project: whose module it is.
        module: what is asked for now.
        lock: what was built.
        versions: what it would be made with.
        any_versions: whether it may have been made with others.
    """
    before = lock.entries.get(project.named(module.path))
    if before is None:
        return ["was not built yet"]
    found = [*_functions(before.functions, module)]
    if not any_versions:
        found += _versions(before.versions, versions)
    now = {project.named(path): path for path in module.files}
    found += [f"{name} is new" for name in now if name not in before.files]
    for name, known in before.files.items():
        if name in now:
            found += [said for said in [_file(now[name], name, known)] if said]
        elif (project.root / name).exists():
            found.append(f"{name} is not asked for any more")
    return found


def left_over(project: Project, lock: Lock) -> list[str]:
    """Modules that were built and are not asked for any more."""
    asked = {project.named(m.path) for m in project.modules}
    return [name for name in lock.entries if name not in asked]


def edited(module: Module) -> Path | None:
    """A file of the module that somebody changed after it was generated, or that vjpgen did not generate."""
    for path in module.files:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OutputError(f"cannot read {path}: {error.strerror or error}") from None
        except UnicodeDecodeError:
            return path
        if not files.owned(text) or digest.untouched(text) is not True:
            return path
    return None


def _asked(function: Function) -> dict[str, Any]:
    """What decides the function, wherever the project lies."""
    found = dict(function.asked)
    if function.templates is not None:
        found["templates"] = template_files.accepted(function.templates)
    if read := build_inputs.digest(function.asked, function.folder):
        found[_READ] = read
    return found


def _functions(before: Mapping[str, Any], module: Module) -> Iterator[str]:
    now = {f.name: _asked(f) for f in module.functions}
    for name in dict.fromkeys((*before, *now)):
        if name not in now:
            yield f"{name} is not asked for any more"
        elif name not in before:
            yield f"{name} is new"
        elif now[name] != before[name]:
            old, new = before[name], now[name]
            keys = [k for k in dict.fromkeys((*old, *new)) if old.get(k) != new.get(k)]
            yield f"{name}: {', '.join(keys)} changed"
    if list(before) != list(now) and set(before) == set(now):
        yield "the order of the functions changed"


def _versions(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name, "none"), now.get(name, "none")
        if old != new:
            yield f"made with {name} {old}, here is {new}"


def _file(path: Path, name: str, known: str) -> str:
    try:
        now = _sum(path)
    except FileNotFoundError:
        return f"{_NO_FILE} {name}"
    except OSError as error:
        return f"cannot read {name}: {error.strerror or error}"
    return "" if now == known else f"{name} was changed by hand"


def _sum(path: Path) -> str:
    """A digest of a file's text, whatever ends its lines."""
    text = path.read_bytes().replace(b"\r\n", b"\n")
    return f"sha256:{hashlib.sha256(text).hexdigest()[:32]}"
