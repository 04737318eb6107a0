//! What an event says about a workflow that reaches it, if it says anything.

use crate::diagnostic::{Impact, Place, TraceStep};
use crate::facts::{Elements, HazardKind};
use crate::interp::{CtxId, Event, EventKind, Imported, SourceId, Sym};
use crate::knowledge::{REPLAY_FLAG, Remarks, STARTUP, Sandbox};
use crate::written::written_whole;

use super::loaded::Has;
use super::{Walk, plain_name, text_at};

/// What there is to say of an event.
pub(super) struct Told {
    pub(super) kind: HazardKind,
    pub(super) culprit: String,
    /// What the function around it does with it, for the trace.
    pub(super) verb: &'static str,
    /// How it is written, if not as it stands there.
    pub(super) written: Option<String>,
    pub(super) source: Option<SourceId>,
    pub(super) sandbox: Sandbox,
    pub(super) remarks: Remarks,
    /// Where the value comes from, if that is elsewhere.
    pub(super) definition: Option<TraceStep>,
}

impl Told {
    fn new(kind: HazardKind, culprit: impl Into<String>, verb: &'static str) -> Self {
        Self {
            kind,
            culprit: culprit.into(),
            verb,
            written: None,
            source: None,
            sandbox: Sandbox::Unknown,
            remarks: Remarks::NONE,
            definition: None,
        }
    }
}

impl Walk<'_, '_> {
    /// What an event in a context says, which is replayed or not.
    pub(super) fn told(&self, event: &Event, ctx: CtxId, replayed: bool) -> Option<Told> {
        let machine = self.machine;
        let source = event.source;
        let told = match event.kind {
            EventKind::Api {
                name,
                class,
                sandbox,
                remarks,
            } => {
                let here = Place {
                    file: machine.ctx_file(ctx),
                    span: event.span,
                };
                let is_guard_only = class == REPLAY_FLAG && !(replayed && self.chooses(source));
                if is_guard_only || source.is_some_and(|it| self.is_resource(it, here)) {
                    return None;
                }
                let culprit = plain_name(machine.str(name));
                Told {
                    sandbox,
                    remarks,
                    ..Told::new(HazardKind::Api { class }, culprit, "uses")
                }
            }
            EventKind::DirectActivity(func) => {
                let culprit = machine.function_name(func);
                Told::new(HazardKind::DirectActivity, culprit, "calls")
            }
            EventKind::Unordered { .. } => self.unordered(event, ctx)?,
            EventKind::SharedState { name, memo } => {
                // Whoever fills it, it is the same, unless filling it takes a command.
                if memo && self.impact(source) != Impact::Replay {
                    return None;
                }
                let kind = HazardKind::SharedState;
                Told::new(kind, machine.str(name), "changes shared state in")
            }
            EventKind::ImportTime { source, name } => return self.import_time(source, name),
            EventKind::StateWrite(name) => {
                let is_told = !replayed && self.is_kept(ctx, event.span);
                is_told.then(|| self.state_write(name))?
            }
            EventKind::ContentWrite { container, name } => {
                let maker = machine.maker(container)?;
                let is_kept =
                    !self.read_only.contains_key(&maker) && self.reached.contains_key(&maker);
                (!replayed && is_kept).then(|| self.state_write(name))?
            }
            EventKind::ReplayFlag {
                name,
                state,
                callee,
            } => {
                if !replayed || callee.is_some_and(|callee| !self.commands_behind(callee)) {
                    return None;
                }
                let culprit = match callee {
                    Some(callee) => machine.ctx_name(callee),
                    None => machine.str(name).to_owned(),
                };
                Told::new(HazardKind::ReplayFlag { state }, culprit, "decides over")
            }
            EventKind::Import { passed: true, .. } => return None,
            EventKind::Import { what, .. } => self.late_import(what)?,
            EventKind::Command { kind, name } => {
                let kind = HazardKind::Command { kind };
                let told = || Told::new(kind, machine.str(name), "issues a command with");
                (!replayed).then(told)?
            }
        };
        Some(Told { source, ..told })
    }

    fn unordered(&self, event: &Event, ctx: CtxId) -> Option<Told> {
        let EventKind::Unordered { elements, possible } = event.kind else {
            return None;
        };
        let impact = self.impact(event.source);
        // Guesses about unknown elements are worth a word only where something depends on them.
        let matters = matches!(impact, Impact::Replay | Impact::Drift);
        if possible && impact != Impact::Replay || elements == Elements::Unknown && !matters {
            return None;
        }
        let source = self.machine.project.source(self.machine.ctx_file(ctx));
        let kind = HazardKind::Unordered { elements };
        Some(Told {
            written: Some(written_whole(source, event.span)),
            ..Told::new(kind, "set.__iter__", "iterates over the set")
        })
    }

    /// A value is read that was computed when a module was imported.
    fn import_time(&self, source: SourceId, name: Sym) -> Option<Told> {
        let machine = self.machine;
        let origin = *machine.source(source);
        if origin.class == STARTUP && self.is_set_in_a_run(&origin) {
            return None;
        }
        let text = text_at(machine, origin.ctx_file, origin.span);
        let name = machine.str(name);
        let definition = TraceStep {
            place: Place {
                file: origin.ctx_file,
                span: origin.span,
            },
            function: machine.project.module_name(origin.ctx_file),
            message: if origin.class == STARTUP {
                format!("`{text}` sets `{name}`, and no workflow calls it")
            } else {
                format!("`{name}` is computed by `{text}` when the module is imported")
            },
        };
        let kind = HazardKind::ImportTime {
            class: origin.class,
        };
        let culprit = plain_name(machine.str(origin.name));
        Some(Told {
            source: Some(source),
            sandbox: Sandbox::Allows,
            remarks: origin.remarks,
            definition: Some(definition),
            ..Told::new(kind, culprit, "reads")
        })
    }

    fn state_write(&self, name: Sym) -> Told {
        let culprit = self.machine.str(name);
        Told::new(HazardKind::StateWrite, culprit, "changes state with")
    }

    /// A module is imported in a run. One of the project is worth a word if it loads others.
    fn late_import(&self, what: Imported) -> Option<Told> {
        let machine = self.machine;
        let told = |name, unless| {
            let kind = HazardKind::LateImport { unless };
            Told::new(kind, machine.str(name), "imports")
        };
        let (loaded, by_worker) = (self.loaded(), self.common.by_worker);
        let file = match what {
            Imported::Package(name) => {
                return match loaded.has(name, machine, by_worker) {
                    Has::Nothing(unless) => Some(told(name, unless)),
                    Has::All => None,
                };
            }
            Imported::Member(file) if loaded.is_imported_outside(file, machine) => return None,
            Imported::Module(file) | Imported::Member(file) => file,
        };
        let (name, unless, place) = loaded.first_lacking(file, machine, by_worker)?;
        let module = machine.project.module_name(place.file);
        let definition = TraceStep {
            place,
            message: format!("`{module}` imports `{}`", machine.str(name)),
            function: module,
        };
        Some(Told {
            definition: Some(definition),
            ..told(name, unless)
        })
    }
}
