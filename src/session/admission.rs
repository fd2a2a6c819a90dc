//! How a session is let in: by what its hello shows, before anything else flows.
//!
//! It must never say why somebody is not let in, nor let a session do more than was granted.

use actix::fut::wrap_future;
use actix::prelude::*;
use actix_web_actors::ws;

use super::actor::Session;
use super::sessions::{Admitted, JoinRequest, RETRY_AFTER};
use crate::access::{Admission, Denied};
use crate::domain::ids::DrawingId;
use crate::feed::messages::Request;
use crate::feed::standings::Entrance;
use crate::protocol::{Close, Hello, Secret};

/// What everybody is told who is not let in.
const NOT_SHARED: &str = "there is no such drawing, or it is not shared with you";

impl Session {
    /// Looks up what a hello shows, and then joins.
    pub(super) fn ask_to_join(&mut self, mut hello: Hello, ctx: &mut ws::WebsocketContext<Self>) {
        let Ok(join_request) = &self.join_request else {
            return;
        };
        let drawing = join_request.drawing;
        join_request.name(&mut hello);
        if self.admitted != Admitted::No {
            self.malformed("hello may be sent only once", ctx);
            return;
        }
        self.admitted = Admitted::Pending;
        let token = hello.token.clone();
        let name = hello.seen_as.as_ref().map(|(name, _)| name.clone());
        // Ops that arrive meanwhile wait for the welcome.
        self.hello = Some(hello.clone());
        self.look_up(drawing, token, name, ctx, move |session, admission, ctx| {
            session.admitted = Admitted::Yes;
            let Ok(join_request) = &mut session.join_request else {
                return;
            };
            join_request.enter(entrance(&admission));
            let join_request = join_request.clone();
            if !session.counts_for(&join_request, ctx) {
                return;
            }
            let hello = identified(hello, admission);
            session.hello = Some(hello.clone());
            session.join(join_request, ctx);
            session.request(Request::Hello {
                session: session.id,
                hello,
            });
        });
    }

    /// Looks up another key or token, which may allow more or for longer.
    pub(super) fn renew(&mut self, token: Secret, ctx: &mut ws::WebsocketContext<Self>) {
        let Ok(JoinRequest { drawing, .. }) = self.join_request else {
            return;
        };
        if self.renews {
            self.malformed("one token at a time", ctx);
            return;
        }
        self.renews = true;
        let seen_as = self.hello.as_ref().and_then(|hello| hello.seen_as.as_ref());
        let name = seen_as.map(|(name, _)| name.clone());
        self.look_up(
            drawing,
            Some(token),
            name,
            ctx,
            |session, admission, ctx| {
                session.renews = false;
                let entrance = entrance(&admission);
                // The next feed judges again which of them counts.
                if let Ok(join_request) = &mut session.join_request
                    && join_request.entrance.is_none_or(|held| {
                        held.access.level() <= entrance.access.level()
                            || held.access.key().is_none() && entrance.access.key().is_none()
                    })
                {
                    join_request.enter(entrance);
                    let join_request = join_request.clone();
                    if !session.counts_for(&join_request, ctx) {
                        return;
                    }
                }
                session.request(Request::Renew {
                    session: session.id,
                    entrance,
                });
            },
        );
    }

    /// Counts what it uses for the key that let it in; closes it if that key has too many sessions.
    fn counts_for(
        &mut self,
        join_request: &JoinRequest,
        ctx: &mut ws::WebsocketContext<Self>,
    ) -> bool {
        let Some(stay) = &mut self.stay else {
            return false;
        };
        match self.sessions.count_for(stay, &join_request.subject) {
            Ok(()) => true,
            Err(close) => {
                self.close(close, ctx);
                false
            }
        }
    }

    fn look_up(
        &mut self,
        drawing: DrawingId,
        token: Option<Secret>,
        name: Option<String>,
        ctx: &mut ws::WebsocketContext<Self>,
        admitted: impl FnOnce(&mut Self, Admission, &mut ws::WebsocketContext<Self>) + 'static,
    ) {
        let access = self.sessions.access.clone();
        let asked = async move {
            let token = token.as_ref().map(|Secret(token)| token.as_str());
            access.admit(drawing, token, name.as_deref()).await
        };
        ctx.spawn(wrap_future(asked).map(|found, session: &mut Self, ctx| {
            if session.closing {
                return;
            }
            match found {
                Ok(admission) => admitted(session, admission, ctx),
                Err(Denied::NotShared) => session.close(Close::Forbidden(NOT_SHARED), ctx),
                Err(Denied::Unknown(error)) => {
                    log::debug!("session {} cannot be judged: {error}", session.id);
                    session.close(Close::Load { after: RETRY_AFTER }, ctx);
                }
            }
        }));
    }

    /// Closes a session that has not shown anything in time.
    pub(super) fn expect_hello(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        ctx.run_later(self.sessions.limits.hello_wait, |session, ctx| {
            if session.admitted == Admitted::No {
                session.close(Close::Silent, ctx);
            }
        });
    }
}

fn entrance(admission: &Admission) -> Entrance {
    Entrance {
        access: admission.access,
        rules: admission.rules,
    }
}

/// A token says better than its holder, or a proxy, who that is.
fn identified(mut hello: Hello, admission: Admission) -> Hello {
    if let Some(person) = admission.person {
        hello.writer.author = person;
    }
    if let (Some((name, _)), Some(known)) = (&mut hello.seen_as, admission.name) {
        *name = known;
    }
    hello.token = None;
    hello
}
