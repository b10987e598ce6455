"""Turn the formulas of the lessons from TeX into MathML, which browsers draw without a script.

`convert` knows the part of TeX that the lessons use, and raises ValueError at anything else.
"""

from __future__ import annotations

import re
from html import escape

SYMBOLS = {
    "ln": "ln", "forall": "∀", "emptyset": "∅", "Sigma": "Σ", "Omega": "Ω", "Phi": "Φ",
    "log": "log", "exp": "exp", "sin": "sin", "cos": "cos", "tanh": "tanh", "max": "max", "min": "min",
    "lambda": "λ", "mu": "μ", "tau": "τ", "sigma": "σ", "beta": "β", "delta": "δ", "Delta": "Δ", "omega": "ω",
    "rho": "ρ", "pi": "π", "varepsilon": "ε", "epsilon": "ϵ", "alpha": "α", "gamma": "γ", "eta": "η", "theta": "θ",
    "infty": "∞", "partial": "∂", "top": "⊤", "nabla": "∇", "phi": "φ", "kappa": "κ", "ell": "ℓ",
}  # fmt: skip
OPERATORS = {
    "cdot": "·", "times": "×", "leftarrow": "←", "to": "→", "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "dots": "…",
    "ldots": "…", "cdots": "⋯", "pm": "±", "propto": "∝", "in": "∈", "lfloor": "⌊", "rfloor": "⌋", "mid": "|",
    "Longrightarrow": "⟹", "Rightarrow": "⇒", "rightarrow": "→", "int": "∫", "lceil": "⌈", "rceil": "⌉", "sim": "∼",
    "{": "{", "}": "}", "_": "_", "%": "%", "|": "‖", "lVert": "‖", "rVert": "‖", "#": "#", "&": "&", "odot": "⊙",
    "ll": "≪", "gg": "≫", "neq": "≠",
}  # fmt: skip
LARGE = {"sum": "∑", "prod": "∏"}  # their limits stand above and below
SPACES = {",": 0.17, ";": 0.28, ":": 0.22, "quad": 1, "qquad": 2, " ": 0.25, "!": -0.17}
TEXT = {"text": "mtext", "mathrm": "mi", "operatorname": "mi", "texttt": "mtext", "textit": "mtext", "mathbf": "mi"}
ACCENTS = {"bar": "¯", "hat": "^", "overline": "¯", "tilde": "~"}
FRACTIONS = {"frac": "", "tfrac": "", "dfrac": "", "binom": ' linethickness="0"'}
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S", re.S)
TEXT_ESCAPES = re.compile(r"\\([_%{}$&# ])")


def convert(tex: str, display: bool = False) -> str:
    """Turn a formula into a <math> element. Raises ValueError if it has something unknown."""
    parser = Parser(tex)
    body = parser.row(())
    if parser.at < len(tex.rstrip()):
        raise ValueError(f"{tex[parser.at :]!r} is left of {tex!r}")
    kind = 'display="block" tabindex="0"' if display else 'display="inline"'  # a block may be so wide that it scrolls
    return f"<math {kind}><mrow>{body}</mrow></math>"


class Parser:
    """Reads a formula from left to right; `at` is how far it has come."""

    def __init__(self, tex: str) -> None:
        self.tex, self.at = tex, 0

    def peek(self) -> str:
        """Return the next token without taking it, "" at the end."""
        match = TOKEN.search(self.tex, self.at)
        return match[0] if match else ""

    def take(self) -> str:
        """Return the next token, and go past it."""
        match = TOKEN.search(self.tex, self.at)
        if not match:
            raise ValueError(f"{self.tex!r} ends too early")
        self.at = match.end()
        return match[0]

    def row(self, ends: tuple[str, ...]) -> str:
        """Read until one of `ends`, which is not taken, or until the end."""
        parts = []
        while (token := self.peek()) and token not in ends:
            if token == "}":
                raise ValueError(f"a }} too many in {self.tex!r}")
            parts.append(self.with_scripts())
        return "".join(parts)

    def group(self) -> str:
        """Read {...}, or one thing that stands for it: of a number its first digit."""
        if self.peek()[:1].isdigit():
            self.at = TOKEN.search(self.tex, self.at).start() + 1
            return f"<mn>{self.tex[self.at - 1]}</mn>"
        if self.peek() != "{":
            return self.atom()
        self.take()
        inside = self.row(("}",))
        self.take()
        return f"<mrow>{inside}</mrow>"

    def raw(self) -> str:
        """Read {...} as text."""
        match = re.compile(r"\s*\{((?:[^{}\\]|\\.)*)\}").match(self.tex, self.at)
        if not match:
            raise ValueError(f"no text in braces in {self.tex[self.at :]!r}")
        self.at = match.end()
        return TEXT_ESCAPES.sub(r"\1", match[1])

    def with_scripts(self) -> str:
        """Read one thing, and what stands below and above it."""
        first = self.peek().lstrip("\\")
        base, scripts = self.atom(), {}
        while self.peek() in ("_", "^", "'"):
            mark = self.take()
            scripts["^" if mark == "'" else mark] = "<mo>′</mo>" if mark == "'" else self.group()
        names = {"_": "sub", "^": "sup"} if first not in (*LARGE, "underbrace") else {"_": "under", "^": "over"}
        if not scripts:
            return base
        name = "m" + "".join(names[mark] for mark in ("_", "^") if mark in scripts)
        return f"<{name}>{base}{''.join(scripts[mark] for mark in ('_', '^') if mark in scripts)}</{name}>"

    def atom(self) -> str:
        """Read one thing without scripts."""
        if self.peek() == "{":
            return self.group()
        token = self.take()
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token in "&^_":
            raise ValueError(f"{token} stands where nothing may in {self.tex!r}")
        return f"<mo>{escape({'-': '−', '*': '∗'}.get(token, token))}</mo>"

    def command(self, name: str) -> str:
        """Read what follows a command."""
        if name in SYMBOLS:
            return f"<mi>{SYMBOLS[name]}</mi>"
        if name in LARGE or name in OPERATORS:
            return f"<mo>{escape((LARGE | OPERATORS)[name])}</mo>"
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}em"></mspace>'
        if name in TEXT:
            kind = ' class="code"' if name == "texttt" else ' mathvariant="normal"' if TEXT[name] == "mi" else ""
            return f"<{TEXT[name]}{kind}>{escape(self.raw())}</{TEXT[name]}>"
        if name in FRACTIONS:
            inside = f"<mfrac{FRACTIONS[name]}>{self.group()}{self.group()}</mfrac>"
            return f"<mrow><mo>(</mo>{inside}<mo>)</mo></mrow>" if name == "binom" else inside
        if name in ACCENTS:
            return f'<mover accent="true">{self.group()}<mo>{ACCENTS[name]}</mo></mover>'
        if name == "sqrt":
            return f"<msqrt>{self.group()}</msqrt>"
        if name == "underbrace":
            return f"<munder>{self.group()}<mo>⏟</mo></munder>"
        if name in ("mathrel", "mathbin", "mathop"):
            return self.group()
        if name == "boxed":
            return f'<mrow class="boxed">{self.group()}</mrow>'
        if name in ("left", "right", "big", "Big", "bigg"):
            return self.delimiter()
        if name == "begin":
            return self.table(self.raw())
        raise ValueError(f"\\{name} is not known: {self.tex!r}")

    def delimiter(self) -> str:
        """Read a bracket that may be tall."""
        token = self.take()
        sign = OPERATORS.get(token[1:], token) if token.startswith("\\") else token
        return "" if sign == "." else f'<mo stretchy="true">{escape(sign)}</mo>'

    def table(self, kind: str) -> str:
        """Read a matrix in brackets, or cases."""
        brackets = {"pmatrix": "()", "cases": ("{", ""), "bmatrix": "[]"}
        if kind not in brackets:
            raise ValueError(f"\\begin{{{kind}}} is not known: {self.tex!r}")
        rows, cells = [], []
        while True:
            cells.append(f"<mtd>{self.row(('&', chr(92) * 2, chr(92) + 'end'))}</mtd>")
            token = self.take()
            if token != "&":
                rows.append(f"<mtr>{''.join(cells)}</mtr>")
                cells = []
            if token == "\\end":
                self.raw()
                break
        left, right = (f"<mo>{sign}</mo>" if sign else "" for sign in brackets[kind])
        return f"<mrow>{left}<mtable>{''.join(rows)}</mtable>{right}</mrow>"
