"""Code before its fix, one case for each kind of fix."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Case:
    name: str
    code: str
    files: dict[str, str]
    module: str = "flow"
    input: list[Any] = field(default_factory=lambda: ["data.txt"])
    # Whether the code before runs in Temporal's sandbox, which is what stops it.
    sandboxed: bool = False
    # Whether the flaw shows in what is printed, or left on the disk, and not in what is returned.
    prints: bool = False
    writes: bool = False


def plain(name: str, code: str, imports: str, body: str, more: str = "", **options: Any) -> Case:
    """A Temporal workflow with this body, in a file of its own with an activity."""
    text = f"""\
import asyncio
{imports}
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def record(text: str) -> str:
    return text

{more}

@workflow.defn
class Flow:
    @workflow.run
    async def run(self, path: str) -> str:
{textwrap.indent(body.strip(), " " * 8)}
"""
    return Case(name, code, {"flow.py": text, **options.pop("files", {})}, **options)


def shape(name: str, code: str, imports: str, body: str, **options: Any) -> list[Case]:
    """Statements that set `value`: in a runbook, and in workflows of Temporal with activities in
    the same file, in another one, and nowhere. An expression alone is the value."""
    body = body if "\n" in body or "value = " in body else f"value = {body}"
    body = f"{body.strip()}\nreturn str(value)"
    own_file = plain(name, code, imports, body, **options)
    nowhere = own_file.files["flow.py"].replace('@activity.defn\nasync def record(text: str) -> str:\n    return text\n', "")
    nowhere = nowhere.replace("import activity, workflow", "import workflow")
    beside = nowhere.replace("import workflow\n", "import workflow\n\nfrom acts import record\n", 1)
    acts = "from temporalio import activity\n\n\n@activity.defn\ndef record(text: str) -> str:\n    return text\n"
    return [
        bundle(name, code, imports, body, **options),
        own_file,
        Case(f"{name}, beside", code, {"flow.py": beside, "acts.py": acts}, **options),
        Case(f"{name}, nowhere", code, {"flow.py": nowhere}, **options),
    ]


def bundle(name: str, code: str, imports: str, body: str, **options: Any) -> Case:
    """A runbook with these statements in a step."""
    workflow = f"""\
{imports}

from ntro.workflow import NtroWorkflow, runbook


@runbook.defn
class ProxyVoteWorkflow(NtroWorkflow):
    @runbook.step(name="vote", title="Vote", icon="Vote")
    async def _step_vote(self, path: str) -> str:
{textwrap.indent(body.strip(), " " * 8)}

    @runbook.run
    async def run(self, path: str) -> str:
        return await self._step_vote(path)
"""
    manifest = "---\nslug: proxy-vote\nname: Proxy vote\nversion: 0.1.0\nstate: DRAFT\nauthor: Fund\n---\n"
    files = {
        "runbook.md": manifest,
        "templates/__init__.py": "",
        "templates/workflow.py": workflow,
    }
    return Case(name, code, files, "templates.workflow", **options)


def helper(name: str, text: str, call: str, **options: Any) -> Case:
    """A workflow that calls a function of another file."""
    code = options.pop("code", "RB101")
    body = f"value = {call}\nreturn str(value)"
    return plain(name, code, "import helpers", body, files={"helpers.py": text}, **options)


IN_DATETIME = "from datetime import date, datetime, timedelta, timezone\n"

TEMPORAL = [
    plain("utc", "RB101", "from datetime import datetime, timezone", "return str(datetime.now(timezone.utc))"),
    plain("utcnow", "RB101", "from datetime import datetime", "return str(datetime.utcnow())"),
    plain(
        "zone",
        "RB101",
        "from datetime import datetime\nfrom zoneinfo import ZoneInfo",
        'return str(datetime.now(ZoneInfo("Asia/Tokyo")))',
    ),
    plain("naive", "RB101", "from datetime import datetime", "return str(datetime.now())"),
    plain("today", "RB101", "from datetime import date", "return str(date.today())"),
    plain("time", "RB101", "import time", "return str(time.time())"),
    plain("time_ns", "RB101", "import time", "return str(time.time_ns())"),
    plain(
        "branch",
        "RB101",
        "from datetime import datetime, timezone",
        """
if datetime.now(timezone.utc).year > 2027:
    await asyncio.sleep(0.1)
return "done"
""",
    ),
    plain("random", "RB102", "import random", "return str(random.random())"),
    plain("choice", "RB102", "from random import randint", "return str(randint(1, 10**12))"),
    plain("uuid", "RB103", "import uuid", "return str(uuid.uuid4())"),
    plain("sleep", "RB109", "import time", 'time.sleep(0.1)\nreturn "done"', sandboxed=True),
    plain(
        "set",
        "RB112",
        "",
        """
out = []
for text in {"ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"}:
    out.append(text)
return ",".join(out)
""",
    ),
    plain(
        "activity",
        "RB113",
        "import uuid",
        'return await draw("a")',
        """
@activity.defn
async def draw(text: str) -> str:
    return text + str(uuid.uuid4())
""",
    ),
    plain(
        "sync activity of two",
        "RB113",
        "import uuid",
        'return draw("a", text="b").upper()',
        """
@activity.defn
def draw(prefix: str, text: str) -> str:
    return prefix + text + str(uuid.uuid4())
""",
    ),
    plain("print", "RB115", "", 'print("hello")\nreturn "done"', prints=True),
    helper(
        "clock in a helper",
        IN_DATETIME + "def stamp(text: str) -> str:\n    return text + str(datetime.now(timezone.utc))\n",
        'helpers.stamp("a")',
    ),
    helper(
        "clock two functions away",
        "import time\n\n\ndef seconds():\n    return time.time()\n\n\ndef age(since: float, *, unit=1) -> float:\n    return (seconds() - since) / unit\n",
        "helpers.age(3, unit=60)",
    ),
    helper(
        "clock of an expiry",
        IN_DATETIME
        + 'def token(name: str, ttl: int = 60) -> dict:\n    now = datetime.now(tz=timezone.utc)\n    return {"sub": name, "iat": now, "exp": now + timedelta(seconds=ttl)}\n',
        'helpers.token("a")',
    ),
    helper(
        "clock of an instance",
        IN_DATETIME
        + "class Tracker:\n    def __init__(self, name: str) -> None:\n        self.name = name\n        self.since = datetime.utcnow()\n\n    def line(self) -> str:\n        return f'{self.name} {self.since} {date.today()}'\n",
        'helpers.Tracker("a").line()',
    ),
    helper(
        "clock that may be given",
        IN_DATETIME
        + "def report(day=None, at=None):\n    if day is None:\n        day = date.today()\n    at = at or datetime.utcnow()\n    return f'{day} {at}'\n",
        "helpers.report()",
    ),
    helper(
        "defaults of a model",
        IN_DATETIME
        + "from typing import Any\nfrom pydantic import BaseModel, Field\n\n\ndef now() -> datetime:\n    return datetime.now(timezone.utc)\n\n\nclass Event(BaseModel):\n    name: str\n    at: Any = Field(default_factory=datetime.utcnow)\n    done: Any = Field(default_factory=now)\n    text: str = Field(default_factory=lambda: datetime.now(timezone.utc).isoformat())\n",
        'helpers.Event(name="a")',
    ),
    helper(
        "defaults of a dataclass",
        "import uuid\nfrom dataclasses import dataclass, field\n\n\n@dataclass\nclass Job:\n    name: str\n    id: str = field(default_factory=lambda: str(uuid.uuid4()))\n    key: uuid.UUID = field(default_factory=uuid.uuid4)\n",
        'helpers.Job("a")',
        code="RB103",
    ),
    helper(
        "sleep in a helper",
        "import time\n\n\nasync def settle(seconds: float) -> str:\n    time.sleep(seconds)\n    return 'done'\n",
        "await helpers.settle(0.1)",
        code="RB109",
        sandboxed=True,
    ),
]

# Readings whose fix is safe: the value has the same type and zone after it.
SAFE = [
    plain(name, code, imports, f"value = {expression}\nreturn repr((type(value), getattr(value, 'tzinfo', None)))")
    for name, code, imports, expression in [
        ("utc", "RB101", "from datetime import datetime, timezone", "datetime.now(timezone.utc)"),
        ("UTC", "RB101", "import datetime", "datetime.datetime.now(tz=datetime.UTC)"),
        ("zone", "RB101", "from datetime import datetime\nfrom zoneinfo import ZoneInfo", 'datetime.now(ZoneInfo("Asia/Tokyo"))'),
        ("offset", "RB101", "from datetime import datetime, timezone, timedelta as td", "datetime.now(timezone(td(hours=2)))"),
        ("utcnow", "RB101", "from datetime import datetime", "datetime.utcnow()"),
        ("time", "RB101", "import time", "time.time()"),
        ("time_ns", "RB101", "from time import time_ns as ns", "ns()"),
        ("uuid", "RB103", "import uuid", "uuid.uuid4()"),
        ("version", "RB103", "import uuid", "str(uuid.uuid4().version) + str(uuid.uuid4().variant)"),
        ("random", "RB102", "import random", "random.random()"),
        ("randint", "RB102", "import random as r", "r.randint(3, 4)"),
        ("sample", "RB102", "import random", 'random.sample(["a", "b"], 2)'),
        ("randbytes", "RB102", "from random import randbytes", "randbytes(3)"),
    ]
]

# What only a runbook needs an activity for.
RUNBOOKS = [
    bundle(name, code, imports, (body if "value = " in body else f"value = {body}") + "\nreturn str(value)")
    for name, code, imports, body in [
        ("clock", "RB101", "from datetime import datetime, timezone", "datetime.now(timezone.utc)"),
        ("seconds", "RB101", "import time", "time.time()"),
        ("random", "RB102", "import random", "random.randint(1, 10**12)"),
        ("random in an expression", "RB102", "import random", "1 + random.random() * 2"),
        ("uuid", "RB103", "import uuid", "uuid.uuid4()"),
        ("uuid as text", "RB103", "import uuid", "str(uuid.uuid4())"),
        ("hex", "RB103", "import uuid", "uuid.uuid4().hex[:8]"),
        ("two variables", "RB102", "import random", "low, high = 1, 10**12\nvalue = random.randint(low, high)"),
        ("conditional", "RB103", "import uuid", 'str(uuid.uuid4()) if path else ""'),
        ("augmented", "RB102", "import random", "value = 1.0\nvalue += random.uniform(0, 1)"),
        ("list in a loop", "RB103", "import uuid", "value = []\nfor _ in range(2):\n    value.append(uuid.uuid4().hex)"),
        ("alias", "RB102", "from random import randrange", "randrange(10**12)"),
        ("twice", "RB103", "import uuid", "f'{uuid.uuid4()} {uuid.uuid4()}'"),
    ]
]

# What moves into an activity, wherever activities are.
MOVED = [
    case
    for name, code, imports, body, *options in [
        ("token", "RB102", "import secrets", "secrets.token_hex(8)"),
        ("entropy", "RB102", "import os", "len(os.urandom(8)), os.urandom(8).hex()"),
        ("node", "RB103", "import uuid", "uuid.uuid1()"),
        ("environment", "RB104", "import os", 'os.environ["CASE_MODE"]'),
        ("getenv", "RB104", "import os", 'os.getenv("CASE_MODE")'),
        ("default", "RB104", "import os", 'os.environ.get("CASE_MODE", "none").lower()'),
        ("in text", "RB104", "import os", "f\"mode {os.getenv('CASE_MODE')}\""),
        ("keyword argument", "RB104", "import os", 'dict(mode=os.getenv("CASE_MODE"))["mode"]'),
        ("either", "RB104", "import os", 'os.getenv("CASE_MODE") or "none"'),
        ("from import", "RB104", "from os import environ", 'environ["CASE_MODE"]'),
        ("guard", "RB104", "import os", 'value = "ok"\nif not os.environ.get("CASE_EXTRA"):\n    value = "no key"'),
        ("in a command", "RB104", "import os", 'value = {"command": "cat", "env": {"MODE": os.environ.get("CASE_MODE", "")}}'),
        ("branch", "RB104", "import os", 'value = "slow"\nif os.environ.get("CASE_MODE") == "fast":\n    value = "quick"'),
        ("process", "RB104", "import os", "pid = os.getpid()\nvalue = f'run by {pid}'"),
        ("arguments", "RB104", "import os", 'value = ["--root"]\nvalue.extend([os.getcwd()])'),
        ("path of a file", "RB104", "import os", 'value = str(os.path.join(os.getcwd(), "settings.yaml"))'),
        ("size", "RB105", "import os", "os.path.getsize(path)"),
        ("text of a file", "RB105", "from pathlib import Path", "Path(path).read_text().strip()"),
        ("open", "RB105", "", "open(path).read()"),
        ("lines", "RB105", "", "len(open(path).readlines()), open(path).read()"),
        ("settings", "RB105", "import json", "json.load(open(path))"),
        ("there or not", "RB105", "import os", "[os.path.exists(path), os.path.getsize(path)]"),
        ("directory", "RB105", "import os", 'value = path\nos.makedirs(f"{path}.d/work", exist_ok=True)', {"writes": True}),
        ("note", "RB105", "", 'value = path\nopen(path, "a").write("more")', {"writes": True}),
        ("file of two", "RB105", "from pathlib import Path", 'value = 3\nPath(path).with_suffix(".out").write_text(f"{value} {path}")', {"writes": True}),
        ("get", "RB106", "import urllib.request", "urllib.request.urlopen(path).read()"),
        ("program", "RB108", "import subprocess", 'subprocess.check_output(["cat", path])'),
        ("output", "RB108", "import subprocess", 'subprocess.run(["cat", path], capture_output=True, text=True).stdout.strip()'),
        ("program alone", "RB108", "import subprocess", 'value = path\nsubprocess.run(["cp", path, "copy.txt"], check=True)', {"writes": True}),
    ]
    for case in shape(name, code, imports, body, **(options[0] if options else {}))
]
