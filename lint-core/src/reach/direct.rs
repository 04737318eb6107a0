//! What the expression does in which a value is read that was computed at import.
//!
//! All reads of such a value have one source, so what becomes of the source says what becomes of any of
//! them. What the very expression around a read does with it is known of this one.

use crate::interp::{EventKind, SinkKind};
use crate::uses::Use;

use super::{Sighting, Walk};

impl Walk<'_, '_> {
    /// Whether a value is read for a log and nothing else.
    pub(super) fn is_only_logged(&self, sighting: &Sighting<'_>) -> bool {
        let direct = self.direct_use(sighting);
        direct.is_some_and(|it| it.kind == SinkKind::Log)
    }

    /// The gravest use of a value in the expression in which it is read. There is none if a function of the
    /// project has it in between, which may do anything with it.
    pub(super) fn direct_use(&self, sighting: &Sighting<'_>) -> Option<Use> {
        let EventKind::ImportTime { source, .. } = sighting.event.kind else {
            return None;
        };
        let (machine, ctx) = (self.machine, sighting.ctx);
        let (outcome, read) = (&machine.ctx(ctx).outcome, sighting.event.span);
        let around = outcome.sinks.iter().filter(|it| it.span.contains(read));
        let uses = around.filter(|it| machine.sources_of(it.origin).contains(&source));
        let gravest = uses.max_by_key(|it| it.kind)?;
        let mut between = outcome.edges.iter().map(|it| it.span);
        let is_passed_on = between
            .any(|call| call.contains(read) && gravest.span.contains(call) && call != gravest.span);
        (!is_passed_on).then(|| Use::of(gravest, machine.ctx_file(ctx), ctx))
    }
}
