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

use crate::diagnostic::Span;

use super::{CellKey, CtxId, Machine, Obj, Sink, SinkKind, SourceId, Value};

/// More sources than this are not told apart where they decide together.
const MAX_DECIDING: usize = 12;

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
pub(super) struct Control(BTreeMap<SourceId, By>);

impl Control {
    fn join(&mut self, other: &Self) {
        for (&source, by) in &other.0 {
            self.0.entry(source).or_insert(*by).flows |= by.flows;
        }
    }

    /// The part that values depend on.
    fn flowing(&self) -> Self {
        let flowing = self.0.iter().filter(|(_, by)| by.flows);
        Self(flowing.map(|(source, by)| (*source, *by)).collect())
    }

    /// The same decisions, of which no value depends on one alone.
    fn still(&self) -> Self {
        let still = |(source, by): (&SourceId, &By)| {
            (
                *source,
                By {
                    flows: false,
                    ..*by
                },
            )
        };
        Self(self.0.iter().map(still).collect())
    }

    fn taint(&self) -> Value {
        let mut taint = Value::bottom();
        for (&source, by) in &self.0 {
            if by.flows && !by.presence {
                taint = taint.with_source(Some(source));
            }
        }
        taint
    }

    fn sinks(&self) -> impl Iterator<Item = Sink> + '_ {
        self.0.iter().map(|(&source, by)| Sink {
            source,
            span: by.span,
            kind: by.kind,
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
        let mut dropped = Value::bottom();
        for &source in value.taint() {
            // The order of a set decides when code runs for an element, and rarely whether.
            let is_order = self.source(source).class == "order";
            let kind = match kind {
                SinkKind::Loop if is_order => SinkKind::Order,
                kind => kind,
            };
            let by = By {
                kind,
                span,
                flows: !is_order && kind != SinkKind::Exception,
                presence: false,
            };
            let control = &mut self.frame.flow.control.0;
            if control.len() < MAX_DECIDING || control.contains_key(&source) {
                control.entry(source).or_insert(by).flows |= by.flows;
            } else {
                dropped = dropped.with_source(Some(source));
            }
        }
        if let Some(place) = value.place() {
            let by = By {
                kind,
                span,
                flows: true,
                presence: true,
            };
            let control = &mut self.frame.flow.control.0;
            if control.len() < MAX_DECIDING {
                control.entry(place).or_insert(by);
            }
        }
        // Beyond the bound nothing is known of what depends on them, so the gravest is assumed.
        self.record_sink(&dropped, kind, span);
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
    pub(super) fn control_taint(&self) -> Value {
        self.frame.flow.control.taint()
    }

    /// The same, and what decided over the call of the function: for what outlives it.
    pub(super) fn lasting_control(&self) -> Value {
        let inherited = self.frame.flow.inherited.taint().iter().copied();
        let inherited: Vec<_> = inherited.filter(|&it| !self.is_place(it)).collect();
        let mut control = self.control_taint();
        control.add_taint(&inherited);
        control
    }

    fn is_place(&self, source: SourceId) -> bool {
        self.source(source).class == crate::knowledge::SHARED
    }

    /// Whether code comes here only if shared state was asked for what it holds.
    pub(super) fn is_guarded_by(&self, place: SourceId) -> bool {
        let flow = &self.frame.flow;
        flow.control.0.contains_key(&place) || flow.inherited.taint().contains(&place)
    }

    /// The same for what all runs of a process share. What the import of a module decided is left
    /// out: it is reported where the module's values are read.
    pub(super) fn lasting_shared(&self, value: &Value) -> Value {
        let control = self.lasting_control();
        let own = control.taint().iter().copied();
        let own = own.filter(|&source| self.at_import() || !self.source(source).at_import);
        let mut result = value.clone();
        result.add_taint(&own.collect::<Vec<_>>());
        result
    }

    /// A value that is stored only if control comes here.
    pub(super) fn lasting(&self, value: &Value) -> Value {
        value.clone().tainted_by(&self.lasting_control())
    }

    /// A value that a variable gets or a function gives only if control comes here.
    pub(super) fn under_control(&self, value: &Value) -> Value {
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
    pub(super) fn note_foreign_call(&mut self, own: Option<SourceId>, span: Span) {
        let control = self.lasting_control();
        let others = control.taint().iter().copied();
        let others: Vec<SourceId> = others.filter(|&it| Some(it) != own).collect();
        let mut taint = Value::bottom();
        taint.add_taint(&others);
        self.record_sink(&taint, SinkKind::External, span);
    }

    /// Remembers what decides over a call; what the callee does says what that means.
    pub(super) fn note_decided_call(&mut self, callee: CtxId) {
        for sink in self.frame.flow.control.sinks() {
            self.frame.out.decisions.insert((sink, callee));
        }
    }

    /// Tells the callee what decides over its call, and learns what decides over its exceptions.
    pub(super) fn pass_control(&mut self, callee: CtxId, span: Span) {
        let mut inherited = self.lasting_control();
        let places = self.frame.flow.control.0.keys().copied();
        let places = places.chain(self.frame.flow.inherited.taint().iter().copied());
        for place in places.filter(|&it| self.is_place(it)).collect::<Vec<_>>() {
            inherited.add_taint(&[place]);
        }
        let control = self.cell(CellKey::Control(callee));
        let deciding = self.cells[control as usize].value.taint().len();
        if !inherited.is_bottom() && deciding < MAX_DECIDING {
            self.write(CellKey::Control(callee), &inherited);
        }
        let thrown = self.read(CellKey::Thrown(callee));
        self.decide(&thrown, SinkKind::Exception, span);
        let by = By {
            kind: SinkKind::Exception,
            span,
            flows: true,
            presence: false,
        };
        let by = Control(thrown.taint().iter().map(|&source| (source, by)).collect());
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
}
