//! The actions of people in a run: every decision follows from the seed alone.
//!
//! It must never depend on a client or a server: then a seed would not be reproducible.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::state::pen;
use uuid::Uuid;
use whiteboard::domain::ids::StrokeId;

use super::ledger::{Kind, mark};

/// People at first, and most at once.
pub const FIRST_PEOPLE: usize = 3;
const MOST_PEOPLE: usize = 5;
/// Fewest people at any time.
const FEWEST_PEOPLE: usize = 2;
/// Acts until a person changes a stroke that another changed: most clients have it by then.
const SETTLED: usize = 90;
/// Percentage of ops on existing strokes that are on the person's own.
const OWN: u32 = 85;

/// One op of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Want {
    pub kind: Kind,
    pub stroke: StrokeId,
    /// The body, or the fields that change.
    pub fields: Value,
    /// The number of the person's own op that it builds on, if any.
    pub base: Option<u64>,
}

/// An action of a person. People are numbered in the order of their arrival.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// The next person joins.
    Comes,
    /// Leaves, once everything is acknowledged.
    Leaves(usize),
    /// The client crashes, with its unacknowledged ops.
    Crashes(usize),
    /// The connection is cut.
    Cut(usize),
    /// Moves the pointer.
    Points(usize, Value),
    /// Submits an op under the next number.
    Wants(usize, Want),
}

/// A stroke, as if every op took effect at once and in this order.
struct Stroke {
    id: StrokeId,
    living: bool,
    /// Who changed it last, by which op, and when.
    person: usize,
    n: u64,
    at: usize,
}

/// The decisions of one seed.
pub struct Script {
    random: fastrand::Rng,
    acts: usize,
    /// The last op number of each person.
    numbers: Vec<u64>,
    here: Vec<usize>,
    strokes: Vec<Stroke>,
    /// Number of ops of each kind.
    pub wanted: BTreeMap<Kind, usize>,
}

impl Script {
    pub fn of(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            acts: 0,
            numbers: Vec::new(),
            here: Vec::new(),
            strokes: Vec::new(),
            wanted: BTreeMap::new(),
        }
    }

    /// A random number below this one.
    pub fn below(&mut self, number: usize) -> usize {
        self.random.usize(..number)
    }

    /// Shuffles these.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        self.random.shuffle(all);
    }

    /// The next action.
    pub fn act(&mut self) -> Act {
        self.acts += 1;
        let few = self.here.len() <= FEWEST_PEOPLE;
        match self.random.u32(..100) {
            _ if self.here.len() < FIRST_PEOPLE && self.numbers.len() < FIRST_PEOPLE => {
                self.comes()
            }
            0..4 if self.here.len() < MOST_PEOPLE => self.comes(),
            4..7 if !few => Act::Leaves(self.goes()),
            7 if !few => Act::Crashes(self.goes()),
            8..10 => Act::Cut(self.someone()),
            10..16 => {
                let place = json!({"x": self.random.u16(..), "y": self.random.u16(..)});
                Act::Points(self.someone(), place)
            }
            16..40 => self.draws(),
            40..66 => self.edits(),
            66..77 => self.erases(),
            77..98 => self.takes_back(),
            _ => self.errs(),
        }
    }

    fn comes(&mut self) -> Act {
        self.here.push(self.numbers.len());
        self.numbers.push(0);
        Act::Comes
    }

    fn goes(&mut self) -> usize {
        let at = self.random.usize(..self.here.len());
        self.here.swap_remove(at)
    }

    fn someone(&mut self) -> usize {
        self.here[self.random.usize(..self.here.len())]
    }

    fn draws(&mut self) -> Act {
        let person = self.someone();
        let body = pen(f64::from(self.random.u16(..)));
        let id = StrokeId(Uuid::from_u128(self.random.u128(..)));
        self.strokes.push(Stroke {
            id,
            living: true,
            person,
            n: 0,
            at: 0,
        });
        self.wants(person, self.strokes.len() - 1, Kind::Draw, body, None)
    }

    fn edits(&mut self) -> Act {
        let person = self.someone();
        let Some(at) = self.target(person) else {
            return self.draws();
        };
        let set = json!({"x": self.random.u16(..), "width": self.random.u16(1..9)});
        self.wants(person, at, Kind::Edit, set, None)
    }

    fn erases(&mut self) -> Act {
        let person = self.someone();
        let Some(at) = self.target(person) else {
            return self.draws();
        };
        self.wants(person, at, Kind::Erase, Value::Null, None)
    }

    /// A stroke that probably exists.
    fn target(&mut self, person: usize) -> Option<usize> {
        let own = self.random.u32(..100) < OWN;
        let is_seen = |stroke: &Stroke| match own {
            true => stroke.person == person,
            // A person who left may have taken the op along.
            false => {
                let other = stroke.person != person && self.here.contains(&stroke.person);
                other && stroke.at + SETTLED < self.acts
            }
        };
        let strokes = self.strokes.iter().enumerate();
        let there = strokes.filter(|(_, stroke)| stroke.living && is_seen(stroke));
        let there: Vec<usize> = there.map(|(at, _)| at).collect();
        self.random.choice(there)
    }

    /// Undoes a person's own last change, if no other followed: restores what was erased, or erases
    /// what was drawn or changed.
    fn takes_back(&mut self) -> Act {
        let person = self.someone();
        let living = self.random.u32(..10) < 3;
        let strokes = self.strokes.iter().enumerate();
        let mine = strokes.filter(|(_, stroke)| stroke.person == person && stroke.living == living);
        let mine: Vec<usize> = mine.map(|(at, _)| at).collect();
        let Some(at) = self.random.choice(mine) else {
            return self.edits();
        };
        let base = Some(self.strokes[at].n);
        match living {
            true => self.wants(person, at, Kind::Erase, Value::Null, base),
            false => {
                // A new body: each body shows which ops went into it.
                let body = pen(f64::from(self.random.u16(..)));
                self.wants(person, at, Kind::Restore, body, base)
            }
        }
    }

    /// An op that no correct client sends: it is refused, whenever it arrives.
    fn errs(&mut self) -> Act {
        let person = self.someone();
        let known = self.random.choice(0..self.strokes.len());
        let (kind, stroke, fields, base) = match (self.random.u8(..3), known) {
            (0, Some(at)) => {
                let body = pen(1.0);
                (Kind::Draw, self.strokes[at].id, body, None)
            }
            // Building on this very op, which does not exist before it takes effect.
            (1, Some(at)) => {
                let base = self.numbers[person] + 1;
                (Kind::Erase, self.strokes[at].id, Value::Null, Some(base))
            }
            _ => {
                let nowhere = StrokeId(Uuid::from_u128(self.random.u128(..)));
                (Kind::Edit, nowhere, json!({"x": 1}), None)
            }
        };
        self.numbered(person, kind, stroke, fields, base)
    }

    /// Submits an op on the stroke at this index, and updates its expected state.
    fn wants(
        &mut self,
        person: usize,
        at: usize,
        kind: Kind,
        fields: Value,
        base: Option<u64>,
    ) -> Act {
        let stroke = &mut self.strokes[at];
        (stroke.person, stroke.n) = (person, self.numbers[person] + 1);
        (stroke.living, stroke.at) = (kind != Kind::Erase, self.acts);
        let id = stroke.id;
        self.numbered(person, kind, id, fields, base)
    }

    fn numbered(
        &mut self,
        person: usize,
        kind: Kind,
        stroke: StrokeId,
        mut fields: Value,
        base: Option<u64>,
    ) -> Act {
        self.numbers[person] += 1;
        if kind != Kind::Erase {
            fields[mark(person, self.numbers[person])] = json!(1);
        }
        *self.wanted.entry(kind).or_default() += 1;
        let want = Want {
            kind,
            stroke,
            fields,
            base,
        };
        Act::Wants(person, want)
    }
}

#[test]
fn a_script_follows_from_its_seed_alone() {
    let acts = |seed| {
        let mut script = Script::of(seed);
        (0..600).map(|_| script.act()).collect::<Vec<_>>()
    };
    assert_eq!(acts(7), acts(7));
    assert_ne!(acts(7), acts(8));
}

#[test]
fn a_script_of_any_seed_has_some_of_everything() {
    for seed in 0..200 {
        let mut script = Script::of(seed);
        let acts: Vec<Act> = (0..400).map(|_| script.act()).collect();
        let some = |is: fn(&Act) -> bool| acts.iter().filter(|act| is(act)).count();
        assert!(
            some(|act| matches!(act, Act::Comes)) > FIRST_PEOPLE,
            "{seed}"
        );
        assert!(some(|act| matches!(act, Act::Leaves(_))) > 0, "{seed}");
        assert!(some(|act| matches!(act, Act::Cut(_))) > 0, "{seed}");
        assert!(some(|act| matches!(act, Act::Points(..))) > 5, "{seed}");
        for (kind, fewest) in [
            (Kind::Draw, 40),
            (Kind::Edit, 40),
            (Kind::Erase, 25),
            (Kind::Restore, 10),
        ] {
            let wanted = script.wanted.get(&kind).copied().unwrap_or(0);
            assert!(wanted >= fewest, "{seed}: {wanted} of {kind:?}");
        }
    }
}
