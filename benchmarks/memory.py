"""How much memory a network takes in training: its activation generated, as plain jax.numpy, and JAX's own.

    python benchmarks/memory.py FOLDER [--only REGEX] [--layers 24] [--width 512] [--batch 2048]
        [--write FILE.md] [--json FILE.json]

FOLDER is from `prepare.py`; jax and numpy are all that this needs, and nothing is run. The network is
`h = activation(h @ w)` layer by layer in float32, the loss the mean of its squares; value and gradient by all
weights are compiled with the layers unrolled and in `jax.lax.scan`. The figures are the temporary bytes of
the compiled program by its own memory analysis, in MiB.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from prepared import GENERATED, JAX, PLAIN, Case, Prepared, PreparedError, count, names, read, table

WAYS = ("unrolled", "scanned")
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Network:
    """Its size."""

    layers: int
    width: int
    batch: int

    def loss(self, activation: Callable[[Any], Any], way: str) -> Callable[[Any, Any], Any]:
        """The loss of weights (layers, width, width) and inputs (batch, width)."""

        def layer(h: Any, w: Any) -> tuple[Any, None]:
            return activation(h @ w), None

        def loss(weights: Any, h: Any) -> Any:
            if way == "scanned":
                h, _ = jax.lax.scan(layer, h, weights)
            else:
                for k in range(self.layers):
                    h, _ = layer(h, weights[k])
            return jnp.mean(h**2)

        return loss

    def temporary_bytes(self, activation: Callable[[Any], Any], way: str) -> int:
        """What the compiled value and gradient need beside their inputs and outputs."""
        weights = jax.ShapeDtypeStruct((self.layers, self.width, self.width), jnp.float32)
        inputs = jax.ShapeDtypeStruct((self.batch, self.width), jnp.float32)
        program = jax.jit(jax.value_and_grad(self.loss(activation, way)))
        return int(program.lower(weights, inputs).compile().memory_analysis().temp_size_in_bytes)


def measure(prepared: Prepared, network: Network) -> dict[str, dict[str, dict[str, int]]]:
    """Temporary bytes by activation, way and contender."""

    def bytes_of(case: Case, way: str, who: str) -> int:
        outputs = prepared.function(case, who)
        return network.temporary_bytes(lambda x: outputs(x)[0], way)

    return {
        case.name: {way: {who: bytes_of(case, way, who) for who in case.contenders} for way in WAYS}
        for case in prepared.cases
    }


def report(prepared: Prepared, network: Network, found: dict[str, dict[str, dict[str, int]]]) -> str:
    """The page in Markdown."""
    rows = []
    for case in prepared.cases:
        kept = "/".join(f"{a.residual_bytes:.3g}" for a in case.accuracy.values())
        for way, by in found[case.name].items():
            mib = [f"{by[who] / MIB:.3g}" if who in by else "" for who in (GENERATED, PLAIN, JAX)]
            rows.append([case.name, way, *mib, kept])
    lines = [
        "# Memory of a network in training",
        "",
        f"Written by `benchmarks/memory.py` with jax {jax.__version__} on {jax.default_backend()}:"
        f" {network.layers} layers, width {network.width}, batch {network.batch}, float32. Temporary memory"
        f" of value and gradient in MiB; one activation takes {4 * network.width * network.batch / MIB:.3g}.",
        "",
        table(["activation", "layers", "generated", "plain", "jax", "bytes kept per element"], rows),
        "Bytes kept per element are those that the backward pass of the activation alone asks for,"
        " generated/plain/jax.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", type=names, default="", help="regular expression on the name")
    parser.add_argument("--layers", type=count, default=24)
    parser.add_argument("--width", type=count, default=512)
    parser.add_argument("--batch", type=count, default=2048)
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    parser.add_argument("--json", type=Path, help="JSON file to write")
    options = parser.parse_args()
    try:
        everything = read(options.folder, options.only)
    except PreparedError as error:
        parser.error(str(error))
    cases = tuple(c for c in everything.cases if c.arguments == c.outputs == 1)
    if not cases:
        parser.error(f"no function of one argument with one output in {options.folder}")
    prepared, network = (
        replace(everything, cases=cases),
        Network(options.layers, options.width, options.batch),
    )
    found = measure(prepared, network)
    page = report(prepared, network, found)
    print(page, end="")
    if options.write:
        options.write.write_text(page)
    if options.json:
        record = {
            "jax": jax.__version__,
            "backend": jax.default_backend(),
            "network": asdict(network),
            "temporary_bytes": found,
        }
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
