//! The lint that this one replaces had four regular expressions: `datetime.now`, `time.time`,
//! `random.` with five prefixes, and `uuid.uuid4`. What they rightly find is found, what they miss
//! is found as well, and what they take for a finding by mistake is not.

use crate::support::lint;

/// The codes found in a runbook whose `run` consists of these lines, below these imports.
fn codes(imports: &str, body: &str) -> Vec<&'static str> {
    codes_beside(imports, body, [])
}

fn codes_beside<const N: usize>(
    imports: &str,
    body: &str,
    modules: [(&str, &str); N],
) -> Vec<&'static str> {
    let workflow = format!(
        "{imports}\n\
         from ntro.workflow import NtroWorkflow, runbook\n\
         \n\
         \n\
         @runbook.defn\n\
         class NavMonthly(NtroWorkflow):\n    \
             @runbook.run\n    \
             async def run(self, context: dict) -> object:\n        \
                 {}\n",
        body.replace('\n', "\n        ")
    );
    let files = [("workflow.py", workflow.as_str())]
        .into_iter()
        .chain(modules);
    let files = files.map(|(path, text)| (format!("templates/{path}"), text.to_owned()));
    let found = lint(files, |metadata| metadata.default && !metadata.preview);
    found.iter().map(|found| found.diagnostic.code).collect()
}

#[test]
fn hits_of_the_regexes_are_found() {
    for (imports, body, code) in [
        (
            "from datetime import datetime",
            "return datetime.now()",
            "RB101",
        ),
        (
            "import datetime",
            "return datetime.datetime.now(datetime.timezone.utc)",
            "RB101",
        ),
        ("import time", "return time.time()", "RB101"),
        ("import random", "return random.random()", "RB102"),
        ("import random", "return random.randint(1, 6)", "RB102"),
        ("import random", "return random.choice([1, 2])", "RB102"),
        ("import random", "return random.choices([1, 2])", "RB102"),
        ("import random", "return random.uniform(0, 1)", "RB102"),
        (
            "import random",
            "random.shuffle(context['journals'])",
            "RB102",
        ),
        ("import uuid", "return uuid.uuid4()", "RB103"),
    ] {
        assert_eq!(codes(imports, body), [code], "{imports}; {body}");
    }
}

#[test]
fn misses_of_the_regexes_are_found() {
    for (imports, body, code) in [
        ("from uuid import uuid4", "return uuid4()", "RB103"),
        ("from time import time", "return time()", "RB101"),
        (
            "from datetime import datetime as dt",
            "return dt.now()",
            "RB101",
        ),
        (
            "from datetime import datetime",
            "return datetime.utcnow()",
            "RB101",
        ),
        ("from datetime import date", "return date.today()", "RB101"),
        ("import time", "return time.time_ns()", "RB101"),
        ("import time", "return time.monotonic()", "RB101"),
        ("import time", "return time.perf_counter()", "RB101"),
        ("import time", "time.sleep(1)", "RB109"),
        ("import random", "return random.sample([1, 2], 1)", "RB102"),
        ("import random", "return random.randrange(6)", "RB102"),
        ("import random", "return random.Random()", "RB102"),
        ("import uuid", "return uuid.uuid1()", "RB103"),
        ("import secrets", "return secrets.token_hex()", "RB102"),
        ("import os", "return os.environ['REGION']", "RB104"),
        ("import os", "return os.getenv('REGION')", "RB104"),
        ("", "return open('fees.csv')", "RB105"),
        (
            "from pathlib import Path",
            "return Path('fees.csv').read_text()",
            "RB105",
        ),
        (
            "import httpx",
            "return httpx.get('https://example.com')",
            "RB106",
        ),
        (
            "import asyncpg",
            "return await asyncpg.connect('ledger')",
            "RB107",
        ),
    ] {
        assert_eq!(codes(imports, body), [code], "{imports}; {body}");
    }
}

#[test]
fn other_files_of_the_bundle_are_looked_into() {
    let helper = "from datetime import datetime\n\n\ndef stamp():\n    return datetime.now()\n";
    let found = codes_beside(
        "from .helpers import stamp",
        "return stamp()",
        [("helpers.py", helper)],
    );
    assert_eq!(found, ["RB101"]);

    let models = "from uuid import uuid4\n\nfrom pydantic import BaseModel, Field\n\n\n\
                  class Journal(BaseModel):\n    id: str = Field(default_factory=uuid4)\n";
    let found = codes_beside(
        "from .models import Journal",
        "return Journal()",
        [("models.py", models)],
    );
    assert_eq!(found, ["RB103"]);
}

#[test]
fn false_alarms_of_the_regexes_are_none() {
    for (imports, body) in [
        ("", "# not datetime.now()\nreturn 1"),
        ("", "\"\"\"Never calls time.time().\"\"\"\nreturn 1"),
        ("", "return 'uuid.uuid4()'"),
        ("", "return self.random.choice([1, 2])"),
        ("", "loop = context['loop']\nreturn loop.time.time()"),
        (
            "from datetime import datetime",
            "clock = datetime.now\nreturn 1",
        ),
        ("", "random = context['seeded']\nreturn random.random()"),
    ] {
        assert_eq!(codes(imports, body), [""; 0], "{imports}; {body}");
    }
}
