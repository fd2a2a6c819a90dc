//! The main loop of a client in the background: it loads, connects, sends, pings, and reconnects.
//!
//! It must never panic over a lost connection: only a server's frames may be wrong.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use whiteboard::protocol::SUBPROTOCOL;

use super::rules::{ASK_AGAIN, PONGS_BEHIND, WINDOW, wait_before};
use super::{Ask, Patience, Seen};
use crate::balancer::SERVER_HEADER;
use crate::page::{Action, Closed, ops};
use crate::process::Log;

type Socket = WebSocketStream<TcpStream>;

/// Why a client has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A server closed it for good.
    Final,
    /// The test closed it.
    Left,
}

/// Why a socket ended.
enum Gone {
    /// It reconnects, after the server's delay if there is one.
    Lost(Option<Duration>),
    End(End),
}

/// A client and all its sockets.
pub struct UserTask {
    name: String,
    seen: watch::Sender<Seen>,
    asked: mpsc::UnboundedReceiver<Ask>,
    /// The preferred server.
    first: Option<usize>,
    patience: Patience,
    log: Log,
    http: reqwest::Client,
    failures: u32,
    /// The last op sent through this socket.
    sent_up_to: u64,
    pongs_behind: u32,
    asked_at: Option<Instant>,
    reads: bool,
}

impl UserTask {
    pub fn new(
        name: &str,
        seen: watch::Sender<Seen>,
        asked: mpsc::UnboundedReceiver<Ask>,
        first: Option<usize>,
        patience: Patience,
        log: Log,
    ) -> Self {
        let http = reqwest::Client::builder().timeout(patience.answer_within);
        Self {
            name: name.to_owned(),
            seen,
            asked,
            first,
            patience,
            log,
            http: http.build().expect("a client"),
            failures: 0,
            sent_up_to: 0,
            pongs_behind: 0,
            asked_at: None,
            reads: true,
        }
    }

    /// Runs until it ends.
    pub async fn live(mut self) -> End {
        let address = self.seen.borrow().page.address;
        if let Err(end) = self.load(address).await {
            return end;
        }
        loop {
            let after = match self.one_socket().await {
                Gone::End(end) => return end,
                Gone::Lost(after) => after,
            };
            self.failures += 1;
            let next = Instant::now() + after.unwrap_or_else(|| wait_before(self.failures));
            self.modify(|seen| {
                if std::mem::take(&mut seen.page.welcome) {
                    seen.lost.push(Instant::now());
                }
            });
            loop {
                tokio::select! {
                    () = sleep_until(next) => break,
                    Some(ask) = self.asked.recv() => match ask {
                        Ask::Leave => return End::Left,
                        Ask::Read(reads) => self.reads = reads,
                        Ask::Signal(_) | Ask::Cut | Ask::Load(_) => {}
                    }
                }
            }
        }
    }

    /// Reads over HTTP until it holds everything the server has.
    async fn load(&mut self, address: SocketAddr) -> Result<(), End> {
        let mut failures = 0;
        loop {
            let url = {
                let seen = self.seen.borrow();
                let drawing = &seen.page.drawing;
                let since = seen.page.since();
                format!("http://{address}/api/drawings/{drawing}/strokes?{since}")
            };
            let answer = match self.http.get(url).send().await {
                Ok(answer) if answer.status().is_success() => answer.json::<Value>().await,
                Ok(answer) if answer.status().is_client_error() => {
                    let code = 4000 + answer.status().as_u16();
                    let reason = "over HTTP".to_owned();
                    self.modify(|seen| seen.ended = Some(Closed { code, reason }));
                    return Err(End::Final);
                }
                answer => answer
                    .and_then(reqwest::Response::error_for_status)
                    .map(|_| Value::Null),
            };
            match answer {
                Ok(page) => {
                    failures = 0;
                    if !self.modify(|seen| seen.page.read_page(&page)) {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.log
                        .say(&self.name, format_args!("cannot load: {error}"));
                    failures += 1;
                    tokio::time::sleep(wait_before(failures)).await;
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<Socket, Error> {
        let (address, path) = {
            let page = &self.seen.borrow().page;
            (
                page.address,
                format!("/ws/{}?{}", page.drawing, page.since()),
            )
        };
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        if let Some(first) = self.first.take() {
            request.headers_mut().insert(SERVER_HEADER, first.into());
        }
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (socket, response) = tokio_tungstenite::client_async(request, stream).await?;
        let server = response.headers().get(SERVER_HEADER);
        let server = server.and_then(|server| server.to_str().ok()?.parse().ok());
        self.modify(|seen| seen.server = server);
        Ok(socket)
    }

    async fn one_socket(&mut self) -> Gone {
        self.modify(|seen| seen.attempts += 1);
        let within = self.patience.answer_within;
        let connected = timeout(within, self.connect()).await;
        let socket = match connected {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => {
                self.log
                    .say(&self.name, format_args!("cannot connect: {error}"));
                return Gone::Lost(None);
            }
            Err(_) => {
                self.log.say(&self.name, "waited too long for a socket");
                return Gone::Lost(None);
            }
        };
        let (sink, stream) = socket.split();
        let (out, queued) = mpsc::unbounded_channel();
        // A browser's socket buffers what the server does not take: sending never blocks reading.
        let gone = tokio::select! {
            gone = self.use_socket(stream, &out) => gone,
            () = write(sink, queued) => Gone::Lost(None),
        };
        let server = self.seen.borrow().server;
        if let Gone::Lost(_) = gone {
            self.log
                .say(&self.name, format_args!("lost its socket to {server:?}"));
        }
        gone
    }

    async fn use_socket(
        &mut self,
        mut stream: SplitStream<Socket>,
        out: &mpsc::UnboundedSender<Message>,
    ) -> Gone {
        let mut changed = self.seen.subscribe();
        let hello = self.modify(|seen| seen.page.opened());
        send(out, &hello);
        self.pongs_behind = 0;
        self.asked_at = None;
        let mut asks_at = Instant::now() + self.patience.ping_after;
        let mut gives_up_at = None;
        loop {
            let again = self.seen.borrow().page.again;
            let timer = again.map_or(asks_at, |(at, _)| at.min(asks_at));
            let timer = gives_up_at.map_or(timer, |at| timer.min(at));
            tokio::select! {
                message = stream.next(), if self.reads => {
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            self.failures = 0;
                            asks_at = Instant::now() + self.patience.ping_after;
                            gives_up_at = None;
                            let frame = serde_json::from_str(&text).expect("frames are JSON");
                            if let Err(end) = self.take(&frame, out).await {
                                return Gone::End(end);
                            }
                        }
                        Some(Ok(Message::Close(frame))) => return self.closed(frame.map(|frame| {
                            (frame.code.into(), frame.reason.to_string())
                        })),
                        Some(Ok(Message::Binary(_))) => panic!("the server sent a binary frame"),
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return self.closed(None),
                    }
                }
                Ok(()) = changed.changed() => self.pump(out),
                Some(ask) = self.asked.recv() => match ask {
                    Ask::Signal(signal) => send(out, &signal),
                    Ask::Read(reads) => self.reads = reads,
                    Ask::Cut => return Gone::Lost(None),
                    Ask::Load(address) => {
                        if let Err(end) = self.load_and_ask(address, out).await {
                            return Gone::End(end);
                        }
                    }
                    Ask::Leave => {
                        let _ = out.send(Message::Close(None));
                        let closed = async { while let Some(Ok(_)) = stream.next().await {} };
                        let _ = timeout(self.patience.answer_within, closed).await;
                        return Gone::End(End::Left);
                    }
                },
                () = sleep_until(timer), if self.reads => {
                    let now = Instant::now();
                    if gives_up_at.is_some_and(|at| at <= now) {
                        self.log.say(&self.name, "hears nothing any more");
                        return Gone::Lost(None);
                    }
                    if let Some((at, n)) = again && at <= now {
                        self.send_again_from(n);
                        self.modify(|seen| seen.page.again = None);
                    }
                    if asks_at <= now {
                        send(out, &json!({"type": "ping"}));
                        gives_up_at = Some(now + self.patience.answer_within);
                        asks_at = now + self.patience.ping_after + self.patience.answer_within;
                    }
                }
            }
        }
    }

    /// Handles a frame, and acts on it.
    async fn take(
        &mut self,
        frame: &Value,
        out: &mpsc::UnboundedSender<Message>,
    ) -> Result<(), End> {
        let then = self.modify(|seen| {
            let (done, welcomes) = (seen.page.done, seen.page.welcomes);
            let waiting: Vec<u64> = seen.page.outbox.iter().map(|(n, _)| *n).collect();
            let then = seen.page.read(frame);
            if seen.page.done > done {
                seen.answered.push(Instant::now());
            }
            if seen.page.welcomes > welcomes {
                let done = seen.page.done;
                let answered = waiting.into_iter().filter(|n| *n <= done);
                seen.done_by_welcome.extend(answered);
                seen.welcomed.push(Instant::now());
            }
            then
        });
        match then {
            Action::Nothing => {}
            Action::Send(0) => {
                let server = self.seen.borrow().server;
                self.log
                    .say(&self.name, format_args!("is welcome at {server:?}"));
                self.sent_up_to = 0;
            }
            Action::Send(n) => self.send_again_from(n),
            Action::Read => {
                let address = self.seen.borrow().page.address;
                self.load_and_ask(address, out).await?;
            }
            Action::Compare(head) => {
                if head <= self.seen.borrow().page.head {
                    self.pongs_behind = 0;
                } else {
                    self.pongs_behind += 1;
                    if self.pongs_behind >= PONGS_BEHIND {
                        self.ask(out);
                    }
                }
            }
        }
        self.pump(out);
        Ok(())
    }

    async fn load_and_ask(
        &mut self,
        address: SocketAddr,
        out: &mpsc::UnboundedSender<Message>,
    ) -> Result<(), End> {
        self.load(address).await?;
        self.asked_at = None;
        self.ask(out);
        Ok(())
    }

    fn ask(&mut self, out: &mpsc::UnboundedSender<Message>) {
        if self.asked_at.is_none_or(|at| at.elapsed() >= ASK_AGAIN) {
            self.asked_at = Some(Instant::now());
            let since = self.modify(|seen| seen.page.ask());
            send(out, &since);
        }
    }

    fn send_again_from(&mut self, n: u64) {
        self.sent_up_to = self.sent_up_to.min(n - 1);
    }

    /// Sends ops that were not sent yet, within the window.
    fn pump(&mut self, out: &mpsc::UnboundedSender<Message>) {
        let mut frame = None;
        let sent_up_to = &mut self.sent_up_to;
        self.seen.send_if_modified(|seen| {
            let page = &seen.page;
            let Some((first, _)) = page.outbox.front().filter(|_| page.welcome) else {
                return false;
            };
            if page.again.is_some() {
                return false;
            }
            *sent_up_to = (*sent_up_to).max(first - 1);
            let window = *sent_up_to + 1..first + WINDOW;
            let ready = page.outbox.iter().filter(|(n, _)| window.contains(n));
            let (numbers, ready): (Vec<u64>, Vec<&Value>) = ready.map(|(n, op)| (n, op)).unzip();
            let Some(last) = numbers.last() else {
                return false;
            };
            *sent_up_to = *last;
            frame = Some(ops(&ready));
            for n in numbers {
                *seen.sent.entry(n).or_default() += 1;
            }
            true
        });
        if let Some(frame) = frame {
            let _ = out.send(Message::text(frame));
        }
    }

    /// The server closed the socket, perhaps with a code and a reason.
    fn closed(&mut self, frame: Option<(u16, String)>) -> Gone {
        let (code, reason) = frame.unwrap_or((1006, String::new()));
        self.log
            .say(&self.name, format_args!("is closed: {code} {reason}"));
        let closed = Closed { code, reason };
        let after = after(&closed.reason);
        let is_final = closed.reason.starts_with("final: ");
        self.modify(|seen| {
            seen.page.closes.push(closed.clone());
            seen.ended = is_final.then_some(closed);
        });
        match is_final {
            true => Gone::End(End::Final),
            false => Gone::Lost(after),
        }
    }

    fn modify<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        let mut result = None;
        self.seen.send_modify(|seen| result = Some(change(seen)));
        result.expect("it was changed")
    }
}

/// The delay in a close reason.
fn after(reason: &str) -> Option<Duration> {
    let (millis, _) = reason.strip_prefix("again in ")?.split_once(" ms: ")?;
    Some(Duration::from_millis(millis.parse().ok()?))
}

fn send(out: &mpsc::UnboundedSender<Message>, frame: &Value) {
    // The reader notices a lost socket.
    let _ = out.send(Message::text(frame.to_string()));
}

/// Writes what is queued, until the socket is lost.
async fn write(mut sink: SplitSink<Socket, Message>, mut queued: mpsc::UnboundedReceiver<Message>) {
    while let Some(message) = queued.recv().await {
        if sink.send(message).await.is_err() {
            break;
        }
    }
    // The close frame that explains it may still be unread.
    std::future::pending().await
}
