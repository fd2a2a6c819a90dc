//! A ledger of all ops, by writer and number, which checks each of them against what the database
//! recorded: it took effect once, or was refused and left no trace.
//!
//! Why an op was refused, and what each row should hold exactly, is judged in the simulation, where
//! the order of decisions is known.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use whiteboard::domain::ids::{PersonId, StrokeId, WriterId};
use whiteboard::domain::sequence::Seq;

use super::history::{History, Row};
use crate::agreement::Copy;

/// The kind of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Draw,
    Edit,
    Erase,
    Restore,
}

/// The outcome of an op as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client crashed before it was acknowledged: it may have taken effect, once, or not.
    Unknown,
    /// It was acknowledged without a refusal.
    Done,
    Refused,
}

/// One op.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: Kind,
    pub stroke: StrokeId,
    pub author: PersonId,
    /// The field by which this op marks a body.
    pub mark: String,
    /// Whether a first answer may have been lost with a socket: the op was sent again, or the
    /// welcome of the next socket acknowledged it.
    pub reconnected: bool,
    pub outcome: Outcome,
}

/// The field by which an op marks every body it goes into, until the stroke is erased.
pub fn mark(person: usize, n: u64) -> String {
    format!("op_{person}_{n}")
}

type Key = (WriterId, u64);

/// All ops, by writer and number.
#[derive(Clone, Default)]
pub struct Ledger(pub BTreeMap<Key, Entry>);

/// Counts of outcomes.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Ops that took effect or had nothing to do, by kind.
    pub done: BTreeMap<Kind, usize>,
    /// Ops that were refused to their client.
    pub refused: usize,
    /// Ops without effect whose client received `done`: it reconnected without an answer, and a
    /// later op of the same writer was stored.
    pub untold: usize,
    /// Ops that share a row with a later one.
    pub folded: usize,
    /// Unacknowledged ops of crashed clients.
    pub unknown: usize,
    /// Ops that were sent through two servers, refused by one, and stored later by the other. Nothing
    /// tells that server: `docs/simulation.md` has the reason.
    pub copies: usize,
}

/// The rows of one stroke, and what went into them.
#[derive(Default)]
struct Trace<'a> {
    rows: Vec<&'a Row>,
    /// Those whose transaction erased the stroke, or took a restoration in after an erasure.
    erasing: Vec<&'a Row>,
    marks: BTreeSet<&'a str>,
}

impl Ledger {
    /// Checks the history that the database recorded, and the final copies.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn judge(&self, history: &History, copy: &Copy) -> Result<Report, String> {
        let named = self.named(history)?;
        let mut traces = BTreeMap::<StrokeId, Trace>::new();
        for row in &history.rows {
            let trace = traces.entry(row.stroke).or_default();
            self.follows(row, trace.rows.last().copied())?;
            if row.body.is_none() || self.restores(row, &trace.marks) {
                trace.erasing.push(row);
            }
            trace.marks.extend(marks(row));
            trace.rows.push(row);
        }
        ends_as(&traces, copy)?;
        let mut report = Report::default();
        for (key, entry) in &self.0 {
            let trace = traces.get(&entry.stroke);
            let is_named = named.contains_key(key);
            let is_marked = trace.is_some_and(|trace| trace.marks.contains(&*entry.mark));
            let later = (key.0, key.1 + 1)..=(key.0, u64::MAX);
            let is_passed = named.range(later.clone()).next().is_some();
            // It was decided in one of these transactions.
            let earlier = named.range((key.0, 0)..*key).next_back();
            let first = earlier.map_or(0, |(_, batch)| *batch);
            let last = named.range(later).next();
            let last = last.map_or(usize::MAX, |(_, batch)| *batch);
            let rows = || trace.into_iter().flat_map(|trace| &trace.rows);
            let batch = |row: &Row| named[&(row.writer, row.n)];
            // It may have been erased in the transaction that stored it, and restored since.
            let was_erased = || {
                let mut rows = trace.into_iter().flat_map(|trace| &trace.erasing);
                rows.any(|row| (first..=last).contains(&batch(row)))
            };
            let had_nothing_to_do = || {
                let before = rows().take_while(|row| batch(row) < first).last();
                entry.kind == Kind::Erase && before.is_none_or(|row| row.body.is_none())
            };
            match entry.outcome {
                Outcome::Refused if (is_named || is_marked) && entry.reconnected => {
                    report.copies += 1;
                }
                Outcome::Refused if is_named || is_marked => {
                    return Err(format!("{entry:?} was refused, and happened"));
                }
                Outcome::Refused => report.refused += 1,
                Outcome::Unknown => report.unknown += 1,
                Outcome::Done if is_named || is_marked || was_erased() || had_nothing_to_do() => {
                    *report.done.entry(entry.kind).or_default() += 1;
                    report.folded += usize::from(!is_named && entry.kind != Kind::Erase);
                }
                Outcome::Done if entry.reconnected && is_passed => report.untold += 1,
                Outcome::Done => return Err(format!("op {} is lost: {entry:?}", key.1)),
            }
        }
        Ok(report)
    }

    /// Whether a restoration went into a row that is not among these marks.
    fn restores(&self, row: &Row, before: &BTreeSet<&str>) -> bool {
        let new: BTreeSet<&str> = marks(row).filter(|mark| !before.contains(mark)).collect();
        let mut ops = self.0.values().filter(|entry| entry.kind == Kind::Restore);
        ops.any(|entry| new.contains(&*entry.mark))
    }

    fn kind(&self, row: &Row) -> Kind {
        self.0[&(row.writer, row.n)].kind
    }

    /// The transaction in which each op has a row. Every position has one row and each op at most
    /// one, transactions are contiguous, and a writer's ops are in order.
    fn named(&self, history: &History) -> Result<BTreeMap<Key, usize>, String> {
        let mut batches = Vec::new();
        for (number, &(old, new)) in history.moves.iter().enumerate() {
            if old != batches.len() as Seq || new <= old {
                let head = batches.len();
                return Err(format!(
                    "the head moved from {old} to {new}, not from {head}"
                ));
            }
            batches.resize(new as usize, number);
        }
        let seqs = history.rows.iter().map(|row| row.seq);
        if !seqs.eq(1..=batches.len() as Seq) {
            return Err(format!("other rows than positions up to {}", batches.len()));
        }
        let mut named = BTreeMap::new();
        for (row, batch) in history.rows.iter().zip(batches) {
            let key = (row.writer, row.n);
            let entry = self.0.get(&key);
            if entry.map(|entry| (entry.stroke, entry.author)) != Some((row.stroke, row.author)) {
                return Err(format!("{entry:?} became {row:?}"));
            }
            if named.insert(key, batch).is_some() {
                return Err(format!("op {} happened twice: {row:?}", row.n));
            }
        }
        let mut pairs = named.iter().zip(named.iter().skip(1));
        match pairs.find(|((a, first), (b, second))| a.0 == b.0 && first > second) {
            Some(((before, _), (after, _))) => {
                Err(format!("op {} came before op {}", after.1, before.1))
            }
            None => Ok(named),
        }
    }

    /// A row has only marks of wanted ops on its stroke, and an edit keeps those that were there.
    fn follows(&self, row: &Row, before: Option<&Row>) -> Result<(), String> {
        let wanted = |mark: &&str| {
            let mut ops = self.0.values();
            ops.any(|entry| entry.mark == **mark && entry.stroke == row.stroke)
        };
        if let Some(mark) = marks(row).find(|mark| !wanted(mark)) {
            return Err(format!("{mark} was not meant for {row:?}"));
        }
        let now: BTreeSet<&str> = marks(row).collect();
        let kept = before.is_none_or(|before| marks(before).all(|mark| now.contains(mark)));
        match self.kind(row) {
            Kind::Erase if row.body.is_some() => Err(format!("erased, with a body: {row:?}")),
            // A restoration in the same transaction takes the place of what was there.
            Kind::Edit
                if !kept && !self.restores(row, &before.into_iter().flat_map(marks).collect()) =>
            {
                Err(format!("an edit goes over another: {before:?}, {row:?}"))
            }
            _ => Ok(()),
        }
    }
}

fn marks(row: &Row) -> impl Iterator<Item = &str> {
    let fields = row.body.iter().filter_map(Value::as_object).flatten();
    fields
        .map(|(name, _)| &**name)
        .filter(|name| name.starts_with("op_"))
}

/// Checks that the last row of each stroke is what all copies hold.
fn ends_as(traces: &BTreeMap<StrokeId, Trace>, copy: &Copy) -> Result<(), String> {
    if !traces.keys().eq(copy.strokes.keys()) {
        return Err("other strokes than there were".into());
    }
    for (trace, held) in traces.values().zip(copy.strokes.values()) {
        let row = trace.rows.last().expect("each has one");
        if (row.seq, row.z, row.author) != (held.seq, held.z, held.author)
            || (row.writer, row.n, &row.body) != (held.writer, held.n, &held.body)
        {
            return Err(format!("{held:?} is held, and {row:?} was stored"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use support::state::Stroke;
    use uuid::Uuid;
    use whiteboard::domain::ids::Writer;

    use super::*;

    /// Two people, their ops on one stroke, and the resulting rows.
    struct Story {
        writers: [Writer; 2],
        stroke: StrokeId,
        ledger: Ledger,
        history: History,
    }

    impl Story {
        fn wants(&mut self, person: usize, n: u64, kind: Kind, outcome: Outcome) {
            let Writer { id, author } = self.writers[person];
            let entry = Entry {
                kind,
                stroke: self.stroke,
                author,
                mark: mark(person, n),
                reconnected: false,
                outcome,
            };
            self.ledger.0.insert((id, n), entry);
        }

        fn stores(&mut self, person: usize, n: u64, marks: Option<&[&str]>) {
            let Writer { id, author } = self.writers[person];
            let seq = self.history.rows.len() as Seq + 1;
            let body = marks.map(|marks| marks.iter().map(|mark| (*mark, json!(1))).collect());
            self.history.rows.push(Row {
                seq,
                stroke: self.stroke,
                z: 1,
                author,
                writer: id,
                n,
                body,
            });
            self.history.moves.push((seq - 1, seq));
        }

        /// A stroke that is drawn, changed by both, erased, restored, and changed again.
        fn whole() -> Self {
            let writer = || Writer::new(Uuid::new_v4(), Uuid::new_v4());
            let mut story = Self {
                writers: [writer(), writer()],
                stroke: StrokeId::random(),
                ledger: Ledger::default(),
                history: History::default(),
            };
            for (person, n, kind, marks) in [
                (0, 1, Kind::Draw, Some(&["op_0_1"][..])),
                (1, 1, Kind::Edit, Some(&["op_0_1", "op_1_1"][..])),
                (0, 2, Kind::Edit, Some(&["op_0_1", "op_1_1", "op_0_2"][..])),
                (0, 3, Kind::Erase, None),
                (0, 4, Kind::Restore, Some(&["op_0_4"][..])),
                (1, 2, Kind::Edit, Some(&["op_0_4", "op_1_2"][..])),
            ] {
                story.wants(person, n, kind, Outcome::Done);
                story.stores(person, n, marks);
            }
            story
        }

        fn judged(&self) -> Result<Report, String> {
            let rows = self.history.rows.iter().cloned();
            let held = rows.map(|row| {
                let held = Stroke {
                    seq: row.seq,
                    stroke: row.stroke,
                    z: row.z,
                    author: row.author,
                    writer: row.writer,
                    n: row.n,
                    erased: row.body.is_none(),
                    body: row.body,
                };
                (row.stroke, held)
            });
            let copy = Copy {
                head: self.history.rows.len() as Seq,
                strokes: held.collect(),
            };
            self.ledger.judge(&self.history, &copy)
        }
    }

    #[test]
    fn the_ledger_accepts_a_correct_history() {
        let mut story = Story::whole();
        story.wants(1, 3, Kind::Edit, Outcome::Unknown);
        story.wants(1, 4, Kind::Edit, Outcome::Refused);
        let report = story.judged().unwrap();
        assert_eq!(report.done.values().sum::<usize>(), 6);
        assert_eq!((report.refused, report.unknown, report.folded), (1, 1, 0));
    }

    #[test]
    fn the_ledger_notices_each_violation() {
        type Spoils = fn(&mut Story);
        let spoilt: [(&str, Spoils); 8] = [
            ("happened twice", |it| {
                it.stores(1, 2, Some(&["op_0_4", "op_1_2"]));
            }),
            ("was refused, and happened", |it| {
                it.wants(1, 2, Kind::Edit, Outcome::Refused);
            }),
            ("was refused, and happened", |it| {
                it.wants(1, 3, Kind::Edit, Outcome::Refused);
                it.history.rows[5].body = Some(json!({"op_0_4": 1, "op_1_2": 1, "op_1_3": 1}));
            }),
            ("goes over another", |it| {
                it.history.rows[2].body = Some(json!({"op_0_1": 1, "op_0_2": 1}));
            }),
            ("came before", |it| it.history.rows.swap(0, 2)),
            ("the head moved", |it| it.history.moves[3] = (2, 4)),
            ("other rows", |it| it.history.moves.truncate(5)),
            ("is lost", |it| {
                it.wants(1, 3, Kind::Edit, Outcome::Done);
            }),
        ];
        for (why, spoil) in spoilt {
            let mut story = Story::whole();
            spoil(&mut story);
            for (at, row) in story.history.rows.iter_mut().enumerate() {
                row.seq = at as Seq + 1;
            }
            let judged = story.judged();
            let text = format!("{judged:?}");
            assert!(
                judged.is_err_and(|error| error.contains(why)),
                "not {why}: {text}"
            );
        }
    }
}
