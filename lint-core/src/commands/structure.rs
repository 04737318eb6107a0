//! The structure of a workflow: a tree of commands, waits and what decides between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::knowledge::Role;
use crate::place::Place;

/// How a node begins that stands for a structure of which there is more than is followed.
pub(crate) const CUT_SHORT: &str = "more than is followed";

/// The structure of one workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// The name under which executions know it.
    pub workflow_type: String,
    /// Whether its executions stay with the version of the worker that started them.
    pub is_pinned: bool,
    /// What runs on its own account and issues commands or could: `run` and the handlers.
    pub parts: Vec<Part>,
}

/// What one entry point does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub role: Role,
    /// The name that senders use; empty for `run`.
    pub name: String,
    pub place: Place,
    pub nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A command is issued.
    Command(Command, Place),
    /// The code stops here until something happens.
    Wait(Wait, Place),
    /// Other code runs from the next wait on, beside this one.
    Task(Vec<Node>, Place),
    Choice(Choice),
    Loop(Loop),
    Try(Try),
    /// Code that `return` leaves: a function that was called.
    Scope(Vec<Node>),
    Patch(Patch, Place),
    Exit(Exit, Place),
    /// Something that the history does not show and that commands or conditions depend on: state is
    /// written, a lock is taken, a random number is drawn.
    Note(String, Place),
    /// What happens here is not known, and why.
    Opaque(String, Place),
}

/// A call about a patch whose answer decides nothing there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Patch {
    pub id: String,
    /// Whether it says that the patch is on its way out, and does not ask for it.
    pub is_deprecated: bool,
}

/// A command with what a replay compares of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Command {
    /// What the history calls it: `activity`, `timer`, …
    pub kind: String,
    pub properties: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Fixed(String),
    /// The canonical text of what it is made of.
    Computed(String),
    Unknown,
}

/// What a piece of code waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Wait {
    /// Commands, by what they are called; empty if that is not known.
    pub on: BTreeSet<String>,
    /// A condition that may hold already, in which case nothing is waited for.
    pub until: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub condition: Condition,
    pub then: Vec<Node>,
    pub otherwise: Vec<Node>,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Canonical text: the same condition has the same text, whatever its locals are called.
    Test(String),
    /// The answer whether a patch is active.
    Patched(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// `for each …` or `while …`, as canonical text.
    pub header: String,
    pub body: Vec<Node>,
    /// What `else` of the loop does.
    pub otherwise: Vec<Node>,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    pub body: Vec<Node>,
    /// What each `except` catches, and does; the text is empty if it catches everything.
    pub handlers: Vec<(String, Vec<Node>)>,
    pub otherwise: Vec<Node>,
    pub finally: Vec<Node>,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Return,
    Raise,
    Break,
    Continue,
    /// The run ends here, whatever is around it.
    End,
}

impl Patch {
    pub fn as_str(&self) -> &'static str {
        match self.is_deprecated {
            true => "deprecate-patch",
            false => "patched",
        }
    }
}

impl Exit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::Raise => "raise",
            Self::Break => "break",
            Self::Continue => "continue",
            Self::End => "end",
        }
    }
}

impl Node {
    /// Where it stands, if it is written somewhere.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Command(_, place)
            | Self::Wait(_, place)
            | Self::Task(_, place)
            | Self::Patch(_, place)
            | Self::Exit(_, place)
            | Self::Note(_, place)
            | Self::Opaque(_, place) => Some(*place),
            Self::Choice(it) => Some(it.place),
            Self::Loop(it) => Some(it.place),
            Self::Try(it) => Some(it.place),
            Self::Scope(_) => None,
        }
    }

    /// The blocks in it.
    pub fn blocks(&self) -> Vec<&[Node]> {
        match self {
            Self::Task(body, _) | Self::Scope(body) => vec![body],
            Self::Choice(it) => vec![&it.then, &it.otherwise],
            Self::Loop(it) => vec![&it.body, &it.otherwise],
            Self::Try(it) => {
                let mut blocks = vec![it.body.as_slice()];
                blocks.extend(it.handlers.iter().map(|(_, body)| body.as_slice()));
                blocks.extend([it.otherwise.as_slice(), it.finally.as_slice()]);
                blocks
            }
            _ => Vec::new(),
        }
    }
}

impl Command {
    /// What it is called where it is waited for.
    pub fn label(&self) -> String {
        match self.properties.get("name") {
            Some(name) => format!("{} {name}", self.kind),
            None => self.kind.clone(),
        }
    }

    /// Its properties, the name first.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Value)> {
        let all = || {
            self.properties
                .iter()
                .map(|(name, value)| (name.as_str(), value))
        };
        let (named, others) = (all(), all());
        let named = named.filter(|(name, _)| *name == "name");
        named.chain(others.filter(|(name, _)| *name != "name"))
    }
}

impl Value {
    /// A text that may be nothing but a string.
    pub(crate) fn of(text: String) -> Self {
        match plain_string(&text) {
            Some(string) => Self::Fixed(string),
            None => Self::Computed(text),
        }
    }
}

impl Structure {
    pub fn part(&self, role: Role, name: &str) -> Option<&Part> {
        self.parts
            .iter()
            .find(|part| part.role == role && part.name == name)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        for (name, value) in self.properties() {
            match name {
                "name" => write!(f, " {value}")?,
                _ => write!(f, " {name}={value}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(text) => f.write_str(text),
            Self::Computed(text) => write!(f, "<{text}>"),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// What stands between the quotes of a text that is nothing but a string.
pub(super) fn literal(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut before = ' ';
    let is_closed = inner.chars().any(|c| {
        let closes = c == '\'' && before != '\\';
        before = if before == '\\' && c == '\\' { ' ' } else { c };
        closes
    });
    (!is_closed).then_some(inner)
}

/// The string that a text writes out.
pub(super) fn plain_string(text: &str) -> Option<String> {
    let inner = literal(text)?;
    (!inner.contains('\\')).then(|| inner.to_owned())
}
