//! Tests of a replica: what arrives, what is read, and what is written down.

use super::*;
use crate::domain::drawing::Limits;
use crate::domain::ids::DrawingId;
use crate::domain::stroke::Body;

const LIMITS: Limits = Limits {
    strokes: 100,
    bytes: 1 << 20,
};
const REORDER_LIMIT: usize = 3;

fn change(seq: Seq) -> Change {
    change_of(None, seq)
}

fn change_of(body: Option<&str>, seq: Seq) -> Change {
    Change::by_anyone(seq, body.map(|json| Body::from_stored(json.into())))
}

/// A replica of an empty drawing.
fn opened(epoch: Epoch) -> Replica {
    let mut replica = Replica::new(REORDER_LIMIT, INDEX_AFTER);
    assert!(replica.open(Drawing::new(epoch, 0, LIMITS), 0));
    replica
}

fn chunk(epoch: Epoch, changes: Vec<Change>, head: Seq) -> Chunk {
    Chunk {
        epoch,
        compacted: 0,
        title: String::new(),
        rules: 0,
        changes,
        head,
        more: false,
        database_head: head,
    }
}

#[test]
fn a_change_waits_for_those_before_it() {
    let mut replica = opened(Epoch::random());
    assert_eq!(replica.arrive(change(3)), Placed::Waits);
    assert_eq!(replica.arrive(change(2)), Placed::Waits);
    assert_eq!(replica.arrive(change(1)), Placed::Applied);
    assert!(replica.has_gap());
    replica.take_waiting();
    assert!(!replica.has_gap());
    assert_eq!(replica.head(), 3);
    assert_eq!(replica.arrive(change(3)), Placed::Stale);
}

#[test]
fn changes_wait_for_the_first_read_too() {
    let mut replica = Replica::new(REORDER_LIMIT, INDEX_AFTER);
    assert_eq!(replica.arrive(change(1)), Placed::Waits);
    replica.open(Drawing::new(Epoch::random(), 0, LIMITS), 0);
    replica.take_waiting();
    assert_eq!(replica.head(), 1);
}

#[test]
fn what_waits_from_ended_live_queries_is_not_taken_into_another_history() {
    let mut replica = Replica::new(REORDER_LIMIT, INDEX_AFTER);
    assert_eq!(replica.arrive(change(2)), Placed::Waits);
    replica.drop_waiting();
    replica.open(Drawing::new(Epoch::random(), 0, LIMITS), 0);
    assert!(!replica.has_gap());
    assert_eq!(replica.arrive(change(1)), Placed::Applied);
    replica.take_waiting();
    assert_eq!(replica.head(), 1);
}

#[test]
fn more_changes_than_may_wait_are_dropped_and_counted() {
    let mut replica = opened(Epoch::random());
    let all = REORDER_LIMIT as Seq + 1;
    for seq in 2..=all {
        assert_eq!(replica.arrive(change(seq)), Placed::Waits);
    }
    let dropped = REORDER_LIMIT + 1;
    assert_eq!(replica.arrive(change(all + 1)), Placed::Overflow(dropped));
    assert!(!replica.has_gap());
}

#[test]
fn a_read_moves_the_head_over_positions_that_moved_on() {
    let epoch = Epoch::random();
    let mut replica = opened(epoch);
    replica.arrive(change(1));
    let chunks = vec![chunk(epoch, vec![change(3)], 4)];
    let outcome = replica.take_read(1, chunks, Vec::new());
    assert_eq!(outcome, ReadOutcome::UpToDate);
    assert_eq!(replica.head(), 4);
    let plan = ReadPlan::Changes {
        since: 4,
        tombstones: (0, 0),
    };
    assert_eq!(replica.read_plan(), plan);
}

#[test]
fn another_epoch_is_another_history() {
    let mut replica = opened(Epoch::random());
    let chunks = vec![chunk(Epoch::random(), Vec::new(), 5)];
    let outcome = replica.take_read(0, chunks, Vec::new());
    assert_eq!(outcome, ReadOutcome::OtherHistory { renew: None });
    // What arrives now may be of either history: the read that follows finds what is of the new one.
    assert_eq!(replica.arrive(change(1)), Placed::Stale);
    assert!(!replica.open(Drawing::new(Epoch::random(), 0, LIMITS), 0));
    assert_eq!(replica.arrive(change(1)), Placed::Applied);
}

#[test]
fn an_epoch_with_fewer_changes_than_before_is_renewed() {
    let epoch = Epoch::random();
    let mut replica = opened(epoch);
    for seq in 1..=5 {
        replica.arrive(change(seq));
    }
    let outcome = replica.take_read(5, vec![chunk(epoch, Vec::new(), 3)], Vec::new());
    assert_eq!(outcome, ReadOutcome::OtherHistory { renew: Some(epoch) });
}

#[test]
fn a_read_from_below_the_compacted_position_starts_over() {
    let epoch = Epoch::random();
    let mut replica = opened(epoch);
    replica.arrive(change(1));
    let mut chunk = chunk(epoch, Vec::new(), 9);
    chunk.compacted = 2;
    let outcome = replica.take_read(1, vec![chunk], Vec::new());
    assert_eq!(outcome, ReadOutcome::OtherHistory { renew: None });
}

#[test]
fn tombstones_that_are_missing_are_read_with_what_is_new() {
    let epoch = Epoch::random();
    let mut replica = Replica::new(REORDER_LIMIT, INDEX_AFTER);
    let living = Drawing::living_only(epoch, 2, 7, LIMITS, Vec::new());
    assert!(!replica.open(living, 0), "its tombstones are missing");
    assert!(replica.whole().is_none());
    let plan = ReadPlan::Changes {
        since: 7,
        tombstones: (2, 7),
    };
    assert_eq!(replica.read_plan(), plan);
    let chunks = vec![chunk(epoch, Vec::new(), 7)];
    replica.take_read(7, chunks, vec![change(4)]);
    assert!(replica.whole().is_some());
}

#[test]
fn a_report_of_another_head_or_epoch_differs() {
    let epoch = Epoch::random();
    let mut replica = opened(epoch);
    replica.arrive(change(1));
    let mut report = Head {
        id: DrawingId::random(),
        head: 1,
        compacted: 0,
        epoch,
        title: String::new(),
        rules: 0,
        deleted: false,
    };
    assert!(!replica.differs_from(&report));
    report.head = 2;
    assert!(replica.differs_from(&report));
    report.head = 1;
    report.epoch = Epoch::random();
    assert!(replica.differs_from(&report));
}

#[test]
fn the_living_positions_are_written_down_after_many_changes_of_few_strokes() {
    let epoch = Epoch::random();
    let mut replica = opened(epoch);
    let changes = vec![change_of(Some("{}"), 3), change_of(Some("{}"), 9)];
    let head = INDEX_AFTER as Seq + 1;
    replica.take_read(0, vec![chunk(epoch, changes, head)], Vec::new());
    assert_eq!(replica.take_due_index(), None, "one short");
    let chunks = vec![chunk(epoch, Vec::new(), head + 1)];
    replica.take_read(head, chunks, Vec::new());
    let index = LivingIndex {
        epoch,
        head: head + 1,
        positions: vec![3, 9],
    };
    assert_eq!(replica.take_due_index(), Some(index.clone()));
    assert_eq!(replica.take_due_index(), None, "it is written");
    replica.index_failed();
    assert_eq!(replica.take_due_index(), Some(index));
}

#[test]
fn a_read_from_the_compacted_position_takes_it() {
    let epoch = Epoch::random();
    let mut replica = opened(epoch);
    for seq in 1..=2 {
        replica.arrive(change(seq));
    }
    let mut chunk = chunk(epoch, Vec::new(), 9);
    chunk.compacted = 2;
    let outcome = replica.take_read(2, vec![chunk], Vec::new());
    assert_eq!(outcome, ReadOutcome::UpToDate);
    assert_eq!(replica.drawing().unwrap().compacted(), 2);
}

#[test]
fn changes_that_wait_belong_to_the_history_that_has_ended() {
    let mut replica = opened(Epoch::random());
    replica.arrive(change(3));
    let other = Epoch::random();
    replica.take_read(0, vec![chunk(other, Vec::new(), 2)], Vec::new());
    replica.open(Drawing::living_only(other, 2, 2, LIMITS, Vec::new()), 0);
    replica.take_waiting();
    assert_eq!(replica.head(), 2);
}
