"""A project's modules, built: what is out of date is generated in parallel and written module by module."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vjpgen import build_worker, files, interrupts, lockfile, provenance
from vjpgen.build_config import Function, Module, Project
from vjpgen.build_worker import Made, Task
from vjpgen.cache import Cache, default
from vjpgen.errors import ConfigError, OutputError, VjpgenError

TIMEOUT = 600.0  # seconds for each function
_TASKS = 32  # for each process of a pool, before another pool takes its place: JAX keeps what it compiled
BUILT, FRESH, FAILED = "built", "up to date", "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one module.

    Attributes:
        module: the module.
        state: `BUILT`, `FRESH` or `FAILED`.
        reasons: why it was out of date.
        made: of each function that was generated, or failed.
        error: why the module as a whole could not be written, empty where it was.
    """

    module: Module
    state: str
    reasons: tuple[str, ...] = ()
    made: tuple[Made, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did.

    Attributes:
        outcomes: one for each module, in order.
        left_over: files that were built and are not asked for any more; they are left alone.
        notes: remarks.
    """

    outcomes: tuple[Outcome, ...]
    left_over: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether any module could not be built."""
        return any(o.state == FAILED for o in self.outcomes)


def to_dict(project: Project, built: Built) -> dict[str, Any]:
    """What a build did as nested plain data."""
    modules = [
        {
            "path": project.named(o.module.path),
            "state": o.state,
            "reasons": o.reasons,
            "error": o.error,
            "functions": [
                {"name": m.name, "figures": m.figures, "seconds": m.seconds, "error": m.error} for m in o.made
            ],
        }
        for o in built.outcomes
    ]
    return {"failed": built.failed, "modules": modules, "left_over": built.left_over, "notes": built.notes}


@dataclass(frozen=True, slots=True)
class How:
    """How a build goes about it.

    Attributes:
        jobs: processes at most; None for as many as there are cores.
        force: build everything, over files that were changed by hand too.
        any_versions: what other versions made counts as up to date.
        cache: where results are kept; False for nowhere.
        timeout: seconds for each function.
    """

    jobs: int | None = None
    force: bool = False
    any_versions: bool = False
    cache: Cache | bool = field(default_factory=default)
    timeout: float = TIMEOUT


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how the work goes on.

    Attributes:
        begin: called with the number of functions to generate.
        done: called with each that is done.
        wait: called when another build of the same project has to end first.
    """

    begin: Callable[[int], None] = lambda count: None
    done: Callable[[Made], None] = lambda made: None
    wait: Callable[[], None] = lambda: None


def stale(project: Project, chosen: Collection[Module], how: How) -> dict[Path, list[str]]:
    """By path, why each module that is out of date is so; writes nothing."""
    lock, versions = lockfile.read(project.root), provenance.versions()
    found = {m.path: lockfile.reasons(project, m, lock, versions, how.any_versions) for m in chosen}
    return {path: reasons for path, reasons in found.items() if reasons}


def choose(project: Project, paths: Sequence[Path]) -> tuple[Module, ...]:
    """The modules that are written to these files; all of them where none is named.

    Raises:
        ConfigError: none of the project's modules is written to one of them.
    """
    by_path = {m.path.resolve(): m for m in project.modules}
    for path in paths:
        if path.resolve() not in by_path:
            known = ", ".join(project.named(m.path) for m in project.modules[:5])
            raise ConfigError(f"no function has the output {path}", hint=f"there are {known}")
    wanted = {path.resolve() for path in paths}
    return tuple(m for place, m in by_path.items() if not paths or place in wanted)


def build(project: Project, chosen: Collection[Module], how: How, watcher: Watcher | None = None) -> Built:
    """Builds what is out of date.

    A module is written with all its tests or not at all, as soon as its functions are generated; what fails
    does not stop the others.

    Raises:
        OutputError: the lock cannot be written.
    """
    watcher = watcher or Watcher()
    if not how.force and not stale(project, chosen, how):
        return fresh(project, chosen)
    with _alone(project, watcher.wait):
        return _build(project, chosen, how, watcher)


def fresh(project: Project, chosen: Collection[Module]) -> Built:
    """What a build did that found everything up to date."""
    left = lockfile.left_over(project, lockfile.read(project.root))
    return Built(tuple(Outcome(m, FRESH) for m in chosen), tuple(left))


def _build(project: Project, chosen: Collection[Module], how: How, watcher: Watcher) -> Built:
    reasons = stale(project, chosen, how)  # another build may have ended meanwhile
    if how.force:
        reasons = {m.path: reasons.get(m.path, ["all is built anew"]) for m in chosen}
    lock = lockfile.read(project.root)
    entries = dict(lock.entries)
    found = {m.path: Outcome(m, FRESH) for m in chosen}
    ready = []
    for module in (m for m in chosen if m.path in reasons):
        refused = _refused(module, how.force)
        if refused:
            found[module.path] = Outcome(module, FAILED, tuple(reasons[module.path]), (), refused)
        else:
            ready.append(module)
    left = lockfile.left_over(project, lock)
    for name in left:
        del entries[name]
    watcher.begin(sum(len(m.functions) for m in ready))
    for module, made in _made(ready, how, watcher.done):
        outcome = _written(module, tuple(reasons[module.path]), made, how.force)
        found[module.path] = outcome
        if outcome.state == BUILT:
            entries[project.named(module.path)] = lockfile.entry(project, module, provenance.versions())
            lockfile.write(project.root, entries)
    if left:
        lockfile.write(project.root, entries)
    return Built(tuple(found.values()), tuple(left), (lock.note,) if lock.note else ())


def _refused(module: Module, force: bool) -> str:
    """Why the module must not, or cannot, be written; empty where it can."""
    try:
        files.check(module.files, force=force)
        path = None if force else lockfile.edited(module)
    except OutputError as error:
        return str(error)
    if path is None:
        return ""
    return f"{path.name} was changed by hand after it was generated; --force overwrites it"


def _made(
    modules: Sequence[Module], how: How, done: Callable[[Made], None]
) -> Iterator[tuple[Module, tuple[Made, ...]]]:
    """Each module with what came of its functions, in the order in which they are complete."""
    tasks = {(m.path, f.name): _task(m, f, how) for m in modules for f in m.functions}
    by_path, made = {m.path: m for m in modules}, dict[tuple[Path, str], Made]()
    for key, result in _run(tasks, how.jobs or _cores()):
        made[key] = result
        done(result)
        module = by_path[key[0]]
        keys = [(module.path, f.name) for f in module.functions]
        if all(k in made for k in keys):
            yield module, tuple(made[k] for k in keys)


def _task(module: Module, function: Function, how: How) -> Task:
    return Task(
        function.name,
        function.asked,
        function.folder,
        module.path,
        function.tests,
        function.templates,
        len(module.functions) == 1,
        function.timeout or how.timeout,
        how.cache,
    )


Key = tuple[Path, str]


def _run(tasks: dict[Key, Task], jobs: int) -> Iterator[tuple[Key, Made]]:
    if len(tasks) <= 1:
        yield from ((key, build_worker.make(task)) for key, task in tasks.items())
        return
    lost, keys = [], [*tasks]
    for start in range(0, len(keys), jobs * _TASKS):
        batch = {key: tasks[key] for key in keys[start : start + jobs * _TASKS]}
        for key, result in _pooled(batch, min(jobs, len(batch))):
            if result is None:
                lost.append(key)
            else:
                yield key, result
    for key in lost:  # a process ended, and took the others' work with it: each gets one of its own
        for _, result in _pooled({key: tasks[key]}, 1):
            ended = Made(tasks[key].name, error="the process that generated it ended; is memory short?")
            yield key, ended if result is None else result


def _pooled(tasks: dict[Key, Task], jobs: int) -> Iterator[tuple[Key, Made | None]]:
    """Each task with its result, None where the pool broke down."""
    import multiprocessing
    from concurrent.futures import Future, ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    pool = ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=build_worker.start,
        initargs=(len(tasks) > jobs,),
    )  # without max_tasks_per_child, with which pools of some Pythons stop for ever (python/cpython#115634)
    try:
        futures: dict[Future[Made], Key] = {}
        with interrupts.held():
            for key, task in tasks.items():
                futures[pool.submit(build_worker.make, task)] = key
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], None
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _written(module: Module, reasons: tuple[str, ...], made: tuple[Made, ...], force: bool) -> Outcome:
    failed = [m for m in made if m.error]
    if failed:
        return Outcome(module, FAILED, reasons, made)
    try:
        text = made[0].module
        if len(made) > 1:
            from vjpgen import digest
            from vjpgen.combine import combined

            text = digest.signed(combined([(m.name, m.module, m.command) for m in made]))
        pairs = [(module.path, text)]
        pairs += [(f.tests, m.tests) for f, m in zip(module.functions, made, strict=True) if f.tests]
        files.write_all(pairs, force=force)
    except VjpgenError as error:
        return Outcome(module, FAILED, reasons, made, str(error))
    return Outcome(module, BUILT, reasons, made)


@contextmanager
def _alone(project: Project, wait: Callable[[], None]) -> Iterator[None]:
    """One build of a project at a time; a lock that a killed build held is free.

    Where there is no place for the lock, two builds at once do the work twice: files are whole all the same.
    """
    from filelock import FileLock, Timeout

    folder = default().folder / "builds"
    lock = FileLock(folder / f"{provenance.digest(str(project.root.resolve()))[:32]}.lock")
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            wait()
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
