//! Structures as text that people review: one line for each node, indented like Python.
//!
//! ```text
//! workflow OrderWorkflow
//!   run
//!     activity "charge"
//!     wait
//!     if "input.amount > 1000"
//!       timer
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use lint_core::commands::{
    Choice, Command, Condition, Exit, Loop, Node, Part, Patch, Structure, Try, Value, Wait,
};
use lint_core::diagnostic::{FileId, Place, Span};
use lint_core::knowledge::Role;

use super::recorded::Recorded;

/// No code is nested deeper than this.
const MAX_DEPTH: usize = 200;

const HEAD: &str = "\
# What the workflows of this project can do, as a replay compares it with the history.
# `runbook-lint lock` writes this file when they are deployed, and `runbook-lint check` reports
# edits that executions which are open do not survive.
version 1
";

const ROLES: [(Role, &str); 4] = [
    (Role::Run, "run"),
    (Role::Signal, "signal"),
    (Role::Update, "update"),
    (Role::Hook, "hook"),
];

const EXITS: [Exit; 5] = [
    Exit::Return,
    Exit::Raise,
    Exit::Break,
    Exit::Continue,
    Exit::End,
];

/// All workflows, one block for each.
pub fn write(recorded: &[Recorded]) -> String {
    let mut text = HEAD.to_owned();
    for it in recorded {
        let same = |other: &&Recorded| other.structure.workflow_type == it.structure.workflow_type;
        let is_unique = recorded.iter().filter(same).count() == 1;
        text.push('\n');
        text.push_str(&write_workflow(it, is_unique));
    }
    text
}

/// One block. Where several workflows have one type, the class tells them apart.
pub fn write_workflow(it: &Recorded, is_unique: bool) -> String {
    let mut text = format!("workflow {}\n", quoted(&it.structure.workflow_type));
    if let Some(name) = it.name.as_ref().filter(|_| !is_unique) {
        let _ = writeln!(text, "  class {}", quoted(name));
    }
    if let Some(version) = &it.version {
        let _ = writeln!(text, "  version {}", quoted(version));
    }
    if it.structure.is_pinned {
        text.push_str("  pinned\n");
    }
    for part in &it.structure.parts {
        let role = ROLES.iter().find(|(role, _)| *role == part.role);
        let _ = match (role, part.name.as_str()) {
            (None, _) => continue,
            (Some((_, role)), "") => writeln!(text, "  {role}"),
            (Some((_, role)), name) => writeln!(text, "  {role} {}", quoted(name)),
        };
        write_nodes(&part.nodes, 2, &mut text);
    }
    text
}

/// A block, indented by so many levels.
fn write_nodes(nodes: &[Node], depth: usize, out: &mut String) {
    for (ix, node) in nodes.iter().enumerate() {
        let before = ix.checked_sub(1).map(|ix| &nodes[ix]);
        let mut line = |depth: usize, line: &str| {
            let _ = writeln!(out, "{}{line}", "  ".repeat(depth));
        };
        match node {
            Node::Command(command, _) => line(depth, &command_line(command)),
            Node::Wait(wait, _) => line(depth, &wait_line(wait, before)),
            Node::Patch(it, _) => {
                line(depth, &format!("{} {}", it.as_str(), quoted(&it.id)));
            }
            Node::Exit(exit, _) => line(depth, exit.as_str()),
            Node::Note(what, _) => line(depth, &format!("note {}", quoted(what))),
            Node::Opaque(why, _) => line(depth, &format!("unknown {}", quoted(why))),
            Node::Task(body, _) => {
                line(depth, "task");
                write_nodes(body, depth + 1, out);
            }
            Node::Scope(body) => {
                line(depth, "call");
                write_nodes(body, depth + 1, out);
            }
            Node::Choice(it) => {
                match &it.condition {
                    Condition::Test(text) => line(depth, &format!("if {}", quoted(text))),
                    Condition::Patched(id) => line(depth, &format!("if-patched {}", quoted(id))),
                }
                write_nodes(&it.then, depth + 1, out);
                write_block("else", &it.otherwise, depth, out);
            }
            Node::Loop(it) => {
                line(depth, &format!("loop {}", quoted(&it.header)));
                write_nodes(&it.body, depth + 1, out);
                write_block("else", &it.otherwise, depth, out);
            }
            Node::Try(it) => {
                line(depth, "try");
                write_nodes(&it.body, depth + 1, out);
                for (caught, body) in &it.handlers {
                    let _ = writeln!(out, "{}except {}", "  ".repeat(depth), quoted(caught));
                    write_nodes(body, depth + 1, out);
                }
                write_block("else", &it.otherwise, depth, out);
                write_block("finally", &it.finally, depth, out);
            }
        }
    }
}

fn write_block(keyword: &str, nodes: &[Node], depth: usize, out: &mut String) {
    if !nodes.is_empty() {
        let _ = writeln!(out, "{}{keyword}", "  ".repeat(depth));
        write_nodes(nodes, depth + 1, out);
    }
}

fn command_line(command: &Command) -> String {
    let mut line = command.kind.clone();
    for (name, value) in command.properties() {
        line.push(' ');
        if name != "name" {
            let _ = write!(line, "{name}=");
        }
        match value {
            Value::Fixed(text) => line.push_str(&quoted(text)),
            Value::Computed(text) => {
                let _ = write!(line, "<{}>", quoted(text));
            }
            Value::Unknown => line.push('?'),
        }
    }
    line
}

/// Mostly it is the command before that is waited for.
fn wait_line(wait: &Wait, before: Option<&Node>) -> String {
    match &wait.until {
        Some(until) => format!("wait-until {}", quoted(until)),
        None if wait.on == label_of(before) => "wait".to_owned(),
        None if wait.on.is_empty() => "wait ?".to_owned(),
        None => {
            let on: Vec<String> = wait.on.iter().map(|it| quoted(it)).collect();
            format!("wait {}", on.join(" "))
        }
    }
}

fn label_of(node: Option<&Node>) -> BTreeSet<String> {
    match node {
        Some(Node::Command(command, _)) => BTreeSet::from([command.label()]),
        _ => BTreeSet::new(),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() || is_deceptive(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out + "\""
}

/// Characters that reorder a line or cannot be seen.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A lock file that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// 1-based.
    pub line: u32,
    pub message: String,
}

type Parsed<T> = Result<T, Malformed>;

/// What was written. `path` is where, for messages about it.
pub fn parse(text: &str, path: &str) -> Parsed<Vec<Recorded>> {
    let mut reader = Reader::new(text)?;
    match reader.next_at(0) {
        Some(line) if line.words == ["version", "1"] => {}
        Some(line) => return Err(line.error("this runbook-lint reads `version 1`")),
        None => {
            return Err(Malformed {
                line: 1,
                message: "the file is empty".to_owned(),
            });
        }
    }
    let mut recorded = Vec::new();
    while let Some(line) = reader.next_at(0) {
        recorded.push(reader.workflow(&line, path)?);
    }
    match reader.rest().first() {
        Some(line) => Err(line.error("this line is indented without need")),
        None => Ok(recorded),
    }
}

#[derive(Debug, Clone)]
struct Line {
    number: u32,
    depth: usize,
    words: Vec<String>,
}

impl Line {
    fn error(&self, message: &str) -> Malformed {
        Malformed {
            line: self.number,
            message: message.to_owned(),
        }
    }

    fn text(&self, ix: usize) -> Parsed<String> {
        let word = self
            .words
            .get(ix)
            .ok_or_else(|| self.error("something is missing here"))?;
        unquoted(word).ok_or_else(|| self.error("a text in quotes belongs here"))
    }

    fn place(&self) -> Place {
        Place {
            file: FileId(0),
            span: Span::new(self.number, self.number),
        }
    }
}

struct Reader {
    lines: Vec<Line>,
    at: usize,
}

impl Reader {
    fn new(text: &str) -> Parsed<Self> {
        let mut lines = Vec::new();
        for (ix, line) in text.lines().enumerate() {
            let number = ix as u32 + 1;
            let content = line.trim_start_matches(' ');
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let indent = line.len() - content.len();
            let error = |message: &str| Malformed {
                line: number,
                message: message.to_owned(),
            };
            if content.starts_with("<<<<<<<") {
                return Err(error("this is the start of a merge conflict"));
            }
            if indent % 2 != 0 || indent / 2 > MAX_DEPTH {
                return Err(error("lines are indented by two spaces"));
            }
            let words = words(content).ok_or_else(|| error("a text lacks its closing quote"))?;
            lines.push(Line {
                number,
                depth: indent / 2,
                words,
            });
        }
        Ok(Self { lines, at: 0 })
    }

    fn rest(&self) -> &[Line] {
        &self.lines[self.at..]
    }

    fn next_at(&mut self, depth: usize) -> Option<Line> {
        let line = self.lines.get(self.at).filter(|it| it.depth == depth)?;
        self.at += 1;
        Some(line.clone())
    }

    /// The next line, if it starts with this word.
    fn take(&mut self, depth: usize, word: &str) -> Option<Line> {
        let line = self.lines.get(self.at)?;
        let is_it = line.depth == depth && line.words[0] == word;
        is_it.then(|| self.at += 1)?;
        Some(self.lines[self.at - 1].clone())
    }

    fn workflow(&mut self, line: &Line, path: &str) -> Parsed<Recorded> {
        if line.words[0] != "workflow" {
            return Err(line.error("a `workflow` belongs here"));
        }
        let mut structure = Structure {
            workflow_type: line.text(1)?,
            is_pinned: false,
            parts: Vec::new(),
        };
        let (mut version, mut name) = (None, None);
        let first = self.at;
        while let Some(line) = self.next_at(1) {
            match line.words[0].as_str() {
                "version" => version = Some(line.text(1)?),
                "class" => name = Some(line.text(1)?),
                "pinned" => structure.is_pinned = true,
                word => {
                    let Some((role, _)) = ROLES.iter().find(|(_, it)| *it == word) else {
                        return Err(line.error("`run`, `signal`, `update` or `hook` belongs here"));
                    };
                    structure.parts.push(Part {
                        role: *role,
                        name: match line.words.len() {
                            1 => String::new(),
                            _ => line.text(1)?,
                        },
                        place: line.place(),
                        nodes: self.block(2)?,
                    });
                }
            }
        }
        let read = self.lines[first..self.at].iter();
        let lines = read.map(|it| (it.place(), (path.to_owned(), it.number)));
        Ok(Recorded {
            structure,
            version,
            name,
            path: None,
            workflow: None,
            lines: lines.collect(),
        })
    }

    fn block(&mut self, depth: usize) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        while let Some(line) = self.next_at(depth) {
            let node = self.node(&line, depth, nodes.last())?;
            nodes.push(node);
        }
        Ok(nodes)
    }

    fn block_of(&mut self, depth: usize, keyword: &str) -> Parsed<Vec<Node>> {
        match self.take(depth, keyword) {
            Some(_) => self.block(depth + 1),
            None => Ok(Vec::new()),
        }
    }

    fn node(&mut self, line: &Line, depth: usize, before: Option<&Node>) -> Parsed<Node> {
        let place = line.place();
        let exit = EXITS.iter().find(|it| it.as_str() == line.words[0]);
        if let Some(exit) = exit {
            return Ok(Node::Exit(*exit, place));
        }
        Ok(match line.words[0].as_str() {
            "wait" => {
                let on = match &line.words[1..] {
                    [] => label_of(before),
                    [all] if all == "?" => BTreeSet::new(),
                    named => {
                        let texts = (1..=named.len()).map(|ix| line.text(ix));
                        texts.collect::<Parsed<_>>()?
                    }
                };
                let until = None;
                Node::Wait(Wait { on, until }, place)
            }
            "wait-until" => {
                let until = Some(line.text(1)?);
                let on = BTreeSet::new();
                Node::Wait(Wait { on, until }, place)
            }
            "patched" | "deprecate-patch" => {
                let id = line.text(1)?;
                let is_deprecated = line.words[0] == "deprecate-patch";
                Node::Patch(Patch { id, is_deprecated }, place)
            }
            "note" => Node::Note(line.text(1)?, place),
            "unknown" => Node::Opaque(line.text(1)?, place),
            "task" => Node::Task(self.block(depth + 1)?, place),
            "call" => Node::Scope(self.block(depth + 1)?),
            "if" | "if-patched" => {
                let text = line.text(1)?;
                let condition = match line.words[0].as_str() {
                    "if" => Condition::Test(text),
                    _ => Condition::Patched(text),
                };
                Node::Choice(Choice {
                    condition,
                    then: self.block(depth + 1)?,
                    otherwise: self.block_of(depth, "else")?,
                    place,
                })
            }
            "loop" => Node::Loop(Loop {
                header: line.text(1)?,
                body: self.block(depth + 1)?,
                otherwise: self.block_of(depth, "else")?,
                place,
            }),
            "try" => self.attempt(place, depth)?,
            "else" | "except" | "finally" => {
                return Err(line.error("this belongs to nothing before it"));
            }
            _ => Node::Command(command(line)?, place),
        })
    }

    fn attempt(&mut self, place: Place, depth: usize) -> Parsed<Node> {
        let body = self.block(depth + 1)?;
        let mut handlers = Vec::new();
        while let Some(line) = self.take(depth, "except") {
            handlers.push((line.text(1)?, self.block(depth + 1)?));
        }
        Ok(Node::Try(Try {
            body,
            handlers,
            otherwise: self.block_of(depth, "else")?,
            finally: self.block_of(depth, "finally")?,
            place,
        }))
    }
}

fn command(line: &Line) -> Parsed<Command> {
    let mut properties = BTreeMap::new();
    for word in &line.words[1..] {
        let at = word.find('=').filter(|_| !word.starts_with(['"', '<']));
        let (name, value) = match at {
            Some(at) => (&word[..at], &word[at + 1..]),
            None => ("name", word.as_str()),
        };
        let computed = value.strip_prefix('<').and_then(|it| it.strip_suffix('>'));
        let value = match computed {
            _ if value == "?" => Some(Value::Unknown),
            Some(text) => unquoted(text).map(Value::Computed),
            None => unquoted(value).map(Value::Fixed),
        };
        let value = value.ok_or_else(|| line.error("a text in quotes belongs here"))?;
        properties.insert(name.to_owned(), value);
    }
    Ok(Command {
        kind: line.words[0].clone(),
        properties,
    })
}

/// The words of a line; quotes hold spaces together.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == ' ' && !is_quoted {
            words.push(String::new());
            continue;
        }
        let word = words.last_mut()?;
        word.push(c);
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => word.push(chars.next()?),
            _ => {}
        }
    }
    words.retain(|word| !word.is_empty());
    (!is_quoted).then_some(words)
}

fn unquoted(word: &str) -> Option<String> {
    let inner = word.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'u' => {
                    let rest = chars.as_str().strip_prefix('{')?;
                    let (code, after) = rest.split_once('}')?;
                    text.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                    chars = after.chars();
                }
                c => text.push(c),
            },
            '"' => return None,
            c => text.push(c),
        }
    }
    Some(text)
}
