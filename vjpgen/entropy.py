"""Sums of logarithms and gamma functions, gathered into relative entropies.

`k*log(l) - l - loggamma(k + 1)` subtracts numbers that are far larger than what remains. With Stirling's
formula for the gamma functions it is `-kl_div(k, l) - log(2*pi*k)/2 - stirling(k)`, where kl_div(a, b) =
a*log(a/b) - a + b is small where a is near b. C. Loader, Fast and Accurate Computation of Binomial
Probabilities (2000), does this for the binomial and the Poisson distribution; here the terms are found by
what multiplies each logarithm.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sympy as sp

from vjpgen.bridge import OPAQUE

_MOST_TERMS = 40


def gathered(s: Any) -> list[Any]:
    """Equal shapes with logarithms of ratios, where the arguments of all gamma functions are positive.

    Args:
        s: a sympy expression, as `bridge.to_sympy` gives it.
    """
    terms = sp.Add.make_args(sp.expand_mul(s.replace(OPAQUE["lgamma"], _stirling)))
    if len(terms) > _MOST_TERMS:
        return []
    logs, rest = _split(terms)
    found = []
    for sign in (1, -1):
        pairs, others = _pairs({b: sign * c for b, c in logs.items()})
        if pairs:
            linear = [*rest, *(sign * t for t in others)]
            ratios = (sign * a * sp.log(b / a) for a, b in pairs)
            found.append(sp.Add(sp.expand_mul(sp.Add(*linear)), *ratios))
            linear += [sign * (b - a) for a, b in pairs]
            entropies = (-sign * OPAQUE["kl_div"](a, b) for a, b in pairs)
            found.append(sp.Add(sp.expand_mul(sp.Add(*linear)), *entropies))
    return found


def one_logarithm(s: Any) -> list[Any]:
    """Equal shapes with one logarithm, where the arguments of all digamma functions are positive.

    `digamma(n + 1) - digamma(k + 1)` is `log(n/k)` and what digamma exceeds its logarithm by, at n and at k:
    the logarithm of a ratio near 1 does not cancel as a difference of digamma functions does.

    Args:
        s: a sympy expression, as `bridge.to_sympy` gives it.
    """
    terms = sp.Add.make_args(sp.expand_mul(s.replace(OPAQUE["digamma"], _excess)))
    ratio, rest = sp.S.One, []
    for term in terms:
        coefficient, factor = term.as_coeff_Mul()
        if isinstance(factor, sp.log) and coefficient.is_Integer:
            ratio *= factor.args[0] ** coefficient
        else:
            rest.append(term)
    above, below = sp.fraction(sp.together(ratio))
    if not below.free_symbols:
        return []
    near = sp.log(1 + sp.expand(above - below) / below)
    return [sp.Add(*rest, sp.log(above / below)), sp.Add(*rest, near)]


def by_logarithms(s: Any, positive: Collection[Any]) -> list[Any]:
    """Equal shapes of a product of gamma functions, with the exponential of a sum in their place.

    gamma(x)*gamma(y)/gamma(x + y) is inf*1/inf at x = 100; the sum of the logarithms is small.

    Args:
        s: a sympy expression, as `bridge.to_sympy` gives it.
        positive: expressions that are above 0 on the domain.
    """
    powers = sp.factor_terms(s).as_powers_dict()
    gammas = {b: n for b, n in powers.items() if isinstance(b, OPAQUE["gamma"]) and b.args[0] in positive}
    if len(gammas) < 2:
        return []
    exponent = sp.Add(*(n * OPAQUE["lgamma"](b.args[0]) for b, n in gammas.items()))
    others = [(b, n) for b, n in powers.items() if b not in gammas]
    sums = [b for b, n in others if b.is_Add and n == 1 and b.has(OPAQUE["digamma"])]
    rest = sp.Mul(*(b**n for b, n in others if b not in sums))
    found = []
    for e in (exponent, *gathered(exponent)):
        factors = [rest * sp.exp(e)]
        for b in sums:
            factors = [f * t for f in factors for t in (b, *one_logarithm(b))]
        found += factors
    return found


def _excess(a: Any) -> Any:
    """digamma(a) as a logarithm and what it exceeds that by; digamma(c + 1) by those of c."""
    constant, c = a.as_coeff_Add()
    if constant == 1 and c.free_symbols:
        return sp.log(c) + OPAQUE["digamma_excess"](c)
    return sp.log(a) + OPAQUE["digamma_excess"](a) - 1 / a


def _pairs(logs: dict[Any, Any]) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """(a, b) with the sum of a * log(b/a), and the terms left over, of a sum of c * log(b)."""
    own = [b for b, c in logs.items() if sp.expand(b + c) == 0]
    reference: dict[Any, Any] = dict.fromkeys(own, sp.S.One)
    left = []
    for b, c in logs.items():
        shares = _shares(c, own) if own and b not in own else None
        if shares is not None:
            for a, share in zip(own, shares, strict=True):
                reference[a] *= b**share
        elif b not in own:
            left.append(c * sp.log(b))
    left += [-a * sp.log(a) for a, b in reference.items() if b == 1]
    return [(a, b) for a, b in reference.items() if b != 1], left


def _stirling(a: Any) -> Any:
    """log(gamma(a)) by Stirling's formula and what it leaves; log(gamma(c + 1)) by that of c."""
    constant, c = a.as_coeff_Add()
    if constant == 1 and c.free_symbols:
        return c * sp.log(c) - c + sp.log(2 * sp.pi * c) / 2 + OPAQUE["stirling"](c)
    return (a - sp.S.Half) * sp.log(a) - a + sp.log(2 * sp.pi) / 2 + OPAQUE["stirling"](a)


def _split(terms: tuple[Any, ...]) -> tuple[dict[Any, Any], list[Any]]:
    """What multiplies each logarithm, where that varies; and all other terms."""
    logs: dict[Any, Any] = {}
    rest = []
    for term in terms:
        factors = sp.Mul.make_args(term)
        found = [f for f in factors if isinstance(f, sp.log)]
        factor = sp.Mul(*(f for f in factors if f not in found))
        if len(found) == 1 and factor.free_symbols:
            logs[found[0].args[0]] = logs.get(found[0].args[0], sp.S.Zero) + factor
        else:
            rest.append(term)
    return logs, rest


def _shares(c: Any, own: list[Any]) -> list[Any] | None:
    """Rational numbers with c = sum of share * own, None where there are none."""
    unknown = sp.symbols(f"share_:{len(own)}")
    symbols = sorted(c.free_symbols.union(*(a.free_symbols for a in own)), key=str)
    difference = sp.expand(c - sum(u * a for u, a in zip(unknown, own, strict=True)))
    if not difference.is_polynomial(*symbols):
        return None
    solved = sp.linsolve(sp.Poly(difference, *symbols).coeffs(), *unknown)
    for shares in solved:
        return list(shares) if all(x.is_Rational for x in shares) else None
    return None
