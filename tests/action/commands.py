"""What the runner of GitHub Actions reads from the output of a step and from its command files.

Written after the behaviour of the runner, and as strict: both notations of workflow commands, also
the old one that may stand anywhere in a line, and commands that are stopped until a token comes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

KNOWN = {
    "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice",
    "remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning",
}  # fmt: skip


@dataclass(frozen=True)
class Command:
    name: str
    data: str
    properties: dict[str, str] = field(default_factory=dict)


class Reader:
    """Reads one stream of a step."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        # What a person sees who opens the log.
        self.text: list[str] = []
        self.token: str | None = None

    def read(self, output: bytes) -> None:
        for line in re.split("\r\n|\r|\n", output.decode(errors="replace")):
            command = self.parse(line)
            if self.token is not None:
                if command and command.name == self.token:
                    self.token = None
                else:
                    self.text.append(line)
            elif command is None:
                self.text.append(line)
            elif command.name == "stop-commands":
                assert command.data and command.data.lower() not in KNOWN | {"pause-logging"}
                self.token = command.data.lower()
            else:
                self.commands.append(command)

    def parse(self, line: str) -> Command | None:
        known = KNOWN if self.token is None else KNOWN | {self.token}
        return parse_new(line, known) or parse_old(line, known)


def parse_new(line: str, known: set[str]) -> Command | None:
    """`::name key=value,key=value::data`, after white space."""
    line = line.lstrip()
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return None
    return make(line[2:end], line[end + 2 :], known, ",", (("\r", "%0D"), ("\n", "%0A")), (":", ","))


def parse_old(line: str, known: set[str]) -> Command | None:
    """`##[name key=value;key=value]data`, anywhere in the line."""
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    escapes = (("\r", "%0D"), ("\n", "%0A"), (";", "%3B"), ("]", "%5D"))
    return make(line[start + 3 : end], line[end + 1 :], known, ";", escapes, ())


def make(
    head: str,
    data: str,
    known: set[str],
    separator: str,
    escapes: tuple[tuple[str, str], ...],
    escaped_in_properties: tuple[str, ...],
) -> Command | None:
    name, _, rest = head.partition(" ")
    if name.lower() not in known:
        return None

    def unescape(text: str, extra: tuple[str, ...] = ()) -> str:
        for character, escape in (*escapes, *((it, f"%{ord(it):02X}") for it in extra), ("%", "%25")):
            text = text.replace(escape, character)
        return text

    pairs = (pair.partition("=") for pair in rest.strip().split(separator) if pair)
    properties = {key: unescape(value, escaped_in_properties) for key, _, value in pairs if key and value}
    return Command(name.lower(), unescape(data), properties)


def read_pairs(text: str) -> dict[str, str]:
    """The contents of `GITHUB_OUTPUT`: `name=value`, or `name<<delimiter` with lines of value."""
    pairs = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
        elif heredoc >= 0:
            name, _, delimiter = line.partition("<<")
            assert name and delimiter, line
            value_lines = []
            for value_line in lines:
                if value_line == delimiter:
                    break
                value_lines.append(value_line)
            else:
                raise AssertionError(f"the delimiter of {name} is missing")
            value = "\n".join(value_lines)
        else:
            raise AssertionError(f"{line!r} is no output")
        pairs[name] = value
    return pairs
