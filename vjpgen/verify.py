"""Generated modules as they run: the only room that imports jax."""

from __future__ import annotations

import inspect
import itertools
import linecache
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from platform import machine, processor
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from vjpgen import sweep
from vjpgen.measured import Column, Measured

if TYPE_CHECKING:
    from vjpgen.spec import Clip, Spec, Structure

_COUNTER = itertools.count(1)
_WEIGHTS = (
    -(2.0**-126),
    2.0**-126,
    -(2.0**-60),
    2.0**-60,
    -1.0,
    1.0,
)  # of the cotangents of clipped functions


def load(source: str, name: str) -> ModuleType:
    """The module that `source` is; debuggers, tracebacks and `inspect` see its text."""
    filename = f"<vjpgen {name} {next(_COUNTER)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    module = ModuleType(name)
    module.__file__ = filename
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses look their own module up
    try:
        exec(compile(source, filename, "exec", dont_inherit=True), module.__dict__)
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
    return module


def measure(module: ModuleType, spec: Spec, columns: Sequence[Column]) -> Measured:
    """Runs a generated module, compiled: values, reverse partials and forward partials in one program.

    One program costs one compilation; XLA merges what the three have in common, which are the same
    operations on the same inputs.

    Args:
        module: from `load`.
        spec: what the module was generated from.
        columns: one array of n points per argument, all of one floating-point dtype.
    """
    twin = getattr(module, f"{spec.name}_jvp", None)
    return measure_callable(
        getattr(module, spec.name), twin, len(spec.outputs), spec.structure, columns, spec.clips
    )


def measure_plain(spec: Spec, columns: Sequence[Column]) -> Measured:
    """Runs the formula as it stands in jax.numpy, differentiated by JAX: what a user has without vjpgen."""
    from vjpgen.render import render_plain

    return measure_source(render_plain(spec), spec.name, len(spec.outputs), spec.several, columns)


def measure_source(
    source: str,
    name: str,
    outputs: int,
    structure: Structure,
    columns: Sequence[Column],
    clips: Sequence[Clip | None] = (),
) -> Measured:
    """Runs a module given as text, in the dtype of the columns; JAX differentiates one without a twin.

    Args:
        source: the module.
        name: the function in it.
        outputs: how many arrays it returns.
        structure: how they come, as `Spec.structure`.
        columns: one array of n points per argument.
        clips: bounds to which the module clips the cotangent of each argument, if any.
    """
    program = _program(source, name, outputs, structure, tuple(clips))
    with double_precision(columns[0].dtype.itemsize == 8):
        return program.measure(columns)


@lru_cache(maxsize=4)
def _program(
    source: str, name: str, outputs: int, structure: Structure, clips: tuple[Clip | None, ...]
) -> _Program:
    module = load(source, name)
    return _Program(getattr(module, name), getattr(module, f"{name}_jvp", None), outputs, structure, clips)


def double_precision(on: bool) -> AbstractContextManager[Any]:
    """JAX with or without float64, whatever the JAX: the switch moved in 0.8."""
    home = jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")
    return cast("AbstractContextManager[Any]", home.enable_x64(on))


def measure_callable(
    f: Callable[..., Any],
    twin: Callable[..., Any] | None,
    n_outs: int,
    structure: Structure,
    columns: Sequence[Column],
    clips: Sequence[Clip | None] = (),
) -> Measured:
    """Runs a function, compiled, and its twin if any for forward mode, in the dtype of the columns."""
    return _Program(f, twin, n_outs, structure, clips).measure(columns)


class _Program:
    """A function, its derivatives, and those of its twin if any, as one compiled program."""

    def __init__(
        self,
        f: Callable[..., Any],
        twin: Callable[..., Any] | None,
        n_outs: int,
        structure: Structure,
        clips: Sequence[Clip | None],
    ) -> None:
        self._f, self._twin, self._structure = f, twin, structure
        self._n_outs, self._clips = n_outs, clips
        self._run = jax.jit(self._results)

    def _results(self, one: Any, zero: Any, *at: Any) -> Any:
        outs, shape = range(self._n_outs), one.shape
        values, pull = jax.vjp(tupled(_traced(self._f), self._structure, shape), *at)
        bars = [tuple(one if k == i else zero for k in outs) for i in outs]
        rows = [unclipped(pull, bar, self._clips) if any(self._clips) else pull(bar) for bar in bars]
        if self._twin is None:
            return values, rows, None
        push = jax.linearize(tupled(_traced_twin(self._twin), self._structure, shape), *at)[1]
        bases = [tuple(one if k == j else zero for k in range(len(at))) for j in range(len(at))]
        return values, rows, [push(*basis) for basis in bases]

    def measure(self, columns: Sequence[Column]) -> Measured:
        n, columns = len(columns[0]), [_padded(c) for c in columns]
        shape, dtype = columns[0].shape, columns[0].dtype
        values, rows, pushed = self._run(np.ones(shape, dtype), np.zeros(shape, dtype), *columns)
        forward = None if pushed is None else np.stack([np.stack(p, -1) for p in pushed], -1)[:n]
        return Measured(
            np.stack(values, -1)[:n],
            np.stack([np.stack(row, -1) for row in rows], -2)[:n],
            forward,
            residual_bytes(*_specialised(tupled(self._f, self._structure, shape), self._f, columns)),
        )


def _traced(f: Any) -> Callable[..., Any]:
    """A custom_vjp function with its static arguments traced like the others: many values in one program."""
    static = getattr(f, "nondiff_argnums", ())
    if not static:
        return cast("Callable[..., Any]", f)
    count = len(inspect.signature(f.fun).parameters)

    def forward(*at: Any) -> Any:
        values, residuals = f.fwd(*at)
        return values, (residuals, [at[k] for k in static])

    def backward(kept: Any, cotangent: Any) -> tuple[Any, ...]:
        residuals, fixed = kept
        found = iter(f.bwd(*fixed, residuals, cotangent))
        return tuple(None if k in static else next(found) for k in range(count))

    found = jax.custom_vjp(f.fun)
    found.defvjp(forward, backward)
    return found


def _traced_twin(twin: Any) -> Callable[..., Any]:
    """The same of a custom_jvp function."""
    static = getattr(twin, "nondiff_argnums", ())
    if not static:
        return cast("Callable[..., Any]", twin)

    def rule(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        moving = [tuple(x for k, x in enumerate(given) if k not in static) for given in (primals, tangents)]
        return twin.jvp(*(primals[k] for k in static), *moving)

    found = jax.custom_jvp(twin.fun)
    found.defjvp(rule)
    return found


def _specialised(
    outputs: Callable[..., Any], f: Any, columns: Sequence[Column]
) -> tuple[Callable[..., Any], list[Column]]:
    """`outputs` of the arrays alone, at one value of each static argument, and those arrays."""
    static = getattr(f, "nondiff_argnums", ())
    fixed = {k: float(columns[k][0]) for k in static}

    def called(*arrays: Any) -> Any:
        rest = iter(arrays)
        return outputs(*(fixed[k] if k in fixed else next(rest) for k in range(len(columns))))

    return called if static else outputs, [c for k, c in enumerate(columns) if k not in fixed]


def unclipped(
    pull: Callable[..., tuple[Any, ...]], bar: tuple[Any, ...], clips: Sequence[Clip | None]
) -> tuple[Any, ...]:
    """What `pull` gives for a cotangent, from the largest multiple of it of which nothing is clipped."""
    found = pull(bar)
    for weight in _WEIGHTS:
        small = pull(tuple(b * weight for b in bar))
        found = tuple(
            jnp.where((s > 0.5 * low) & (s < 0.5 * high), s / weight, f)
            for s, f, (low, high) in zip(small, found, (c or (-np.inf, np.inf) for c in clips), strict=True)
        )
    return found


def _padded(column: Column) -> Column:
    """The column at `sweep.LENGTH`, its first entry repeated: XLA compiles otherwise for other lengths."""
    return np.concatenate([column, np.repeat(column[:1], max(0, sweep.LENGTH - len(column)))])


def residual_bytes(f: Callable[..., Any], columns: Sequence[Column]) -> float:
    """Bytes per point of the distinct arrays that the backward pass of `f` holds; nothing is computed."""
    held = jax.make_jaxpr(lambda *at: jax.vjp(f, *at)[1])(*columns)
    arrays: dict[int, Any] = {id(v): v.aval for v in held.jaxpr.outvars}
    size = sum(a.size * a.dtype.itemsize for a in arrays.values())
    return float(size) / max(1, columns[0].size)


def tupled(
    f: Callable[..., Any], structure: Structure, shape: tuple[int, ...]
) -> Callable[..., tuple[Any, ...]]:
    """`f` with a tuple of outputs of one shape."""

    def g(*at: Any) -> tuple[Any, ...]:
        found, dtype = f(*at), next(x.dtype for x in at if hasattr(x, "dtype"))
        if isinstance(structure, tuple):
            found = tuple(found[key] for key in structure)
        found = tuple(found) if structure else (found,)
        return tuple(jnp.broadcast_to(jnp.asarray(y, dtype), shape) for y in found)

    return g


def warm_up() -> None:
    """Compiles a small program: the first one costs more than the next ones."""
    x = np.ones(sweep.LENGTH, np.float32)
    source = "import jax.numpy as jnp\n\ndef f(x):\n    return jnp.where(x > 0, jnp.log1p(jnp.exp(x)), x)\n"
    measure_source(source, "f", 1, False, [x])


def versions() -> tuple[tuple[str, str], ...]:
    """What measured: JAX, jaxlib and the backend."""
    return ("jax", jax.__version__), ("jaxlib", version("jaxlib")), ("backend", jax.default_backend())


def platform() -> tuple[str, str, str, str]:
    """What the last bits depend on: the backend, the machine, its widest vectors, jaxlib."""
    return jax.default_backend(), machine(), _vectors(), version("jaxlib")


def _vectors() -> str:
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return processor()
    return next((f for f in ("avx512f", "avx2", "avx", "asimd") if f in flags), "")
