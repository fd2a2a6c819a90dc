//! What every request needs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::{HttpRequest, web};

use super::access::{HostNames, Origins};
use super::connection::limits::Connections;
use crate::feed::registry::Feeds;
use crate::heartbeat::Heartbeat;
use crate::session::Sessions;
use crate::store::Store;

/// What every request needs; one for each server.
pub struct State {
    /// Drawings.
    pub store: Store,
    /// Open drawings.
    pub feeds: Feeds,
    /// Open sockets.
    pub sessions: Arc<Sessions>,
    /// Names under which this server is reached.
    pub hosts: HostNames,
    /// Other origins whose pages may use it.
    pub origins: Origins,
    /// How long a server may be silent before its sessions count no more.
    pub silence: Duration,
    /// The server's heartbeat, which proves that it receives what is stored.
    pub heartbeat: Arc<Heartbeat>,
    /// What is connected.
    pub connections: Arc<Connections>,
    /// The server is about to stop: nobody new should be sent here.
    pub leaving: AtomicBool,
}

/// The state of the server that a request came to.
pub(super) fn state(request: &HttpRequest) -> &web::Data<State> {
    request
        .app_data::<web::Data<State>>()
        .expect("the server gives every application its state")
}
