//! Stub.
#![allow(missing_docs)]
use std::time::Duration;
use actix_web::{HttpRequest, HttpResponse, web};
use crate::feeds::Feeds;
use crate::model::{Access, DrawingId, Life, Seq};
use crate::protocol::Close;
#[derive(Clone, Debug)]
pub struct SessionSettings {
    pub max_sessions: usize,
    pub heartbeat: Duration,
    pub silence_limit: Duration,
    pub ops_per_second: u32,
    pub ops_burst: u32,
    pub signals_per_second: u32,
}
pub struct Joining {
    pub drawing: DrawingId,
    pub access: Access,
    pub since: Seq,
    pub life: Option<Life>,
}
#[derive(Clone)]
pub struct Sessions;
impl Sessions {
    pub fn new(_: Feeds, _: SessionSettings) -> Self {
        Self
    }
}
struct Closing(Option<Close>);
impl actix::Actor for Closing {
    type Context = actix_web_actors::ws::WebsocketContext<Self>;
    fn started(&mut self, context: &mut Self::Context) {
        use actix::ActorContext;
        let close = self.0.take().unwrap_or(Close::Failed);
        context.close(Some((actix_web_actors::ws::CloseCode::Other(close.code()), close.reason()).into()));
        context.stop();
    }
}
impl actix::StreamHandler<Result<actix_web_actors::ws::Message, actix_web_actors::ws::ProtocolError>> for Closing {
    fn handle(&mut self, _: Result<actix_web_actors::ws::Message, actix_web_actors::ws::ProtocolError>, _: &mut Self::Context) {}
}
pub fn upgrade(request: &HttpRequest, payload: web::Payload, joining: Result<Joining, Close>, _: &Sessions) -> HttpResponse {
    match actix_web_actors::ws::start(Closing(joining.err()), request, payload) {
        Ok(response) => response,
        Err(error) => error.error_response(),
    }
}
