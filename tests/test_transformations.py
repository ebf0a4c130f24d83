"""Every kind of generated function under every transformation of JAX: it behaves as jax.numpy does."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kinds import KINDS, Kind
from rarely import rarely
from vjpgen import verify

POLICIES = ("nothing_saveable", "everything_saveable", "dots_saveable")


OFTEN = ("nondiff", "named outputs, a default")  # the others compile as long for less


@pytest.fixture(params=[k if k in OFTEN else rarely(k) for k in KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def gradient(kind: Kind, f: Any) -> Any:
    return jax.grad(kind.loss(f), kind.moving)


def tangents(kind: Kind) -> tuple[Any, ...]:
    """One for each array; integers have none."""
    return tuple(
        np.cos(a).astype(np.float32) if a.dtype == np.float32 else np.zeros(a.shape, jax.dtypes.float0)
        for a in kind.at
    )


def of_moving(kind: Kind, f: Any) -> Any:
    """A function of the arrays that are differentiated."""

    def called(*given: Any) -> Any:
        table = dict(zip(kind.moving, given, strict=True))
        return f(*(table.get(j, a) for j, a in enumerate(kind.at)))

    return called


def moving(kind: Kind) -> list[np.ndarray]:
    return [kind.at[j] for j in kind.moving]


def test_jit(kind: Kind) -> None:
    for f in (kind.reverse, kind.forward):
        kind.close(jax.jit(f)(*kind.at), kind.plain(*kind.at))


def test_grad_and_value_and_grad(kind: Kind) -> None:
    wanted = jax.value_and_grad(kind.loss(kind.plain), kind.moving)(*kind.at)
    for f in (kind.reverse, kind.forward):
        kind.close(jax.value_and_grad(kind.loss(f), kind.moving)(*kind.at), wanted)
        kind.close(jax.jit(gradient(kind, f))(*kind.at), wanted[1])


def test_vjp_of_each_output_alone(kind: Kind) -> None:
    """The cotangents of the others are zeros that JAX fills in."""

    def alone(f: Any, k: int) -> Any:
        return jax.grad(lambda *at: jnp.sum(f(*at)[k]), kind.moving)(*kind.at)

    for k in range(len(kind.plain(*kind.at))):
        kind.close(alone(kind.reverse, k), alone(kind.plain, k))


def test_what_is_not_differentiated_has_no_gradient() -> None:
    kind = KINDS["nondiff"]
    found = jax.grad(kind.loss(kind.reverse), 2, allow_int=True)(*kind.at)
    assert found.dtype == jax.dtypes.float0
    floating = (*kind.at[:2], kind.at[2].astype(np.float32))
    for f in (kind.reverse, kind.forward):
        np.testing.assert_array_equal(jax.grad(kind.loss(f), 2)(*floating), 0)


def test_jvp(kind: Kind) -> None:
    along = tangents(kind)
    kind.close(jax.jvp(kind.forward, kind.at, along), jax.jvp(kind.plain, kind.at, along))
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(kind.reverse, kind.at, along)


def test_linearize(kind: Kind) -> None:
    along = [t for t in tangents(kind) if t.dtype == np.float32]
    found, push = jax.linearize(of_moving(kind, kind.forward), *moving(kind))
    wanted, plain = jax.linearize(of_moving(kind, kind.plain), *moving(kind))
    kind.close((found, push(*along)), (wanted, plain(*along)))


def test_jacobians(kind: Kind) -> None:
    wanted = jax.jacrev(kind.plain, kind.moving)(*kind.at)
    kind.close(jax.jacrev(kind.reverse, kind.moving)(*kind.at), wanted)
    kind.close(jax.jacrev(kind.forward, kind.moving)(*kind.at), wanted)
    kind.close(jax.jacfwd(kind.forward, kind.moving)(*kind.at), wanted)


def test_hessians(kind: Kind) -> None:
    """Either way: forward over reverse, and reverse over reverse."""
    wanted = jax.hessian(kind.loss(kind.plain), kind.moving)(*kind.at)
    reverse, forward = kind.loss(kind.reverse), kind.loss(kind.forward)
    for outer, inner, f in (
        (jax.jacfwd, jax.jacrev, reverse),
        (jax.jacrev, jax.jacrev, reverse),
        (jax.jacfwd, jax.jacrev, forward),
        (jax.jacrev, jax.jacfwd, forward),
    ):
        kind.close(outer(inner(f, kind.moving), kind.moving)(*kind.at), wanted, 1e-4)


@pytest.mark.parametrize("out", [0, 1])
def test_vmap(kind: Kind, out: int) -> None:
    """Over rows and over columns, the result's new axis first or last."""
    at = [np.stack([a, a[::-1], a]) for a in kind.at]
    wanted = [np.moveaxis(np.asarray(y), 0, out) for y in kind.plain(*at)]
    for f in (kind.reverse, kind.forward):
        kind.close(jax.vmap(f, out_axes=out)(*at), wanted)
        turned = [np.moveaxis(a, 0, 1) for a in at]
        kind.close(jax.vmap(f, in_axes=1, out_axes=out)(*turned), wanted)
        nested = jax.vmap(jax.vmap(f))(*at)
        kind.close(nested, kind.plain(*at))


def test_vmap_of_gradients_with_an_argument_held(kind: Kind) -> None:
    for j in range(len(kind.at)):
        axes = tuple(0 if k == j else None for k in range(len(kind.at)))
        at = [np.stack([a, a[::-1]]) if k == j else a for k, a in enumerate(kind.at)]
        for f in (kind.reverse, kind.forward):
            kind.close(
                jax.vmap(gradient(kind, f), axes)(*at), jax.vmap(gradient(kind, kind.plain), axes)(*at)
            )


def test_scan(kind: Kind) -> None:
    def loss(f: Any) -> Any:
        def total(*at: Any) -> Any:
            step = lambda carry, row: (carry * 0.5 + kind.loss(f)(*row), None)
            return jax.lax.scan(step, jnp.float32(0), at)[0]

        return jax.grad(total, kind.moving)

    kind.close(jax.jit(loss(kind.reverse))(*kind.at), loss(kind.plain)(*kind.at))


def test_while_loop(kind: Kind) -> None:
    """Forward mode alone goes through a loop of unknown length."""

    def total(f: Any) -> Any:
        def run(*at: Any) -> Any:
            body = lambda s: (s[0] + 1, s[1] + kind.loss(f)(*at) * s[1] / 64)
            return jax.lax.while_loop(lambda s: s[0] < 3, body, (0, jnp.float32(1)))[1]

        return run

    along = tangents(kind)
    wanted = jax.jvp(total(kind.plain), kind.at, along)
    kind.close(jax.jit(total(kind.reverse))(*kind.at), wanted[0])
    kind.close(jax.jvp(total(kind.forward), kind.at, along), wanted)


def test_cond(kind: Kind) -> None:
    def branched(f: Any) -> Any:
        return lambda flag, *at: jax.lax.cond(flag, kind.loss(f), lambda *at: 2 * kind.loss(f)(*at), *at)

    argnums = tuple(j + 1 for j in kind.moving)
    for flag in (True, False):
        wanted = jax.grad(branched(kind.plain), argnums)(flag, *kind.at)
        kind.close(jax.jit(jax.grad(branched(kind.reverse), argnums))(flag, *kind.at), wanted)


@pytest.mark.parametrize("policy", POLICIES)
def test_checkpoint(kind: Kind, policy: str) -> None:
    how = getattr(jax.checkpoint_policies, policy)
    wanted = gradient(kind, kind.plain)(*kind.at)
    for f in (kind.reverse, kind.forward):
        found = jax.jit(jax.grad(jax.checkpoint(kind.loss(f), policy=how), kind.moving))(*kind.at)
        kind.close(found, wanted)


def test_inside_another_rule(kind: Kind) -> None:
    """A custom_vjp function that calls this one, in its value and in its rule."""
    loss, argnums = kind.loss(kind.reverse), kind.moving

    @jax.custom_vjp
    def twice(*at: Any) -> Any:
        return 2 * loss(*at)

    def forward(*at: Any) -> Any:
        return twice(*at), at

    def backward(at: Any, bar: Any) -> Any:
        found = dict(zip(argnums, jax.grad(loss, argnums)(*at), strict=True))
        return tuple(2 * bar * found[j] if j in found else None for j in range(len(at)))

    twice.defvjp(forward, backward)
    wanted = [2 * g for g in gradient(kind, kind.plain)(*kind.at)]
    kind.close(jax.jit(jax.grad(twice, argnums))(*kind.at), wanted)


def test_debug_nans_and_leaks(kind: Kind) -> None:
    """Nothing that is thrown away was NaN, and no tracer outlives its trace."""
    with jax.debug_nans(True), jax.checking_leaks():
        for f in (kind.reverse, kind.forward):
            jax.block_until_ready(jax.jit(gradient(kind, f))(*kind.at))
            jax.block_until_ready(gradient(kind, f)(*kind.at))


def test_compiled_ahead_of_time(kind: Kind) -> None:
    program = jax.jit(gradient(kind, kind.reverse)).lower(*kind.at).compile()
    kind.close(program(*kind.at), gradient(kind, kind.plain)(*kind.at))


def test_export(kind: Kind) -> None:
    """Through bytes and back, with a derivative."""
    pytest.importorskip("flatbuffers")
    shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in kind.at]
    program = jax.jit(kind.loss(kind.reverse))
    found = jax.export.deserialize(jax.export.export(program)(*shapes).serialize(vjp_order=1))
    kind.close(found.call(*kind.at), kind.loss(kind.plain)(*kind.at))
    wanted = gradient(kind, kind.plain)(*kind.at)
    kind.close(jax.grad(found.call, kind.moving)(*kind.at), wanted)


def test_pickle(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """What JAX's decorators return is pickled by no JAX, its own functions neither; all else is, by name."""
    made = kind.module
    monkeypatch.setitem(sys.modules, made.__name__, made)
    for name in ("f_fwd", "f_bwd", "_f", "_f_partials"):
        if function := getattr(made, name, None):
            assert pickle.loads(pickle.dumps(function)) is function
    for function in (made.f, made.f_jvp, jax.nn.relu):
        with pytest.raises(pickle.PicklingError):
            pickle.dumps(function)


def test_donation(kind: Kind) -> None:
    program = jax.jit(lambda *at: gradient(kind, kind.reverse)(*at), donate_argnums=kind.moving)
    found = program(*map(jnp.asarray, kind.at))
    kind.close(found, gradient(kind, kind.plain)(*kind.at))


@pytest.mark.parametrize("shape", [(0,), (2, 0, 3)], ids=str)
def test_arrays_without_elements(kind: Kind, shape: tuple[int, ...]) -> None:
    at = [np.zeros(shape, a.dtype) for a in kind.at]
    for f in (kind.reverse, kind.forward):
        assert [g.shape for g in jax.jit(gradient(kind, f))(*at)] == [shape] * len(kind.moving)


def test_double_precision(kind: Kind) -> None:
    with verify.double_precision(True):
        at = [a.astype(np.float64) if a.dtype == np.float32 else a for a in kind.at]
        found = gradient(kind, kind.reverse)(*at)
        assert all(g.dtype == np.float64 for g in found)
        kind.close(found, gradient(kind, kind.plain)(*at), 1e-12)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_dtypes_are_kept_in_a_loop(kind: Kind, dtype: Any) -> None:
    """A scan refuses a carry that changes its dtype."""
    at = [jnp.asarray(a, dtype) if a.dtype == np.float32 else a for a in kind.at]

    def total(*at: Any) -> Any:
        step = lambda carry, row: (carry + sum(kind.reverse(*row)), None)
        return jax.lax.scan(step, jnp.zeros((), dtype), tuple(at))[0]

    assert [g.dtype for g in jax.jit(jax.grad(total, kind.moving))(*at)] == [dtype] * len(kind.moving)


def test_weak_types_widen_nothing(kind: Kind) -> None:
    """A Python number in place of an array takes part in no promotion."""
    for j in kind.moving:
        at: list[Any] = [0.5 if k in kind.moving else 1 for k in range(len(kind.at))]
        at[j] = jnp.full(3, 0.5, jnp.bfloat16)
        found, pull = jax.vjp(kind.reverse, *at)
        assert {y.dtype for y in found} == {jnp.dtype(jnp.bfloat16)}
        assert pull(found)[j].dtype == jnp.bfloat16
        assert all(y.weak_type for y in kind.reverse(*(0.5 for _ in kind.at)))


def test_strict_promotion(kind: Kind) -> None:
    """As jax.numpy: what is refused there is refused here, and nothing else."""
    with jax.numpy_dtype_promotion("strict"):
        if any(a.dtype != np.float32 for a in kind.at):
            with pytest.raises(ValueError, match="strict"):
                kind.reverse(*kind.at)
        else:
            kind.close(gradient(kind, kind.reverse)(*kind.at), gradient(kind, kind.plain)(*kind.at))
