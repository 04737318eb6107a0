//! Python programs by a grammar: any statement in any other, about few names, so that they meet.

use std::fmt::Write;

use crate::random::Random;

const NAMES: [&str; 14] = [
    "a", "b", "c", "now", "self", "größe", "変数", "ｗide", "f0", "f1", "C0", "C1", "K", "_",
];
/// What rules and fixes look at, and what the interpreter follows.
const CALLS: [&str; 38] = [
    "datetime.now()",
    "datetime.utcnow().date()",
    "time.time()",
    "time.sleep(1)",
    "random.random()",
    "random.shuffle(a)",
    "uuid.uuid4()",
    "os.environ['A']",
    "os.getenv('A', now)",
    "open('x').read()",
    "requests.get(a)",
    "set(a)",
    "{1, a}.pop()",
    "sorted({a, b})",
    "id(a)",
    "hash(b)",
    "functools.partial(f0, a)",
    "functools.reduce(f0, a, b)",
    "asyncio.gather(f0(a), f1(b))",
    "asyncio.create_task(f0())",
    "asyncio.wait({f0(), f1()})",
    "workflow.now()",
    "workflow.random()",
    "workflow.execute_activity(f0, a, start_to_close_timeout=b)",
    "workflow.patched('p')",
    "workflow.wait_condition(lambda: a)",
    "workflow.unsafe.is_replaying()",
    "logging.info(a)",
    "getattr(a, 'b', c)",
    "setattr(C0, 'b', now)",
    "type('T', (C0,), {'run': f0})",
    "isinstance(a, (C0, C1, K))",
    "super().__init__(a)",
    "vars(self)",
    "map(f0, a)",
    "zip(a, b, *c)",
    "f0(f1)(*a, **b)",
    "C0(a, now=f1).b",
];
const DECORATORS: [&str; 10] = [
    "@workflow.defn",
    "@workflow.run",
    "@workflow.signal",
    "@workflow.query",
    "@activity.defn",
    "@staticmethod",
    "@property",
    "@functools.cache",
    "@dataclass",
    "@f0",
];
const HEAD: &str = "\
import asyncio, functools, logging, os, random, requests, time, uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from temporalio import activity, workflow
";
const WORKFLOW: &str = "\
@workflow.defn
class Flow:
    def __init__(self):
        self.a = self.now = None
    @workflow.run
    async def run(self, a, b=None):
";

/// A few modules that import one another, in cycles too, and the workflows of one of them.
pub(crate) fn project(random: &mut Random) -> Vec<(String, String)> {
    let count = 1 + random.below(4);
    let modules = (0..count).map(|number| {
        let mut text = HEAD.to_owned();
        for _ in 0..random.below(3) {
            let other = random.below(count);
            let form = match random.below(3) {
                0 => format!("import m{other}\n"),
                1 => format!("from m{other} import *\n"),
                _ => format!("from m{other} import f0, C0 as C1\n"),
            };
            text += &form;
        }
        let mut writer = Writer { random, text };
        for _ in 0..2 + writer.random.below(5) {
            writer.definition(0);
        }
        if number == 0 {
            writer.text += WORKFLOW;
            writer.block(2, 3);
        }
        (format!("m{number}.py"), writer.text)
    });
    modules.collect()
}

struct Writer<'r> {
    random: &'r mut Random,
    text: String,
}

impl Writer<'_> {
    fn line(&mut self, indent: usize, line: &str) {
        let _ = writeln!(self.text, "{}{line}", "    ".repeat(indent));
    }

    fn name(&mut self) -> &'static str {
        self.random.choose(&NAMES)
    }

    fn definition(&mut self, indent: usize) {
        if self.random.one_in(3) {
            let decorator = self.random.choose(&DECORATORS);
            self.line(indent, decorator);
        }
        let (name, other) = (self.name(), self.name());
        let head = match self.random.below(7) {
            0 => format!("class C0({other}):"),
            1 => format!("class C1(C0, metaclass={other}):"),
            2 => format!("class {name}[T: {other}]:"),
            3 => format!("async def f0({other}=None, *args, **kwargs):"),
            4 => format!("def f1(self, {name}: {other} = C0, /):"),
            5 => "def f0(g=None):".to_owned(),
            _ => format!("def {name}(*, default_{name}={other}):"),
        };
        self.line(indent, &head);
        self.block(indent + 1, 3);
    }

    fn block(&mut self, indent: usize, most: usize) {
        for _ in 0..1 + self.random.below(most) {
            self.statement(indent);
        }
    }

    fn compound(&mut self, indent: usize) {
        let (value, name) = (self.expression(2), self.name());
        let (head, tail) = match self.random.below(9) {
            0 => (format!("if {value}:"), Some("else:")),
            1 => (format!("while {value}:"), Some("else:")),
            2 => (format!("for {name} in {value}:"), Some("else:")),
            3 => (format!("async for {name}, *b in {value}:"), None),
            4 => (format!("with {value} as {name}:"), None),
            5 => (format!("async with {value} as (a, b), open('x'):"), None),
            6 => ("try:".to_owned(), Some("except Exception as c:")),
            7 => ("try:".to_owned(), Some("finally:")),
            _ => {
                self.line(indent, &format!("match {value}:"));
                let patterns = [
                    "C0(a=b)",
                    "[a, *_]",
                    "{'k': c, **b}",
                    "1 | None",
                    "'x' as a",
                ];
                let pattern = self.random.choose(&patterns);
                self.line(indent + 1, &format!("case {pattern} if {name}:"));
                return self.block(indent + 2, 2);
            }
        };
        self.line(indent, &head);
        self.block(indent + 1, 2);
        if let Some(tail) = tail {
            self.line(indent, tail);
            self.block(indent + 1, 2);
        }
    }

    fn statement(&mut self, indent: usize) {
        if indent < 6 && self.random.one_in(3) {
            return if self.random.one_in(4) {
                self.definition(indent)
            } else {
                self.compound(indent)
            };
        }
        let (value, name) = (self.expression(3), self.name());
        let line = match self.random.below(16) {
            0 => format!("{name} = {value}"),
            1 => format!("self.{name} = {value}"),
            2 => format!("{name}: {value} = {name}"),
            3 => format!("{name} += {value}"),
            4 => format!("a, *b = c, *{name} = {value}"),
            5 => format!("return {value}"),
            6 => format!("raise {name} from {value}"),
            7 => format!("yield {value}"),
            8 => format!("{name}[{value}] = {value}"),
            9 => format!("del {name}, self.{name}"),
            10 => format!("global {name}; {name} = {value}"),
            11 => format!("assert {value}, {name}"),
            12 => format!("K = (K, {value}, K)"),
            13 => format!("await {value}"),
            14 => format!("type {name}[T] = {value}"),
            _ => value,
        };
        self.line(indent, &line);
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.one_in(4) {
            return self.atom();
        }
        let (one, two, name) = (
            self.expression(depth - 1),
            self.expression(depth - 1),
            self.name(),
        );
        match self.random.below(18) {
            0 => format!("({one}).{name}"),
            1 => format!("{one} < {two} == {one}"),
            2 => format!("({one} and {two} or not {name})"),
            3 => format!("[{one}, *{two}, {name}]"),
            4 => format!("{{{one}: {two}, **{name}}}"),
            5 => format!("[{one} for {name} in {two} if {name}]"),
            6 => format!("{{a: [b for b in {one}] async for a, b in {two}}}"),
            7 => format!("({one} if {name} else {two})"),
            8 => format!("(lambda {name}={one}, *a: {two})"),
            9 => format!("(c := {one})"),
            10 => format!("f'{{a!r:>{{b}}}} {{{name}}}'"),
            11 => format!("(await {one})"),
            12 => format!("{name}({one}, *{two}, b={name})"),
            13 => format!("{name}[{one}:{two}, ...]"),
            14 => format!("({one}) + -({two}) @ {name}"),
            15 => format!("functools.partial({one}, {two})"),
            16 => format!("({{{one}, {two}}} | {name})"),
            _ => format!("(yield {one})"),
        }
    }

    fn atom(&mut self) -> String {
        match self.random.below(60) {
            0 => "9".repeat(5_000),
            1 => format!("[{}]", "a, ".repeat(2_000)),
            2 => format!("{}a{}", "(".repeat(80), ",)".repeat(80)),
            3 => format!("'{}'", "ä\\n".repeat(3_000)),
            4..=30 => self.random.choose(&CALLS).to_owned(),
            31..=35 => self
                .random
                .choose(&["1", "None", "True", "'x'", "b''", "...", "0.5j"])
                .to_owned(),
            _ => self.name().to_owned(),
        }
    }
}
