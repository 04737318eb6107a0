//! How rules about what code does make their fixes.
//!
//! A fix is made where the meaning of every name that it touches is certain; everywhere else there
//! is none. Imports that are no longer used are no part of it, since another fix that is applied
//! together with it may use them: whoever applies fixes takes them out with [`dead_imports`].

mod activity;
mod asynchronous;
mod clock;
mod dead;
mod defaults;
mod effects;
mod extract;
mod helper;
mod home;
mod imports;
mod input;
mod inputs;
mod loops;
mod own;
mod passed;
mod reading;
mod recorded;
mod signature;
mod site;
mod swap;
mod taken;
#[cfg(test)]
mod testing;
mod workers;

pub(crate) use activity::scheduled;
pub(crate) use asynchronous::awaited_call;
pub(crate) use clock::clock;
pub use dead::{DeadImport, dead_imports};
pub(crate) use defaults::filled;
use extract::extracted;
pub(crate) use helper::offloaded;
pub(crate) use input::in_input;
pub(crate) use swap::{SetUse, asyncio, logger, randomness, set_use, sleep, sorted, uuid};

use lint_core::diagnostic::{FileId, Fix};
use lint_core::index::FunctionIx;

use crate::hazard::Case;
use crate::rule::Context;

/// What has to happen outside of workflows: the expression moves into an activity, or the helper
/// around it runs in one.
pub(crate) fn in_activity(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    if !case.may_move() {
        return None;
    }
    extracted(cx, case).or_else(|| offloaded(cx, case))
}

/// How to write a member of a module from outside the project, in the code of a bundle.
pub(crate) fn name(
    cx: &Context<'_>,
    file: FileId,
    function: FunctionIx,
    module: &str,
    member: &str,
) -> Option<site::Bind> {
    let wanted = imports::Wanted::from(module, member);
    let (parsed, source) = (cx.model.module(file)?, cx.facts.project.text(file)?);
    site::bind(&cx.model.names, parsed, source, (file, function), wanted)
}
