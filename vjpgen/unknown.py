"""What to say about a function that the language does not have: the reason, or the nearest name."""

from __future__ import annotations

from vjpgen.language import BY_NAME

_AXIS = "takes an array over an axis; a formula is about single numbers"
_COMPLEX = "belongs to complex numbers, which are not in the language"
_NO_TRUTH = "is not in the language: no exact reference for it and its derivatives is built in"
_CALCULUS = "is not in the language: give the formula itself, vjpgen differentiates it"

_SUMS = "write the terms out: x + y + z"
_REASONS: tuple[tuple[str, str, str], ...] = (
    ("softmax", _AXIS, "write exp(x)/(exp(x) + exp(y))"),
    ("log_softmax logsoftmax", _AXIS, "write x - log(exp(x) + exp(y))"),
    ("norm", _AXIS, "write sqrt(x**2 + y**2) or hypot(x, y)"),
    ("sum nansum cumsum", _AXIS, _SUMS),
    ("mean average nanmean median", _AXIS, "write (x + y)/2"),
    ("var std", _AXIS, "write the moments out, such as (x - m)**2"),
    ("prod cumprod", _AXIS, "write the factors out: x*y*z"),
    ("dot vdot inner matmul einsum tensordot outer kron cross conv convolve", _AXIS, "write a*x + b*y"),
    ("amax amin argmax argmin nanmax nanmin", _AXIS, "write max(x, y) or min(x, y)"),
    ("sort argsort unique all any concatenate stack reshape transpose array asarray zeros ones arange"
     " linspace", _AXIS, ""),
    ("det inv solve trace eig eigh svd cholesky", _AXIS, "write the entries out: a*d - b*c"),
    ("logmeanexp", _AXIS, "write log((exp(x) + exp(y))/2)"),
    ("glu standardize one_hot layer_norm batch_norm", _AXIS, "write the formula of one element"),
    ("re real im imag conj conjugate angle arg complex", _COMPLEX, "every value is real"),
    ("diff Derivative grad gradient jacobian integrate Integral limit Limit", _CALCULUS, ""),
    ("Sum Product", "is not in the language: a formula has a fixed number of terms", _SUMS),
    ("gammainc gammaincc betainc zeta polylog besselk bessely kv yv kn yn hankel1 airy airyai airybi expi"
     " exp1 expn Ei E1 li Si Ci sici fresnel dawsn spence hyp1f1 hyp2f1 hyper hyperu ellipk ellipe ellipj"
     " jv erfi multigammaln owens_t wofz poch", _NO_TRUTH, ""),
    ("DiracDelta", "is not in the language: it is no function of a real number", ""),
    ("eval exec compile open input print getattr setattr globals locals vars dir type super breakpoint"
     " exit quit", "is not in the language: a formula is never evaluated as Python", ""),
    ("float int bool tuple list str float32 float64", "is not in the language", "leave the conversion out"),
    ("Symbol symbols S N Rational Float Integer sympify simplify", "is not in the language",
     "write the formula itself; sympy expressions go to vjpgen.generate as they are"),
)  # fmt: skip
_BY_NAME = {name: (reason, hint) for names, reason, hint in _REASONS for name in names.split()}


def about(name: str) -> tuple[str, str]:
    """Message and hint for a call of `name`, which is no function of the language."""
    if name.startswith("__"):
        return f"'{name}' is not in the language: a formula is never evaluated as Python", ""
    if name in _BY_NAME:
        reason, hint = _BY_NAME[name]
        return f"'{name}' {reason}", hint
    near = nearest(name, tuple(BY_NAME))
    product = f"for a product write {name}*(...)"
    return f"unknown function '{name}'", f"did you mean {near}? {product}" if near else product


def nearest(name: str, known: tuple[str, ...]) -> str:
    """The most similar of the known names, "" when none is similar."""
    import difflib

    by_lower = {k.lower(): k for k in reversed(known)}
    if name.lower() in by_lower:
        return by_lower[name.lower()]
    found = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""
