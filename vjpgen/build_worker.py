"""One function of a build, in a process that makes many of them."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vjpgen import again, build_inputs, settings
from vjpgen.cache import Cache
from vjpgen.errors import VjpgenError


@dataclass(frozen=True, slots=True)
class Task:
    """What a process is asked to do.

    Attributes:
        name: what the function is called.
        asked: what the table asks for: arguments of `generate_external` where there is a `target`, of
            `generate_implicit` where there is an `equation`, of `generate_integral` where there is an
            `integrand`, and else of `generate`.
        folder: where files and modules with a formula are seen from.
        output: the module's file.
        tests: its tests' file; None for none.
        templates: a user's templates; None for none.
        alone: whether the module holds this function only.
        timeout: seconds at most.
        cache: where results are kept; False for nowhere.
    """

    name: str
    asked: dict[str, Any]
    folder: Path
    output: Path
    tests: Path | None
    templates: Path | None
    alone: bool
    timeout: float
    cache: Cache | bool


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it.

    Attributes:
        name: of the function.
        module, tests: their texts; empty where it failed.
        command: the command that generates it.
        figures: by target, the largest error in ulps and the mean error in bits; none for a function
            outside JAX.
        off: how many targets have results more than 16 ulps off.
        seconds: that it took.
        error: why it failed, empty where it did not.
    """

    name: str
    module: str = ""
    tests: str = ""
    command: str = ""
    figures: tuple[tuple[str, float, float], ...] = ()
    off: int = 0
    seconds: float = 0.0
    error: str = ""


def start(warm: bool) -> None:
    """Prepares a process of the pool.

    Args:
        warm: whether JAX is loaded here once, and not by a process beside each search.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the process that asks
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if warm:
        from vjpgen import verify

        verify.warm_up()


def make(task: Task) -> Made:
    """Generates one function; an error is part of the result."""
    begun = time.monotonic()
    try:
        made = _kind(task.asked)(task)
    except VjpgenError as error:
        return Made(task.name, error=str(error), seconds=time.monotonic() - begun)
    except Exception as error:
        if os.environ.get("VJPGEN_TRACEBACK"):
            raise
        said = f"{type(error).__name__}: {error}\nThis is an error of vjpgen's own; please report it."
        return Made(task.name, error=said, seconds=time.monotonic() - begun)
    return Made(**{**made, "seconds": time.monotonic() - begun})


def _kind(asked: dict[str, Any]) -> Callable[[Task], dict[str, Any]]:
    known = {"target": _external, "equation": _solution, "integrand": _integral}
    return next((make for key, make in known.items() if key in asked), _formula)


def _formula(task: Task) -> dict[str, Any]:
    from vjpgen import pipeline

    asked = build_inputs.generated(task.asked, task.folder, task.timeout)
    found = pipeline.generate(
        **asked, name=task.name, timeout=task.timeout, cache=task.cache, **_places(task)
    )
    how = settings.How(**{k: v for k, v in task.asked.items() if k in settings.How.__slots__})
    targets = (*found.report.targets, *found.report.higher)
    measured = [(t.label, t.figures) for t in targets if t.figures.points]
    return {
        **_texts(task, found, pipeline.moved),
        "command": again.command_line(found.spec, None, None, how, task.templates),
        "figures": tuple((label, f.max_ulps, f.mean_bits) for label, f in measured),
        "off": len(found.report.shortfalls),
    }


def _external(task: Task) -> dict[str, Any]:
    from vjpgen.pipeline_external import generate_external

    return _other(task, generate_external)


def _solution(task: Task) -> dict[str, Any]:
    from vjpgen.pipeline_implicit import generate_implicit

    return _other(task, generate_implicit)


def _integral(task: Task) -> dict[str, Any]:
    from vjpgen.pipeline_integral import generate_integral

    return _other(task, generate_integral)


def _other(task: Task, generate: Callable[..., Any]) -> dict[str, Any]:
    """What is no formula to be searched: nothing of it is kept between builds."""
    from vjpgen import pipeline_external

    found = generate(**task.asked, name=task.name, timeout=task.timeout, **_places(task))
    effort = task.asked.get("effort", "normal")
    figures = getattr(found, "figures", ())
    return {
        **_texts(task, found, pipeline_external.moved),
        "command": again.command_again(found.spec.words, None, None, effort, task.templates),
        "figures": tuple((label, f.max_ulps, f.mean_bits) for label, f in figures if f.points),
    }


def _texts(task: Task, found: Any, moved: Callable[..., str]) -> dict[str, str]:
    shared = task.tests is not None and not task.alone
    tests = moved(found, task.output, task.tests) if shared else found.tests
    return {"name": found.spec.name, "module": found.module, "tests": tests}


def _places(task: Task) -> dict[str, Any]:
    """Where the files go, for a module that holds the function alone; commands in others name no file."""
    places = {"output": task.output, "tests_path": task.tests} if task.alone else {}
    return {**places, "templates": task.templates}


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
