"""What test_sharding runs on eight devices: every kind of function, on shards, as on one device."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from kinds import KINDS, Kind

COLLECTIVE = re.compile(
    r"\b(all-reduce|all-gather|all-to-all|reduce-scatter|collective-permute|collective-broadcast)(?:-start)?\("
)
AUTO = jax.make_mesh((8,), ("i",), axis_types=(AxisType.Auto,))
EXPLICIT = jax.make_mesh((8,), ("i",), axis_types=(AxisType.Explicit,))


def pulled(kind: Kind, f: Any) -> Callable[..., Any]:
    """Values and cotangents of an elementwise pull-back."""

    def program(weight: Any, *at: Any) -> Any:
        values, pull = jax.vjp(f, *at)
        cotangents = pull(tuple((k + 1.5) * weight for k in range(len(values))))
        return values, [cotangents[j] for j in kind.moving]

    return program


def long(kind: Kind) -> list[Any]:
    """A weight and the arrays, of sixteen elements each."""
    return [np.linspace(1, 2, 16, dtype=np.float32), *(np.tile(a, 4) for a in kind.at)]


def spread(at: list[Any], mesh: Any, held: int | None = None) -> list[Any]:
    """The arrays in shards; one of them whole on every device."""
    return [jax.device_put(a, NamedSharding(mesh, P() if k == held else P("i"))) for k, a in enumerate(at)]


def one_scalar(kind: Kind) -> list[Any]:
    """The weight and the arrays, the last that is differentiated a single number."""
    at = long(kind)
    return [a[0] if k == kind.moving[-1] + 1 else a for k, a in enumerate(at)]


def check_shards(kind: Kind) -> None:
    """As on one device, without a collective."""
    for f in (kind.reverse, kind.forward):
        program, at = pulled(kind, f), long(kind)
        sharded = jax.jit(program).lower(*spread(at, AUTO)).compile()
        kind.close(sharded(*spread(at, AUTO)), jax.jit(program)(*at))
        assert not COLLECTIVE.findall(sharded.as_text())


def check_a_replicated_argument(kind: Kind) -> None:
    """Its cotangent is summed over the devices, once."""
    if len(kind.moving) < 2:
        return
    for f in (kind.reverse, kind.forward):
        program, at, held = pulled(kind, f), one_scalar(kind), kind.moving[-1] + 1
        sharded = jax.jit(program).lower(*spread(at, AUTO, held)).compile()
        kind.close(sharded(*spread(at, AUTO, held)), jax.jit(program)(*at))
        assert COLLECTIVE.findall(sharded.as_text()) == ["all-reduce"]


def check_shard_map(kind: Kind) -> None:
    """With all arguments in shards, and with one of them replicated."""
    for f in (kind.reverse, kind.forward):
        program, at = pulled(kind, f), long(kind)
        everywhere = jax.shard_map(program, mesh=AUTO, in_specs=P("i"), out_specs=P("i"))
        kind.close(jax.jit(everywhere)(*at), jax.jit(program)(*at))
        if len(kind.moving) > 1:
            at, held = one_scalar(kind), kind.moving[-1] + 1
            specs = tuple(P() if k == held else P("i") for k in range(len(at)))
            grads = [P() if j + 1 == held else P("i") for j in kind.moving]
            mixed = jax.shard_map(program, mesh=AUTO, in_specs=specs, out_specs=(P("i"), grads))
            kind.close(jax.jit(mixed)(*at), jax.jit(program)(*at))


def check_explicit_sharding(kind: Kind) -> None:
    """A cotangent is sharded as its argument is, a replicated one too."""
    for f in (kind.reverse, kind.forward):
        program, at = pulled(kind, f), long(kind)
        wanted = jax.jit(program)(*at)
        with jax.set_mesh(EXPLICIT):
            for held in (None, *(j + 1 for j in kind.moving[1:])):
                given = spread(at, EXPLICIT, held)
                found = jax.jit(program)(*given)
                kind.close(found, wanted)
                for j, cotangent in zip(kind.moving, found[1], strict=True):
                    assert cotangent.sharding.spec == (P(None) if j + 1 == held else P("i"))


CHECKS = (check_shards, check_a_replicated_argument, check_shard_map, check_explicit_sharding)


def main(names: list[str]) -> None:
    assert len(jax.devices()) == 8
    failed = []
    for name in names or KINDS:
        for check in CHECKS:
            try:
                check(KINDS[name])
            except Exception as error:  # all of them are told at once
                failed.append(f"{name}: {check.__name__}: {type(error).__name__}: {str(error)[:500]}")
    sys.exit("\n".join(failed) if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
