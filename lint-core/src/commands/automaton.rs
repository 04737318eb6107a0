//! A structure as states: what an entry point can do next, wherever it stands.

use std::collections::BTreeSet;

use crate::place::Place;

use super::normal::{self, attribute};
use super::structure::{
    Choice, Command, Condition, Exit, Loop, Node, Part, Patch, Try, Wait, literal,
};

pub(super) type StateId = usize;

/// A loop that is known to go round this often at most is unrolled.
const MAX_ROUNDS: usize = 16;
/// Blocks that are left in several ways are copied for each, up to this size.
const MAX_STATES: usize = 20_000;

#[derive(Debug, Clone)]
pub(super) enum State {
    Emit(Label, Place, StateId),
    /// Goes on one way if what was waited for has come about, and another if it failed.
    Wait {
        wait: Wait,
        place: Place,
        ok: StateId,
        failed: StateId,
    },
    /// Goes one of several ways, each with the outcome that leads there.
    Decide {
        question: String,
        place: Place,
        ways: Vec<(&'static str, StateId)>,
    },
    /// Goes one way with a patch and another without it; one that is deprecated is there.
    Patch {
        patch: Patch,
        place: Place,
        yes: StateId,
        no: StateId,
    },
    /// Something that is not in the history.
    Note {
        what: String,
        place: Place,
        next: StateId,
    },
    Jump(StateId),
    /// The run is over.
    End,
}

/// What the history shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    Command(Command),
    TaskBegins,
    TaskEnds,
    HandlerEnds,
    Opaque(String),
}

pub(super) struct Automaton<'r> {
    /// The attributes whose writes count.
    read: &'r BTreeSet<String>,
    pub(super) states: Vec<State>,
    pub(super) start: StateId,
    /// The patches that are asked for, and those that are deprecated.
    pub(super) asked: BTreeSet<String>,
    pub(super) deprecated: BTreeSet<String>,
    /// Whether it was too large to be made in full.
    pub(super) is_cut: bool,
}

/// Where control goes from a block, other than on.
#[derive(Clone, Copy)]
struct Leave {
    returns: StateId,
    raises: StateId,
    breaks: StateId,
    continues: StateId,
}

impl<'r> Automaton<'r> {
    /// The end of a run closes it; what comes after the end of a handler shows.
    pub(super) fn of(part: &Part, is_handler: bool, read: &'r BTreeSet<String>) -> Self {
        let mut made = Self {
            read,
            states: vec![State::End],
            start: 0,
            asked: BTreeSet::new(),
            deprecated: BTreeSet::new(),
            is_cut: false,
        };
        let over = 0;
        let end = if is_handler {
            let idle = made.add(State::Wait {
                wait: Wait::default(),
                place: part.place,
                ok: over,
                failed: over,
            });
            made.add(State::Emit(Label::HandlerEnds, part.place, idle))
        } else {
            over
        };
        let leave = Leave {
            returns: end,
            raises: end,
            breaks: end,
            continues: end,
        };
        made.start = made.block(&part.nodes, end, leave);
        made
    }

    fn add(&mut self, state: State) -> StateId {
        self.states.push(state);
        self.states.len() - 1
    }

    fn block(&mut self, nodes: &[Node], next: StateId, leave: Leave) -> StateId {
        let backwards = nodes.iter().rev();
        backwards.fold(next, |next, node| self.node(node, next, leave))
    }

    fn node(&mut self, node: &Node, next: StateId, leave: Leave) -> StateId {
        if self.states.len() > MAX_STATES {
            self.is_cut = true;
            return next;
        }
        match node {
            Node::Command(command, place) => {
                self.add(State::Emit(Label::Command(command.clone()), *place, next))
            }
            Node::Opaque(why, place) => {
                self.add(State::Emit(Label::Opaque(why.clone()), *place, next))
            }
            Node::Wait(wait, place) => self.wait(wait, *place, next, leave),
            Node::Task(body, place) => {
                let ends = self.add(State::Emit(Label::TaskEnds, *place, next));
                let own = Leave {
                    returns: ends,
                    raises: ends,
                    breaks: ends,
                    continues: ends,
                };
                let body = self.block(body, ends, own);
                self.add(State::Emit(Label::TaskBegins, *place, body))
            }
            Node::Choice(it) => self.choice(it, next, leave),
            Node::Loop(it) => self.repeat(it, next, leave),
            Node::Try(it) => self.attempt(it, next, leave),
            Node::Scope(body) => {
                let own = Leave {
                    returns: next,
                    ..leave
                };
                self.block(body, next, own)
            }
            Node::Patch(patch, place) => self.patch(patch.clone(), *place, next, next),
            Node::Note(what, _) if attribute(what).is_some_and(|it| !self.read.contains(it)) => {
                next
            }
            Node::Note(what, place) => self.add(State::Note {
                what: what.clone(),
                place: *place,
                next,
            }),
            Node::Exit(exit, _) => match exit {
                Exit::Return => leave.returns,
                Exit::Raise => leave.raises,
                Exit::Break => leave.breaks,
                Exit::Continue => leave.continues,
                Exit::End => 0,
            },
        }
    }

    /// What may hold already is not waited for.
    fn wait(&mut self, wait: &Wait, place: Place, next: StateId, leave: Leave) -> StateId {
        let waits = self.add(State::Wait {
            wait: wait.clone(),
            place,
            ok: next,
            failed: leave.raises,
        });
        match &wait.until {
            None => waits,
            Some(until) => {
                let ways = vec![("waits", waits), ("holds", next)];
                self.decide(format!("until {until}"), place, ways)
            }
        }
    }

    fn decide(
        &mut self,
        question: String,
        place: Place,
        ways: Vec<(&'static str, StateId)>,
    ) -> StateId {
        let first = ways[0].1;
        if ways.iter().all(|(_, way)| *way == first) {
            return first;
        }
        self.add(State::Decide {
            question,
            place,
            ways,
        })
    }

    fn choice(&mut self, it: &Choice, next: StateId, leave: Leave) -> StateId {
        let then = self.block(&it.then, next, leave);
        let otherwise = self.block(&it.otherwise, next, leave);
        match &it.condition {
            Condition::Test(text) => self.decide(
                text.clone(),
                it.place,
                vec![("yes", then), ("no", otherwise)],
            ),
            Condition::Patched(id) => {
                let patch = Patch {
                    id: id.clone(),
                    is_deprecated: false,
                };
                self.patch(patch, it.place, then, otherwise)
            }
        }
    }

    fn patch(&mut self, patch: Patch, place: Place, yes: StateId, no: StateId) -> StateId {
        let known = match patch.is_deprecated {
            true => &mut self.deprecated,
            false => &mut self.asked,
        };
        known.insert(patch.id.clone());
        self.add(State::Patch {
            patch,
            place,
            yes,
            no,
        })
    }

    fn repeat(&mut self, it: &Loop, next: StateId, leave: Leave) -> StateId {
        let done = self.block(&it.otherwise, next, leave);
        if let Some(rounds) = rounds(&it.header) {
            let rounds = rounds.into_iter().rev();
            return rounds.fold(done, |again, element| {
                let own = Leave {
                    breaks: next,
                    continues: again,
                    ..leave
                };
                match element {
                    Some(element) => {
                        let over = it.header.trim_start_matches("for each ");
                        let body = with_element(&it.body, over, &element);
                        self.block(&body, again, own)
                    }
                    None => self.block(&it.body, again, own),
                }
            });
        }
        let head = self.add(State::End);
        let own = Leave {
            breaks: next,
            continues: head,
            ..leave
        };
        let body = self.block(&it.body, head, own);
        self.states[head] = if it.header == "while True" {
            State::Jump(body)
        } else {
            State::Decide {
                question: it.header.clone(),
                place: it.place,
                ways: vec![("again", body), ("done", done)],
            }
        };
        head
    }

    fn attempt(&mut self, it: &Try, next: StateId, leave: Leave) -> StateId {
        let (next, outer) = match it.finally.is_empty() {
            true => (next, leave),
            false => {
                let mut after = |to| self.block(&it.finally, to, leave);
                let outer = Leave {
                    returns: after(leave.returns),
                    raises: after(leave.raises),
                    breaks: after(leave.breaks),
                    continues: after(leave.continues),
                };
                (after(next), outer)
            }
        };
        let mut caught = outer.raises;
        for (ix, (what, body)) in it.handlers.iter().enumerate().rev() {
            let handler = self.block(body, next, outer);
            caught = match what.is_empty() {
                true => handler,
                false => {
                    let question = format!("except {what} #{ix}");
                    self.decide(question, it.place, vec![("yes", handler), ("no", caught)])
                }
            };
        }
        let otherwise = self.block(&it.otherwise, next, outer);
        let inside = Leave {
            raises: caught,
            ..outer
        };
        self.block(&it.body, otherwise, inside)
    }

    /// What is waited for together with more.
    pub(super) fn together(&self) -> BTreeSet<String> {
        let waits = self.states.iter().filter_map(|state| match state {
            State::Wait { wait, .. } if wait.on.len() > 1 => Some(&wait.on),
            _ => None,
        });
        waits.flatten().cloned().collect()
    }

    /// The states from which the code can still come to wait: a run that is open waits somewhere,
    /// so what leads nowhere else is in no history that is replayed.
    pub(super) fn open(&self) -> Vec<bool> {
        let mut before: Vec<Vec<StateId>> = vec![Vec::new(); self.states.len()];
        let mut pending = Vec::new();
        for (id, state) in self.states.iter().enumerate() {
            for next in state.next() {
                before[next].push(id);
            }
            if matches!(state, State::Wait { .. }) {
                pending.push(id);
            }
        }
        let mut open = vec![false; self.states.len()];
        while let Some(id) = pending.pop() {
            if !std::mem::replace(&mut open[id], true) {
                pending.extend(&before[id]);
            }
        }
        open
    }
}

impl State {
    fn next(&self) -> Vec<StateId> {
        match self {
            Self::Emit(_, _, next) | Self::Jump(next) | Self::Note { next, .. } => vec![*next],
            Self::Wait { ok, failed, .. } => vec![*ok, *failed],
            Self::Decide { ways, .. } => ways.iter().map(|(_, way)| *way).collect(),
            Self::Patch { yes, no, .. } => vec![*yes, *no],
            Self::End => Vec::new(),
        }
    }
}

/// The rounds of a loop, if its header says how many there are, each with its element.
fn rounds(header: &str) -> Option<Vec<Option<String>>> {
    let over = header.strip_prefix("for each ")?;
    let rounds = match over.strip_prefix("range(") {
        Some(rest) => vec![None; rest.strip_suffix(')')?.parse().ok()?],
        None => elements(over)?.into_iter().map(Some).collect(),
    };
    (rounds.len() <= MAX_ROUNDS).then_some(rounds)
}

/// The elements of a list or tuple that is written out with literals.
fn elements(text: &str) -> Option<Vec<String>> {
    let inner = text
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .or_else(|| text.strip_prefix('(')?.strip_suffix(')'))?;
    let parts: Vec<&str> = inner.split(", ").collect();
    let is_plain = |part: &&str| match literal(part) {
        Some(text) => text
            .chars()
            .all(|it| it.is_alphanumeric() || "-_. ".contains(it)),
        None => !part.is_empty() && part.chars().all(|it| it.is_ascii_digit()),
    };
    let parts = parts.iter().all(is_plain).then_some(parts)?;
    Some(parts.into_iter().map(str::to_owned).collect())
}

/// What one round of a loop does.
fn with_element(nodes: &[Node], over: &str, element: &str) -> Vec<Node> {
    let item = format!("item of {over}");
    nodes
        .iter()
        .map(|node| normal::with_texts(node, &|text| text.replace(&item, element)))
        .collect()
}
