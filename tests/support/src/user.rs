//! A user whose client runs in the background and reconnects by itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use whiteboard::domain::ids::{StrokeId, Writer, WriterId};

use crate::driver::{Driver, Event};
pub use crate::driver::{Patience, SERVER_HEADER};
use crate::process::Log;
use crate::rules::wait_before;
use crate::state::{ClientState, pen};
use crate::wait::DEADLINE;

/// A command to a client in the background.
enum Command {
    Signal(Value),
    /// The socket breaks without a close frame.
    Cut,
    Leave,
}

/// A client in the background. On drop, it ends without a close frame.
pub struct TestUser {
    /// The user's first name.
    pub name: String,
    state: watch::Sender<Arc<ClientState>>,
    /// Ends when the client panicked.
    alive: watch::Receiver<()>,
    commands: mpsc::UnboundedSender<Command>,
    task: Option<JoinHandle<()>>,
}

impl TestUser {
    /// Starts a client, which loads the drawing and connects. With a server, it asks the balancer
    /// for that one first.
    pub fn open(
        address: SocketAddr,
        drawing: &str,
        name: &str,
        server: Option<usize>,
        patience: Patience,
        log: &Log,
    ) -> Self {
        let mut state = ClientState::new(address, drawing);
        state.name = Some(name.to_owned());
        let state = watch::Sender::new(Arc::new(state));
        let (commands, received) = mpsc::unbounded_channel();
        let (living, alive) = watch::channel(());
        let task = UserTask {
            driver: Driver::new(state.clone(), Some(patience), name, log.clone()),
            commands: received,
            server,
            patience,
        };
        let task = tokio::spawn(async move {
            if task.run().await == End::Final {
                // Stays until no one reads the state any more: only a client that panicked ends the
                // channel before.
                living.closed().await;
            }
        });
        Self {
            name: name.to_owned(),
            state,
            alive,
            commands,
            task: Some(task),
        }
    }

    /// The copy and history of this moment. It holds no lock: a test that reads two of them at once
    /// would wait for itself as soon as the client waits to write between them.
    pub fn state(&self) -> Arc<ClientState> {
        self.check();
        self.state.borrow().clone()
    }

    /// Its writer id, known before the welcome.
    pub fn writer(&self) -> WriterId {
        self.identity().id
    }

    /// The same, with the person's id.
    pub fn identity(&self) -> Writer {
        self.state().identity()
    }

    /// Draws a stroke; it is in the outbox until acknowledged.
    pub fn draw(&self, body: Value) -> StrokeId {
        let stroke = StrokeId::random();
        self.submit(json!({"op": "draw", "stroke": stroke, "body": body}));
        stroke
    }

    /// Changes some fields of a stroke.
    pub fn edit(&self, stroke: StrokeId, set: Value) -> u64 {
        self.submit(json!({"op": "edit", "stroke": stroke, "set": set}))
    }

    /// Erases a stroke.
    pub fn erase(&self, stroke: StrokeId) -> u64 {
        self.submit(json!({"op": "erase", "stroke": stroke}))
    }

    /// Adds any op to the outbox under the next number, which it returns.
    pub fn submit(&self, op: Value) -> u64 {
        self.check();
        submit(&self.state, op)
    }

    /// From now on each of its sockets goes to one of these servers, as a balancer would choose.
    pub fn reach(&self, servers: &[SocketAddr]) {
        self.check();
        self.state
            .send_modify(|state| Arc::make_mut(state).servers = servers.to_vec());
    }

    /// Draws one stroke after another, with a pause between them, until stopped.
    pub fn draws_steadily(&self, pause: Duration) -> Drawing {
        self.draws_after(Duration::ZERO, pause)
    }

    /// The same after a pause.
    pub fn draws_after(&self, first: Duration, pause: Duration) -> Drawing {
        self.check();
        let state = self.state.clone();
        let (stop, mut stopped) = oneshot::channel();
        let drawing = tokio::spawn(async move {
            let mut drawn = Vec::new();
            let mut pauses = tokio::time::interval_at(Instant::now() + first, pause);
            loop {
                tokio::select! {
                    _ = &mut stopped => return drawn,
                    _ = pauses.tick() => {}
                }
                let stroke = StrokeId::random();
                let body = pen(drawn.len() as f64);
                submit(
                    &state,
                    json!({"op": "draw", "stroke": stroke, "body": body}),
                );
                drawn.push(stroke);
            }
        });
        Drawing { stop, drawing }
    }

    /// Sends a pointer, ink or being away; nothing without a socket.
    pub fn signal(&self, mut signal: Value) {
        signal["type"] = json!("signal");
        self.command(Command::Signal(signal));
    }

    /// Takes another name and reconnects, since hello is sent once per socket.
    pub fn rename(&self, name: &str) {
        self.check();
        self.state
            .send_modify(|state| Arc::make_mut(state).name = Some(name.to_owned()));
        self.cut();
    }

    /// Cuts its connection without a close frame; it reconnects by itself.
    pub fn cut(&self) {
        self.command(Command::Cut);
    }

    /// Closes the client.
    pub async fn leave(mut self) {
        self.command(Command::Leave);
        if let Some(task) = self.task.take() {
            let left = timeout(DEADLINE, task).await;
            left.expect("it leaves in time")
                .expect("no rule was broken");
        }
    }

    /// Waits until a condition holds.
    ///
    /// # Panics
    ///
    /// When it does not hold in time, or when a server violated a rule.
    pub async fn wait(&self, what: &str, holds: impl Fn(&ClientState) -> bool) {
        self.wait_within(DEADLINE, what, holds).await;
    }

    /// The same with another deadline.
    ///
    /// # Panics
    ///
    /// When it does not hold in time, or when a server violated a rule.
    pub async fn wait_within(
        &self,
        within: Duration,
        what: &str,
        holds: impl Fn(&ClientState) -> bool,
    ) {
        let (mut state, mut alive) = (self.state.subscribe(), self.alive.clone());
        let waiting = async {
            tokio::select! {
                held = state.wait_for(|state| holds(state)) => drop(held),
                _ = alive.changed() => self.check(),
            }
        };
        if timeout(within, waiting).await.is_err() {
            let (name, state) = (&self.name, self.state());
            panic!("{name} waited longer than {within:?} for {what}: {state:?}");
        }
    }

    /// Waits until it has a welcome.
    pub async fn welcomed(&self) {
        self.wait("a welcome", |state| state.welcome).await;
    }

    /// Waits until every op is acknowledged.
    pub async fn all_acknowledged(&self) {
        self.wait("all acknowledgements", |state| state.outbox.is_empty())
            .await;
    }

    /// Waits until it holds a living stroke.
    pub async fn sees(&self, stroke: StrokeId) {
        self.wait("a stroke", |state| state.is_there(stroke)).await;
    }

    /// Asserts that no op was finally refused, and no reset or final close happened.
    pub fn assert_clean(&self) {
        let (name, state) = (&self.name, self.state());
        assert!(state.refusals.is_empty(), "{name}: {:?}", state.refusals);
        self.kept_its_replica();
    }

    /// Asserts that no reset or final close happened.
    pub fn kept_its_replica(&self) {
        let (name, state) = (&self.name, self.state());
        assert!(state.resets.is_empty(), "{name}: {:?}", state.resets);
        assert_eq!(state.ended, None, "{name}");
    }

    fn command(&self, command: Command) {
        self.check();
        // A client that has ended does nothing.
        let _ = self.commands.send(command);
    }

    fn check(&self) {
        assert!(
            self.alive.has_changed().is_ok(),
            "the client of {} failed: its panic is above",
            self.name
        );
    }
}

impl Drop for TestUser {
    fn drop(&mut self) {
        let Some(task) = &self.task else { return };
        let failed = task.is_finished();
        task.abort();
        // A rule violated after the test's last check fails it too.
        assert!(
            !failed || std::thread::panicking(),
            "the client of {} failed: its panic is above",
            self.name
        );
    }
}

fn submit(state: &watch::Sender<Arc<ClientState>>, op: Value) -> u64 {
    let mut n = 0;
    state.send_modify(|state| n = Arc::make_mut(state).submit(op));
    n
}

/// A user that draws until stopped or dropped.
pub struct Drawing {
    stop: oneshot::Sender<()>,
    drawing: JoinHandle<Vec<StrokeId>>,
}

impl Drawing {
    /// Stops, and returns the drawn strokes.
    pub async fn stop(self) -> Vec<StrokeId> {
        drop(self.stop);
        self.drawing.await.expect("drawing does not fail")
    }
}

/// Why a client has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A server closed it for good.
    Final,
    /// The test closed it.
    Left,
}

/// A client and all its sockets.
struct UserTask {
    driver: Driver<watch::Sender<Arc<ClientState>>>,
    commands: mpsc::UnboundedReceiver<Command>,
    /// The preferred server.
    server: Option<usize>,
    patience: Patience,
}

impl UserTask {
    /// Runs until it ends. Only a server's frames may make it panic, and no lost connection.
    async fn run(mut self) -> End {
        let address = self.driver.state.borrow().address;
        if self.driver.load(address).await.is_err() {
            return End::Final;
        }
        loop {
            let after = match self.one_socket().await {
                Ok(Event::Lost(after)) => after,
                Ok(_) => return End::Final,
                Err(end) => return end,
            };
            self.driver.failures += 1;
            let wait = after.unwrap_or_else(|| wait_before(self.driver.failures));
            let next = Instant::now() + wait;
            loop {
                tokio::select! {
                    () = sleep_until(next) => break,
                    Some(command) = self.commands.recv() => match command {
                        Command::Leave => return End::Left,
                        Command::Signal(_) | Command::Cut => {}
                    }
                }
            }
        }
    }

    /// Opens a socket, and uses it until it is lost.
    async fn one_socket(&mut self) -> Result<Event, End> {
        let query = self.driver.state.borrow().since();
        let connecting = self.driver.connect(&query, None, self.server.take());
        match timeout(self.patience.answer_within, connecting).await {
            Ok(Ok(())) => {}
            failed => {
                let failed = failed.map(|done| done.expect_err("it did not connect"));
                self.driver.note(format_args!("cannot connect: {failed:?}"));
                return Ok(Event::Lost(None));
            }
        }
        let mut changed = self.driver.state.subscribe();
        loop {
            tokio::select! {
                incoming = self.driver.next() => match self.driver.handle(incoming).await {
                    Event::Open => {}
                    event => return Ok(event),
                },
                Ok(()) = changed.changed() => self.driver.pump().await,
                Some(command) = self.commands.recv() => match command {
                    Command::Signal(signal) => self.driver.send_json(&signal).await,
                    Command::Cut => {
                        self.driver.cut();
                        return Ok(Event::Lost(None));
                    }
                    Command::Leave => {
                        self.driver.leave().await;
                        return Err(End::Left);
                    }
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::process::free_port;

    #[tokio::test]
    async fn states_that_a_test_holds_stop_neither_the_client_nor_the_test() {
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let patience = Patience::default();
        let ada = TestUser::open(nobody, "drawing", "Ada", None, patience, &Log::new());
        let before = ada.state();
        ada.draw(pen(1.0));
        let after = ada.state();
        assert_eq!((before.outbox.len(), after.outbox.len()), (0, 1));
    }
}
