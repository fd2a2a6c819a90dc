//! What the contract of the store is held by: the model, or a real store.
//!
//! It must never ask one of them for more than the other.

use std::collections::VecDeque;
use std::time::Duration;

use support::wait::DEADLINE;
use uuid::Uuid;
use whiteboard::domain::ids::{DrawingId, Epoch, OpId, ServerId, StrokeId, Writer};
use whiteboard::domain::op::{Change, RowId};
use whiteboard::domain::sequence::Seq;
use whiteboard::domain::stroke::Body;
use whiteboard::store::{
    Appended, Chunk, ExpectedHead, Head, LiveEvent, LivingIndex, Loaded, Store, StoreError,
    Subscription,
};

use crate::load::{Load, Part};
use crate::tables::Tables;

/// Rows in one chunk of the model.
const MODEL_CHUNK: usize = 3;

/// The model, or a real store.
pub enum Subject {
    Model {
        tables: Box<Tables>,
        events: Option<VecDeque<LiveEvent>>,
    },
    Real {
        store: Store,
        drawing: DrawingId,
        subscription: Option<Subscription>,
    },
}

impl Subject {
    pub fn model() -> Self {
        let (drawing, epoch) = (DrawingId::random(), Epoch::random());
        Subject::Model {
            tables: Box::new(Tables::new(drawing, epoch)),
            events: None,
        }
    }

    pub async fn real(store: &Store) -> Self {
        Subject::Real {
            drawing: store.create("Plan").await.expect("a drawing").id,
            store: store.clone(),
            subscription: None,
        }
    }

    pub async fn append(
        &mut self,
        expected: ExpectedHead,
        changes: &[Change],
        replaced: &[RowId],
    ) -> Appended {
        match self {
            Subject::Model { tables, events } => {
                let appended = tables.append(expected, changes, replaced);
                if let Some(events) = events.as_mut().filter(|_| appended == Appended::Committed) {
                    let changes = changes.iter().cloned().map(Box::new);
                    events.extend(changes.map(LiveEvent::Change));
                }
                appended
            }
            Subject::Real { store, drawing, .. } => {
                let appended = store.append(*drawing, expected, changes, replaced);
                appended.await.expect("an answer")
            }
        }
    }

    pub async fn since(&self, since: Seq) -> Result<Chunk, StoreError> {
        match self {
            Subject::Model { tables, .. } => tables.since(since, MODEL_CHUNK),
            Subject::Real { store, drawing, .. } => store.since(*drawing, since).await,
        }
    }

    pub async fn tombstones(&self, after: Seq, through: Seq) -> Chunk {
        match self {
            Subject::Model { tables, .. } => tables.tombstones(after, through, MODEL_CHUNK),
            Subject::Real { store, drawing, .. } => {
                store.tombstones(*drawing, after, through).await
            }
        }
        .expect("a chunk")
    }

    pub async fn load(&mut self) -> Result<Loaded, StoreError> {
        match self {
            Subject::Model { tables, .. } => {
                let mut load = Load::default();
                loop {
                    match load.next(tables, MODEL_CHUNK)? {
                        Part::More => {}
                        Part::Last(loaded) => return Ok(loaded),
                        Part::Renew => {
                            tables.renew_epoch(tables.epoch, Epoch::random());
                            return Err(StoreError::Failed("renewed".into()));
                        }
                    }
                }
            }
            Subject::Real { store, drawing, .. } => store.load(*drawing).await,
        }
    }

    pub async fn write_index(&mut self, index: &LivingIndex) {
        match self {
            Subject::Model { tables, .. } => tables.write_index(index),
            Subject::Real { store, drawing, .. } => {
                store.write_index(*drawing, index).await.expect("an answer");
            }
        }
    }

    pub async fn head(&self) -> Head {
        match self {
            Subject::Model { tables, .. } => tables.report(),
            Subject::Real { store, drawing, .. } => {
                let heads = store.heads(&[*drawing]).await;
                heads.expect("heads").remove(0)
            }
        }
    }

    pub async fn renew_epoch(&mut self, epoch: Epoch) {
        match self {
            Subject::Model { tables, .. } => tables.renew_epoch(epoch, Epoch::random()),
            Subject::Real { store, drawing, .. } => {
                store.renew_epoch(*drawing, epoch).await.expect("renewed");
            }
        }
    }

    pub async fn set_deleted(&mut self, deleted: bool) {
        match self {
            Subject::Model { tables, .. } => tables.deleted = deleted,
            Subject::Real { store, drawing, .. } if deleted => {
                store.delete(*drawing).await.expect("deleted");
            }
            Subject::Real { store, drawing, .. } => {
                store.undelete(*drawing).await.expect("undeleted");
            }
        }
    }

    pub async fn compact(&mut self) {
        match self {
            Subject::Model { tables, .. } => {
                let head = tables.head;
                let below = tables.tombstone_rows().filter(|row| row.seq < head);
                let through = below.map(|row| row.seq).max().unwrap_or(0);
                tables.compact(through);
            }
            Subject::Real { store, .. } => {
                store.sweep(Duration::ZERO).await.expect("swept");
            }
        }
    }

    pub async fn subscribe(&mut self) {
        match self {
            Subject::Model { events, .. } => *events = Some(VecDeque::new()),
            Subject::Real {
                store,
                drawing,
                subscription,
            } => *subscription = Some(store.subscribe(*drawing).await.expect("subscribed")),
        }
    }

    pub async fn signal(&mut self, body: &str) {
        match self {
            Subject::Model { events, .. } => {
                if let Some(events) = events {
                    events.push_back(LiveEvent::Signals {
                        server: ServerId::random(),
                        body: body.into(),
                    });
                }
            }
            Subject::Real { store, drawing, .. } => {
                store.signal(*drawing, body.into()).await.expect("written");
            }
        }
    }

    pub async fn next_event(&mut self) -> LiveEvent {
        let next = self.event_within(DEADLINE).await;
        next.expect("an event in time")
    }

    /// The next event, if there is one within `wait`.
    pub async fn event_within(&mut self, wait: Duration) -> Option<LiveEvent> {
        match self {
            Subject::Model { events, .. } => events.as_mut().expect("subscribed").pop_front(),
            Subject::Real { subscription, .. } => {
                let next = subscription.as_mut().expect("subscribed").next();
                let next = tokio::time::timeout(wait, next).await.ok()?;
                Some(next.expect("live queries that go on"))
            }
        }
    }

    /// Where the drawing is.
    pub async fn here(&self) -> ExpectedHead {
        let Head { epoch, head, .. } = self.head().await;
        ExpectedHead {
            epoch,
            head,
            rules: 0,
        }
    }

    /// All chunks after a position, joined.
    pub async fn all_since(&self, since: Seq) -> Vec<Change> {
        let (mut changes, mut at) = (Vec::new(), since);
        loop {
            let chunk = self.since(at).await.expect("a chunk");
            changes.extend(chunk.changes);
            at = chunk.head;
            if !chunk.more {
                assert_eq!(at, chunk.database_head.max(at));
                return changes;
            }
        }
    }
}

/// A change of a stroke by an op with the number of its position.
pub fn change(seq: Seq, stroke: u128, is_living: bool) -> Change {
    let writer = Writer::new(Uuid::from_u128(1), Uuid::from_u128(2));
    let json = format!(
        r##"{{"kind":"line","x":{seq},"y":2,"points":"AAIAAAIC","colour":"#1d1d1f","width":4}}"##
    );
    Change {
        seq,
        stroke: StrokeId(Uuid::from_u128(stroke)),
        z: seq as i64,
        author: writer.author,
        op: OpId {
            writer: writer.id,
            n: seq,
        },
        prior_ops: Vec::new(),
        body: is_living.then(|| Body::parse(&json).expect("a body")),
    }
}
