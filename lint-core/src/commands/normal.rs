//! One form for what behaves alike.

use std::collections::BTreeSet;

use super::structure::{Choice, Condition, Exit, Loop, Node, Part, Structure, Try, Value};

/// The commands in nodes, by what they are called.
pub(super) fn commands_in(nodes: &[Node]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending: Vec<&Node> = nodes.iter().collect();
    while let Some(node) = pending.pop() {
        match node {
            Node::Command(command, _) => {
                found.insert(command.label());
            }
            other => pending.extend(other.blocks().into_iter().flatten()),
        }
    }
    found
}

/// Where a generator gives control to others.
pub(super) const YIELD: &str = "yield";

/// What a generator does around a block, as a context manager.
pub(super) fn around(body: Vec<Node>, generator: Vec<Node>) -> Vec<Node> {
    let mut body = Some(body);
    let mut nodes = generator;
    put(&mut nodes, &mut body);
    nodes.extend(body.unwrap_or_default());
    nodes
}

fn put(nodes: &mut Vec<Node>, body: &mut Option<Vec<Node>>) {
    let is_yield = |node: &Node| matches!(node, Node::Note(what, _) if what == YIELD);
    if let Some(at) = nodes.iter().position(is_yield) {
        nodes.splice(at..=at, body.take().unwrap_or_default());
        return;
    }
    for node in nodes {
        match node {
            Node::Task(inner, _) | Node::Scope(inner) => put(inner, body),
            Node::Choice(it) => {
                put(&mut it.then, body);
                put(&mut it.otherwise, body);
            }
            Node::Loop(it) => put(&mut it.body, body),
            Node::Try(it) => put(&mut it.body, body),
            _ => {}
        }
    }
}

/// How many nodes there are.
pub(super) fn size(nodes: &[Node]) -> usize {
    let blocks = nodes.iter().flat_map(Node::blocks);
    nodes.len() + blocks.map(size).sum::<usize>()
}

/// The nodes of a function as its caller sees them: what follows an exit is gone, and `return` at
/// the end says nothing.
pub(super) fn scoped(nodes: Vec<Node>) -> Vec<Node> {
    let mut nodes = reachable(nodes);
    drop_last_return(&mut nodes);
    if nodes.iter().any(returns) {
        vec![Node::Scope(nodes)]
    } else {
        nodes
    }
}

fn reachable(mut nodes: Vec<Node>) -> Vec<Node> {
    if let Some(at) = nodes.iter().position(|it| matches!(it, Node::Exit(..))) {
        nodes.truncate(at + 1);
    }
    nodes
}

fn drop_last_return(nodes: &mut Vec<Node>) {
    match nodes.last_mut() {
        Some(Node::Exit(Exit::Return, _)) => {
            nodes.pop();
        }
        Some(Node::Choice(it)) => {
            drop_last_return(&mut it.then);
            drop_last_return(&mut it.otherwise);
            if it.then.is_empty()
                && it.otherwise.is_empty()
                && matches!(it.condition, Condition::Test(_))
            {
                nodes.pop();
                drop_last_return(nodes);
            }
        }
        _ => {}
    }
}

fn returns(node: &Node) -> bool {
    match node {
        Node::Exit(Exit::Return, _) => true,
        Node::Scope(_) | Node::Task(..) => false,
        other => other.blocks().into_iter().flatten().any(returns),
    }
}

/// The normal form of what one after the other does.
pub(super) fn normal(nodes: Vec<Node>) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::new();
    for node in nodes {
        let node = within(node);
        match (&node, out.last_mut()) {
            // Between two waits nothing is issued, so they are one for both.
            (Node::Wait(wait, _), Some(Node::Wait(last, _)))
                if wait.until.is_none() && last.until.is_none() =>
            {
                last.on.extend(wait.on.iter().cloned());
            }
            _ => out.push(node),
        }
    }
    let out = started(out);
    reachable(out)
}

fn within(node: Node) -> Node {
    match node {
        Node::Task(body, place) => {
            let mut body = normal(body);
            // Nobody but those who wait for the task see how it ends.
            while matches!(body.last(), Some(Node::Wait(wait, _)) if wait.until.is_none()) {
                body.pop();
            }
            Node::Task(body, place)
        }
        Node::Scope(body) => Node::Scope(normal(body)),
        Node::Choice(mut it) => {
            it.then = normal(it.then);
            it.otherwise = normal(it.otherwise);
            Node::Choice(it)
        }
        Node::Loop(mut it) => {
            it.body = normal(it.body);
            while matches!(it.body.last(), Some(Node::Exit(Exit::Continue, _))) {
                it.body.pop();
            }
            it.otherwise = normal(it.otherwise);
            Node::Loop(it)
        }
        Node::Try(mut it) => {
            it.body = normal(it.body);
            it.otherwise = normal(it.otherwise);
            it.finally = normal(it.finally);
            for (_, body) in &mut it.handlers {
                *body = normal(std::mem::take(body));
            }
            Node::Try(it)
        }
        other => other,
    }
}

/// A task begins when the code that starts it waits next, so what that code issues itself comes
/// first. One that does nothing but issue commands is no more than these.
fn started(nodes: Vec<Node>) -> Vec<Node> {
    let mut out = Vec::new();
    let mut tasks: Vec<Node> = Vec::new();
    let release = |tasks: &mut Vec<Node>, out: &mut Vec<Node>| {
        // Behind a task that does more, it would look like a command of the code itself.
        let mut is_first = true;
        for task in tasks.drain(..) {
            match task {
                Node::Task(body, _)
                    if is_first && body.iter().all(|it| matches!(it, Node::Command(..))) =>
                {
                    out.extend(body);
                }
                task => {
                    is_first = false;
                    out.push(task);
                }
            }
        }
    };
    for node in nodes {
        match node {
            Node::Task(..) => tasks.push(node),
            Node::Command(..) => out.push(node),
            other => {
                release(&mut tasks, &mut out);
                out.push(other);
            }
        }
    }
    release(&mut tasks, &mut out);
    out
}

/// A node with other texts of conditions, names and notes.
pub(super) fn with_texts(node: &Node, change: &impl Fn(&str) -> String) -> Node {
    let all = |nodes: &[Node]| nodes.iter().map(|it| with_texts(it, change)).collect();
    match node {
        Node::Command(command, place) => {
            let mut command = command.clone();
            for value in command.properties.values_mut() {
                if let Value::Computed(text) = value {
                    *value = Value::of(change(text));
                }
            }
            Node::Command(command, *place)
        }
        Node::Wait(wait, place) => {
            let mut wait = wait.clone();
            wait.until = wait.until.map(|it| change(&it));
            wait.on = wait.on.iter().map(|it| relabelled(it, change)).collect();
            Node::Wait(wait, *place)
        }
        Node::Task(body, place) => Node::Task(all(body), *place),
        Node::Scope(body) => Node::Scope(all(body)),
        Node::Choice(it) => Node::Choice(Choice {
            condition: match &it.condition {
                Condition::Test(text) => Condition::Test(change(text)),
                Condition::Patched(id) => Condition::Patched(id.clone()),
            },
            then: all(&it.then),
            otherwise: all(&it.otherwise),
            place: it.place,
        }),
        Node::Loop(it) => Node::Loop(Loop {
            header: change(&it.header),
            body: all(&it.body),
            otherwise: all(&it.otherwise),
            place: it.place,
        }),
        Node::Try(it) => {
            let handlers = it.handlers.iter();
            Node::Try(Try {
                body: all(&it.body),
                handlers: handlers
                    .map(|(what, body)| (change(what), all(body)))
                    .collect(),
                otherwise: all(&it.otherwise),
                finally: all(&it.finally),
                place: it.place,
            })
        }
        Node::Note(what, place) => Node::Note(change(what), *place),
        Node::Patch(..) | Node::Exit(..) | Node::Opaque(..) => node.clone(),
    }
}

/// What a command is called whose name is computed from another text.
fn relabelled(label: &str, change: &impl Fn(&str) -> String) -> String {
    let computed = label.strip_suffix('>').and_then(|it| it.split_once(" <"));
    match computed {
        Some((kind, text)) => format!("{kind} {}", Value::of(change(text))),
        None => label.to_owned(),
    }
}

/// Keeps the notes of what some condition or command of the workflow depends on.
pub(super) fn drop_idle_notes(parts: &mut [Part]) {
    let mut texts = Vec::new();
    for part in parts.iter() {
        texts_in(&part.nodes, &mut texts);
    }
    let read = read_attributes(parts);
    let is_idle = |note: &str| is_idle(note, &texts, &read);
    for part in parts {
        let nodes = std::mem::take(&mut part.nodes);
        part.nodes = normal(without_idle_notes(nodes, &is_idle));
    }
}

/// What is asked and computed.
fn texts_in(nodes: &[Node], texts: &mut Vec<String>) {
    for node in nodes {
        match node {
            Node::Command(command, _) => {
                texts.extend(command.properties.values().filter_map(|value| match value {
                    Value::Computed(text) => Some(text.clone()),
                    _ => None,
                }));
            }
            Node::Wait(wait, _) => texts.extend(wait.until.clone()),
            Node::Choice(it) => {
                if let Condition::Test(text) = &it.condition {
                    texts.push(text.clone());
                }
            }
            Node::Loop(it) => texts.push(it.header.clone()),
            Node::Note(what, _) if what.starts_with("acquire ") => texts.push(what.clone()),
            _ => {}
        }
        for block in node.blocks() {
            texts_in(block, texts);
        }
    }
}

const DRAWS: [&str; 3] = ["workflow.uuid4(", "workflow.uuid7(", "workflow.random("];

fn is_idle(note: &str, texts: &[String], read: &BTreeSet<String>) -> bool {
    if note == YIELD {
        return true;
    }
    if note.starts_with("draw ") {
        let is_drawn = |text: &String| DRAWS.iter().any(|draw| text.contains(draw));
        return !texts.iter().any(is_drawn);
    }
    attribute(note).is_some_and(|it| !read.contains(it))
}

/// The attribute that a note says is written: `self.name` of the workflow, `.name` of what else.
pub(super) fn attribute(note: &str) -> Option<&str> {
    let start = match note.strip_prefix("self.") {
        Some(_) => "self.".len(),
        None => note.strip_prefix('.').map(|_| 1)?,
    };
    let end = note[start..].find(|c| !is_name(c));
    Some(&note[..end.map_or(note.len(), |end| start + end)])
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The attributes that a text reads, in the words of [`attribute`].
pub(super) fn attributes_in(text: &str) -> impl Iterator<Item = String> + '_ {
    let dots = text.match_indices('.');
    dots.flat_map(|(at, dot)| {
        let rest = &text[at + dot.len()..];
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        let is_of_workflow = text[..at]
            .strip_suffix("self")
            .is_some_and(|before| !before.ends_with(is_name));
        let all = [Some(format!(".{name}")), Some(format!("self.{name}"))];
        let wanted = [true, is_of_workflow];
        all.into_iter()
            .zip(wanted)
            .filter_map(|(it, is_wanted)| it.filter(|_| is_wanted))
            .filter(|_| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
            .collect::<Vec<_>>()
    })
}

/// What of a text tells which notes count for it.
pub(super) fn needles(text: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = attributes_in(text).collect();
    let of_workflow: Vec<String> = found
        .iter()
        .filter_map(|it| it.strip_prefix("self").map(str::to_owned))
        .collect();
    of_workflow.iter().for_each(|it| {
        found.remove(it);
    });
    let drawn = DRAWS.iter().filter(|draw| text.contains(**draw));
    found.extend(drawn.map(|draw| (*draw).to_owned()));
    found
}

impl Structure {
    /// The attributes that its conditions and commands depend on.
    pub fn read_attributes(&self) -> BTreeSet<String> {
        read_attributes(&self.parts)
    }
}

fn read_attributes(parts: &[Part]) -> BTreeSet<String> {
    let mut texts = Vec::new();
    for part in parts {
        texts_in(&part.nodes, &mut texts);
    }
    texts.iter().flat_map(|text| attributes_in(text)).collect()
}

fn without_idle_notes(nodes: Vec<Node>, is_idle: &impl Fn(&str) -> bool) -> Vec<Node> {
    let inside = |nodes: &mut Vec<Node>| {
        *nodes = without_idle_notes(std::mem::take(nodes), is_idle);
    };
    let mut out = Vec::new();
    for mut node in nodes {
        match &mut node {
            Node::Note(what, _) if is_idle(what) => continue,
            Node::Task(body, _) | Node::Scope(body) => {
                inside(body);
                if body.is_empty() {
                    continue;
                }
            }
            Node::Choice(it) => {
                inside(&mut it.then);
                inside(&mut it.otherwise);
                let is_test = matches!(it.condition, Condition::Test(_));
                if is_test && it.then.is_empty() && it.otherwise.is_empty() {
                    continue;
                }
            }
            Node::Loop(it) => {
                inside(&mut it.body);
                inside(&mut it.otherwise);
                if it.body.is_empty() && it.otherwise.is_empty() {
                    continue;
                }
            }
            Node::Try(it) => {
                inside(&mut it.body);
                inside(&mut it.otherwise);
                inside(&mut it.finally);
                it.handlers.iter_mut().for_each(|(_, body)| inside(body));
                if it.body.is_empty() {
                    out.append(&mut it.otherwise);
                    out.append(&mut it.finally);
                    continue;
                }
            }
            _ => {}
        }
        out.push(node);
    }
    out
}
