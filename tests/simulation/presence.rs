//! Who is in a drawing: what a page knows of it by the page's rules, who really is, and what signals
//! may say.
//!
//! It must never apply a difference to a version other than the one that it changes.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use whiteboard::domain::ids::{PersonId, StrokeId, WriterId};
use whiteboard::domain::ink::{Ink, InkPart};
use whiteboard::domain::signal::{PlaneBox, PlanePoint};
use whiteboard::protocol::ClientSignal;

use crate::client::ClientState;
use crate::fault::Fault;
use crate::server::ServerState;
use crate::socket::Up;
use crate::wire::Frame;
use crate::world::{Time, World};

/// Once everyone can be reached, all pages know who is there within this time.
const KNOWN_WITHIN: Time = Time::from_secs(10);
/// The same if an announcement may have been lost: it is repeated after half a minute, and only then a live
/// query is found silent that has nothing else to deliver.
const ANNOUNCED_WITHIN: Time = Time::from_secs(40);

/// The people whom a page shows.
#[derive(Debug, Default)]
pub struct PeopleList {
    version: Option<u64>,
    count: usize,
    listed: BTreeMap<WriterId, (PersonId, String)>,
}

/// What all pages sent, and what their servers met.
#[derive(Debug, Default)]
pub struct People {
    /// How the server of a writer went.
    ends: BTreeMap<WriterId, &'static str>,
    dropped: BTreeSet<(usize, WriterId)>,
    /// What each writer has sent: the x of pointers, views and ink.
    sent: BTreeSet<(WriterId, u64)>,
}

impl PeopleList {
    /// Another socket is open: its server sends the whole list.
    pub fn opened(&mut self) {
        self.version = None;
    }

    /// Takes a frame. A server leaves nothing out.
    fn apply(&mut self, frame: Frame) {
        if frame.from.is_some() && frame.version == self.version {
            return;
        }
        let is_next = frame.from.is_none() || frame.from == self.version;
        assert!(is_next, "a page misses who came or went");
        if frame.from.is_none() {
            self.listed.clear();
        }
        for writer in frame.left.unwrap_or_default() {
            self.listed.remove(&writer);
        }
        for person in frame.joined.unwrap_or_default() {
            let known = (person.author, person.name);
            self.listed.insert(person.writer, known);
        }
        self.version = frame.version;
        self.count = frame.count.unwrap_or(0);
    }
}

impl World {
    /// A page is told who is there.
    pub fn client_people(&mut self, client: usize, frame: Frame) {
        let list = &mut self.clients[client].people;
        let before: BTreeSet<WriterId> = list.listed.keys().copied().collect();
        list.apply(frame);
        let after: BTreeSet<WriterId> = list.listed.keys().copied().collect();
        for writer in before.difference(&after) {
            self.people.dropped.insert((client, *writer));
            self.coverage
                .count(self.people.ends.get(writer).unwrap_or(&"people went"));
        }
        for writer in after.difference(&before) {
            let is_back = self.people.dropped.remove(&(client, *writer));
            self.coverage.count(match is_back {
                true => "people came back",
                false => "people came",
            });
        }
    }

    /// The server of these sessions goes, or stops for a while.
    pub fn note_people(&mut self, server: usize, end: &'static str) {
        for session in self.servers[server].sessions.values() {
            if let Some(hello) = &session.hello {
                self.people.ends.entry(hello.writer.id).or_insert(end);
            }
        }
    }

    /// The server of these sessions goes on.
    pub fn forget_ends(&mut self, server: usize) {
        let ends = &mut self.people.ends;
        for session in self.servers[server].sessions.values() {
            ends.retain(|writer, _| {
                session
                    .hello
                    .as_ref()
                    .is_none_or(|it| it.writer.id != *writer)
            });
        }
    }

    /// A page greets a server.
    pub fn forget_end(&mut self, writer: WriterId) {
        self.people.ends.remove(&writer);
    }

    /// A user moves the pointer, draws or scrolls.
    pub fn send_signal(&mut self, client: usize, random: &mut fastrand::Rng) {
        let x = u64::from(random.u32(..100_000));
        let (at, writer) = (x as f64, self.clients[client].writer.id);
        let mut signal = ClientSignal::default();
        match random.u32(..5) {
            // A server answers with the whole list, whatever the page holds.
            0 => return self.send(client, Up::People),
            1 => {
                let stroke = StrokeId(Uuid::from_u128(x.into()));
                let part = format!(
                    r#"{{"stroke":"{stroke}","n":1,"offset":0,"x":{at},"y":0,"points":"AAEAAA==","kind":"pen","colour":"ink","width":4}}"#
                );
                let part: InkPart = serde_json::from_str(&part).expect("a part");
                signal.ink = Some(part);
            }
            2 => {
                signal.view = Some(PlaneBox {
                    x: at,
                    y: 0.0,
                    w: 1.0,
                    h: 1.0,
                });
                signal.call = random.bool();
            }
            _ => signal.pointer = Some(Some(PlanePoint { x: at, y: 1.0 })),
        }
        self.people.sent.insert((writer, x));
        self.send(client, Up::Signal(signal));
    }

    /// A page gets signals: each was sent by its writer.
    pub fn check_signals(&mut self, frame: Frame) {
        let pointers = frame.pointers.unwrap_or_default().into_iter();
        let pointers = pointers.filter_map(|it| Some((it.writer, it.at?.x)));
        let views = frame.views.unwrap_or_default().into_iter();
        let views = views.map(|it| (it.writer, it.shows.x));
        let ink = frame.ink.unwrap_or_default().into_iter();
        let ink = ink.map(|Ink { writer, part }| (writer, part.x));
        for (writer, x) in pointers.chain(views).chain(ink) {
            self.coverage.count("signals shown");
            let is_sent = self.people.sent.contains(&(writer, x as u64));
            assert!(is_sent, "a signal that {writer} never sent: {x}");
        }
    }

    /// Within this time all pages know who is there.
    pub fn known_within(&self) -> Time {
        let hides = [Fault::NotificationsLost, Fault::SubscriptionSilent];
        let mut faults = self.plan.faults.iter();
        match faults.any(|it| hides.contains(&it.fault)) {
            true => ANNOUNCED_WITHIN,
            false => KNOWN_WITHIN,
        }
    }

    /// A session whose page is gone, if there is one: its server does not know it yet.
    pub fn ghost(&self) -> Option<String> {
        let running = self
            .servers
            .iter()
            .filter(|it| it.state != ServerState::Down);
        let mut sessions = running.flat_map(|server| server.sessions.values());
        let is_gone = |socket: u64| {
            let client = self.sockets.get(socket).map(|it| &self.clients[it.client]);
            client.is_none_or(|client| client.socket != Some(socket))
        };
        let ghost = sessions.find(|session| is_gone(session.socket))?;
        Some(format!("session {} is of no page", ghost.id))
    }

    /// Which page does not know exactly those who are there, if one does not.
    pub fn wrong_people(&self) -> Option<String> {
        (0..self.plan.drawings).find_map(|drawing| self.wrong_people_of(drawing))
    }

    fn wrong_people_of(&self, drawing: usize) -> Option<String> {
        let open = self.clients.iter();
        let open = open.filter(|client| client.drawing == drawing && client.has_replica());
        let here: BTreeMap<WriterId, (PersonId, String)> = open
            .clone()
            .filter(|client| client.state == ClientState::Open)
            .map(|client| {
                let known = (client.writer.author, client.name());
                (client.writer.id, known)
            })
            .collect();
        let persons: BTreeSet<PersonId> = here.values().map(|(author, _)| *author).collect();
        let mut wrong = open.filter(|client| {
            (&client.people.listed, client.people.count) != (&here, persons.len())
        });
        let client = wrong.next()?;
        let people = &client.people;
        Some(format!(
            "client {} knows {people:?} instead of {here:?}",
            client.id
        ))
    }
}
