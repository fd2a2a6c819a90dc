//! How a session takes ops: those whose turn it is, within its limits, each with an answer.
//!
//! It must never take an op out of turn, and never lose one it took: what is too much is refused for
//! load, and its page sends it again.

use std::time::Duration;

use actix_web_actors::ws;
use bytestring::ByteString;
use governor::DefaultDirectRateLimiter;
use governor::clock::{Clock, QuantaClock};

use super::actor::Session;
use super::sequencer::{OpArrival, OpSequencer};
use super::sessions::{JoinRequest, RETRY_AFTER, SessionSettings};
use crate::domain::access::Access;
use crate::domain::op::{Op, Refusal};
use crate::feed::actor::FeedHandle;
use crate::feed::messages::FromSession;
use crate::feed::queue::op_bytes;
use crate::metrics::OverloadCause;
use crate::protocol::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME, ServerFrame};

impl Session {
    pub(super) fn welcomed(
        &mut self,
        frame: ByteString,
        next: u64,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        let Some(hello) = &self.hello else { return };
        self.sequencer = Some(OpSequencer::new(hello.writer, next));
        ctx.text(frame);
        let before_welcome = std::mem::take(&mut self.before_welcome);
        if !before_welcome.is_empty() {
            self.ops(before_welcome, ctx);
        }
    }

    /// Takes the ops whose turn it is: the next number, and those after it.
    pub(super) fn ops(
        &mut self,
        ops: Vec<(u64, Result<Op, Refusal>)>,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        let Ok(JoinRequest { access, .. }) = self.join_request else {
            return;
        };
        if self.hello.is_none() {
            self.malformed("ops come after hello", ctx);
            return;
        }
        let (Some(sequencer), Some(feed_handle)) = (&mut self.sequencer, &self.feed_handle) else {
            // The welcome is on its way, and says whose turn it is. What is left out here is a gap then.
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
                OpArrival::Stale { answered } => {
                    repeat |= answered;
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
            let op = match op {
                Ok(_) if access < Access::Draw => Err(Refusal::Forbidden),
                op => op,
            };
            match op {
                Ok(op) => {
                    if let Some((limit, message, retry)) = overload(
                        &self.sessions.settings,
                        &self.ops_limit,
                        sequencer,
                        feed_handle,
                        &op,
                    ) {
                        metrics.ops_throttled.count(limit);
                        sequencer.pause();
                        ctx.text(ServerFrame::overloaded(n, message, retry).encode());
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
            // Decided already: say again how far the answers go.
            ctx.text(
                ServerFrame::Done {
                    n: sequencer.answered(),
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

/// Which limit an op meets, in words too, and when it is worth trying again.
fn overload(
    settings: &SessionSettings,
    limit: &DefaultDirectRateLimiter,
    sequencer: &OpSequencer,
    feed_handle: &FeedHandle,
    op: &Op,
) -> Option<(OverloadCause, &'static str, Duration)> {
    if sequencer.unanswered() >= settings.max_unacked_ops {
        let text = "too many ops of this page have no answer yet";
        return Some((OverloadCause::Unanswered, text, RETRY_AFTER));
    }
    if let Err(until) = limit.check() {
        let wait = until.wait_time_from(QuantaClock::default().now());
        let text = "more ops than a page may send";
        return Some((OverloadCause::Rate, text, wait.max(RETRY_AFTER)));
    }
    if !feed_handle.state.capacity.reserve(op_bytes(op)) {
        let text = "more ops wait for the database than this server holds";
        return Some((OverloadCause::Queue, text, RETRY_AFTER));
    }
    None
}
