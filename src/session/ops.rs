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
use super::sequencer::{Turn, Upwards};
use super::sessions::{Joining, RETRY, SessionSettings};
use crate::domain::access::Access;
use crate::domain::op::{Op, Refusal};
use crate::feed::actor::Attached;
use crate::feed::messages::FromSession;
use crate::feed::queue::op_bytes;
use crate::metrics::Limit;
use crate::protocol::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME, ToBrowser};

impl Session {
    pub(super) fn welcomed(
        &mut self,
        frame: ByteString,
        next: u64,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        let Some(hello) = &self.hello else { return };
        self.upwards = Some(Upwards::new(hello.writer, next));
        ctx.text(frame);
        let early = std::mem::take(&mut self.early);
        if !early.is_empty() {
            self.ops(early, ctx);
        }
    }

    /// Takes the ops whose turn it is: the next number, and those after it.
    pub(super) fn ops(
        &mut self,
        ops: Vec<(u64, Result<Op, Refusal>)>,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        let Ok(Joining { access, .. }) = self.joining else {
            return;
        };
        if self.hello.is_none() {
            self.malformed("ops come after hello", ctx);
            return;
        }
        let (Some(upwards), Some(attached)) = (&mut self.upwards, &self.attached) else {
            // The welcome is on its way, and says whose turn it is. What is left out here is a gap then.
            let bytes = self.early.iter().chain(&ops).map(|(_, op)| match op {
                Ok(op) => op_bytes(op),
                Err(_) => 0,
            });
            let fits = self.early.len() + ops.len() <= MAX_OPS_PER_FRAME;
            if fits && bytes.sum::<usize>() <= MAX_FRAME_BYTES {
                self.early.extend(ops);
            }
            return;
        };
        let metrics = self.sessions.metrics();
        let mut taken = Vec::new();
        let mut repeat = false;
        for (n, op) in ops {
            match upwards.turn(n) {
                Turn::Stale { answered } => {
                    repeat |= answered;
                    continue;
                }
                Turn::Gap => {
                    metrics.resends.count();
                    ctx.text(ToBrowser::Resend { n: upwards.next() }.encode());
                    continue;
                }
                Turn::Held => continue,
                Turn::Next => {}
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
                        upwards,
                        attached,
                        &op,
                    ) {
                        metrics.overloaded.count(limit);
                        upwards.hold();
                        ctx.text(ToBrowser::overloaded(n, message, retry).encode());
                        break;
                    }
                    upwards.take();
                    taken.push(op);
                }
                Err(refusal) => {
                    metrics.refused.count((&refusal).into());
                    upwards.pass();
                    ctx.text(ToBrowser::refused(n, &refusal, None).encode());
                }
            }
        }
        if repeat {
            // Decided already: say again how far the answers go.
            ctx.text(
                ToBrowser::Done {
                    n: upwards.answered(),
                }
                .encode(),
            );
        }
        if !taken.is_empty() {
            let writer = upwards.writer();
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
    upwards: &Upwards,
    attached: &Attached,
    op: &Op,
) -> Option<(Limit, &'static str, Duration)> {
    if upwards.unanswered() >= settings.unanswered_ops {
        let text = "too many ops of this page have no answer yet";
        return Some((Limit::Unanswered, text, RETRY));
    }
    if let Err(until) = limit.check() {
        let wait = until.wait_time_from(QuantaClock::default().now());
        let text = "more ops than a page may send";
        return Some((Limit::Rate, text, wait.max(RETRY)));
    }
    if !attached.shared.room.reserve(op_bytes(op)) {
        let text = "more ops wait for the database than this server holds";
        return Some((Limit::Queue, text, RETRY));
    }
    None
}
