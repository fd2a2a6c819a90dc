//! How a session accepts ops: in order, within its limits, each with an answer.
//!
//! It must never accept an op out of order. A drain acknowledges every accepted op; otherwise
//! unacknowledged ops stay in the clients' outboxes. Ops beyond a limit are refused for load, and the
//! client sends them again.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web_actors::ws;
use governor::DefaultDirectRateLimiter;
use governor::clock::{Clock, DefaultClock};

use super::actor::Session;
use super::sequencer::{OpArrival, OpSequencer};
use super::sessions::{FIRST_OP_PARTS, RETRY_AFTER, SessionLimits, Stay};
use crate::domain::op::{Op, Refusal};
use crate::feed::actor::FeedHandle;
use crate::feed::messages::FromSession;
use crate::feed::queue::op_bytes;
use crate::metrics::OverloadCause;
use crate::protocol::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME, ServerFrame};
use crate::quotas::{Resource, Visit};

impl Session {
    /// Accepts the ops whose number is next, and those after them.
    pub(super) fn ops(
        &mut self,
        ops: Vec<(u64, Result<Op, Refusal>)>,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        if self.hello.is_none() {
            self.malformed("ops come after hello", ctx);
            return;
        }
        let Some(Stay { visit, .. }) = &self.stay else {
            return;
        };
        let (Some(sequencer), Some(feed_handle)) = (&mut self.sequencer, &self.feed_handle) else {
            // The welcome is in flight, and names the next number. Ops that are skipped here are a
            // gap then.
            let bytes = self
                .before_welcome
                .iter()
                .chain(&ops)
                .map(|(_, op)| match op {
                    Ok(op) => op_bytes(op),
                    Err(_) => 0,
                });
            let fits = self.before_welcome.len() + ops.len() <= MAX_OPS_PER_FRAME;
            if fits && bytes.sum::<usize>() <= MAX_FRAME_BYTES {
                self.before_welcome.extend(ops);
            }
            return;
        };
        let metrics = self.sessions.metrics();
        let mut taken = Vec::new();
        let mut repeat = false;
        for (n, op) in ops {
            match sequencer.judge(n) {
                OpArrival::Stale { acknowledged } => {
                    repeat |= acknowledged;
                    continue;
                }
                OpArrival::Gap => {
                    metrics.resends.count();
                    ctx.text(
                        ServerFrame::Resend {
                            n: sequencer.next(),
                        }
                        .encode(),
                    );
                    continue;
                }
                OpArrival::Paused => continue,
                OpArrival::Next => {}
            }
            match op {
                Ok(op) => {
                    if let Some((limit, message, retry)) = overload(
                        &self.sessions.limits,
                        &self.rates.ops,
                        visit,
                        sequencer,
                        feed_handle,
                        &op,
                        if taken.is_empty() {
                            FIRST_OP_PARTS
                        } else {
                            NonZeroU32::MIN
                        },
                    ) {
                        metrics.ops_throttled.count(limit);
                        sequencer.pause();
                        ctx.text(ServerFrame::overloaded(n, &message, retry).encode());
                        break;
                    }
                    sequencer.take();
                    taken.push(op);
                }
                Err(refusal) => {
                    metrics.ops_refused.count((&refusal).into());
                    sequencer.skip();
                    ctx.text(ServerFrame::refused(n, &refusal, None).encode());
                }
            }
        }
        if repeat {
            // Decided already: repeat the acknowledgement.
            ctx.text(
                ServerFrame::Done {
                    n: sequencer.acknowledged(),
                }
                .encode(),
            );
        }
        if !taken.is_empty() {
            let writer = sequencer.writer();
            self.tell(FromSession::Submit {
                session: self.id,
                writer,
                ops: taken,
            });
        }
    }
}

/// The limit that an op exceeds, a text for people, and when to retry.
fn overload(
    limits: &SessionLimits,
    rate: &DefaultDirectRateLimiter,
    visit: &Visit,
    sequencer: &OpSequencer,
    feed_handle: &FeedHandle,
    op: &Op,
    parts: NonZeroU32,
) -> Option<(OverloadCause, Cow<'static, str>, Duration)> {
    if sequencer.unacknowledged() >= limits.max_unacked_ops {
        let text = "too many unacknowledged ops in this session";
        return Some((OverloadCause::Unacknowledged, text.into(), RETRY_AFTER));
    }
    // A burst has room for a whole frame.
    if let Ok(Err(until)) = rate.check_n(parts) {
        let wait = until.wait_time_from(DefaultClock::default().now());
        let text = "too many ops per second";
        return Some((OverloadCause::Rate, text.into(), wait.max(RETRY_AFTER)));
    }
    let spent = visit.spend(Resource::Ops, parts);
    if let Err(exceeded) = spent.and_then(|()| visit.spend_bytes(op_bytes(op))) {
        let (text, retry) = (exceeded.to_string(), exceeded.retry.max(RETRY_AFTER));
        return Some((OverloadCause::Quota, text.into(), retry));
    }
    if !feed_handle.state.capacity.reserve(op_bytes(op)) {
        let text = "too many ops wait for the database";
        return Some((OverloadCause::Queue, text.into(), RETRY_AFTER));
    }
    None
}
