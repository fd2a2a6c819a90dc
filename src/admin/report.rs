//! What an operator reads: lines for people, or JSON for programs.
//!
//! What people named must never reach a terminal as a control character.

use std::io::{self, Write};

use serde::Serialize;

use crate::domain::access::Level;
use crate::domain::ids::DrawingId;
use crate::domain::key::KeyId;
use crate::domain::timestamp::rfc3339;
use crate::store::{DrawingDetails, DrawingInfo, KeyInfo, ServerInfo, Totals};

/// Something that can be printed.
pub(super) trait Line: Serialize {
    /// For people, without the end of the line.
    fn text(&self) -> String;
}

/// Prints in one of two ways.
pub(super) struct Printer<'a> {
    out: &'a mut dyn Write,
    json: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut dyn Write, json: bool) -> Self {
        Self { out, json }
    }

    /// Prints what the columns are, for people.
    pub(super) fn head(&mut self, text: &str) -> io::Result<()> {
        match self.json {
            true => Ok(()),
            false => writeln!(self.out, "{text}"),
        }
    }

    pub(super) fn line<L: Line>(&mut self, line: &L) -> io::Result<()> {
        match self.json {
            true => {
                serde_json::to_writer(&mut *self.out, line)?;
                writeln!(self.out)
            }
            false => writeln!(self.out, "{}", line.text()),
        }
    }
}

/// Text that somebody chose, for a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// To the second.
fn second(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

fn or_dash(time: Option<&String>) -> String {
    time.map_or("-".to_owned(), |time| second(time))
}

/// A drawing in a list.
#[derive(Serialize)]
pub(super) struct DrawingLine<'a> {
    id: DrawingId,
    title: &'a str,
    created: String,
    changed: String,
    /// Changes since it was made.
    changes: u64,
    people: u32,
}

impl<'a> DrawingLine<'a> {
    pub(super) const HEAD: &'static str =
        "ID                                CHANGED               CHANGES  PEOPLE  TITLE";

    pub(super) fn new(info: &'a DrawingInfo, people: u32) -> Self {
        Self {
            id: info.id,
            title: &info.title,
            created: rfc3339(info.created),
            changed: rfc3339(info.changed),
            changes: info.head,
            people,
        }
    }
}

impl Line for DrawingLine<'_> {
    fn text(&self) -> String {
        let changed = second(&self.changed);
        let (changes, people, title) = (self.changes, self.people, plain(self.title));
        format!(
            "{}  {changed:<20}  {changes:>7}  {people:>6}  {title}",
            self.id
        )
    }
}

/// A deleted drawing in a list.
#[derive(Serialize)]
pub(super) struct DeletedLine<'a> {
    id: DrawingId,
    title: &'a str,
    deleted: String,
}

impl<'a> DeletedLine<'a> {
    pub(super) const HEAD: &'static str =
        "ID                                DELETED               TITLE";

    pub(super) fn new(info: &'a DrawingInfo, deleted: u64) -> Self {
        Self {
            id: info.id,
            title: &info.title,
            deleted: rfc3339(deleted),
        }
    }
}

impl Line for DeletedLine<'_> {
    fn text(&self) -> String {
        let (deleted, title) = (second(&self.deleted), plain(self.title));
        format!("{}  {deleted:<20}  {title}", self.id)
    }
}

/// All about one drawing.
#[derive(Serialize)]
pub(super) struct Details<'a> {
    #[serde(flatten)]
    drawing: DrawingLine<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<String>,
    locked: bool,
    /// Number of people.
    muted: usize,
    /// Number of keys.
    keys: usize,
    picture_bytes: u64,
}

impl<'a> Details<'a> {
    pub(super) fn new(details: &'a DrawingDetails, keys: usize, people: u32) -> Self {
        Self {
            drawing: DrawingLine::new(&details.info, people),
            deleted: details.deleted.map(rfc3339),
            locked: details.locked,
            muted: details.muted,
            keys,
            picture_bytes: details.picture_bytes,
        }
    }
}

impl Line for Details<'_> {
    fn text(&self) -> String {
        let drawing = &self.drawing;
        format!(
            "id             {}\ntitle          {}\ncreated        {}\nchanged        {}\n\
             deleted        {}\nchanges        {}\npeople         {}\nlocked         {}\n\
             muted people   {}\nkeys           {}\npicture bytes  {}",
            drawing.id,
            plain(drawing.title),
            second(&drawing.created),
            second(&drawing.changed),
            or_dash(self.deleted.as_ref()),
            drawing.changes,
            drawing.people,
            self.locked,
            self.muted,
            self.keys,
            self.picture_bytes,
        )
    }
}

/// A key in a list.
#[derive(Serialize)]
pub(super) struct KeyLine<'a> {
    id: KeyId,
    access: Level,
    name: &'a str,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_by: Option<&'a str>,
}

impl<'a> KeyLine<'a> {
    pub(super) const HEAD: &'static str = "ID           ACCESS  CREATED               EXPIRES               LAST USED             NAME, BY";

    pub(super) fn new(info: &'a KeyInfo) -> Self {
        Self {
            id: info.key.id,
            access: info.key.level,
            name: &info.name,
            created: rfc3339(info.created),
            expires: info.key.expires.map(rfc3339),
            last_used: info.last_used.map(rfc3339),
            last_by: info.last_by.as_deref(),
        }
    }
}

impl Line for KeyLine<'_> {
    fn text(&self) -> String {
        let (id, access, created) = (self.id, self.access.as_str(), second(&self.created));
        let expires = or_dash(self.expires.as_ref());
        let used = or_dash(self.last_used.as_ref());
        let names = [
            Some(self.name).filter(|name| !name.is_empty()),
            self.last_by,
        ];
        let names: Vec<_> = names.into_iter().flatten().map(plain).collect();
        let names = names.join(", ");
        let line = format!("{id}  {access:<6}  {created:<20}  {expires:<20}  {used:<20}  {names}");
        line.trim_end().to_owned()
    }
}

/// A change.
#[derive(Serialize)]
pub(super) struct Done<'a> {
    pub(super) drawing: DrawingId,
    /// As in the log.
    pub(super) what: &'a str,
}

impl Line for Done<'_> {
    fn text(&self) -> String {
        format!("drawing {}: {}", self.drawing, self.what)
    }
}

/// What there is in all.
#[derive(Serialize)]
pub(super) struct Counted {
    drawings: u64,
    deleted: u64,
    keys: u64,
    picture_bytes: u64,
    servers: usize,
    sessions: u64,
}

impl Counted {
    pub(super) fn new(totals: &Totals, servers: &[ServerInfo]) -> Self {
        let sessions = servers.iter().flat_map(|server| &server.drawings);
        Self {
            drawings: totals.drawings,
            deleted: totals.deleted,
            keys: totals.keys,
            picture_bytes: totals.picture_bytes,
            servers: servers.len(),
            sessions: sessions.map(|(_, count)| u64::from(*count)).sum(),
        }
    }
}

impl Line for Counted {
    fn text(&self) -> String {
        format!(
            "drawings       {}\ndeleted        {}\nkeys           {}\npicture bytes  {}\n\
             servers        {}\nsessions       {}",
            self.drawings, self.deleted, self.keys, self.picture_bytes, self.servers, self.sessions,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_named_is_plain_in_a_terminal_and_whole_as_json() {
        let line = DeletedLine {
            id: DrawingId(Default::default()),
            title: "a\u{1b}[31m\nb",
            deleted: "2026-01-31T12:00:00.5Z".to_owned(),
        };
        let printed = |json| {
            let mut out = Vec::new();
            let mut printer = Printer::new(&mut out, json);
            printer.head(DeletedLine::HEAD).unwrap();
            printer.line(&line).unwrap();
            String::from_utf8(out).unwrap()
        };
        let text = printed(false);
        let id = "0".repeat(32);
        let expected = format!("{id}  2026-01-31T12:00:00Z  a\u{fffd}[31m\u{fffd}b");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines, [DeletedLine::HEAD, &expected]);
        assert_eq!(lines[0].find("TITLE"), lines[1].find('a'));
        let json = printed(true);
        assert_eq!(json.lines().count(), 1);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["title"], line.title);
    }
}
