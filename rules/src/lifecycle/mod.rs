//! The rules about handlers, how a run ends, and failures, one file for each.

mod abandoned_child;
mod arrivals;
mod beginning;
mod ends;
mod exceptions;
mod flags;
mod guards;
mod handler_continues_as_new;
mod kept;
mod left_behind;
mod lost_message;
mod lost_update;
mod mentioned;
mod none_until_run;
mod plain_exception;
mod set_back;
mod silent_heartbeat;
mod stale;
mod stores;
mod unfinished_handlers;
mod unset_attribute;
mod unset_variable;
mod waited;
mod woken;
mod wrapped_failure;

pub(crate) use abandoned_child::AbandonedChild;
pub(crate) use ends::falls_through;
pub(crate) use handler_continues_as_new::{CONTINUE_AS_NEW, HandlerContinuesAsNew};
pub(crate) use lost_message::LostMessage;
pub(crate) use lost_update::LostUpdate;
pub(crate) use plain_exception::PlainException;
pub(crate) use silent_heartbeat::SilentHeartbeat;
pub(crate) use unfinished_handlers::UnfinishedHandlers;
pub(crate) use unset_attribute::UnsetAttribute;
pub(crate) use wrapped_failure::WrappedFailure;
