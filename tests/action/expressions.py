"""The expressions of GitHub Actions, as far as action.yml uses them; anything else is an error."""

from __future__ import annotations

import re
from typing import Any

TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*')
      | (?P<word>[A-Za-z_][A-Za-z0-9_-]*)
      | (?P<operator>==|!=|&&|\|\||[!().])
    )""",
    re.VERBOSE,
)
LITERALS = {"true": True, "false": False, "null": None}


class UnknownExpression(Exception):
    pass


def interpolate(text: str, context: dict[str, Any]) -> str:
    """The text with the value of each `${{ }}` in it."""
    parts = re.split(r"\$\{\{(.*?)\}\}", text, flags=re.DOTALL)
    parts[1::2] = [as_text(evaluate(part, context)) for part in parts[1::2]]
    return "".join(parts)


def is_met(condition: str, context: dict[str, Any]) -> bool:
    """Whether a step with this `if` runs. Without a status function, it needs success."""
    stripped = condition.strip()
    if stripped.startswith("${{"):
        stripped = stripped.removeprefix("${{").removesuffix("}}")
    asks = any(re.search(rf"\b{name}\(\)", stripped) for name in ("always", "failure", "success"))
    value = evaluate(stripped, context)
    return truth(value) and (asks or context["success"])


def evaluate(text: str, context: dict[str, Any]) -> Any:
    tokens = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise UnknownExpression(f"{text!r}, from {text[position:]!r} on")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        position = match.end()
    parser = Parser(tokens, context)
    value = parser.disjunction()
    if parser.tokens:
        raise UnknownExpression(f"{text!r}, from {parser.tokens[0][1]!r} on")
    return value


class Parser:
    def __init__(self, tokens: list[tuple[str, str]], context: dict[str, Any]) -> None:
        self.tokens = tokens
        self.context = context

    def accept(self, *operators: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "operator" and self.tokens[0][1] in operators:
            return self.tokens.pop(0)[1]
        return None

    def expect(self, operator: str) -> None:
        if not self.accept(operator):
            raise UnknownExpression(f"{operator!r} is missing before {self.tokens[:1]}")

    def disjunction(self) -> Any:
        value = self.conjunction()
        while self.accept("||"):
            other = self.conjunction()
            value = value if truth(value) else other
        return value

    def conjunction(self) -> Any:
        value = self.comparison()
        while self.accept("&&"):
            other = self.comparison()
            value = other if truth(value) else value
        return value

    def comparison(self) -> Any:
        value = self.negation()
        while operator := self.accept("==", "!="):
            is_equal = equal(value, self.negation())
            value = is_equal if operator == "==" else not is_equal
        return value

    def negation(self) -> Any:
        if self.accept("!"):
            return not truth(self.negation())
        return self.primary()

    def primary(self) -> Any:
        if self.accept("("):
            value = self.disjunction()
            self.expect(")")
            return value
        if not self.tokens:
            raise UnknownExpression("a value is missing")
        kind, text = self.tokens.pop(0)
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind != "word":
            raise UnknownExpression(text)
        if text in LITERALS:
            return LITERALS[text]
        if self.accept("("):
            self.expect(")")
            return self.status(text)
        return self.property_of(text)

    def status(self, function: str) -> bool:
        match function:
            case "always":
                return True
            case "success":
                return self.context["success"]
            case "failure":
                return not self.context["success"]
        raise UnknownExpression(f"{function}()")

    def property_of(self, name: str) -> Any:
        """Only the payload of the event may lack a property; elsewhere that is a misspelling."""
        if name not in ("inputs", "steps", "github", "runner"):
            raise UnknownExpression(f"the context {name!r}")
        path = name
        value: Any = self.context[name]
        while self.accept("."):
            kind, key = self.tokens.pop(0)
            if kind != "word":
                raise UnknownExpression(f"{path}.{key}")
            is_optional = path.startswith("github.event") or re.fullmatch(r"steps\.[^.]+\.outputs", path)
            if not is_optional and key not in value:
                raise UnknownExpression(f"{path}.{key}")
            value = value.get(key) if isinstance(value, dict) else None
            path = f"{path}.{key}"
        if isinstance(value, dict):
            raise UnknownExpression(f"{path} is an object")
        return value


def truth(value: Any) -> bool:
    return value not in (None, False, 0, "")


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if type(left) is type(right):
        return left == right
    return as_number(left) == as_number(right)


def as_number(value: Any) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return float("nan")


def as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
    return str(value)
