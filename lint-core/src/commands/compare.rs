//! Two versions of one entry point: whether every history that the old one can have begun is one
//! that the new one goes along with.
//!
//! A history is what the old code issued up to a place where it waits. The states of the old code
//! are walked along all of its ways, together with the states in which the new code may be after
//! the same events. A decision with the same text comes out the same on both sides; any other
//! decision of the new code may come out either way. So the new code *certainly* diverges where
//! none of its ways goes along, and *perhaps* where some do not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::place::Place;

use super::automaton::{Automaton, Label, State, StateId};
use super::normal::{attribute, attributes_in};
use super::structure::{CUT_SHORT, Command, Node, Part, Patch, Value};

/// How many pairs of states are looked at.
const MAX_PAIRS: usize = 20_000;
/// How many ways from one command to the next.
const MAX_WAYS: usize = 2_000;
/// How many states are come by in all.
const MAX_STEPS: usize = 300_000;
/// How often one of them comes by the same state: a loop may go round without a command.
const MAX_VISITS: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The same structure.
    Equal,
    /// Other, but every execution that began under the old code is replayed.
    Compatible,
    /// Some may not be: it depends on what cannot be known.
    Unproven(Divergence),
    /// Some certainly are not.
    Incompatible(Divergence),
}

/// The first place at which a replay leaves the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    pub old: Side,
    pub new: Side,
    /// The decision of the new code that is not one of the old code.
    pub decision: Option<Side>,
}

/// What one version does there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// A noun phrase.
    pub what: String,
    pub place: Option<Place>,
}

/// Compares one entry point in two versions. `read` are the attributes that conditions of both
/// versions depend on.
pub fn compare(old: &Part, new: &Part, is_handler: bool, read: &BTreeSet<String>) -> Verdict {
    if same(&old.nodes, &new.nodes) {
        return Verdict::Equal;
    }
    if is_cut_short(old) || is_cut_short(new) {
        return Verdict::Unproven(Divergence::unknown());
    }
    let old = Automaton::of(old, is_handler, read);
    let new = Automaton::of(new, is_handler, read);
    let mut best = Walk::new(&old, &new, false).verdict();
    if matches!(best, Verdict::Unproven(_)) {
        // What was decided before an event may be asked again after it.
        let lasting = Walk::new(&old, &new, true).verdict();
        if lasting == Verdict::Compatible {
            best = lasting;
        }
    }
    best
}

fn is_cut_short(part: &Part) -> bool {
    let is_cut = |node: &Node| matches!(node, Node::Opaque(why, _) if why.starts_with(CUT_SHORT));
    part.nodes.iter().any(is_cut)
}

/// Whether two blocks are alike, wherever they stand.
pub fn same(a: &[Node], b: &[Node]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_node(a, b))
}

fn same_node(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Command(a, _), Node::Command(b, _)) => a == b,
        (Node::Wait(a, _), Node::Wait(b, _)) => a == b,
        (Node::Task(a, _), Node::Task(b, _)) | (Node::Scope(a), Node::Scope(b)) => same(a, b),
        (Node::Choice(a), Node::Choice(b)) => {
            a.condition == b.condition && same(&a.then, &b.then) && same(&a.otherwise, &b.otherwise)
        }
        (Node::Loop(a), Node::Loop(b)) => {
            a.header == b.header && same(&a.body, &b.body) && same(&a.otherwise, &b.otherwise)
        }
        (Node::Try(a), Node::Try(b)) => {
            let handlers = a.handlers.iter().zip(&b.handlers);
            let mut handlers = handlers.map(|(a, b)| a.0 == b.0 && same(&a.1, &b.1));
            a.handlers.len() == b.handlers.len()
                && handlers.all(|it| it)
                && same(&a.body, &b.body)
                && same(&a.otherwise, &b.otherwise)
                && same(&a.finally, &b.finally)
        }
        (Node::Patch(a, _), Node::Patch(b, _)) => a == b,
        (Node::Opaque(a, _), Node::Opaque(b, _)) | (Node::Note(a, _), Node::Note(b, _)) => a == b,
        (Node::Exit(a, _), Node::Exit(b, _)) => a == b,
        _ => false,
    }
}

/// The answers about patches that a run has got.
type Answers = BTreeMap<String, bool>;
/// Decisions on the way to one event, in order.
type Decisions = Vec<(String, &'static str)>;
/// Decisions that hold for good.
type Settled = BTreeMap<String, &'static str>;

/// Where one version stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    state: StateId,
    answers: Answers,
}

/// What happens next, as the history shows it.
#[derive(Debug, Clone)]
enum Event<'a> {
    Label(&'a Label),
    Waits(&'a super::Wait),
    Fails(&'a super::Wait),
    Patch(&'a Patch),
    Ends,
}

/// One way from a point to the next event.
#[derive(Debug, Clone)]
struct Way<'a> {
    event: Event<'a>,
    place: Option<Place>,
    /// Before the event.
    at: Point,
    /// After it.
    to: Point,
    trail: Trail,
}

/// What lies on a way.
#[derive(Debug, Clone, Default)]
struct Trail {
    states: Vec<StateId>,
    decisions: Decisions,
    notes: Vec<(String, Place)>,
    /// The first decision of the new code that the old code does not have.
    free: Option<Side>,
}

/// A pair of points that was reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    old: Point,
    new: BTreeSet<Point>,
    settled: Settled,
    /// The command that was issued last, by what it is called.
    last: Option<String>,
    /// What of that which the new code waits for together with more has come about.
    done: BTreeSet<String>,
    /// Whether tasks are arranged otherwise, so that the order of their commands is not known.
    is_loose: bool,
}

impl Pair {
    /// What has come about after one more event.
    fn done_after(&self, event: &Event<'_>, together: &BTreeSet<String>) -> BTreeSet<String> {
        let mut done = self.done.clone();
        if let Some(label) = event.label() {
            done.remove(&label);
        }
        if let Event::Waits(wait) | Event::Fails(wait) = event {
            done.extend(wait.on.intersection(together).cloned());
        }
        done
    }
}

struct Walk<'a> {
    old: &'a Automaton<'a>,
    new: &'a Automaton<'a>,
    open: Vec<bool>,
    /// What the new code waits for together with more.
    together: BTreeSet<String>,
    /// Whether decisions are remembered beyond the next event.
    is_lasting: bool,
    is_cut: bool,
    steps: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Match {
    No,
    Perhaps,
    Yes,
}

/// What came of an event of the old code in the new one.
struct Followed {
    points: BTreeSet<Point>,
    divergence: Option<Divergence>,
    is_loose: bool,
}

impl<'a> Walk<'a> {
    fn new(old: &'a Automaton<'a>, new: &'a Automaton<'a>, is_lasting: bool) -> Self {
        Self {
            old,
            new,
            open: old.open(),
            together: new.together(),
            is_lasting,
            is_cut: old.is_cut || new.is_cut,
            steps: 0,
        }
    }

    fn verdict(mut self) -> Verdict {
        if self.is_cut {
            return Verdict::Unproven(Divergence::unknown());
        }
        let start = |state| Point {
            state,
            answers: Answers::new(),
        };
        let first = Pair {
            old: start(self.old.start),
            new: BTreeSet::from([start(self.new.start)]),
            settled: Settled::new(),
            last: None,
            done: BTreeSet::new(),
            is_loose: false,
        };
        let mut seen = BTreeSet::from([first.clone()]);
        let mut queue = VecDeque::from([first]);
        let mut perhaps: Option<Divergence> = None;
        while let Some(pair) = queue.pop_front() {
            for old in self.ways_of_old(&pair) {
                let followed = self.follow(&pair, &old);
                if let Some(divergence) = followed.divergence {
                    if followed.points.is_empty() && !pair.is_loose {
                        return Verdict::Incompatible(divergence);
                    }
                    perhaps.get_or_insert(divergence);
                }
                let next = Pair {
                    new: followed.points,
                    settled: self.settled(&pair, &old.trail),
                    last: old.event.label().or_else(|| pair.last.clone()),
                    done: pair.done_after(&old.event, &self.together),
                    is_loose: pair.is_loose || followed.is_loose,
                    old: old.to,
                };
                if next.new.is_empty() {
                    continue;
                }
                if seen.len() >= MAX_PAIRS {
                    self.is_cut = true;
                } else if seen.insert(next.clone()) {
                    queue.push_back(next);
                }
            }
        }
        match perhaps {
            Some(divergence) => Verdict::Unproven(divergence),
            None if self.is_cut => Verdict::Unproven(Divergence::unknown()),
            None => Verdict::Compatible,
        }
    }

    fn settled(&self, pair: &Pair, trail: &Trail) -> Settled {
        let mut settled = pair.settled.clone();
        if self.is_lasting {
            let decisions = trail.decisions.iter();
            let constant = decisions.filter(|(question, _)| is_constant(question));
            settled.extend(constant.cloned());
        }
        settled
    }

    /// The ways of the old code that histories of open executions can have taken.
    fn ways_of_old(&mut self, pair: &Pair) -> Vec<Way<'a>> {
        let mut found = Vec::new();
        let mut pending = vec![(pair.old.clone(), Trail::default())];
        while let Some((at, trail)) = pending.pop() {
            let Some(trail) = self.come_by(&at, trail, found.len()) else {
                continue;
            };
            if !self.open[at.state] {
                continue;
            }
            match &self.old.states[at.state] {
                State::Decide { question, ways, .. } => {
                    let now = outcome_of(&trail.decisions, question, usize::MAX);
                    let now = now.filter(|_| is_constant(question));
                    let known = now.or_else(|| pair.settled.get(question).copied());
                    pending.extend(trail.decided(&at, question, ways, known));
                }
                State::Patch {
                    patch,
                    place,
                    yes,
                    no,
                } if !at.answers.contains_key(&patch.id) => {
                    let id = &patch.id;
                    let is_on_its_way_out =
                        self.new.deprecated.contains(id) && !self.new.asked.contains(id);
                    if !patch.is_deprecated && !is_on_its_way_out {
                        pending.push((at.answered(id, false, *no), trail.clone()));
                    }
                    let to = at.answered(id, true, *yes);
                    found.push(Way::new(Event::Patch(patch), *place, at, to, trail));
                }
                State::Wait {
                    wait,
                    place,
                    ok,
                    failed,
                } => {
                    if self.open[*failed] {
                        let (event, to) = (Event::Fails(wait), at.moved(*failed));
                        found.push(Way::new(event, *place, at.clone(), to, trail.clone()));
                    }
                    let (event, to) = (Event::Waits(wait), at.moved(*ok));
                    found.push(Way::new(event, *place, at, to, trail));
                }
                State::Emit(label, place, next) => {
                    let to = at.moved(*next);
                    found.push(Way::new(Event::Label(label), *place, at, to, trail));
                }
                State::End => {}
                other => pending.extend(other.silent(&at, trail)),
            }
        }
        found
    }

    /// The trail with one more state, unless the way goes in circles or there are too many.
    fn come_by(&mut self, at: &Point, mut trail: Trail, found: usize) -> Option<Trail> {
        self.steps += 1;
        if found > MAX_WAYS || self.steps > MAX_STEPS {
            self.is_cut = true;
            return None;
        }
        let times = trail.states.iter().filter(|&&it| it == at.state).count();
        trail.states.push(at.state);
        (times < MAX_VISITS).then_some(trail)
    }

    /// Where the new code may be after an event of the old code, and where it is not.
    fn follow(&mut self, pair: &Pair, old: &Way<'a>) -> Followed {
        let mut followed = Followed {
            points: BTreeSet::new(),
            divergence: None,
            is_loose: false,
        };
        if let Event::Patch(patch) = old.event
            && patch.is_deprecated
            && self.is_settled(pair, &patch.id)
        {
            // A marker on its way out may be missing.
            followed.points.clone_from(&pair.new);
            return followed;
        }
        let mut refused: Option<(Way<'a>, Option<Side>)> = None;
        for way in self.ways_of_new(pair, old) {
            let (how, to) = goes_along(pair, old, &way);
            let note = differing(&old.trail.notes, &way.trail.notes);
            if (how != Match::Yes || note.is_some()) && refused.is_none() {
                let decision = note.filter(|_| how == Match::Yes);
                refused = Some((way.clone(), decision.or(way.trail.free.clone())));
            }
            if how != Match::No {
                followed.points.insert(to);
            }
            followed.is_loose |= is_loose(&old.event, &way.event);
        }
        followed.divergence = refused.map(|(way, decision)| {
            let mut new = way.side();
            new.place = decision.as_ref().and_then(|it| it.place).or(new.place);
            Divergence {
                old: old.side(),
                new,
                decision,
            }
        });
        followed
    }

    /// Whether the new code does not ask for a patch any more.
    fn is_settled(&self, pair: &Pair, id: &str) -> bool {
        let is_gone = !self.new.asked.contains(id) && !self.new.deprecated.contains(id);
        is_gone || pair.new.iter().all(|it| it.answers.contains_key(id))
    }

    fn ways_of_new(&mut self, pair: &Pair, old: &Way<'a>) -> Vec<Way<'a>> {
        let mut found = Vec::new();
        let start = |point: &Point| (point.clone(), Trail::default());
        let mut pending: Vec<(Point, Trail)> = pair.new.iter().map(start).collect();
        while let Some((at, trail)) = pending.pop() {
            let Some(trail) = self.come_by(&at, trail, found.len()) else {
                continue;
            };
            match &self.new.states[at.state] {
                State::Decide {
                    question,
                    place,
                    ways,
                } => {
                    let known = self.known(pair, old, &trail, question);
                    let known = known.filter(|it| ways.iter().any(|(way, _)| way == it));
                    let mut trail = trail;
                    if known.is_none() {
                        let what = question.clone();
                        let place = Some(*place);
                        trail.free.get_or_insert(Side { what, place });
                    }
                    pending.extend(trail.decided(&at, question, ways, known));
                }
                State::Patch {
                    patch,
                    place,
                    yes,
                    no,
                } if !at.answers.contains_key(&patch.id) => match old.event.is_patch(&patch.id) {
                    true => {
                        let to = at.answered(&patch.id, true, *yes);
                        found.push(Way::new(Event::Patch(patch), *place, at, to, trail));
                    }
                    false => pending.push((at.answered(&patch.id, false, *no), trail)),
                },
                State::Wait {
                    wait,
                    place,
                    ok,
                    failed,
                } => {
                    let (event, next) = match old.event {
                        Event::Fails(_) => (Event::Fails(wait), *failed),
                        _ => (Event::Waits(wait), *ok),
                    };
                    let to = at.moved(next);
                    found.push(Way::new(event, *place, at, to, trail));
                }
                State::Emit(label, place, next) => {
                    let to = at.moved(*next);
                    found.push(Way::new(Event::Label(label), *place, at, to, trail));
                }
                State::End => found.push(Way::new(Event::Ends, None, at.clone(), at, trail)),
                other => pending.extend(other.silent(&at, trail)),
            }
        }
        found
    }

    /// How the old code has answered a question that the new code asks.
    fn known(
        &self,
        pair: &Pair,
        old: &Way<'a>,
        trail: &Trail,
        question: &str,
    ) -> Option<&'static str> {
        // What is not known in full may differ.
        if question.contains('…') {
            return None;
        }
        let asked = trail
            .decisions
            .iter()
            .filter(|(it, _)| it == question)
            .count();
        let decisions = &old.trail.decisions;
        let now = decisions.iter().filter(|(it, _)| it == question).count();
        let is_beyond = asked >= now && !is_lasting_within(question);
        let known = outcome_of(decisions, question, asked).filter(|_| !is_beyond);
        known.or_else(|| pair.settled.get(question).copied())
    }
}

impl Trail {
    /// The ways on from a decision, those that its outcome allows if that is known.
    fn decided(
        &self,
        at: &Point,
        question: &str,
        ways: &[(&'static str, StateId)],
        known: Option<&'static str>,
    ) -> Vec<(Point, Self)> {
        let ways = ways.iter().rev();
        let ways = ways.filter(|(outcome, _)| known.is_none_or(|it| it == *outcome));
        ways.map(|(outcome, next)| {
            let mut trail = self.clone();
            trail.decisions.push((question.to_owned(), outcome));
            (at.moved(*next), trail)
        })
        .collect()
    }
}

impl State {
    /// Where what shows nothing leads.
    fn silent(&self, at: &Point, mut trail: Trail) -> Option<(Point, Trail)> {
        let next = match self {
            Self::Jump(next) => *next,
            Self::Patch { patch, yes, no, .. } => match at.answers.get(&patch.id) {
                Some(true) => *yes,
                _ => *no,
            },
            Self::Note { what, place, next } => {
                trail.notes.push((what.clone(), *place));
                *next
            }
            _ => return None,
        };
        Some((at.moved(next), trail))
    }
}

impl Point {
    fn moved(&self, state: StateId) -> Self {
        Self {
            state,
            answers: self.answers.clone(),
        }
    }

    fn answered(&self, id: &str, answer: bool, state: StateId) -> Self {
        let mut answers = self.answers.clone();
        answers.insert(id.to_owned(), answer);
        Self { state, answers }
    }
}

/// Whether the new code goes along with an event of the old code on this way, and to where.
fn goes_along(pair: &Pair, old: &Way<'_>, new: &Way<'_>) -> (Match, Point) {
    let mut how = matches(&old.event, &new.event);
    match (&old.event, &new.event) {
        (Event::Waits(now), Event::Waits(all)) | (Event::Fails(now), Event::Fails(all))
            if now.until == all.until
                && now.on.is_subset(&all.on)
                && !now.on.is_empty()
                && all.on.difference(&now.on).all(|it| pair.done.contains(it)) =>
        {
            how = Match::Yes;
        }
        (Event::Waits(_) | Event::Fails(_), Event::Waits(_) | Event::Fails(_)) => {}
        // What the new code issues earlier has to wait for its event.
        (Event::Waits(_) | Event::Fails(_), _) => return (Match::Yes, new.at.clone()),
        // What was issued some time before may have come about already.
        (Event::Label(_), Event::Waits(wait)) if !wait.is_for(pair.last.as_deref()) => {
            return (Match::Perhaps, new.at.clone());
        }
        _ => {}
    }
    if how == Match::No && old.event.is_of_task() != new.event.is_of_task() {
        let to = match old.event.is_of_task() {
            true => &new.at,
            false => &new.to,
        };
        return (Match::Perhaps, to.clone());
    }
    (how, new.to.clone())
}

/// Whether it is not known any more after these two which event of the one version belongs to
/// which of the other.
fn is_loose(old: &Event<'_>, new: &Event<'_>) -> bool {
    let is_opaque = |it: &Event<'_>| matches!(it, Event::Label(Label::Opaque(_)));
    let waits_alone = matches!((old, new), (Event::Label(_), Event::Waits(_)));
    old.is_of_task() != new.is_of_task() || is_opaque(old) != is_opaque(new) || waits_alone
}

impl super::Wait {
    fn is_for(&self, last: Option<&str>) -> bool {
        self.until.is_some() || last.is_some_and(|last| self.on.contains(last))
    }
}

fn matches(old: &Event<'_>, new: &Event<'_>) -> Match {
    match (old, new) {
        (Event::Label(Label::Command(old)), Event::Label(Label::Command(new))) => {
            matches_command(old, new)
        }
        (Event::Label(old), Event::Label(new)) if old == new => Match::Yes,
        (Event::Label(Label::Opaque(_)), _) | (_, Event::Label(Label::Opaque(_))) => Match::Perhaps,
        (Event::Waits(old), Event::Waits(new)) | (Event::Fails(old), Event::Fails(new)) => {
            let is_known = !old.on.is_empty() && !new.on.is_empty();
            let is_same = old.until == new.until && (old.on == new.on || !is_known);
            if is_same { Match::Yes } else { Match::Perhaps }
        }
        (Event::Patch(old), Event::Patch(new)) if old.id == new.id => Match::Yes,
        _ => Match::No,
    }
}

/// The first note that only one of two ways has.
fn differing(old: &[(String, Place)], new: &[(String, Place)]) -> Option<Side> {
    let (old, new) = (ordered(old), ordered(new));
    let both = old.iter().zip(&new);
    let at = both.take_while(|(old, new)| old.0 == new.0).count();
    let (what, place) = match new.get(at) {
        Some((what, place)) => (what, Some(*place)),
        None => (&old.get(at)?.0, None),
    };
    let what = what.clone();
    Some(Side { what, place })
}

/// Notes in the order of their attributes, if none of them depends on another.
fn ordered(notes: &[(String, Place)]) -> Vec<&(String, Place)> {
    let mut ordered: Vec<&(String, Place)> = notes.iter().collect();
    let written = notes.iter().map(|(note, _)| attribute(note));
    let Some(written) = written.collect::<Option<BTreeSet<&str>>>() else {
        return ordered;
    };
    let is_alone = notes.iter().all(|(note, _)| {
        let own = attribute(note).unwrap_or_default();
        let mut read = attributes_in(&note[own.len()..]);
        read.all(|it| !written.contains(it.as_str()))
    });
    if is_alone {
        ordered.sort_by_key(|(note, _)| attribute(note));
    }
    ordered
}

/// Whether what is asked cannot change in a run: nothing in it is state, or an element of what a
/// loop goes through.
fn is_constant(question: &str) -> bool {
    let varies = [
        "self.", "item of", "for each", "while ", "until ", "except ", "…", " or ", " ~",
    ];
    let mut before = ' ';
    let calls = question.chars().any(|c| {
        let is_call = c == '(' && (before.is_alphanumeric() || before == '_');
        before = c;
        is_call
    });
    !calls && !varies.iter().any(|it| question.contains(it))
}

/// How a question came out the so-manyth time, counted from none, or the last time before that.
fn outcome_of(decisions: &Decisions, question: &str, times: usize) -> Option<&'static str> {
    let outcomes = decisions.iter().filter(|(it, _)| it == question);
    outcomes
        .map(|(_, it)| *it)
        .take(times.saturating_add(1))
        .last()
}

/// Whether the answer is the same if it is asked again before the next event: what goes through
/// elements comes to another one.
fn is_lasting_within(question: &str) -> bool {
    !["item of", "for each", "while "]
        .iter()
        .any(|it| question.contains(it))
}

fn matches_command(old: &Command, new: &Command) -> Match {
    if old.kind != new.kind {
        return Match::No;
    }
    let names: BTreeSet<&String> = old.properties.keys().chain(new.properties.keys()).collect();
    let compared =
        names.into_iter().map(
            |name| match (old.properties.get(name), new.properties.get(name)) {
                (Some(Value::Fixed(old)), Some(Value::Fixed(new))) => match old == new {
                    true => Match::Yes,
                    false => Match::No,
                },
                (Some(Value::Computed(old)), Some(Value::Computed(new)))
                    if old == new && !old.contains('…') =>
                {
                    Match::Yes
                }
                (Some(Value::Unknown), Some(Value::Unknown)) if name != "name" => Match::Yes,
                (Some(old), Some(new)) if old.reference() == new.reference() => {
                    match old.reference() {
                        Some(_) => Match::Yes,
                        None => Match::Perhaps,
                    }
                }
                _ => Match::Perhaps,
            },
        );
    compared.min().unwrap_or(Match::Yes)
}

impl Value {
    /// The name of a function that is referred to, even if it is not known.
    fn reference(&self) -> Option<&str> {
        match self {
            Self::Fixed(name) => Some(name),
            Self::Computed(text) => {
                let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
                let name = text.chars().all(is_name).then(|| text.rsplit('.').next())?;
                name.filter(|_| !text.starts_with("input") && !text.starts_with("self."))
            }
            Self::Unknown => None,
        }
    }
}

impl Event<'_> {
    /// The command that is issued, by what it is called.
    fn label(&self) -> Option<String> {
        match self {
            Self::Label(Label::Command(command)) => Some(command.label()),
            _ => None,
        }
    }

    /// Whether it stands for how tasks are arranged, which the history does not show.
    fn is_of_task(&self) -> bool {
        matches!(self, Self::Label(Label::TaskBegins | Label::TaskEnds))
    }

    fn is_patch(&self, asked: &str) -> bool {
        matches!(self, Self::Patch(patch) if patch.id == asked)
    }
}

impl<'a> Way<'a> {
    fn new(
        event: Event<'a>,
        place: impl Into<Option<Place>>,
        at: Point,
        to: Point,
        trail: Trail,
    ) -> Self {
        Self {
            event,
            place: place.into(),
            at,
            to,
            trail,
        }
    }

    fn side(&self) -> Side {
        let what = match &self.event {
            Event::Label(Label::Command(command)) => described(command),
            Event::Label(Label::TaskBegins) => "a task that runs beside".to_owned(),
            Event::Label(Label::TaskEnds) => "the end of the task".to_owned(),
            Event::Label(Label::HandlerEnds) => "the end of the handler".to_owned(),
            Event::Label(Label::Opaque(why)) => why.clone(),
            Event::Waits(wait) | Event::Fails(wait) => match &wait.until {
                Some(until) => format!("waiting until `{until}`"),
                None => "waiting".to_owned(),
            },
            Event::Patch(patch) => format!("the marker of patch `{}`", patch.id),
            Event::Ends => "the end of the run".to_owned(),
        };
        Side {
            what,
            place: self.place,
        }
    }
}

/// A command in a sentence: ``the activity `charge` ``.
fn described(command: &Command) -> String {
    let kind = command.kind.replace('-', " ");
    match command.properties().next() {
        Some((_, Value::Fixed(name))) => format!("the {kind} `{name}`"),
        Some(("name", _)) => format!("one {kind} whose name is computed"),
        _ if kind.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {kind}"),
        _ if kind == "search attributes" => "search attributes".to_owned(),
        _ => format!("a {kind}"),
    }
}

impl Divergence {
    fn unknown() -> Self {
        let side = Side {
            what: "more than can be compared".to_owned(),
            place: None,
        };
        Self {
            old: side.clone(),
            new: side,
            decision: None,
        }
    }
}
