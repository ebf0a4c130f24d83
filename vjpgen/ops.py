"""The operations table: what an `Expr` may contain, and what each operation is in JAX.

One row per operation. Other rooms hang their own column on the same names (Arb in `truth`,
sympy in `derive`, NumPy in `floats`); a test holds every column to this table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Op:
    """One operation.

    Attributes:
        name: the name used in `Expr.op`.
        arity: number of operands; -1 for any number.
        jax: JAX source, a format string over the operands' source.
        cost: rough price per element, an addition being 1 (a transcendental 8 to 40).
        takes: sort of the operands, "real" or "bool" (`where` takes bool, real, real).
        gives: sort of the result.
        support: name of the helper in `templates/support/` that the JAX source calls, if any.
        note: what the operation computes, where the name does not say it.
    """

    name: str
    arity: int
    jax: str
    cost: float
    takes: str = "real"
    gives: str = "real"
    support: str = ""
    note: str = ""


_ROWS = (
    # arithmetic
    Op("add", 2, "{0} + {1}", 1),
    Op("sub", 2, "{0} - {1}", 1),
    Op("mul", 2, "{0} * {1}", 1),
    Op("div", 2, "{0} / {1}", 3),
    Op("neg", 1, "-{0}", 0.5),
    Op("square", 1, "jnp.square({0})", 1),
    Op("pow", 2, "{0} ** {1}", 40, note="real power; any base under an integer exponent, otherwise a base >= 0"),
    Op("poly", -1, "poly", 1, note="poly(z, c0, c1, ...) = c0 + z*(c1 + z*(c2 + ...)), Horner's scheme"),
    # kinks and steps; derivative at the kink as JAX has it: abs 0, max and min one half each, sign 0
    Op("abs", 1, "jnp.abs({0})", 0.5),
    Op("sign", 1, "jnp.sign({0})", 1),
    Op("max", 2, "jnp.maximum({0}, {1})", 1),
    Op("min", 2, "jnp.minimum({0}, {1})", 1),
    Op("floor", 1, "jnp.floor({0})", 1),
    Op("ceil", 1, "jnp.ceil({0})", 1),
    Op("round", 1, "jnp.round({0})", 1, note="half to even"),
    # exponentials and logarithms
    Op("exp", 1, "jnp.exp({0})", 8),
    Op("exp2", 1, "jnp.exp2({0})", 8),
    Op("expm1", 1, "jnp.expm1({0})", 12),
    Op("log", 1, "jnp.log({0})", 8),
    Op("log2", 1, "jnp.log2({0})", 9),
    Op("log10", 1, "jnp.log10({0})", 9),
    Op("log1p", 1, "jnp.log1p({0})", 10),
    # roots
    Op("sqrt", 1, "jnp.sqrt({0})", 3),
    Op("rsqrt", 1, "jax.lax.rsqrt({0})", 4),
    Op("cbrt", 1, "jnp.cbrt({0})", 12, note="real for negative operands"),
    Op("hypot", 2, "jnp.hypot({0}, {1})", 10),
    # circular and hyperbolic
    Op("sin", 1, "jnp.sin({0})", 15),
    Op("cos", 1, "jnp.cos({0})", 15),
    Op("tan", 1, "jnp.tan({0})", 25),
    Op("sinpi", 1, "_sinpi({0})", 18, support="sinpi", note="sin(pi*a), of an exactly reduced operand"),
    Op("cospi", 1, "_cospi({0})", 18, support="cospi", note="cos(pi*a), of an exactly reduced operand"),
    Op("asin", 1, "jnp.arcsin({0})", 20),
    Op("acos", 1, "jnp.arccos({0})", 20),
    Op("atan", 1, "jnp.arctan({0})", 20),
    Op("atan2", 2, "jnp.arctan2({0}, {1})", 25),
    Op("sinh", 1, "jnp.sinh({0})", 20),
    Op("cosh", 1, "jnp.cosh({0})", 20),
    Op("tanh", 1, "jnp.tanh({0})", 10),
    Op("asinh", 1, "jnp.arcsinh({0})", 20),
    Op("acosh", 1, "jnp.arccosh({0})", 20),
    Op("atanh", 1, "jnp.arctanh({0})", 20),
    # error function and gamma families
    Op("erf", 1, "jax.scipy.special.erf({0})", 15),
    Op("erfc", 1, "jax.scipy.special.erfc({0})", 25),
    Op("erfcx", 1, "_erfcx({0})", 40, support="erfcx", note="exp(a**2)*erfc(a), without overflow for a > 0"),
    Op("ierfcx", 1, "_ierfcx({0})", 60, support="ierfcx",
       note="1/sqrt(pi) - a*erfcx(a): exp(a**2) times the integral of erfc (DLMF 7.18)"),
    Op("erfinv", 1, "jax.scipy.special.erfinv({0})", 25),
    Op("ndtri", 1, "jax.scipy.special.ndtri({0})", 40, note="sqrt(2)*erfinv(2*a - 1), accurate where a is small"),
    Op("gamma", 1, "jax.scipy.special.gamma({0})", 50),
    Op("lgamma", 1, "jax.scipy.special.gammaln({0})", 50, note="log|gamma(a)|"),
    Op("lgamma1p", 1, "_lgamma1p({0})", 60, support="lgamma1p", note="log|gamma(1 + a)|"),
    Op("stirling", 1, "_stirling({0})", 60, support="stirling",
       note="lgamma(a) - (a - 1/2)*log(a) + a - log(2*pi)/2 for a > 0 (Binet's function, DLMF 5.9.10)"),
    Op("digamma", 1, "_digamma({0})", 50, support="digamma"),
    Op("digamma_excess", 1, "_digamma_excess({0})", 60, support="digamma_excess",
       note="digamma(1 + a) - log(a) for a > 0 (DLMF 5.11.2)"),
    Op("polygamma", 2, "_polygamma({0}, {1})", 100, support="polygamma",
       note="order first; order a positive integer"),
    Op("lambertw", 1, "_lambertw({0})", 100, support="lambertw", note="principal branch, a >= -1/e"),
    Op("besselj", 2, "_besselj({0}, {1})", 100, support="besselj", note="integer order first"),
    Op("besseli", 2, "_besseli({0}, {1})", 100, support="besseli", note="integer order first"),
    Op("i0e", 1, "jax.scipy.special.i0e({0})", 40, note="exp(-|a|)*besseli(0, a)"),
    Op("i1e", 1, "jax.scipy.special.i1e({0})", 40, note="exp(-|a|)*besseli(1, a)"),
    # compositions that JAX has as one numerically careful primitive
    Op("logistic", 1, "jax.nn.sigmoid({0})", 10, note="1/(1 + exp(-a))"),
    Op("softplus", 1, "jax.nn.softplus({0})", 20, note="log(1 + exp(a))"),
    Op("kl_div", 2, "_kl_div({0}, {1})", 40, support="kl_div",
       note="a*log(a/b) - a + b for a >= 0, b > 0 (Loader, Fast and Accurate Computation of Binomial"
            " Probabilities, 2000)"),
    Op("log_ratio", 2, "_log_ratio({0}, {1})", 25, support="log_ratio",
       note="log(a/b) for a, b > 0; a - b is exact where a/b is near 1 (Sterbenz 1974)"),
    Op("logaddexp", 2, "jnp.logaddexp({0}, {1})", 22, note="log(exp(a) + exp(b))"),
    # error-free transformations
    Op("diff_of_products", 4, "_diff_of_products({0}, {1}, {2}, {3})", 30, support="diff_of_products",
       note="a*b - c*d, rounded about once (Dekker 1971; Jeannerod, Louvet, Muller 2013)"),
    Op("sqrt_diff_of_products", 4, "_sqrt_diff_of_products({0}, {1}, {2}, {3})", 40,
       support="sqrt_diff_of_products",
       note="sqrt(a*b - c*d), scaled by a power of two where a product leaves the range (Blue, A Portable Fortran"
            " Program to Find the Euclidean Norm of a Vector, 1978)"),
    Op("exp_product", 2, "_exp_product({0}, {1})", 30, support="exp_product",
       note="exp(a*b); the rounding error of the product is carried (TwoProduct)"),
    Op("exp_sum", 2, "_exp_sum({0}, {1})", 20, support="exp_sum",
       note="exp(a + b); the rounding error of the sum is carried (TwoSum)"),
    Op("sum3", 3, "_sum3({0}, {1}, {2})", 15, support="sum3",
       note="a + b + c, rounded about once (TwoSum: Knuth, TAOCP 2, 4.2.2)"),
    Op("double_word", -1, "double_word", 0,
       note="a formula of its operands, computed in double words and rounded once"),
    Op("wide_range", -1, "wide_range", 0,
       note="a formula of its operands, computed as numbers near 1 and powers of two, and rounded to the range"
            " at the end"),
    # choices
    Op("where", 3, "jnp.where({0}, {1}, {2})", 1, takes="where"),
    Op("lt", 2, "{0} < {1}", 1, gives="bool"),
    Op("le", 2, "{0} <= {1}", 1, gives="bool"),
    Op("gt", 2, "{0} > {1}", 1, gives="bool"),
    Op("ge", 2, "{0} >= {1}", 1, gives="bool"),
    Op("eq", 2, "{0} == {1}", 1, gives="bool"),
    Op("ne", 2, "{0} != {1}", 1, gives="bool"),
    Op("signbit", 1, "jnp.signbit({0})", 0.5, gives="bool", note="whether the sign is minus; -0.0 has one"),
    Op("and", 2, "{0} & {1}", 0.5, takes="bool", gives="bool"),
    Op("or", 2, "{0} | {1}", 0.5, takes="bool", gives="bool"),
    Op("not", 1, "~{0}", 0.5, takes="bool", gives="bool"),
    Op("true", 0, "True", 0, gives="bool"),
    Op("false", 0, "False", 0, gives="bool"),
)  # fmt: skip

OPS: dict[str, Op] = {row.name: row for row in _ROWS}
