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
    # Whether the code before does not get on, or does not do what it says, on the server or locally.
    stuck: bool = False
    idle: bool = False
    fails_locally: bool = False

    def __str__(self) -> str:
        return f"{self.code} {self.module} {self.name}"


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
    *(
        plain(
            name,
            "RB113",
            "import uuid",
            f'return " ".join({call})',
            """
@activity.defn
async def draw(text: str) -> str:
    return text + str(uuid.uuid4())
""",
        )
        for name, call in [
            ("activities together", 'await asyncio.gather(draw("a"), draw("b"))'),
            ("activities of a list", 'await asyncio.gather(*[draw(it) for it in "ab"])'),
            ("activity as a task", 'await asyncio.create_task(draw("a"))'),
        ]
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
        ("no key", "RB104", "import os", 'value = "ok"\nif not os.environ.get("CASE_EXTRA_KEY"):\n    value = "no key"'),
        ("branch", "RB104", "import os", 'value = "slow"\nif os.environ.get("CASE_MODE") == "fast":\n    value = "quick"'),
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

FILE = "from pathlib import Path\n\n\n"
LOAD = FILE + "def load(path: str) -> str:\n    return Path(path).read_text()\n"


def from_helper(name: str, code: str, text: str, call: str, **options: Any) -> list[Case]:
    """A helper that runs in an activity: by its module, by its name, in the workflow's file."""
    by_module = helper(name, text, call.replace("{}", "helpers."), code=code, **options)
    flow = by_module.files["flow.py"]
    by_name = flow.replace("import helpers\n", "from helpers import *\n").replace("helpers.", "")
    names = [line.split("def ")[1].split("(")[0] for line in text.splitlines() if line.startswith(("def ", "async def "))]
    used = ", ".join(it for it in names if f"{it}(" in by_name)
    by_name = by_name.replace("import *", f"import {used}")
    nearby = flow.replace("import helpers\n", "").replace("helpers.", "").replace("@activity.defn", f"{text}\n\n@activity.defn", 1)
    return [
        by_module,
        Case(f"{name}, by name", code, {**by_module.files, "flow.py": by_name}, **options),
        Case(f"{name}, nearby", code, {"flow.py": nearby}, **options),
    ]


# What a helper does runs in an activity.
HELPERS = [
    case
    for name, code, text, call, *options in [
        ("file", "RB105", LOAD, "{}load(path)"),
        ("waiting", "RB105", LOAD.replace("def load", "async def load"), "await {}load(path)"),
        ("two away", "RB105", LOAD + "\n\ndef size(path: str, *, unit: int = 1) -> float:\n    return load(path).count('\"') / unit + len(load(path))\n", "{}size(path, unit=2)"),
        ("in an expression", "RB105", LOAD, "{}load(path).strip().upper()"),
        ("together", "RB105", LOAD.replace("def load", "async def load"), "await asyncio.gather({}load(path), {}load(path))"),
        ("untyped", "RB105", "import json\n\n\ndef settings(path):\n    with open(path) as file:\n        found = json.load(file)\n    return {'mode': found}\n", "{}settings(path)"),
        ("of a record", "RB105", FILE + "from dataclasses import dataclass\n\n\n@dataclass\nclass Note:\n    path: str\n    text: str\n\n\ndef note(path: str) -> Note:\n    return Note(path, Path(path).read_text())\n", "{}note(path)"),
        ("variable", "RB104", "import os\n\n\ndef mode(default: str = 'none') -> str:\n    return os.environ.get('CASE_MODE', default)\n", "{}mode()"),
        ("program of a helper", "RB108", "import subprocess\n\n\ndef show(path: str):\n    return subprocess.check_output(['cat', path], text=True)\n", "{}show(path)"),
        ("key", "RB103", "import uuid\n\n\ndef key(prefix):\n    return f'{prefix}-{uuid.uuid1()}'\n", "{}key('a')"),
        ("database", "RB107", "import sqlite3\n\n\ndef count(path: str) -> list[str]:\n    with sqlite3.connect(f'{path}.db') as db:\n        return [str(it[0]) for it in db.execute('select random()')]\n", "{}count(path)"),
        ("written", "RB105", FILE + "def keep(path: str, text: str):\n    Path(path).write_text(text)\n", "path\n{}keep(path + '.out', f'of {path}')", {"writes": True}),
    ]
    for case in from_helper(name, code, text, call, **(options[0] if options else {}))
]


# Helpers of public repositories, written anew; so are "guard", "in a command", "branch", "process", "arguments"
# and "path of a file" above.
HELPERS += [
    case
    for name, code, text, call, *options in [
        (
            "audit",
            "RB105",
            "import json\nimport os\n\n\nasync def audit(kind: str, order: str, *, state: str = 'started') -> None:\n    os.makedirs('log', exist_ok=True)\n    with open(f'log/{order}', 'w') as file:\n        json.dump({'kind': kind, 'state': state}, file)\n",
            "path\nawait {}audit('order', order=path, state='done')",
            {"writes": True},
        ),
        (
            "template",
            "RB104",
            "import os\nimport re\n\n\ndef resolve(template: str) -> str:\n    def value(found: re.Match) -> str:\n        return os.environ.get(found.group(1), '')\n\n    return re.sub(r'<(\\w+)>', value, template)\n",
            "{}resolve('mode <CASE_MODE>')",
        ),
        (
            "place of a database",
            "RB105",
            "from pathlib import Path\n\n\ndef database(path: str) -> str:\n    directory = Path(f'{path}.d')\n    directory.mkdir(exist_ok=True)\n    return str(directory / 'facts.db')\n",
            "{}database(path)",
            {"writes": True},
        ),
        (
            "long enough",
            "RB105",
            "import os\n\n\ndef size(items: list) -> int:\n    return sum(len(str(it)) for it in items)\n\n\ndef too_long(items: list) -> bool:\n    return size(items) > os.path.getsize('data.txt')\n",
            "{}too_long([path[:3], path[:4]])",
        ),
    ]
    for case in from_helper(name, code, text, call, **(options[0] if options else {}))
]


ACTIVITIES = "from ntro.workflow import activity\n\n\n@activity.defn(name=\"proxy_vote.record\")\nasync def record(text: str) -> str:\n    return text\n"


def runbook_with_helper(name: str, code: str, text: str, call: str, **files: str) -> Case:
    """A runbook that calls a function: of a file beside it, or of its own if none is given."""
    helper = text.split("def ")[1].split("(")[0]
    imports, function = text.split("\n\n\n", 1)
    nearby = "helpers" not in files
    case = bundle(name, code, imports if nearby else "", f"value = {call}\nreturn str(value)")
    flow = case.files["templates/workflow.py"]
    if nearby:
        flow = flow.replace("@runbook.defn", f"{function}\n\n@runbook.defn")
    else:
        flow = flow.replace("import NtroWorkflow, runbook\n", f"import NtroWorkflow, runbook\n\nfrom .helpers import {helper}\n")
    more = {f"templates/{file}.py": content for file, content in files.items()}
    return Case(name, code, {**case.files, "templates/workflow.py": flow, **more}, "templates.workflow")


KEY = "import uuid\n\n\ndef key(prefix: str, size: int) -> str:\n    return prefix + uuid.uuid4().hex[:size]\n"
MODE = "import os\n\n\ndef mode() -> str:\n    # As the worker has it.\n    return os.environ['CASE_MODE']\n"

OR_NONE = "import os\n\n\ndef mode(prefix: str | None) -> str:\n    return f\"{prefix} {os.environ['CASE_MODE']}\"\n"

HELPERS += [
    runbook_with_helper("nothing for a helper", "RB104", OR_NONE, "mode(None)", helpers=OR_NONE),
    runbook_with_helper("file of a helper", "RB105", LOAD, "load(path)", helpers=LOAD),
    runbook_with_helper("file of a helper, beside activities", "RB105", LOAD, "load(path)", helpers=LOAD, activities=ACTIVITIES),
    runbook_with_helper("waiting helper", "RB105", LOAD, "await load(path)", helpers=LOAD.replace("def load", "async def load")),
    runbook_with_helper("helper of two", "RB103", KEY, 'key("a", 5)', helpers=KEY),
    runbook_with_helper("file of a helper nearby", "RB105", LOAD, "load(path)"),
    runbook_with_helper("helper nearby, beside activities", "RB104", MODE, "mode() + mode()", activities=ACTIVITIES),
]


def method(name: str, code: str, imports: str, methods: str, call: str, **options: Any) -> Case:
    """A workflow with methods of its own."""
    case = plain(name, code, imports, f"value = {call}\nreturn str(value)", **options)
    flow = case.files["flow.py"] + "\n" + textwrap.indent(methods, " " * 4)
    return Case(name, code, {**case.files, "flow.py": flow}, **options)


SETTLE = "import time\n\n\ndef settle(seconds: float) -> str:\n    time.sleep(seconds)\n    return 'done'\n"

# Functions that become `async`, since they have to wait.
WAITING = [
    method("file of a method", "RB105", "from pathlib import Path", "def text(self, path: str) -> str:\n    return Path(path).read_text()", "self.text(path).strip()"),
    method(
        "variable two methods away",
        "RB104",
        "import os",
        "def mode(self) -> str:\n    return os.environ['CASE_MODE']\n\ndef line(self, path: str) -> str:\n    return f'{path} {self.mode()}'",
        "self.line(path)",
    ),
    method("sleep of a method", "RB109", "import time", "def settle(self) -> str:\n    time.sleep(0.1)\n    return 'done'", "self.settle()", sandboxed=True),
    helper("sleep in a plain helper", SETTLE, "helpers.settle(0.1)", code="RB109", sandboxed=True),
    helper(
        "sleep two functions away",
        SETTLE + "\n\ndef twice(seconds: float) -> str:\n    return settle(seconds).upper() + settle(seconds)\n\n\nif __name__ != '__main__':\n    NAME = 'helpers'\n",
        "helpers.twice(0.05)",
        code="RB109",
        sandboxed=True,
    ),
]

STEPS = "from datetime import datetime, timezone\nimport random\nimport uuid\n\nfrom temporalio import workflow\n\n\n"

# Code outside of the workflow class that can only run in workflows.
ONLY_IN_WORKFLOWS = [
    helper(name, STEPS + f"async def step(text: str) -> str:\n    await workflow.sleep(0.01)\n    return f'{{text}} {{{expression}}}'\n", 'await helpers.step("a")', code=code)
    for name, code, expression in [
        ("clock of a step", "RB101", "datetime.now(timezone.utc)"),
        ("number of a step", "RB102", "random.random()"),
        ("key of a step", "RB103", "uuid.uuid4()"),
    ]
] + [
    helper(
        "key of what logs",
        STEPS + 'def key(text: str) -> str:\n    workflow.logger.info(text)\n    return f"{text} {uuid.uuid4()}"\n',
        'helpers.key("a")',
        code="RB103",
    ),
]

ORDER = """\
import os
from dataclasses import dataclass

from temporalio import workflow


@dataclass
class Order:
    path: str


@workflow.defn
class Flow:
    @workflow.init
    def __init__(self, order: Order) -> None:
        self.mode = {read}

    @workflow.run
    async def run(self, order: Order) -> str:
        return f"{{order.path}} {{self.mode}}"
"""

# What is read from the environment becomes a field of the input.
INPUTS = [
    Case(name, "RB104", {"flow.py": ORDER.format(read=read)}, input=[{"path": "a", **more}])
    for name, read, more in [
        ("variable of an input", 'os.environ["CASE_MODE"]', {"case_mode": "fast"}),
        ("variable that may be missing", 'os.getenv("CASE_MODE")', {"case_mode": "fast"}),
        ("variable with a default", 'os.environ.get("CASE_MODE", "none")', {}),
    ]
] + [
    Case(
        "variable of a context",
        "RB104",
        {
            path: text.replace("path: str", "context: Context")
            .replace("path)", "context)")
            .replace("@runbook.defn", "class Context(BaseModel):\n    path: str\n\n\n@runbook.defn")
            for path, text in bundle(
                "",
                "",
                "import os\n\nfrom pydantic import BaseModel",
                'return " ".join(f"{it} {os.environ[\'CASE_MODE\']}" for it in "ab")',
            ).files.items()
        },
        "templates.workflow",
        input=[{"path": "a", "case_mode": "fast"}],
    )
]


def contract(name: str, code: str, body: str, *replaced: tuple[str, str], **options: Any) -> Case:
    """A runbook with an activity."""
    case = bundle(name, code, "from datetime import timedelta", body, **options)
    text = case.files["templates/workflow.py"]
    text = text.replace("import NtroWorkflow, runbook\n", "import NtroWorkflow, runbook\n\nfrom .activities import note\n")
    for old, new in replaced:
        text = text.replace(old, new)
    activities = """\
from pathlib import Path

from ntro.workflow import activity


@activity.defn(name="proxy_vote.note")
async def note(path: str) -> str:
    Path(f"{path}.note").write_text("noted")
    return path
"""
    return Case(name, code, {**case.files, "templates/workflow.py": text, "templates/activities.py": activities}, "templates.workflow", **options)


# Runbooks that fail before their fix, or do nothing.
CONTRACT = [
    contract("initialiser", "RB205", "return path", ("class ProxyVoteWorkflow(NtroWorkflow):\n", "class ProxyVoteWorkflow(NtroWorkflow):\n    def __init__(self) -> None:\n        self.mode = 1\n\n"), stuck=True),
    contract("timeout", "RB401", "return await runbook.execute_activity(note, path)", stuck=True),
    contract("list of one", "RB403", "return await runbook.execute_activity(note, args=[path], start_to_close_timeout=timedelta(seconds=9))", fails_locally=True),
    contract("not awaited", "RB404", "runbook.execute_activity(note, path, start_to_close_timeout=timedelta(seconds=9))\nreturn path", idle=True),
    contract("wait not awaited", "RB404", 'value = runbook.execute_activity(note, path, start_to_close_timeout=timedelta(seconds=9))\nreturn path', idle=True),
    plain(
        "sent and forgotten",
        "RB404",
        "from pathlib import Path",
        "workflow.execute_activity(note, path, start_to_close_timeout=timedelta(seconds=9))\nreturn path",
        '@activity.defn\nasync def note(path: str) -> None:\n    Path(f"{path}.note").write_text("noted")\n',
        idle=True,
    ),
]

UNSAFE = TEMPORAL + RUNBOOKS + MOVED + HELPERS + WAITING + ONLY_IN_WORKFLOWS + INPUTS + CONTRACT
