"""Sums of logarithms and gamma functions, gathered into relative entropies.

`k*log(l) - l - loggamma(k + 1)` subtracts numbers that are far larger than what remains. With Stirling's
formula for the gamma functions it is `-kl_div(k, l) - log(2*pi*k)/2 - stirling(k)`, where kl_div(a, b) =
a*log(a/b) - a + b is small where a is near b. C. Loader, Fast and Accurate Computation of Binomial
Probabilities (2000), does this for the binomial and the Poisson distribution; here the terms are found by
what multiplies each logarithm.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from vjpgen.bridge import OPAQUE

_MOST_TERMS = 40


def gathered(s: Any) -> Any | None:
    """An equal shape with relative entropies, where the arguments of its gamma functions are positive.

    Args:
        s: a sympy expression, as `bridge.to_sympy` gives it.
    """
    expanded = sp.expand_mul(s.replace(OPAQUE["lgamma"], _stirling))
    terms = sp.Add.make_args(expanded)
    if len(terms) > _MOST_TERMS:
        return None
    logs, rest = _split(terms)
    own = [b for b, c in logs.items() if sp.expand(b + c) == 0]
    if not own:
        return None
    reference: dict[Any, Any] = dict.fromkeys(own, sp.S.One)
    for b, c in logs.items():
        if b in own:
            continue
        shares = _shares(c, own)
        if shares is None:
            rest.append(c * sp.log(b))
        else:
            for a, share in zip(own, shares, strict=True):
                reference[a] *= b**share
    entropies = [(a, b) for a, b in reference.items() if b != 1]
    rest += [-a * sp.log(a) for a, b in reference.items() if b == 1]
    if not entropies:
        return None
    linear = sp.expand_mul(sp.Add(*rest, *(b - a for a, b in entropies)))
    return sp.Add(linear, *(-OPAQUE["kl_div"](a, b) for a, b in entropies))


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
