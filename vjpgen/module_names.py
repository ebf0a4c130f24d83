"""Names at the top level of a generated module: its functions, and the helpers of `templates/support/`."""

from __future__ import annotations

from vjpgen import double_word, wide_range
from vjpgen.ops import OPS

# What `templates/support/` holds: what scaffolding and other helpers call, and what operations call.
SUPPORT = (
    "unbroadcast", "clip_cotangent", "Like", "tangent", "guarded_tangent", "widen", "cast", "horner",
    "two_product", "two_sum", "split", "bessel_series", "huge", "atanh_rest", "half_period", "refined",
    "bracketed", "settled", "corrected", "cramer", "adjugate", "newton_change", "sizes",
    "place", "at_place", double_word.FIRST, *double_word.HELPERS, *wide_range.HELPERS,
    *dict.fromkeys(op.support for op in OPS.values() if op.support),
)  # fmt: skip
_INSIDE_SUPPORT = (
    "ERFCX_SINGLE", "ERFCX_DOUBLE", "LAMBERTW_SINGLE", "LAMBERTW_DOUBLE", "lambertw_rule", "besselj_rule",
    "besseli_rule", "bessel_miller", "bessel_hankel", "digamma_rule",
    "LGAMMA1P_SINGLE", "LGAMMA1P_DOUBLE", "log_parts", "kl_div_rule", "log_ratio_rule", "STIRLING_SINGLE",
    "STIRLING_DOUBLE", "DIGAMMA_EXCESS_SINGLE", "DIGAMMA_EXCESS_DOUBLE",
)  # fmt: skip


def plain_name(name: str) -> str:
    """The function that computes the value alone; a function called like a helper steps aside."""
    return f"_{name}_value" if name in (*SUPPORT, *_INSIDE_SUPPORT) else f"_{name}"


def module_names(name: str) -> frozenset[str]:
    """Names that a module of the function `name` defines or uses at its top level."""
    own = ("", "_fwd", "_bwd", "_jvp", "_jvp_rule")
    private = ("", "_value", "_partials", "_partials_at")
    helpers = (f"_{s}" for s in SUPPORT)
    modules = ("jax", "jnp", "math", "dataclasses", "functools", "struct")
    types = ("Array", "ArrayLike", "DTypeLike", "Callable", "Pair")
    parameters = ("residuals", "primals", "tangents")
    return frozenset(
        (*(name + s for s in own), *(f"_{name}{s}" for s in private), *helpers, *modules, *types, *parameters)
    )
