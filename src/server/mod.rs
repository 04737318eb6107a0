//! The language server. It shows in an editor what `check` reports, of the texts as they are being
//! edited.
//!
//! Three threads work one after the other: one reads messages and notes edits and cancellations
//! as they come in ([`transport`], [`control`]), one owns the whole state and handles the messages
//! in their order ([`session`]), one writes. So nothing is locked, and yet an analysis learns that
//! it is outdated. What an analysis found out is a [`snapshot`], from which all requests are
//! answered; [`workspace`] keeps it up to date, and everything else shows it.

mod actions;
mod client;
mod completion;
mod control;
mod definition;
mod delivery;
mod diagnostics;
mod documents;
mod hover;
mod initialize;
mod lookup;
mod position;
mod running;
mod session;
mod showing;
mod snapshot;
mod symbols;
mod transport;
mod uri;
mod workspace;

#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use lint_core::syntax::STACK_SIZE;
use lsp_server::{Connection, Message};

use crate::Status;
use control::Control;
use session::Session;
use snapshot::Snapshot;
use workspace::Analyse;

pub(crate) fn run() -> Result<Status> {
    crate::commands::start_threads_beside()?;
    let (connection, threads) = transport::stdio();
    let status = serve(connection, Snapshot::take)?;
    threads.finish().context("cannot write to the client")?;
    Ok(status)
}

/// Handles messages until the client says `exit` or is gone.
fn serve(connection: Connection, analyse: Analyse) -> Result<Status> {
    let control = Control::default();
    let (to_session, inbox) = crossbeam_channel::unbounded();
    let Connection { sender, receiver } = connection;
    std::thread::scope(|scope| {
        let control = &control;
        let session = std::thread::Builder::new()
            .name("session".to_owned())
            // Syntax trees are deep.
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, move || {
                Session::new(sender, control, analyse).run(&inbox)
            })
            .context("cannot start a thread")?;
        for message in receiver {
            control.note(&message);
            let is_exit = matches!(&message, Message::Notification(it) if it.method == "exit");
            if to_session.send(message).is_err() || is_exit {
                break;
            }
        }
        drop(to_session);
        session
            .join()
            .map_err(|_| anyhow::anyhow!("the session ended by a mistake of its own"))
    })
}
