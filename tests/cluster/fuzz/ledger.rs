//! A ledger of all ops, which checks that each outcome is allowed by the rules of a drawing.
//!
//! A small model applies the rows in the order of their positions: each must follow from the one
//! before and from requested ops. Each op is accounted for individually, by its writer and number.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use whiteboard::domain::ids::{OpId, PersonId, StrokeId, WriterId};
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client crashed before it was acknowledged: it may have taken effect, once, or not.
    Unknown,
    /// It was acknowledged without a refusal.
    Done,
    /// It was refused, for this reason.
    Refused(String),
}

/// One op.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: Kind,
    pub stroke: StrokeId,
    /// The body, or the fields that change.
    pub fields: Value,
    pub base: Option<OpId>,
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
    /// Ops that were refused to their client, by reason.
    pub refused: BTreeMap<String, usize>,
    /// Ops without effect whose client received `done`: it reconnected without an answer, and a
    /// later op of the same writer was stored. As long as its socket lives, a server knows its
    /// decisions, even if the transaction had no result.
    pub untold: usize,
    /// Ops that share a row with a later one.
    pub folded: usize,
    /// Unacknowledged ops of crashed clients, and how many of them took effect.
    pub unknown: usize,
    pub unknown_happened: usize,
}

/// A stroke at one moment, according to its row.
type State<'a> = Option<&'a Row>;

/// The relation of ops and rows.
struct Trial<'a> {
    ledger: &'a Ledger,
    rows: &'a [Row],
    /// The number of the transaction that stored each row.
    batch: Vec<usize>,
    batches: usize,
    /// The row that names each op.
    named: BTreeMap<Key, usize>,
    /// The rows of each stroke, in order.
    strokes: BTreeMap<StrokeId, Vec<usize>>,
    /// The ops on each stroke that no row names and that were not refused.
    unnamed: BTreeMap<StrokeId, Vec<Key>>,
}

impl Ledger {
    /// Checks the history that the database recorded, and the final copies.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn judge(&self, history: &History, copy: &Copy) -> Result<Report, String> {
        let trial = Trial::of(self, history)?;
        for row in 0..trial.rows.len() {
            trial.follows(row)?;
        }
        trial.ends_as(copy)?;
        let mut report = Report::default();
        for key in self.0.keys() {
            trial.accounts_for(*key, &mut report)?;
        }
        Ok(report)
    }
}

impl<'a> Trial<'a> {
    /// Every position has one row and each op at most one, transactions are contiguous, and a
    /// writer's ops are in order.
    fn of(ledger: &'a Ledger, history: &'a History) -> Result<Self, String> {
        let rows = &history.rows;
        for (at, row) in rows.iter().enumerate() {
            if row.seq != at as Seq + 1 {
                return Err(format!("the row at {} is no. {}: {row:?}", row.seq, at + 1));
            }
        }
        let mut batch = Vec::new();
        for (number, &(old, new)) in history.moves.iter().enumerate() {
            if old != batch.len() as Seq || new <= old {
                return Err(format!(
                    "the head moved from {old} to {new}, not from {}",
                    batch.len()
                ));
            }
            batch.resize(new as usize, number);
        }
        if batch.len() != rows.len() {
            return Err(format!(
                "{} rows, and the head at {}",
                rows.len(),
                batch.len()
            ));
        }
        let mut named = BTreeMap::new();
        let mut strokes = BTreeMap::<_, Vec<usize>>::new();
        for (at, row) in rows.iter().enumerate() {
            let key = (row.writer, row.n);
            let Some(entry) = ledger.0.get(&key) else {
                return Err(format!("nobody wanted {row:?}"));
            };
            if let Some(before) = named.insert(key, at) {
                let before = &rows[before];
                return Err(format!("op {} happened twice: {before:?}, {row:?}", row.n));
            }
            if (entry.stroke, entry.author) != (row.stroke, row.author) {
                return Err(format!("{entry:?} became {row:?}"));
            }
            strokes.entry(row.stroke).or_default().push(at);
        }
        let mut last: Option<(Key, usize)> = None;
        for (&key, &at) in &named {
            if let Some((before, earlier)) = last
                && before.0 == key.0
                && batch[earlier] > batch[at]
            {
                return Err(format!(
                    "op {} came before op {} of {:?}",
                    key.1, before.1, key.0
                ));
            }
            last = Some((key, at));
        }
        let mut unnamed = BTreeMap::<_, Vec<Key>>::new();
        for (key, entry) in &ledger.0 {
            if !named.contains_key(key) && !matches!(entry.outcome, Outcome::Refused(_)) {
                unnamed.entry(entry.stroke).or_default().push(*key);
            }
        }
        Ok(Self {
            ledger,
            rows,
            batches: history.moves.len(),
            batch,
            named,
            strokes,
            unnamed,
        })
    }

    fn entry(&self, key: Key) -> &'a Entry {
        &self.ledger.0[&key]
    }

    fn kind(&self, row: usize) -> Kind {
        let row = &self.rows[row];
        self.entry((row.writer, row.n)).kind
    }

    /// The transactions in which an op may have been decided: not before those of its writer's
    /// earlier ops, nor after those of the later ones.
    fn window(&self, (writer, n): Key) -> (usize, usize) {
        let before = self.named.range((writer, 0)..(writer, n)).next_back();
        let after = self
            .named
            .range((writer, n + 1)..=(writer, u64::MAX))
            .next();
        (
            before.map_or(0, |(_, &at)| self.batch[at]),
            after.map_or(self.batches, |(_, &at)| self.batch[at]),
        )
    }

    fn rows_of(&self, stroke: StrokeId) -> &[usize] {
        self.strokes.get(&stroke).map_or(&[], Vec::as_slice)
    }

    /// The rows of a stroke that may belong to the same transaction as an op on it.
    fn rows_in(&self, key: Key) -> impl Iterator<Item = usize> {
        let (first, last) = self.window(key);
        let rows = self.rows_of(self.entry(key).stroke).iter().copied();
        rows.filter(move |&row| (first..=last).contains(&self.batch[row]))
    }

    /// The possible states of a stroke when an op on it was decided.
    fn states(&self, key: Key) -> impl Iterator<Item = State<'a>> {
        let (first, _) = self.window(key);
        let rows = self.rows_of(self.entry(key).stroke).iter();
        let before = rows
            .copied()
            .take_while(move |&row| self.batch[row] < first);
        let before = before.last().map(|row| &self.rows[row]);
        let rows = self.rows;
        [before]
            .into_iter()
            .chain(self.rows_in(key).map(move |row| Some(&rows[row])))
    }

    /// Unnamed ops that may have gone into a row before the op that it names.
    fn may_be_in(&self, row: usize) -> Vec<(Key, &'a Entry)> {
        let stroke = self.rows[row].stroke;
        let here = |&(key, _): &(Key, &Entry)| {
            let (first, last) = self.window(key);
            let named = &self.rows[row];
            let earlier = key.0 != named.writer || key.1 < named.n;
            earlier && (first..=last).contains(&self.batch[row])
        };
        let unnamed = self.unnamed.get(&stroke).into_iter().flatten();
        unnamed
            .map(|&key| (key, self.entry(key)))
            .filter(here)
            .collect()
    }

    /// The row that the stroke had before this one.
    fn before(&self, row: usize) -> State<'a> {
        let rows = self.rows_of(self.rows[row].stroke);
        let at = rows.partition_point(|&other| other < row);
        Some(&self.rows[rows[at.checked_sub(1)?]])
    }

    /// Checks that a row follows from the one before, its op, and those that may share it.
    fn follows(&self, at: usize) -> Result<(), String> {
        let (row, before) = (&self.rows[at], self.before(at));
        let entry = self.entry((row.writer, row.n));
        let inside = self.may_be_in(at);
        let wrong = |why: &str| {
            Err(format!(
                "{why}: {entry:?} on {before:?} gave {row:?}; with {inside:?}"
            ))
        };
        if let Outcome::Refused(reason) = &entry.outcome {
            return wrong(&format!("an op happened that was refused as {reason}"));
        }
        let z = before.map_or(row.seq as i64, |before| before.z);
        if row.z != z {
            return wrong("another painting order");
        }
        let became = |kind| inside.iter().any(|(_, entry)| entry.kind == kind);
        let living = before.is_some_and(|before| before.body.is_some());
        let builds_on = |base: OpId| {
            let is_it = before.is_some_and(|row| (row.writer, row.n) == (base.writer, base.n));
            is_it || inside.iter().any(|(key, _)| *key == (base.writer, base.n))
        };
        if entry.base.is_some_and(|base| !builds_on(base)) {
            return wrong("over an op that was not the last");
        }
        let appears = became(Kind::Draw) || became(Kind::Restore);
        match entry.kind {
            Kind::Draw if before.is_some() => wrong("drawn over a stroke"),
            Kind::Restore if living && !became(Kind::Erase) => wrong("restored while it was there"),
            Kind::Erase if !living && !appears => wrong("erased while it was gone"),
            Kind::Edit if !living && !appears => wrong("changed while it was gone"),
            Kind::Erase if row.body.is_some() => wrong("erased, and has a body"),
            Kind::Erase => Ok(()),
            Kind::Draw | Kind::Restore if row.body.as_ref() == Some(&entry.fields) => Ok(()),
            Kind::Draw | Kind::Restore => wrong("another body"),
            Kind::Edit => {
                let held = before.and_then(|before| before.body.as_ref());
                let new = inside
                    .iter()
                    .filter(|(_, entry)| matches!(entry.kind, Kind::Draw | Kind::Restore));
                let bases = held.into_iter().chain(new.map(|(_, entry)| &entry.fields));
                let mut made = bases.map(|base| self.edited(base, row, entry, &inside));
                match row
                    .body
                    .as_ref()
                    .is_some_and(|body| made.any(|made| made == *body))
                {
                    true => Ok(()),
                    false => wrong("another body"),
                }
            }
        }
    }

    /// A body after an edit, and after marked ops that share its row.
    fn edited(&self, base: &Value, row: &Row, entry: &Entry, inside: &[(Key, &Entry)]) -> Value {
        let mut body = base.clone();
        let edits = inside.iter().filter(|(_, entry)| entry.kind == Kind::Edit);
        for (_, other) in edits.filter(|(_, other)| carries(row, &other.mark)) {
            body[&other.mark] = other.fields[&other.mark].clone();
        }
        let fields = entry.fields.as_object().expect("fields");
        body.as_object_mut().expect("a body").extend(fields.clone());
        body
    }

    /// Checks that the last row of each stroke is what all copies hold.
    fn ends_as(&self, copy: &Copy) -> Result<(), String> {
        if copy.head != self.rows.len() as Seq {
            return Err(format!("head {}, and {} rows", copy.head, self.rows.len()));
        }
        let held: BTreeSet<_> = copy.strokes.keys().collect();
        if held != self.strokes.keys().collect() {
            return Err("other strokes than there were".into());
        }
        for (stroke, held) in &copy.strokes {
            let row = self.strokes[stroke].last().map(|&row| &self.rows[row]);
            let is_it = row.is_some_and(|row| {
                (row.seq, row.z) == (held.seq, held.z)
                    && (row.writer, row.n, &row.body) == (held.writer, held.n, &held.body)
            });
            if !is_it {
                return Err(format!("{held:?} is held, and {row:?} was stored"));
            }
        }
        Ok(())
    }

    /// Checks each op's effect against what its client received.
    fn accounts_for(&self, key: Key, report: &mut Report) -> Result<(), String> {
        let entry = self.entry(key);
        let is_named = self.named.contains_key(&key);
        let (writer, n) = key;
        let later = (writer, n + 1)..=(writer, u64::MAX);
        let is_passed = self.named.range(later).next().is_some();
        let may_be_refused = || {
            let reasons = ["exists", "absent", "erased", "changed"];
            reasons.iter().any(|reason| self.agrees(key, reason))
        };
        match &entry.outcome {
            Outcome::Refused(reason) => {
                if self.is_seen(entry) {
                    return Err(format!("{entry:?} was refused, and went into a body"));
                }
                if !self.agrees(key, reason) {
                    let states: Vec<State> = self.states(key).collect();
                    return Err(format!("{entry:?} was refused as {reason}, on {states:?}"));
                }
                *report.refused.entry(reason.clone()).or_default() += 1;
            }
            Outcome::Unknown => {
                report.unknown += 1;
                report.unknown_happened += usize::from(is_named || self.is_seen(entry));
            }
            Outcome::Done if is_named || self.is_hidden(key) => {
                *report.done.entry(entry.kind).or_default() += 1;
                report.folded += usize::from(!is_named && entry.kind != Kind::Erase);
            }
            Outcome::Done if entry.reconnected && is_passed && may_be_refused() => {
                report.untold += 1;
            }
            Outcome::Done => {
                let (first, last) = self.window(key);
                return Err(format!(
                    "op {} is lost: {entry:?}, in transactions {first} to {last}; passed: {is_passed}, to be refused: {}",
                    key.1,
                    may_be_refused()
                ));
            }
        }
        Ok(())
    }

    fn is_seen(&self, entry: &Entry) -> bool {
        let mut rows = self.rows_of(entry.stroke).iter();
        entry.kind != Kind::Erase && rows.any(|&row| carries(&self.rows[row], &entry.mark))
    }

    /// Whether an op that no row names may have taken effect: it shares a row with a later one, or
    /// had nothing to do.
    fn is_hidden(&self, key: Key) -> bool {
        let entry = self.entry(key);
        let mut shown = self.rows_of(entry.stroke).iter().copied();
        let shown = shown.find(|&row| carries(&self.rows[row], &entry.mark));
        let mut rows = self.rows_in(key);
        if entry.kind == Kind::Erase {
            let restored = |row: usize| {
                let inside = self.may_be_in(row);
                self.kind(row) == Kind::Restore
                    || inside.iter().any(|(_, entry)| entry.kind == Kind::Restore)
            };
            let mut states = self.states(key);
            return states.any(|state| state.is_none_or(|row| row.body.is_none()))
                || rows.any(restored);
        }
        match shown {
            // It took effect where its mark appears first.
            Some(shown) => rows.any(|row| row == shown),
            // It was erased again before a row showed it.
            None => rows.any(|row| {
                let inside = self.may_be_in(row);
                let taken = |kind| matches!(kind, Kind::Erase | Kind::Restore);
                taken(self.kind(row)) || inside.iter().any(|(_, entry)| taken(entry.kind))
            }),
        }
    }

    /// Whether the op's own writer drew the stroke before it.
    fn has_drawn(&self, (writer, n): Key) -> bool {
        let stroke = self.entry((writer, n)).stroke;
        let mut earlier = self.ledger.0.range((writer, 0)..(writer, n));
        earlier.any(|(key, entry)| {
            let is_it = (entry.kind, entry.stroke) == (Kind::Draw, stroke);
            is_it && (self.named.contains_key(key) || self.is_seen(entry))
        })
    }

    /// Whether the stroke may have been in a state for which an op is refused for this reason.
    fn agrees(&self, key: Key, reason: &str) -> bool {
        let entry = self.entry(key);
        let is_over = |row: &Row| {
            let base = entry.base.map(|base| (base.writer, base.n));
            base.is_none_or(|base| base == (row.writer, row.n))
        };
        let refuses = |state: State| match (reason, entry.kind, state) {
            ("exists", Kind::Draw, state) => state.is_some(),
            ("absent", Kind::Edit | Kind::Restore, state) => {
                state.is_none() && !self.has_drawn(key)
            }
            ("erased", Kind::Edit, Some(row)) => row.body.is_none(),
            ("changed", Kind::Edit | Kind::Erase, Some(row)) => row.body.is_some() && !is_over(row),
            ("changed", Kind::Restore, Some(row)) => row.body.is_some() || !is_over(row),
            _ => false,
        };
        // Between two ops of one transaction a stroke may be in a state that no row shows.
        let passing = |kind| {
            let (first, last) = self.window(key);
            let others = self.unnamed.get(&entry.stroke).into_iter().flatten();
            let mut others =
                others.filter(|&&other| other != key && self.entry(other).kind == kind);
            others.any(|&other| {
                let (from, to) = self.window(other);
                from <= last && first <= to && self.is_hidden(other)
            })
        };
        let passes = || match (reason, entry.kind) {
            ("erased", Kind::Edit) => passing(Kind::Erase),
            ("changed", Kind::Edit | Kind::Erase | Kind::Restore) => {
                let last = [Kind::Draw, Kind::Edit, Kind::Restore];
                entry.base.is_some() && last.into_iter().any(passing)
            }
            _ => false,
        };
        self.states(key).any(refuses) || passes()
    }
}

fn carries(row: &Row, mark: &str) -> bool {
    row.body
        .as_ref()
        .is_some_and(|body| body.get(mark).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use whiteboard::domain::ids::Writer;

    use super::*;
    use support::state::Stroke;

    /// Two people, their ops, and the resulting rows.
    struct Story {
        writers: [Writer; 2],
        stroke: StrokeId,
        ledger: Ledger,
        history: History,
    }

    impl Story {
        fn new() -> Self {
            let writer = || Writer::new(uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
            Self {
                writers: [writer(), writer()],
                stroke: StrokeId::random(),
                ledger: Ledger::default(),
                history: History::default(),
            }
        }

        fn wants(&mut self, person: usize, n: u64, kind: Kind, outcome: Outcome) {
            let Writer { id, author } = self.writers[person];
            let mark = mark(person, n);
            let fields = match kind {
                Kind::Draw | Kind::Restore => json!({"x": n, "y": 1, &mark: 1}),
                Kind::Edit => json!({"x": n, &mark: 1}),
                Kind::Erase => Value::Null,
            };
            let base = (kind == Kind::Restore).then_some(OpId {
                writer: id,
                n: n - 1,
            });
            let entry = Entry {
                kind,
                stroke: self.stroke,
                fields,
                base,
                author,
                mark,
                reconnected: false,
                outcome,
            };
            self.ledger.0.insert((id, n), entry);
        }

        fn stores(&mut self, person: usize, n: u64, body: Option<Value>) {
            let Writer { id, author } = self.writers[person];
            let seq = self.history.rows.len() as Seq + 1;
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
            let mut story = Self::new();
            for (person, n, kind) in [
                (0, 1, Kind::Draw),
                (1, 1, Kind::Edit),
                (0, 2, Kind::Edit),
                (0, 3, Kind::Erase),
                (0, 4, Kind::Restore),
                (1, 2, Kind::Edit),
            ] {
                story.wants(person, n, kind, Outcome::Done);
            }
            story.stores(0, 1, Some(json!({"x": 1, "y": 1, "op_0_1": 1})));
            story.stores(
                1,
                1,
                Some(json!({"x": 1, "y": 1, "op_0_1": 1, "op_1_1": 1})),
            );
            story.stores(
                0,
                2,
                Some(json!({"x": 2, "y": 1, "op_0_1": 1, "op_1_1": 1, "op_0_2": 1})),
            );
            story.stores(0, 3, None);
            story.stores(0, 4, Some(json!({"x": 4, "y": 1, "op_0_4": 1})));
            story.stores(
                1,
                2,
                Some(json!({"x": 2, "y": 1, "op_0_4": 1, "op_1_2": 1})),
            );
            story
        }

        fn judged(&self) -> Result<Report, String> {
            let mut copy = Copy {
                head: self.history.rows.len() as Seq,
                strokes: BTreeMap::new(),
            };
            for row in self.history.rows.clone() {
                let held = Stroke {
                    seq: row.seq,
                    stroke: row.stroke,
                    z: row.z,
                    writer: row.writer,
                    n: row.n,
                    erased: row.body.is_none(),
                    body: row.body,
                };
                copy.strokes.insert(row.stroke, held);
            }
            self.ledger.judge(&self.history, &copy)
        }

        fn is_wrong(&self, why: &str) {
            let judged = self.judged();
            let text = format!("{judged:?}");
            assert!(
                judged.is_err_and(|error| error.contains(why)),
                "not {why}: {text}"
            );
        }
    }

    #[test]
    fn the_ledger_accepts_a_correct_history() {
        let report = Story::whole().judged().unwrap();
        assert_eq!(report.done.values().sum::<usize>(), 6);
        assert_eq!((report.folded, report.untold, report.unknown), (0, 0, 0));
    }

    #[test]
    fn an_op_that_happens_twice_is_noticed() {
        let mut story = Story::whole();
        let again = Some(json!({"x": 2, "y": 1, "op_0_4": 1, "op_1_2": 1}));
        story.stores(1, 2, again);
        story.is_wrong("happened twice");
    }

    #[test]
    fn an_acknowledged_op_that_is_lost_is_noticed() {
        let mut story = Story::whole();
        story.wants(1, 3, Kind::Edit, Outcome::Done);
        story.is_wrong("is lost");
        // For a crashed client the outcome is unknown.
        let mut story = Story::whole();
        story.wants(1, 3, Kind::Edit, Outcome::Unknown);
        assert_eq!(story.judged().unwrap().unknown, 1);
    }

    #[test]
    fn an_op_that_came_to_nothing_may_be_passed_over_by_a_later_one_only() {
        let mut story = Story::whole();
        story.wants(1, 3, Kind::Edit, Outcome::Done);
        let id = story.writers[1].id;
        // There is no such stroke.
        let entry = story.ledger.0.get_mut(&(id, 3)).unwrap();
        (entry.stroke, entry.reconnected) = (StrokeId::random(), true);
        story.is_wrong("op 3 is lost");
        story.wants(1, 4, Kind::Edit, Outcome::Done);
        let body = json!({"x": 4, "y": 1, "op_0_4": 1, "op_1_2": 1, "op_1_4": 1});
        story.stores(1, 4, Some(body));
        assert_eq!(story.judged().unwrap().untold, 1);
        // A client that kept its socket must receive the refusal, or the op is lost.
        story.ledger.0.get_mut(&(id, 3)).unwrap().reconnected = false;
        story.is_wrong("op 3 is lost");
    }

    #[test]
    fn a_refusal_needs_a_reason_that_holds() {
        for (kind, reason, holds) in [
            (Kind::Draw, "exists", true),
            (Kind::Edit, "absent", false),
            // It was erased before this writer's last op, and not since.
            (Kind::Edit, "erased", false),
            (Kind::Edit, "changed", false),
            (Kind::Restore, "changed", true),
            (Kind::Erase, "erased", false),
            (Kind::Edit, "invalid", false),
        ] {
            let mut story = Story::whole();
            story.wants(1, 3, kind, Outcome::Refused(reason.into()));
            match holds {
                true => assert_eq!(story.judged().unwrap().refused[reason], 1),
                false => story.is_wrong(&format!("was refused as {reason}")),
            }
        }
    }

    #[test]
    fn a_refused_op_that_happens_is_noticed() {
        let mut story = Story::whole();
        story.wants(1, 2, Kind::Edit, Outcome::Refused("erased".into()));
        story.is_wrong("that was refused");
    }

    #[test]
    fn an_edit_that_goes_over_another_is_noticed() {
        let mut story = Story::whole();
        // The second edit did not include the first.
        let body = json!({"x": 2, "y": 1, "op_0_1": 1, "op_0_2": 1});
        story.history.rows[2].body = Some(body);
        story.is_wrong("another body");
    }

    #[test]
    fn ops_that_share_a_row_are_accounted_for() {
        let mut story = Story::new();
        story.wants(0, 1, Kind::Draw, Outcome::Done);
        story.wants(0, 2, Kind::Edit, Outcome::Done);
        story.wants(0, 3, Kind::Edit, Outcome::Done);
        let body = json!({"x": 3, "y": 1, "op_0_1": 1, "op_0_2": 1, "op_0_3": 1});
        story.stores(0, 3, Some(body));
        let report = story.judged().unwrap();
        assert_eq!((report.folded, report.done.values().sum::<usize>()), (2, 3));

        // One of them left no mark.
        let body = json!({"x": 3, "y": 1, "op_0_1": 1, "op_0_3": 1});
        story.history.rows[0].body = Some(body);
        story.is_wrong("op 2 is lost");
    }

    #[test]
    fn a_writers_ops_out_of_order_are_noticed() {
        let mut story = Story::new();
        story.wants(0, 1, Kind::Draw, Outcome::Done);
        story.wants(0, 2, Kind::Edit, Outcome::Done);
        story.wants(0, 3, Kind::Edit, Outcome::Done);
        story.stores(0, 1, Some(json!({"x": 1, "y": 1, "op_0_1": 1})));
        story.stores(
            0,
            3,
            Some(json!({"x": 3, "y": 1, "op_0_1": 1, "op_0_3": 1})),
        );
        let body = json!({"x": 2, "y": 1, "op_0_1": 1, "op_0_3": 1, "op_0_2": 1});
        story.stores(0, 2, Some(body));
        story.is_wrong("came before");
    }

    #[test]
    fn a_transaction_on_a_head_that_was_not_there_is_noticed() {
        let mut story = Story::whole();
        story.history.moves[3] = (2, 4);
        story.is_wrong("the head moved");
        let mut story = Story::whole();
        story.history.moves.pop();
        story.is_wrong("rows");
    }
}
