//! How a feed appends: one transaction at a time, with all ops that arrived meanwhile.
//!
//! It must never acknowledge an op before its verdict is certain: stored, or decided with complete
//! knowledge.

use std::time::{Duration, Instant};

use super::contention::Contention;
use super::queue::{Capacity, Queue};
use crate::domain::batch::{Decision, Verdict};
use crate::domain::drawing::Drawing;
use crate::domain::ids::{SessionId, Writer};
use crate::domain::op::{Op, Refusal};
use crate::store::ExpectedHead;

/// The state of an appender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No append is in flight.
    Idle,
    /// An append is in flight.
    InFlight {
        /// When it began.
        since: Instant,
    },
    /// A write that checks whether the database accepts writes is in flight.
    Probing,
}

/// Whether the head is proven to be the database's, as verdicts without a row require.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is not.
    Unverified,
    /// The next read will prove it.
    Requested,
    /// A read that began after the batch was complete has ended.
    Verified,
}

/// The rules that a decision obeys.
pub(super) struct Obeyed<'a> {
    /// Their version.
    pub(super) version: u64,
    /// Whether all is known that was stored under earlier ones: a refused op may be one of those.
    pub(super) knows_all_under_earlier_rules: bool,
    /// Why the ops of a session are refused, if they are.
    pub(super) refusal: &'a dyn Fn(SessionId) -> Option<Refusal>,
}

/// What to do with the batch.
#[derive(Debug)]
pub(super) enum Next {
    /// There is none.
    Nothing,
    /// Read first: without a row to store, no swap will prove that this server knew everything.
    Verify,
    /// Its verdicts are final, and there is nothing to store.
    Acknowledge(Vec<Verdict>),
    /// Store it.
    Append {
        /// The state in which the drawing has to be.
        expected: ExpectedHead,
        /// The decision to store.
        decision: Decision,
    },
}

/// The ops of one drawing, from the queue to the database.
#[derive(Debug)]
pub struct Appender {
    pub(super) queue: Queue,
    pub(super) contention: Contention,
    state: State,
    verification: Verification,
}

impl Appender {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self {
            queue: Queue::new(capacity),
            contention: Contention::default(),
            state: State::Idle,
            verification: Verification::Unverified,
        }
    }

    /// Whether an append or a probe is in flight.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether the head is proven to be the database's.
    pub fn verification(&self) -> Verification {
        self.verification
    }

    /// Whether no op waits and none is in flight.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Decides the next batch. The appender must be idle, and the drawing whole.
    pub(super) fn next(&mut self, drawing: &Drawing, obeyed: &Obeyed, now: Instant) -> Next {
        let is_to_blame = self.queue.is_to_blame();
        self.queue.fill_batch();
        let refusals: Vec<_> = self.queue.sessions().map(obeyed.refusal).collect();
        let batch = self.queue.batch();
        if batch.is_empty() {
            return Next::Nothing;
        }
        let expected = ExpectedHead {
            epoch: drawing.epoch(),
            head: drawing.head(),
            rules: obeyed.version,
        };
        let mut decision = match refusals.iter().any(Option::is_some) {
            false => drawing.decide(batch),
            true => decide_some(
                drawing,
                batch,
                refusals,
                obeyed.knows_all_under_earlier_rules,
            ),
        };
        if is_to_blame
            && !decision.changes.is_empty()
            && let [(writer, op)] = batch
        {
            let refusal = Refusal::Invalid("the database does not accept it".into());
            decision = drawing.refuse(*writer, op, refusal);
        }
        self.queue.restore_refusals(drawing, &mut decision.verdicts);
        let verified = std::mem::replace(&mut self.verification, Verification::Unverified);
        if !decision.changes.is_empty() {
            self.contention.begin(expected.head, now);
            self.state = State::InFlight { since: now };
            return Next::Append { expected, decision };
        }
        if decision.needs_head && verified != Verification::Verified {
            self.verification = Verification::Requested;
            return Next::Verify;
        }
        self.contention.rest();
        Next::Acknowledge(decision.verdicts)
    }

    /// A read ended.
    pub(super) fn read_ended(&mut self) {
        if self.verification == Verification::Requested {
            self.verification = Verification::Verified;
        }
    }

    /// The append ended after this time.
    pub(super) fn append_ended(&mut self, now: Instant) -> Duration {
        let took = match self.state {
            State::InFlight { since } => now.saturating_duration_since(since),
            State::Idle | State::Probing => Duration::ZERO,
        };
        self.state = State::Idle;
        took
    }

    /// The probe of the database begins.
    pub(super) fn probe(&mut self) {
        self.state = State::Probing;
    }

    /// The probe has ended.
    pub(super) fn probe_ended(&mut self) {
        self.state = State::Idle;
    }
}

/// Decides ops of which some are refused by their sessions' access. One that was stored before is done
/// all the same: so the drawing must be known up to the time of the rules.
fn decide_some(
    drawing: &Drawing,
    batch: &[(Writer, Op)],
    refusals: Vec<Option<Refusal>>,
    knows_all_under_earlier_rules: bool,
) -> Decision {
    let ops = batch.iter().zip(refusals);
    let ops = ops.map(|((writer, op), refusal)| {
        let is_new = op.n > drawing.last(writer.id);
        (writer, op, refusal.filter(|_| is_new))
    });
    let ops: Vec<_> = ops.collect();
    let allowed = ops.iter().filter(|(_, _, refusal)| refusal.is_none());
    let allowed: Vec<_> = allowed
        .map(|(writer, op, _)| (**writer, (*op).clone()))
        .collect();
    let mut decision = drawing.decide(&allowed);
    let mut verdicts = std::mem::take(&mut decision.verdicts).into_iter();
    for (_, op, refusal) in ops {
        let verdict = match refusal {
            None => verdicts.next(),
            Some(refusal) => {
                decision.needs_head |= !knows_all_under_earlier_rules;
                Some(Verdict::Refused {
                    refusal,
                    stroke: drawing.stroke(op.stroke).cloned(),
                })
            }
        };
        decision.verdicts.extend(verdict);
    }
    decision
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::drawing::Limits;
    use crate::domain::ids::{Epoch, StrokeId};
    use crate::domain::op::OpKind;
    use crate::domain::stroke::Body;

    const FREE: Obeyed = Obeyed {
        version: 0,
        knows_all_under_earlier_rules: true,
        refusal: &|_| None,
    };

    fn drawing() -> Drawing {
        let limits = Limits {
            strokes: 100,
            bytes: 1 << 20,
        };
        Drawing::new(Epoch::random(), 0, limits)
    }

    fn with_op(kind: OpKind) -> Appender {
        let mut appender = Appender::new(Capacity::new(10, 1 << 20));
        let op = Op {
            n: 1,
            stroke: StrokeId::random(),
            kind,
        };
        let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
        appender.queue.push(1, writer, [op]);
        appender
    }

    fn draw() -> OpKind {
        let body =
            r##"{"kind":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3}"##;
        OpKind::Draw {
            body: Body::parse(body).unwrap(),
        }
    }

    #[test]
    fn ops_with_rows_are_appended_and_the_time_is_measured() {
        let (mut appender, drawing, now) = (with_op(draw()), drawing(), Instant::now());
        let Next::Append { expected, decision } = appender.next(&drawing, &FREE, now) else {
            panic!("it appends");
        };
        assert_eq!((expected.epoch, expected.head), (drawing.epoch(), 0));
        assert_eq!(decision.changes.len(), 1);
        assert_eq!(appender.state(), State::InFlight { since: now });
        let took = Duration::from_millis(7);
        assert_eq!(appender.append_ended(now + took), took);
        assert_eq!(appender.state(), State::Idle);
        assert!(!appender.is_empty(), "it is not acknowledged yet");
    }

    #[test]
    fn a_refusal_without_a_row_is_final_only_after_a_read_that_began_later() {
        let edit = OpKind::Edit {
            set: serde_json::from_str(r#"{"x":3}"#).unwrap(),
            z: None,
            base: None,
        };
        let (mut appender, drawing, now) = (with_op(edit), drawing(), Instant::now());
        // A read that ended before it was asked for proves nothing.
        appender.read_ended();
        assert!(matches!(appender.next(&drawing, &FREE, now), Next::Verify));
        assert_eq!(appender.verification(), Verification::Requested);
        assert!(matches!(appender.next(&drawing, &FREE, now), Next::Verify));
        appender.read_ended();
        let Next::Acknowledge(verdicts) = appender.next(&drawing, &FREE, now) else {
            panic!("it is refused");
        };
        assert!(matches!(verdicts[..], [Verdict::Refused { .. }]));
        assert_eq!(appender.verification(), Verification::Unverified);
    }

    #[test]
    fn nothing_is_decided_without_ops() {
        let mut appender = Appender::new(Capacity::new(10, 1 << 20));
        let next = appender.next(&drawing(), &FREE, Instant::now());
        assert!(matches!(next, Next::Nothing) && appender.is_empty());
    }

    #[test]
    fn ops_of_a_session_without_access_are_refused_and_others_stored() {
        let (mut appender, drawing, now) = (with_op(draw()), drawing(), Instant::now());
        let op = Op {
            n: 1,
            stroke: StrokeId::random(),
            kind: draw(),
        };
        let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
        appender.queue.push(2, writer, [op]);
        let of_two = |session| (session == 2).then_some(Refusal::Locked);
        let locked = Obeyed {
            version: 3,
            knows_all_under_earlier_rules: true,
            refusal: &of_two,
        };
        let Next::Append { expected, decision } = appender.next(&drawing, &locked, now) else {
            panic!("the first is appended");
        };
        assert_eq!((expected.rules, decision.changes.len()), (3, 1));
        assert_eq!(decision.verdicts[0], Verdict::Done);
        let locked = Refusal::Locked;
        assert!(
            matches!(&decision.verdicts[1], Verdict::Refused { refusal, .. } if *refusal == locked)
        );
    }

    #[test]
    fn an_op_is_refused_for_access_once_all_of_earlier_rules_is_known() {
        let (mut appender, drawing, now) = (with_op(draw()), drawing(), Instant::now());
        let of_all = |_| Some(Refusal::Forbidden);
        let mut revoked = Obeyed {
            version: 3,
            knows_all_under_earlier_rules: false,
            refusal: &of_all,
        };
        assert!(matches!(
            appender.next(&drawing, &revoked, now),
            Next::Verify
        ));
        revoked.knows_all_under_earlier_rules = true;
        let next = appender.next(&drawing, &revoked, now);
        assert!(matches!(next, Next::Acknowledge(_)), "{next:?}");
    }
}
