//! What an operator does in the database itself, beside the servers that run on it.
//!
//! A secret must never be printed; the database has none.

mod report;

use std::io::{self, Write};

use crate::access::{DELETED, RESTORED, audit, revoked};
use crate::config::AdminAction;
use crate::domain::ids::DrawingId;
use crate::feed::registry::tell_servers;
use crate::heartbeat::{HEARTBEATS_UNTIL_GONE, SERVER_HEARTBEAT};
use crate::store::{ListCursor, MAX_LIST, RulesError, Store, StoreError};
use report::{Counted, DeletedLine, Details, Done, DrawingLine, KeyLine, Printer};

/// Who did it, for the log.
const WHO: &str = "the operator";

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The rules of the drawing do not allow it, or it is not there.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody reads what is printed.
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

/// Does what an operator asks, and prints what came of it: as JSON, or for people.
///
/// # Errors
///
/// [`AdminError`].
pub async fn run(
    store: &Store,
    action: AdminAction,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), AdminError> {
    let mut printer = Printer::new(out, json);
    match action {
        AdminAction::List { deleted: false } => list(store, &mut printer).await?,
        AdminAction::List { deleted: true } => {
            printer.head(DeletedLine::HEAD)?;
            for (info, deleted) in &store.deleted(MAX_LIST).await? {
                printer.line(&DeletedLine::new(info, *deleted))?;
            }
        }
        AdminAction::Show { id } => {
            let details = store.examine(id).await?;
            let keys = store.keys(id).await?.len();
            let sessions = store.session_counts(silence()).await?;
            printer.line(&Details::new(&details, keys, sessions.of(id)))?;
        }
        AdminAction::Keys { id } => {
            store.examine(id).await?;
            printer.head(KeyLine::HEAD)?;
            for key in &store.keys(id).await? {
                printer.line(&KeyLine::new(key))?;
            }
        }
        AdminAction::Revoke { id, key_id } => {
            store.revoke_key(id, key_id).await?;
            changed(store, id, &revoked(key_id), &mut printer).await?;
        }
        AdminAction::Delete { id } => {
            store.delete(id).await?;
            changed(store, id, DELETED, &mut printer).await?;
        }
        AdminAction::Restore { id } => {
            store.undelete(id).await?;
            changed(store, id, RESTORED, &mut printer).await?;
        }
        AdminAction::Stats => {
            let totals = store.totals().await?;
            let servers = store.servers().await?.into_iter();
            let servers: Vec<_> = servers.filter(|it| it.silent <= silence()).collect();
            printer.line(&Counted::new(&totals, &servers))?;
        }
    }
    Ok(())
}

/// Prints all drawings, some at a time.
async fn list(store: &Store, printer: &mut Printer<'_>) -> Result<(), AdminError> {
    printer.head(DrawingLine::HEAD)?;
    let sessions = store.session_counts(silence()).await?;
    let mut before = None;
    loop {
        let some = store.list(before, MAX_LIST).await?;
        for info in &some {
            printer.line(&DrawingLine::new(info, sessions.of(info.id)))?;
        }
        match some.last() {
            Some(last) if some.len() == MAX_LIST => before = Some(ListCursor::from(last)),
            _ => return Ok(()),
        }
    }
}

/// Logs a change that is stored, tells the servers, and prints it.
async fn changed(
    store: &Store,
    drawing: DrawingId,
    what: &str,
    printer: &mut Printer<'_>,
) -> Result<(), AdminError> {
    audit(drawing, WHO, what);
    if let Err(error) = tell_servers(store, drawing).await {
        log::warn!("servers hear of it by their next head check only: {error}");
    }
    Ok(printer.line(&Done { drawing, what })?)
}

/// How long a server may be silent that counts as running.
fn silence() -> std::time::Duration {
    SERVER_HEARTBEAT * HEARTBEATS_UNTIL_GONE
}
