//! A server as a value: start it, read its address, drain it. One process may have several.
//!
//! It must never decide anything about drawings: it assembles the parts, and stops them in order.

mod listener;
mod workers;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::rt::task::JoinHandle;
use actix_web::web;

use self::listener::LAST_REQUESTS;
use self::workers::Workers;
use crate::access::{AccessControl, TokenKeys};
use crate::config::{DatabaseSettings, Settings};
use crate::domain::access::Mode;
use crate::domain::ids::ServerId;
use crate::feed::listing::{LOOK_INTERVAL, Listing};
use crate::feed::registry::Feeds;
use crate::heartbeat::{HEARTBEATS_UNTIL_GONE, Heartbeat};
use crate::metrics::Metrics;
use crate::quotas::Quotas;
use crate::session::Sessions;
use crate::store::{Removals, Store, StoreError, UNDELETE_WINDOW};
use crate::web::asset_slots::AssetSlots;
use crate::web::assets;
use crate::web::connection::limits::Connections;
use crate::web::pictures::Pictures;
use crate::web::state::State;

/// Interval of the sweeps for old tombstones. Each server has its own timer; a sweep finds nothing
/// where another server has just swept.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// Interval of the search for deleted drawings that are due for removal.
const REMOVAL_INTERVAL: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    address: SocketAddr,
    http: ServerHandle,
    state: web::Data<State>,
    workers: Workers,
    background: Vec<JoinHandle<()>>,
    drain_delay: Duration,
    drain_timeout: Duration,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened or reached.
    #[error("cannot open the database {url}: {error}")]
    Database {
        /// The address of the database.
        url: String,
        /// The cause.
        error: StoreError,
    },
    /// The keys that verify tokens cannot be read.
    #[error("cannot read the keys of tokens in {file}: {reason}")]
    Keys {
        /// The file.
        file: String,
        /// The cause.
        reason: String,
    },
    /// The address is taken, or is not one of this machine.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        error: io::Error,
    },
}

/// Reads the public keys that verify tokens.
fn token_keys(file: &str) -> Result<TokenKeys, StartError> {
    let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
    let keys = read.and_then(|text| TokenKeys::parse(&text));
    keys.map_err(|reason| StartError::Keys {
        file: file.to_owned(),
        reason,
    })
}

/// Opens the database that the settings name.
///
/// # Errors
///
/// [`StartError::Database`].
pub async fn open(settings: &DatabaseSettings) -> Result<Store, StartError> {
    let database = settings.database();
    let opened = Store::open(&database, ServerId::random(), Metrics::new()).await;
    let url = database.url;
    opened.map_err(|error| StartError::Database { url, error })
}

/// Opens the database that the settings name, and never creates one.
///
/// # Errors
///
/// [`StartError::Database`].
pub async fn open_existing(settings: &DatabaseSettings) -> Result<Store, StartError> {
    let database = settings.database();
    let opened = Store::open_existing(&database, ServerId::random(), Metrics::new()).await;
    let url = database.url;
    opened.map_err(|error| StartError::Database { url, error })
}

impl Server {
    /// Opens the database and listens; from here on requests are served. Must be called within an
    /// actix system, which it needs until it is drained.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the database cannot be opened or the address is not available.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let store = open(&settings.database).await?;
        match Self::serve(&settings, store.clone()) {
            Ok(server) => {
                if settings.database.url.starts_with("mem:") {
                    log::warn!(
                        "mem:// keeps drawings in memory only: what is saved is gone when this server stops"
                    );
                }
                Ok(server)
            }
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    fn serve(settings: &Settings, store: Store) -> Result<Self, StartError> {
        let threads = match settings.server.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let feeds = Feeds::new(store.clone(), settings.drawings.feed(assets::build()));
        let quotas = Quotas::new(settings.shares());
        let (mode, why) = settings.mode();
        let file = &settings.access.jwt_keys;
        let tokens = (mode == Mode::Jwt).then(|| token_keys(file)).transpose()?;
        let access = Arc::new(AccessControl::new(
            store.clone(),
            mode,
            settings.access.create,
            &settings.access.operator_key.0,
            tokens,
        ));
        let sessions = Arc::new(Sessions::new(
            feeds.clone(),
            settings
                .sessions
                .limits(settings.connections.max_connections),
            access.clone(),
            quotas.clone(),
        ));
        let heartbeat = Heartbeat::new(
            store.clone(),
            feeds.clone(),
            settings.server.heartbeat_interval,
        );
        let heartbeat = Arc::new(heartbeat);
        let listening = heartbeat.clone();
        let state = web::Data::new(State {
            store: store.clone(),
            feeds: feeds.clone(),
            sessions,
            access,
            hosts: settings.access.hosts.clone(),
            origins: settings.access.origins.clone(),
            proxies: settings.proxies.proxies.clone(),
            person_header: settings.proxies.person_header.clone(),
            silence: settings.server.heartbeat_interval * HEARTBEATS_UNTIL_GONE,
            heartbeat: heartbeat.clone(),
            connections: Connections::new(
                settings.connections.max_connections,
                settings.connections.max_connections_per_address,
            ),
            quotas,
            leaving: AtomicBool::new(false),
            assets: AssetSlots::default(),
            pictures: Pictures::default(),
        });
        let address = settings.server.listen;
        let workers = Workers::new(feeds.clone());
        let (address, running) = listener::run(settings, threads, state.clone(), workers.clone())
            .map_err(|error| StartError::Listen { address, error })?;
        log::info!("access is {mode}, {why}");
        let handle = running.handle();
        actix_web::rt::spawn(running);
        let background = vec![
            actix_web::rt::spawn(sweep(store.clone(), settings.database.tombstone_retention)),
            actix_web::rt::spawn(remove_deleted(store.clone())),
            actix_web::rt::spawn(list_changes(store, feeds.clone())),
            actix_web::rt::spawn(async move { listening.listen().await }),
            actix_web::rt::spawn(async move { heartbeat.run().await }),
            actix_web::rt::spawn(async move { feeds.watch().await }),
        ];
        Ok(Self {
            address,
            http: handle,
            state,
            workers,
            background,
            drain_delay: settings.server.drain_delay,
            drain_timeout: settings.server.drain_timeout,
        })
    }

    /// The address it listens on, with the real port if the settings say 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drains it without losing anything: it announces that it stops, closes its sessions once
    /// their ops are stored, and ends.
    pub async fn drain(self) {
        let (notice, limit) = (self.drain_delay, self.drain_timeout);
        self.end(notice, limit).await;
    }

    /// Waits until the storage has failed and nothing can be stored in this process any more. Then
    /// call [`Server::give_up`].
    pub async fn failed(&self) {
        self.state.store.failed().await;
    }

    /// Stops without waiting for ops that cannot be stored: the clients keep them in their
    /// outboxes, and reconnect.
    pub async fn give_up(self) {
        self.end(Duration::ZERO, Duration::ZERO).await;
    }

    async fn end(self, notice: Duration, limit: Duration) {
        self.state.leaving.store(true, Ordering::Relaxed);
        tokio::time::sleep(notice).await;
        self.state.feeds.drain(limit).await;
        self.background.iter().for_each(JoinHandle::abort);
        let _ = tokio::time::timeout(LAST_REQUESTS, self.workers.moved_have_ended()).await;
        self.http.stop(true).await;
        self.state.store.clone().close().await;
    }
}

async fn sweep(store: Store, tombstone_retention: Duration) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL.mul_f64(0.5 + fastrand::f64())).await;
        if let Err(error) = store.sweep(tombstone_retention).await {
            log::warn!("the database was not swept: {error}");
        }
    }
}

async fn list_changes(store: Store, feeds: Feeds) {
    let mut listing = Listing::default();
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        for drawing in listing.due(&feeds.heads(), Instant::now()) {
            if let Err(error) = store.list_change(drawing).await {
                // Its next change moves it.
                log::debug!("drawing {drawing} keeps its place in lists: {error}");
            }
        }
    }
}

async fn remove_deleted(store: Store) {
    let mut removals = Removals::default();
    loop {
        tokio::time::sleep(REMOVAL_INTERVAL.mul_f64(0.5 + fastrand::f64())).await;
        let removed = store.remove_deleted_if_first(&mut removals, UNDELETE_WINDOW);
        match removed.await {
            Ok(0) => {}
            Ok(removed) => log::info!("{removed} deleted drawings were removed"),
            Err(error) => log::warn!("deleted drawings were not removed: {error}"),
        }
    }
}
