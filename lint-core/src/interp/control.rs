//! Implicit flow: what depends on a value although it does not contain it.
//!
//! Code that runs only if a condition holds depends on the condition. The machine keeps, for the
//! statement being executed, the sources that decide whether it runs. What is assigned, stored and
//! returned there is tainted with them; commands and calls are recorded together with them, so
//! that the reach phase can tell a branch that decides over commands from one that does not.
//!
//! Leaving early extends a condition's reach: after `return` to the end of the function, after
//! `break` and `continue` to the end of the loop, after `raise` to where the exception is caught,
//! which may be in a caller.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::diagnostic::Span;
use crate::knowledge::{SENDS, SHARED, WAITS};

use super::{
    CellKey, CtxId, Event, EventKind, Except, Kinds, Machine, Obj, Origin, Sink, SinkKind,
    SourceId, Value,
};

/// How a source decides whether code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct By {
    kind: SinkKind,
    span: Span,
    /// Whether what is assigned there depends on it, too.
    flows: bool,
    /// Whether it is only asked if shared state was filled before. What fills it is the same then.
    presence: bool,
}

/// The sources that decide whether code runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Control(Rc<BTreeMap<Origin, By>>);

impl Control {
    fn join(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.clone_from(other);
        }
        if Rc::ptr_eq(&self.0, &other.0) {
            return;
        }
        for (&origin, &by) in &*other.0 {
            self.add(origin, by);
        }
    }

    /// The part that values depend on.
    fn flowing(&self) -> Self {
        let flowing = self.0.iter().filter(|(_, by)| by.flows);
        Self(Rc::new(
            flowing.map(|(origin, by)| (*origin, *by)).collect(),
        ))
    }

    /// The same decisions, of which no value depends on one alone.
    fn still(&self) -> Self {
        let still = |(origin, by): (&Origin, &By)| {
            (
                *origin,
                By {
                    flows: false,
                    ..*by
                },
            )
        };
        Self(Rc::new(self.0.iter().map(still).collect()))
    }

    fn taint(&self) -> Value {
        let mut taint = Value::bottom();
        for (&origin, by) in &*self.0 {
            if by.flows && !by.presence {
                taint.add_taint(&[origin]);
            }
        }
        taint
    }

    /// All that decides, as a value without objects.
    fn all(&self) -> Value {
        let mut taint = Value::bottom();
        for &origin in self.0.keys() {
            taint.add_taint(&[origin]);
        }
        taint
    }

    fn add(&mut self, origin: Origin, by: By) {
        let known = self.0.get(&origin);
        if known.is_none_or(|it| by.flows && !it.flows) {
            let all = Rc::make_mut(&mut self.0);
            all.entry(origin).or_insert(by).flows |= by.flows;
        }
    }

    fn sinks(&self) -> impl Iterator<Item = Sink> + '_ {
        self.0.iter().map(|(&origin, by)| Sink {
            origin,
            span: by.span,
            kind: by.kind,
            except: Except::Nothing,
        })
    }
}

/// What decides over the code that a run executes.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    /// Over the statement being executed, inside this function.
    control: Control,
    /// Over the rest of the function, since it may have returned.
    returned: Control,
    /// Over the rest of the innermost loop, since this round or the loop may have ended.
    skipped: Control,
    /// Over everything up to where exceptions are caught. Values depend on it only where the
    /// function catches some: otherwise nobody is left to see them.
    thrown: Control,
    /// How many `try` statements with handlers have bodies being executed.
    tries: u32,
    /// What decided over the call of this function.
    inherited: Value,
}

/// What is put back at the end of a statement that decides over its parts.
pub(super) struct Outer {
    control: Control,
    skipped: Control,
}

impl<'p> Machine<'p> {
    /// From here on, the value decides over what is executed.
    pub(super) fn decide(&mut self, value: &Value, kind: SinkKind, span: Span) {
        if self.frame.vouched > 0 {
            return;
        }
        let value = &self.united(value.clone());
        let by = By {
            kind,
            span,
            flows: kind != SinkKind::Exception,
            presence: false,
        };
        for origin in self.taint_of_kinds(value, Kinds::ORDER.not()) {
            self.frame.flow.control.add(origin, by);
        }
        // The order of a set decides when code runs for an element, and rarely whether.
        let by_order = By {
            kind: match kind {
                SinkKind::Loop => SinkKind::Order,
                kind => kind,
            },
            flows: false,
            ..by
        };
        for origin in self.taint_of_kinds(value, Kinds::ORDER) {
            self.frame.flow.control.add(origin, by_order);
        }
        if let Some(place) = value.place() {
            let by = By {
                flows: true,
                presence: true,
                ..by
            };
            let control = &mut self.frame.flow.control;
            if !control.0.contains_key(&Origin::Source(place)) {
                control.add(Origin::Source(place), by);
            }
        }
    }

    /// From here on, what is iterated decides how often, and in which order, code is executed.
    pub(super) fn decide_rounds(&mut self, iterable: &Value, element: &Value, span: Span) {
        let is_container = |obj: &Obj| matches!(obj, Obj::Container(_));
        let mut deciding = self.size_taint(iterable).tainted_by(iterable);
        if iterable.objs().iter().all(is_container) {
            deciding = deciding.tainted_by(&self.only_order(element));
        } else {
            // What decides over a `yield` taints the value.
            deciding = deciding.tainted_by(element);
        }
        self.decide(&deciding, SinkKind::Loop, span);
    }

    /// What decides over which elements the containers in a value have.
    pub(super) fn size_taint(&mut self, value: &Value) -> Value {
        let mut taint = Value::bottom();
        for &obj in value.objs() {
            if let Obj::Container(id) = obj {
                taint.join(&self.read(CellKey::Size(id)));
            }
        }
        taint
    }

    /// Opens a statement in which something is decided.
    pub(super) fn open_control(&mut self) -> Outer {
        Outer {
            control: self.frame.flow.control.clone(),
            skipped: self.frame.flow.skipped.clone(),
        }
    }

    /// Closes it again: only what may have left the statement early decides over what follows.
    pub(super) fn close_control(&mut self, outer: Outer) {
        let flow = &mut self.frame.flow;
        flow.control = outer.control;
        flow.control.join(&flow.skipped);
        flow.control.join(&flow.returned);
        flow.control.join(&if flow.tries > 0 {
            flow.thrown.clone()
        } else {
            flow.thrown.still()
        });
    }

    /// The same for a loop, beyond which `break` and `continue` decide nothing.
    pub(super) fn close_loop(&mut self, outer: Outer) {
        self.frame.flow.skipped = outer.skipped.clone();
        self.close_control(outer);
    }

    /// Whether another round of a loop would be executed under other conditions than those given.
    pub(super) fn control_differs(&self, before: &Control) -> bool {
        self.frame.flow.control != *before
    }

    pub(super) fn control(&self) -> Control {
        self.frame.flow.control.clone()
    }

    pub(super) fn leave_function(&mut self) {
        let leaving = self.frame.flow.control.flowing();
        self.frame.flow.returned.join(&leaving);
    }

    pub(super) fn leave_round(&mut self) {
        let leaving = self.frame.flow.control.flowing();
        self.frame.flow.skipped.join(&leaving);
    }

    pub(super) fn leave_by_exception(&mut self) {
        let leaving = self.frame.flow.control.flowing();
        self.frame.flow.thrown.join(&leaving);
    }

    /// Starts the body of a `try` statement.
    pub(super) fn open_try(&mut self, catches: bool) -> (Outer, Control) {
        self.frame.flow.tries += u32::from(catches);
        (
            self.open_control(),
            std::mem::take(&mut self.frame.flow.thrown),
        )
    }

    /// Ends the body. What was thrown decides over the handlers, and beyond the statement if it is
    /// not caught for certain.
    pub(super) fn end_try_body(&mut self, before: Control, catches: bool, catches_all: bool) {
        self.frame.flow.tries -= u32::from(catches);
        let thrown = std::mem::replace(&mut self.frame.flow.thrown, before);
        self.frame.flow.control.join(&thrown);
        if !catches_all {
            self.frame.flow.thrown.join(&thrown);
        }
    }

    /// What decides over the statement being executed, as a value without objects.
    pub(super) fn control_taint(&mut self) -> Value {
        let taint = self.frame.flow.control.taint();
        self.united(taint)
    }

    /// The same, and what decided over the call of the function: for what outlives it.
    pub(super) fn lasting_control(&mut self) -> Value {
        let inherited = self.frame.flow.inherited.clone();
        let inherited = self.taint_of_kinds(&inherited, Kinds::PLACE.not());
        let mut control = self.control_taint();
        control.add_taint(&inherited);
        self.united(control)
    }

    /// Whether code comes here only if shared state was asked for what it holds.
    pub(super) fn is_guarded_by(&mut self, place: SourceId) -> bool {
        let flow = &self.frame.flow;
        let deciding = flow.control.all().tainted_by(&flow.inherited);
        self.comes_from(deciding.taint(), place) || self.is_set_up_once(deciding.taint(), place)
    }

    /// Whether a constructor asks its object, which runs share, for any of its attributes: it sets
    /// up all of it once.
    fn is_set_up_once(&mut self, deciding: &[Origin], place: SourceId) -> bool {
        if !self.frame.function.qualname.ends_with(".__init__") {
            return false;
        }
        let stored = *self.source(place);
        let mut sources = deciding.iter().flat_map(|&origin| self.sources_of(origin));
        sources.any(|source| {
            let asked = self.source(source);
            asked.class == SHARED && (asked.ctx_file, asked.span) == (stored.ctx_file, stored.span)
        })
    }

    /// The same for what all runs of a process share. What the import of a module decided is left
    /// out: it is reported where the module's values are read.
    pub(super) fn lasting_shared(&mut self, value: &Value) -> Value {
        let mut control = self.lasting_control();
        if !self.at_import() {
            control = self.with_kinds(&control, Kinds::IMPORT.not());
        }
        value.clone().tainted_by(&control)
    }

    /// A value that is stored only if control comes here.
    pub(super) fn lasting(&mut self, value: &Value) -> Value {
        value.clone().tainted_by(&self.lasting_control())
    }

    /// The value that is stored here, with all that decides over it. Where the replay flag does, that
    /// is said of the store itself, and keeping the flag as it is does not matter yet.
    pub(super) fn stored(&mut self, value: &Value, kind: Option<SinkKind>, span: Span) -> Value {
        let control = self.lasting_control();
        if let Some(kind) = kind {
            let mut sink = self.without_replay_flag(&control);
            let whole = self.deep_taint(value, span);
            sink.add_taint(&if self.asks_replay(value) {
                self.taint_of_kinds(&whole, Kinds::REPLAY.not())
            } else {
                whole.taint().to_vec()
            });
            self.record_sink(&sink, kind, span);
        }
        value.clone().tainted_by(&control)
    }

    /// What storing into an object means: what the function at hand has made counts where it goes,
    /// and what becomes of an object of other code is not known.
    pub(super) fn kept_in(&self, object: &Value) -> Option<SinkKind> {
        let maker = |obj: &Obj| match obj {
            Obj::Container(id) => Some(self.containers.get(*id).ctx),
            _ => None,
        };
        // Beside one that is made here, the container of an annotation stands for the same.
        let here = Some(Some(self.frame.ctx));
        let has_own = object.objs().iter().any(|obj| maker(obj) == here);
        let is_own = |obj: &Obj| maker(obj) == here || has_own && maker(obj) == Some(None);
        let is_foreign = |obj: &Obj| matches!(obj, Obj::ExternalInstance(_) | Obj::None);
        let objs = object.objs();
        if object.place().is_some() || objs.is_empty() {
            Some(SinkKind::State)
        } else if objs.iter().all(is_own) {
            None
        } else if objs.iter().all(is_foreign) {
            Some(SinkKind::External)
        } else {
            Some(SinkKind::State)
        }
    }

    /// A value that a variable gets or a function gives only if control comes here.
    pub(super) fn under_control(&mut self, value: &Value) -> Value {
        value.clone().tainted_by(&self.control_taint())
    }

    /// A command is issued here, or something may be that is not seen.
    pub(super) fn note_command(&mut self) {
        if self.frame.state.dead || self.frame.vouched > 0 {
            return;
        }
        self.frame.commands += 1;
        self.frame.out.issues = true;
        self.frame.out.sinks.extend(self.frame.flow.control.sinks());
    }

    /// Code that is not analysed is called here, and whether it is depends on the conditions. That
    /// a call decides over its own repetition means nothing.
    pub(super) fn note_foreign_call(&mut self, cause: &Value, span: Span) {
        let mut control = self.lasting_control();
        let except = match cause.taint() {
            [Origin::Source(own)] => Except::Source(*own),
            cause => {
                let own = cause.iter().map(|it| it.kinds());
                let own = own.reduce(Kinds::union).unwrap_or_default();
                control = self.with_kinds(&control, own.not());
                Except::Nothing
            }
        };
        self.record_sink_except(&control, SinkKind::External, span, except);
    }

    /// Whether a call that stands there talks to others than the server of the workflow, so that
    /// awaiting it issues no command.
    pub(super) fn does_io(&self, span: Span) -> bool {
        self.uses(span, |class| !WAITS.contains(&class))
    }

    /// Whether the call that stands there sends what it is given to others.
    pub(super) fn sends(&self, span: Span) -> bool {
        self.uses(span, |class| SENDS.contains(&class))
    }

    /// Whether an API of such a class is called there, or a resource that one has made.
    fn uses(&self, span: Span, is_meant: impl Fn(&str) -> bool) -> bool {
        let is_it =
            |kind: &EventKind| matches!(kind, EventKind::Api { class, .. } if is_meant(class));
        let out = &self.frame.out;
        let kind = EventKind::FIRST;
        let source = None;
        let events = out.events.range(Event { span, kind, source }..);
        let resources = out.resources.range((span, kind, Vec::new())..);
        let mut events = events.take_while(|it| it.span == span);
        let mut resources = resources.take_while(|(at, ..)| *at == span);
        events.any(|it| is_it(&it.kind)) || resources.any(|(_, kind, _)| is_it(kind))
    }

    /// Remembers what decides over a call; what the callee does says what that means.
    pub(super) fn note_decided_call(&mut self, callee: CtxId) {
        for sink in self.frame.flow.control.sinks() {
            let callees = self.frame.out.decisions.entry(sink).or_default();
            if callees.last() != Some(&callee) {
                callees.push(callee);
            }
        }
    }

    /// Tells the callee what decides over its call.
    pub(super) fn pass_control(&mut self, callee: CtxId) {
        // An import decides over what it calls; what that calls in turn is not of its making.
        let inherited = self.frame.flow.inherited.clone();
        let lasting = Kinds::PLACE.union(Kinds::IMPORT).not();
        let lasting = self.taint_of_kinds(&inherited, lasting);
        let mut inherited = self.control_taint();
        inherited.add_taint(&lasting);
        let flow = &self.frame.flow;
        let deciding = flow.control.all().tainted_by(&flow.inherited);
        inherited.add_taint(&self.taint_of_kinds(&deciding, Kinds::PLACE));
        self.write(CellKey::Control(callee), &inherited);
    }

    /// Learns what decides over the exceptions of the callee.
    pub(super) fn take_exceptions(&mut self, callee: CtxId, span: Span) {
        let thrown = self.read(CellKey::Thrown(callee));
        self.decide(&thrown, SinkKind::Exception, span);
        let by = By {
            kind: SinkKind::Exception,
            span,
            flows: true,
            presence: false,
        };
        let by = Control(Rc::new(
            thrown.taint().iter().map(|&origin| (origin, by)).collect(),
        ));
        self.frame.flow.thrown.join(&by);
        if self.frame.flow.tries > 0 {
            self.frame.flow.control.join(&by);
        }
        if thrown.objs() == [Obj::None] {
            self.leave_by_exception();
        }
    }

    pub(super) fn inherit_control(&mut self) {
        self.frame.flow.inherited = self.read(CellKey::Control(self.frame.ctx));
    }

    /// Publishes what decides over the exceptions of the function that ends here. `None` says that
    /// it always raises one.
    pub(super) fn publish_exceptions(&mut self, always: bool) {
        let thrown = self.frame.flow.thrown.clone();
        self.frame.out.thrown.extend(thrown.sinks());
        let mut value = thrown.taint();
        if always {
            value.add(Obj::None);
        }
        self.write(CellKey::Thrown(self.frame.ctx), &value);
    }

    /// The code that follows runs or not as the replay flag says.
    pub(super) fn guard(&mut self, guard: u32) {
        self.frame.vouched += guard;
        self.frame.replaying += guard;
    }

    pub(super) fn unguard(&mut self, guard: u32) {
        self.frame.vouched -= guard;
        self.frame.replaying -= guard;
    }
}
