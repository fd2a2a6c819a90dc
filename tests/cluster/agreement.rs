//! Whether all copies agree: the users', every server's, and the database's.
//!
//! It must never compare pictures alone: positions, writers and numbers are compared too.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use support::state::{ClientState, Stroke, parsed};
use support::user::TestUser;
use support::wait::DEADLINE;
use tokio::time::{Instant, sleep};
use whiteboard::domain::ids::{DrawingId, StrokeId};
use whiteboard::domain::op::Change;
use whiteboard::domain::sequence::Seq;
use whiteboard::store::{Store, StoreError};

use crate::cluster::Cluster;

/// Polling interval.
const LOOK: Duration = Duration::from_millis(50);

/// A copy of a drawing: every stroke that is or was there.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    pub head: Seq,
    pub strokes: BTreeMap<StrokeId, Stroke>,
}

impl Copy {
    /// The copy of a client.
    pub fn of(client: &ClientState) -> Self {
        let strokes = client.strokes.iter().map(|(id, held)| (*id, held.clone()));
        Self {
            head: client.head,
            strokes: strokes.collect(),
        }
    }

    /// The copy of the database.
    ///
    /// # Errors
    ///
    /// The copy made of the store's chunks.
    pub async fn stored(store: &Store, drawing: &str) -> Result<Self, StoreError> {
        let drawing = DrawingId::from_str(drawing).expect("an id");
        let mut copy = Self {
            head: 0,
            strokes: BTreeMap::new(),
        };
        loop {
            let chunk = store.since(drawing, copy.head).await?;
            copy.head = chunk.head;
            for change in chunk.changes {
                let before = copy.strokes.insert(change.stroke, held(&change));
                assert_eq!(before, None, "two rows of one stroke");
            }
            if !chunk.more {
                return Ok(copy);
            }
        }
    }

    /// The copy of a server, read over HTTP.
    ///
    /// # Errors
    ///
    /// When it does not answer with success.
    pub async fn served(
        cluster: &Cluster,
        server: SocketAddr,
        drawing: &str,
    ) -> reqwest::Result<Self> {
        let mut client = ClientState::new(server, drawing);
        loop {
            let path = format!("/api/drawings/{drawing}/strokes?{}", client.since());
            if !client.receive_chunk(&cluster.get(server, &path).await?) {
                return Ok(Self::of(&client));
            }
        }
    }

    /// The living strokes.
    pub fn living(&self) -> usize {
        self.strokes.values().filter(|held| !held.erased).count()
    }

    /// The difference to another copy, as text; `None` if they are equal.
    fn differs(&self, other: &Self) -> Option<String> {
        if self.head != other.head {
            return Some(format!("head {} and not {}", self.head, other.head));
        }
        let all = self.strokes.keys().chain(other.strokes.keys());
        // A new reader does not learn what was erased before.
        let mut apart = all.filter(|id| match (self.strokes.get(id), other.strokes.get(id)) {
            (Some(here), Some(there)) => here != there,
            (one, None) | (None, one) => one.is_some_and(|held| !held.erased),
        });
        let id = apart.next()?;
        let (here, there) = (self.strokes.get(id), other.strokes.get(id));
        Some(format!("{id} is {here:?} and not {there:?}"))
    }
}

impl Cluster {
    /// Waits until every user's ops are acknowledged, and the users, every running server and the
    /// database hold equal copies of a drawing; returns the copy.
    ///
    /// # Panics
    ///
    /// When they do not agree in time, or when a row of the database violates a rule.
    pub async fn agree(&self, drawing: &str, users: &[&TestUser]) -> Copy {
        for user in users {
            user.all_acknowledged().await;
        }
        let store = self.store().await;
        let deadline = Instant::now() + DEADLINE;
        loop {
            let stored = Copy::stored(&store, drawing).await.expect("the database");
            let Some(difference) = self.difference(&stored, drawing, users).await else {
                check(&stored);
                store.close().await;
                return stored;
            };
            assert!(Instant::now() < deadline, "no agreement: {difference}");
            sleep(LOOK).await;
        }
    }

    async fn difference(
        &self,
        stored: &Copy,
        drawing: &str,
        users: &[&TestUser],
    ) -> Option<String> {
        for user in users {
            let copy = Copy::of(&user.state());
            if let Some(difference) = copy.differs(stored) {
                return Some(format!("{} has {difference}", user.name));
            }
        }
        for server in self.running() {
            match Copy::served(self, self.address(server), drawing).await {
                Err(error) => return Some(format!("server {server} does not answer: {error}")),
                Ok(copy) => {
                    if let Some(difference) = copy.differs(stored) {
                        return Some(format!("server {server} has {difference}"));
                    }
                }
            }
        }
        None
    }
}

/// Every position has at most one row, none is after the head, and the head has one.
fn check(copy: &Copy) {
    let seqs: BTreeMap<Seq, StrokeId> = copy
        .strokes
        .values()
        .map(|held| (held.seq, held.stroke))
        .collect();
    assert_eq!(
        seqs.len(),
        copy.strokes.len(),
        "two strokes at one position"
    );
    let last = seqs.keys().next_back().copied();
    assert_eq!(
        last.unwrap_or(0),
        copy.head,
        "the head is the last position"
    );
}

fn held(change: &Change) -> Stroke {
    let body = change.body.as_ref();
    Stroke {
        seq: change.seq,
        stroke: change.stroke,
        z: change.z,
        writer: change.op.writer,
        n: change.op.n,
        body: body.map(|body| parsed(&serde_json::from_str(body.as_json()).expect("JSON"))),
        erased: body.is_none(),
    }
}
