//! The state that request handlers share.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::{HttpRequest, web};

use super::asset_slots::AssetSlots;
use super::connection::limits::Connections;
use super::origin::{HostNames, Origins};
use super::pictures::Pictures;
use super::proxies::{PersonHeader, Proxies};
use crate::access::AccessControl;
use crate::feed::registry::Feeds;
use crate::heartbeat::Heartbeat;
use crate::quotas::Quotas;
use crate::session::Sessions;
use crate::store::Store;

/// The state that request handlers share; one per server.
pub struct State {
    /// The drawings.
    pub store: Store,
    /// The open drawings.
    pub feeds: Feeds,
    /// The open sessions.
    pub sessions: Arc<Sessions>,
    /// Who may do what.
    pub access: Arc<AccessControl>,
    /// Host names of this server.
    pub hosts: HostNames,
    /// Other origins whose pages may use this server.
    pub origins: Origins,
    /// Proxies whose word about a client is taken.
    pub proxies: Proxies,
    /// The header in which they name the person.
    pub person_header: PersonHeader,
    /// How long a server may be silent before its sessions no longer count.
    pub silence: Duration,
    /// The heartbeat, which proves that this server receives notifications.
    pub heartbeat: Arc<Heartbeat>,
    /// The open connections.
    pub connections: Arc<Connections>,
    /// What has been used by whom.
    pub quotas: Arc<Quotas>,
    /// The pictures of drawings that are in memory.
    pub assets: AssetSlots,
    /// Pictures and files of whole drawings that are being made.
    pub pictures: Pictures,
    /// The server is about to stop, and should get no new clients.
    pub leaving: AtomicBool,
}

/// The state of the server that received the request.
pub(super) fn state(request: &HttpRequest) -> &web::Data<State> {
    request
        .app_data::<web::Data<State>>()
        .expect("the server gives every application its state")
}
