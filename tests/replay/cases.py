"""Code before its fix, one case for each kind of fix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Case:
    name: str
    code: str
    files: dict[str, str]
    module: str = "flow"
    input: list[Any] = field(default_factory=list)
    # Whether the code before runs in Temporal's sandbox, which is what stops it.
    sandboxed: bool = False
    # Whether the flaw shows in what is printed, not in what is returned.
    prints: bool = False


def plain(name: str, code: str, imports: str, body: str, more: str = "", **options: Any) -> Case:
    """A Temporal workflow with this body."""
    lines = "\n".join(f"        {line}" if line else "" for line in body.strip("\n").split("\n"))
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
    async def run(self) -> str:
{lines}
"""
    return Case(name, code, {"flow.py": text}, **options)


def bundle(name: str, code: str, imports: str, expression: str, body: str = "", **options: Any) -> Case:
    """A runbook with this expression in a step, or with these statements that set `value`."""
    statements = (body or f"value = {expression}").strip("\n").split("\n")
    lines = "\n".join(f"        {line}" for line in statements)
    workflow = f"""\
{imports}

from ntro.workflow import NtroWorkflow, runbook


@runbook.defn
class ProxyVoteWorkflow(NtroWorkflow):
    @runbook.step(name="vote", title="Vote", icon="Vote")
    async def _step_vote(self, path: str) -> str:
{lines}
        return str(value)

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
    return Case(name, code, files, "templates.workflow", ["data.txt"], **options)


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

RUNBOOKS = [
    bundle("clock", "RB101", "from datetime import datetime, timezone", "datetime.now(timezone.utc)"),
    bundle("seconds", "RB101", "import time", "time.time()"),
    bundle("random", "RB102", "import random", "random.randint(1, 10**12)"),
    bundle("random in an expression", "RB102", "import random", "1 + random.random() * 2"),
    bundle("uuid", "RB103", "import uuid", "uuid.uuid4()"),
    bundle("uuid as text", "RB103", "import uuid", "str(uuid.uuid4())"),
    bundle("hex", "RB103", "import uuid", "uuid.uuid4().hex[:8]"),
    bundle("token", "RB102", "import secrets", "secrets.token_hex(8)"),
    bundle("environment", "RB104", "import os", 'os.environ["CASE_MODE"]'),
    bundle("getenv", "RB104", "import os", 'os.getenv("CASE_MODE")'),
    bundle("default", "RB104", "import os", 'os.environ.get("CASE_MODE", "none").lower()'),
    bundle("in text", "RB104", "import os", "f\"mode {os.getenv('CASE_MODE')}\""),
    bundle("size", "RB105", "import os", "os.path.getsize(path)"),
    bundle("text of a file", "RB105", "from pathlib import Path", "Path(path).read_text()"),
    bundle("open", "RB105", "", "open(path).read()"),
    bundle("get", "RB106", "import urllib.request", "urllib.request.urlopen(path).read()"),
    bundle("program", "RB108", "import subprocess", 'subprocess.check_output(["cat", path])'),
    bundle("two variables", "RB102", "import random", "", "low, high = 1, 10**12\nvalue = random.randint(low, high)"),
    bundle("keyword argument", "RB104", "import os", "", 'value = dict(mode=os.getenv("CASE_MODE"))["mode"]'),
    bundle("dictionary", "RB104", "import os", "", 'value = {"mode": os.environ["CASE_MODE"], "path": path}'),
    bundle(
        "branch",
        "RB104",
        "import os",
        "",
        'value = "slow"\nif os.environ.get("CASE_MODE") == "fast":\n    value = "quick"',
    ),
    bundle("either", "RB104", "import os", "", 'value = os.getenv("CASE_MODE") or "none"'),
    bundle("conditional", "RB103", "import uuid", "", 'value = str(uuid.uuid4()) if path else ""'),
    bundle("augmented", "RB102", "import random", "", "value = 1.0\nvalue += random.uniform(0, 1)"),
    bundle("method of the text", "RB105", "from pathlib import Path", "", "value = Path(path).read_text().strip()"),
    bundle("there or not", "RB105", "import os", "", "value = [os.path.exists(path), os.path.getsize(path)]"),
    bundle("list in a loop", "RB103", "import uuid", "", "value = []\nfor _ in range(2):\n    value.append(uuid.uuid4().hex)"),
    bundle("from import", "RB104", "from os import environ", "", 'value = environ["CASE_MODE"]'),
    bundle("alias", "RB102", "from random import randrange", "", "value = randrange(10**12)"),
    bundle("twice", "RB103", "import uuid", "", "value = f'{uuid.uuid4()} {uuid.uuid4()}'"),
]
