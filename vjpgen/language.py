"""The expression language as a table: every function, its parameters, its meaning.

A row either names an operation of `ops.OPS` or gives a definition in the language itself, which the
parser reads once and fills in; so the definition in the reference is the definition that is used.
"""

from __future__ import annotations

from dataclasses import dataclass

CONSTANTS = {"pi": "pi", "e": "e", "euler_gamma": "euler_gamma", "EulerGamma": "euler_gamma"}
TRUTHS = {"True": "true", "False": "false"}


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the language.

    Attributes:
        names: its spellings, the usual one first.
        params: its parameters; one that ends in "..." may be repeated, `a=1` has a default.
        kind: "op" (an operation), "fold" (a binary operation, folded from the left), "formula" (a
            definition), or "special" (built by the parser).
        meaning: the operation's name, or the definition in the language.
        remark: one line for the reference.
        section: heading in the reference.
        takes: sort of the operands, "real" or "bool" ("where": one bool, then reals).
    """

    names: tuple[str, ...]
    params: tuple[str, ...]
    kind: str
    meaning: str
    remark: str
    section: str
    takes: str = "real"

    @property
    def least(self) -> int:
        """The smallest number of arguments."""
        return sum("=" not in p for p in self.params)

    @property
    def most(self) -> int | None:
        """The largest number of arguments, None without a bound."""
        return None if self.params[-1].endswith("...") else len(self.params)


_AT_ZERO = "no value where the logarithm has none; JAX gives the limit at x = 0"
_SECTIONS: tuple[tuple[str, str, tuple[tuple[str, str, str, str], ...]], ...] = (
    ("Choices and comparisons", "special", (
        ("Piecewise", "(value, condition)...", "the first value whose condition holds",
         "ends with `(value, True)`; without it the conditions become an assumption"),
    )),
    ("Choices and comparisons", "op:where", (
        ("where", "condition, a, b", "where", "`a if condition else b` means the same"),
    )),
    ("Choices and comparisons", "op", (
        ("Lt", "x, y", "lt", "`x < y`"), ("Le", "x, y", "le", "`x <= y`"), ("Gt", "x, y", "gt", "`x > y`"),
        ("Ge", "x, y", "ge", "`x >= y`"), ("Eq", "x, y", "eq", "`x == y`"), ("Ne", "x, y", "ne", "`x != y`"),
    )),
    ("Choices and comparisons", "op:bool", (("Not", "a", "not", "`not a`, `~a`"),)),
    ("Choices and comparisons", "fold:bool", (
        ("And", "a, b...", "and", "`a and b`, `a & b`"), ("Or", "a, b...", "or", "`a or b`, `a \\| b`"),
    )),
    ("Kinks and steps", "fold", (
        ("max Max maximum", "x, y...", "max", "derivative where two are equal: one half each"),
        ("min Min minimum", "x, y...", "min", "derivative where two are equal: one half each"),
    )),
    ("Kinks and steps", "op", (
        ("abs Abs fabs absolute", "x", "abs", "derivative at 0: 0"),
        ("sign sgn", "x", "sign", "0 at 0"),
        ("floor", "x", "floor", "derivative 0"),
        ("ceil ceiling", "x", "ceil", "derivative 0"),
        ("round rint", "x", "round", "half to even; derivative 0"),
    )),
    ("Kinks and steps", "formula", (
        ("trunc", "x", "where(x < 0, ceil(x), floor(x))", "towards 0"),
        ("mod", "x, y", "x - y*floor(x/y)", "sign of y, as in Python and `jnp.mod`"),
        ("Heaviside heaviside", "x, half=1/2", "where(x > 0, 1, where(x < 0, 0, half))", "unit step"),
        ("clip clamp", "x, low, high", "min(max(x, low), high)", ""),
    )),
    ("Powers, exponentials, logarithms", "op", (
        ("exp", "x", "exp", "`e**x` means the same"),
        ("exp2", "x", "exp2", "`2**x`"),
        ("expm1", "x", "expm1", "`exp(x) - 1`"),
        ("log1p", "x", "log1p", "`log(1 + x)`"),
        ("log2", "x", "log2", ""),
        ("log10", "x", "log10", ""),
        ("sqrt", "x", "sqrt", ""),
        ("cbrt", "x", "cbrt", "the real root, of negative x too"),
        ("hypot", "x, y", "hypot", "`sqrt(x**2 + y**2)`"),
        ("pow power", "x, y", "pow", "`x**y` and `x^y` mean the same; x >= 0 unless y is a whole number"),
    )),
    ("Powers, exponentials, logarithms", "special", (
        ("log ln", "x, base=e", "natural logarithm; `log(x)/log(base)` with two arguments", ""),
    )),
    ("Powers, exponentials, logarithms", "formula", (
        ("exp10", "x", "10**x", ""),
        ("square", "x", "x**2", ""),
        ("rsqrt", "x", "1/sqrt(x)", ""),
        ("reciprocal", "x", "1/x", ""),
    )),
    ("Circular functions", "op", (
        ("sin", "x", "sin", ""), ("cos", "x", "cos", ""), ("tan", "x", "tan", ""),
        ("asin arcsin", "x", "asin", ""), ("acos arccos", "x", "acos", ""), ("atan arctan", "x", "atan", ""),
        ("atan2 arctan2", "y, x", "atan2", "angle of the point (x, y)"),
    )),
    ("Circular functions", "formula", (
        ("sec", "x", "1/cos(x)", ""), ("csc", "x", "1/sin(x)", ""), ("cot", "x", "1/tan(x)", ""),
        ("asec arcsec", "x", "acos(1/x)", ""), ("acsc arccsc", "x", "asin(1/x)", ""),
        ("acot arccot", "x", "atan(1/x)", "between -pi/2 and pi/2, odd"),
        ("sinc", "x", "where(x == 0, 1, sin(pi*x)/(pi*x))", "as in JAX; sympy's `sinc(x)` is `sin(x)/x`"),
    )),
    ("Hyperbolic functions", "op", (
        ("sinh", "x", "sinh", ""), ("cosh", "x", "cosh", ""), ("tanh", "x", "tanh", ""),
        ("asinh arcsinh arsinh", "x", "asinh", ""), ("acosh arccosh arcosh", "x", "acosh", ""),
        ("atanh arctanh artanh", "x", "atanh", ""),
    )),
    ("Hyperbolic functions", "formula", (
        ("sech", "x", "1/cosh(x)", ""), ("csch", "x", "1/sinh(x)", ""), ("coth", "x", "1/tanh(x)", ""),
        ("asech arcsech arsech", "x", "acosh(1/x)", ""), ("acsch arccsch arcsch", "x", "asinh(1/x)", ""),
        ("acoth arccoth arcoth", "x", "atanh(1/x)", ""),
    )),
    ("Error function and the normal distribution", "op", (
        ("erf", "x", "erf", ""), ("erfc", "x", "erfc", "`1 - erf(x)`"), ("erfinv", "x", "erfinv", ""),
    )),
    ("Error function and the normal distribution", "formula", (
        ("erfcx", "x", "exp(x**2)*erfc(x)", ""),
        ("erfcinv", "x", "erfinv(1 - x)", ""),
        ("ndtr norm_cdf", "x", "erfc(-x/sqrt(2))/2", "distribution function of the normal distribution"),
        ("log_ndtr", "x", "log(erfc(-x/sqrt(2))/2)", ""),
        ("ndtri probit", "p", "sqrt(2)*erfinv(2*p - 1)", ""),
    )),
    ("Gamma, Bessel and related functions", "op", (
        ("gamma Gamma", "x", "gamma", ""),
        ("loggamma lgamma gammaln", "x", "lgamma", "`log(abs(gamma(x)))`, also for negative x, as in JAX"),
        ("digamma psi", "x", "digamma", ""),
        ("lambertw LambertW", "x", "lambertw", "the principal branch, x >= -1/e"),
    )),
    ("Gamma, Bessel and related functions", "special", (
        ("polygamma", "n, x", "derivative n of digamma", "n a whole number, written as such, 0 to 20"),
        ("besselj jn", "n, x", "Bessel function of the first kind", "n a whole number, written as such"),
        ("besseli iv", "n, x", "modified Bessel function", "n a whole number, written as such"),
    )),
    ("Gamma, Bessel and related functions", "formula", (
        ("trigamma", "x", "polygamma(1, x)", ""),
        ("beta Beta", "a, b", "gamma(a)*gamma(b)/gamma(a + b)", ""),
        ("betaln lbeta", "a, b", "lgamma(a) + lgamma(b) - lgamma(a + b)", ""),
        ("factorial", "x", "gamma(x + 1)", ""),
        ("binomial comb", "n, k", "gamma(n + 1)/(gamma(k + 1)*gamma(n - k + 1))", ""),
        ("j0", "x", "besselj(0, x)", ""), ("j1", "x", "besselj(1, x)", ""),
        ("i0", "x", "besseli(0, x)", ""), ("i1", "x", "besseli(1, x)", ""),
        ("i0e", "x", "exp(-abs(x))*besseli(0, x)", ""), ("i1e", "x", "exp(-abs(x))*besseli(1, x)", ""),
    )),
    ("Machine learning: sigmoids and logarithms of sums", "formula", (
        ("sigmoid expit logistic", "x", "1/(1 + exp(-x))", ""),
        ("logit", "p", "log(p/(1 - p))", ""),
        ("log_sigmoid logsigmoid", "x", "log(1/(1 + exp(-x)))", ""),
        ("softplus log1pexp", "x", "log(1 + exp(x))", ""),
        ("log1mexp", "x", "log(1 - exp(-x))", "x > 0, as in JAX"),
        ("logexpm1", "x", "log(exp(x) - 1)", ""),
        ("logcosh log_cosh", "x", "log(cosh(x))", ""),
        ("logaddexp", "x, y", "log(exp(x) + exp(y))", ""),
        ("logaddexp2", "x, y", "log2(2**x + 2**y)", ""),
        ("logsubexp", "x, y", "log(exp(x) - exp(y))", ""),
        ("xlogy", "x, y", "x*log(y)", _AT_ZERO),
        ("xlog1py", "x, y", "x*log(1 + y)", _AT_ZERO),
        ("entr", "x", "-x*log(x)", _AT_ZERO),
        ("rel_entr", "x, y", "x*log(x/y)", _AT_ZERO),
        ("kl_div", "x, y", "x*log(x/y) - x + y", _AT_ZERO),
        ("boxcox", "x, power", "(x**power - 1)/power", ""),
        ("exprel", "x", "(exp(x) - 1)/x", ""),
    )),
    ("Machine learning: sigmoids and logarithms of sums", "special", (
        ("logsumexp", "a, b...", "log(exp(a) + exp(b) + ...)", "of its arguments, not over an axis"),
    )),
    ("Machine learning: activations", "formula", (
        ("relu", "x", "where(x > 0, x, 0)", ""),
        ("relu6", "x", "min(max(x, 0), 6)", ""),
        ("leaky_relu", "x, slope=0.01", "where(x > 0, x, slope*x)", ""),
        ("elu", "x, alpha=1", "where(x > 0, x, alpha*(exp(x) - 1))", ""),
        ("celu", "x, alpha=1", "where(x > 0, x, alpha*(exp(x/alpha) - 1))", ""),
        ("selu", "x", "1.0507009873554804934*where(x > 0, x, 1.6732632423543772848*(exp(x) - 1))", ""),
        ("silu swish", "x, beta=1", "x/(1 + exp(-(beta*x)))", ""),
        ("gelu", "x", "x*(1 + erf(x/sqrt(2)))/2", "`jax.nn.gelu(x, approximate=False)`"),
        ("gelu_tanh", "x", "x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2",
         "`jax.nn.gelu(x)`, JAX's approximation"),
        ("quick_gelu", "x", "x/(1 + exp(-1.702*x))", ""),
        ("mish", "x", "x*tanh(log(1 + exp(x)))", ""),
        ("softsign soft_sign", "x", "x/(1 + abs(x))", ""),
        ("squareplus", "x, b=4", "(x + sqrt(x**2 + b))/2", ""),
        ("tanhshrink", "x", "x - tanh(x)", ""),
        ("hard_tanh hardtanh", "x", "min(max(x, -1), 1)", ""),
        ("hard_sigmoid hardsigmoid", "x", "min(max(x + 3, 0), 6)/6", ""),
        ("hard_silu hardsilu hard_swish hardswish", "x", "x*min(max(x + 3, 0), 6)/6", ""),
    )),
)  # fmt: skip


def _rows() -> tuple[Function, ...]:
    rows = []
    for section, kind, entries in _SECTIONS:
        kind, _, takes = kind.partition(":")
        for names, params, meaning, remark in entries:
            parts = (params,) if params.startswith("(") else tuple(params.split(", "))
            row = Function(tuple(names.split()), parts, kind, meaning, remark, section, takes or "real")
            rows.append(row)
    return tuple(rows)


FUNCTIONS = _rows()
BY_NAME: dict[str, Function] = {name: row for row in FUNCTIONS for name in row.names}

_INTRODUCTION = """\
# The language

Written by `vjpgen.language.reference()`; a test holds this page to the table the parser uses.

A formula is arithmetic on real numbers: `+ - * /`, powers as `**` or `^`, parentheses, functions.
Every name that is neither a constant nor a function is an argument; `--args` fixes their order, and
a name in `--args` always wins over a constant or function of that name.

| from loosest to tightest | notes |
|---|---|
| `a if condition else b` | |
| `or`, `\\|` | |
| `and`, `&` | looser than relations: `x > 0 & y > 0` needs no parentheses |
| `not`, `~` | |
| `<` `<=` `>` `>=` `==` `!=` | may be chained: `0 < x < 1` |
| `+ -` | |
| `* /` | |
| unary `+ -` | `-x**2` is `-(x**2)` |
| `**`, `^` | from the right: `x**y**z` is `x**(y**z)` |

Numbers are exact: `0.1` is one tenth, `1/3` one third. Constants: `pi`, `e`, `euler_gamma`; `True` and
`False` as conditions. A formula in parentheses with commas, `(r*cos(t), r*sin(t))`, is a function with
several outputs.

Assumptions (`--assume`) are conditions joined by `&`, `and` or commas: `x > 0, y > 0`.

A definition below is the formula the parser puts in place of the call; accuracy is judged against that
formula. Where sympy and JAX mean different things by one name, JAX's meaning holds.
"""


def reference() -> str:
    """The language as a page of Markdown, from the table."""
    lines = [_INTRODUCTION]
    for section in dict.fromkeys(row.section for row in FUNCTIONS):
        lines += [f"## {section}\n", "| function | meaning | also called | remarks |", "|---|---|---|---|"]
        for row in (r for r in FUNCTIONS if r.section == section):
            usual = f"`{row.names[0]}({', '.join(row.params)})`"
            meaning = {"formula": f"`{row.meaning}`", "special": row.meaning}.get(row.kind, "")
            also = ", ".join(f"`{name}`" for name in row.names[1:])
            lines.append(f"| {usual} | {meaning} | {also} | {row.remark} |".replace("  ", " "))
        lines.append("")
    return "\n".join(lines)
