use super::*;
use crate::domain::ids::StrokeId;
use uuid::Uuid;

fn queue(max_ops: usize) -> Queue {
    Queue::new(Capacity::new(max_ops, 1_000_000))
}

fn erase(n: u64) -> Op {
    Op {
        n,
        stroke: StrokeId::random(),
        kind: OpKind::Erase { base: None },
    }
}

fn writer() -> Writer {
    Writer::new(Uuid::new_v4(), Uuid::new_v4())
}

/// The batch to decide now.
fn filled(queue: &mut Queue) -> &[(Writer, Op)] {
    queue.fill_batch();
    queue.batch()
}

fn numbers(batch: &[(Writer, Op)]) -> Vec<u64> {
    batch.iter().map(|(_, op)| op.n).collect()
}

#[test]
fn all_that_gathered_goes_in_one_batch_and_in_order() {
    let mut queue = queue(10);
    let writer = writer();
    queue.push(1, writer, [erase(1), erase(2)]);
    queue.push(2, writer, [erase(3)]);
    assert_eq!(numbers(filled(&mut queue)), [1, 2, 3]);
    queue.push(1, writer, [erase(4)]);
    assert_eq!(
        numbers(filled(&mut queue)),
        [1, 2, 3],
        "a batch on its way does not grow"
    );
    assert_eq!(queue.finish(), [(1, 1), (1, 2), (2, 3)]);
    assert_eq!(numbers(filled(&mut queue)), [4]);
    assert!(!queue.is_empty());
    queue.finish();
    assert!(queue.is_empty());
}

#[test]
fn a_failed_batch_goes_op_by_op() {
    let mut queue = queue(10);
    queue.push(1, writer(), [erase(1), erase(2)]);
    queue.fill_batch();
    assert!(queue.split());
    queue.push(1, writer(), [erase(3), erase(4)]);
    for n in [1, 2] {
        for to_blame in [false, false, true, true] {
            assert_eq!(numbers(filled(&mut queue)), [n]);
            assert_eq!(queue.is_to_blame(), to_blame);
            assert!(!queue.split());
            queue.failed_alone();
        }
        queue.finish();
    }
    assert!(!queue.is_to_blame());
    // Not when another write failed in between: the failures say nothing of this op.
    queue.failed_alone();
    queue.failed_like_others();
    queue.failed_alone();
    assert!(!queue.is_to_blame());
    assert_eq!(numbers(filled(&mut queue)), [3, 4]);
}

#[test]
fn a_full_queue_has_no_room_until_a_batch_is_finished() {
    let mut queue = queue(2);
    let capacity = queue.capacity().clone();
    let op = erase(1);
    assert!(capacity.reserve(op_bytes(&op)) && capacity.reserve(op_bytes(&op)));
    assert!(!capacity.reserve(op_bytes(&op)));
    queue.push(1, writer(), [op, erase(2)]);
    queue.fill_batch();
    assert!(!capacity.reserve(1));
    queue.finish();
    assert!(capacity.reserve(1));
    assert!(
        !Capacity::new(10, 100).reserve(101),
        "bytes are bounded too"
    );
}

fn draw(n: u64, bytes: usize) -> Op {
    let body = crate::domain::stroke::Body::from_stored("x".repeat(bytes));
    Op {
        n,
        stroke: StrokeId::random(),
        kind: OpKind::Draw { body },
    }
}

#[test]
fn an_op_counts_its_body_or_its_patch_and_a_little_more() {
    assert_eq!(op_bytes(&erase(1)), OP_BYTES);
    assert_eq!(op_bytes(&draw(1, 70)), OP_BYTES + 70);
    for (patch, bytes) in [
        (r#"{}"#, 0),
        (r#"{"x":3}"#, 1 + 8),
        (r#"{"text":"four","z":null}"#, 4 + 4 + 1 + 8),
        (r#"{"list":[true,"abc"]}"#, 4 + 8 + 8 + 3),
        (r#"{"of":{"name":"abc","b":1}}"#, 2 + 8 + 4 + 3 + 1 + 8),
    ] {
        let set = serde_json::from_str(patch).unwrap();
        let (z, base) = (None, None);
        let kind = OpKind::Edit { set, z, base };
        let op = Op { kind, ..erase(1) };
        assert_eq!(op_bytes(&op), OP_BYTES + bytes, "{patch}");
    }
}

#[test]
fn a_batch_has_as_many_ops_and_bytes_as_a_transaction_may_have() {
    let mut queue = queue(2_000);
    let all = (1..=MAX_BATCH_OPS as u64 + 1).map(erase);
    queue.push(1, writer(), all);
    assert_eq!(filled(&mut queue).len(), MAX_BATCH_OPS);
    queue.finish();
    assert_eq!(filled(&mut queue).len(), 1);
    queue.finish();
    let half = MAX_BATCH_BYTES / 2 - OP_BYTES;
    let large = 2 * MAX_BATCH_BYTES;
    for (sizes, batches) in [
        ([half, half, 0], [2, 1]),
        ([half, half + 1, 0], [1, 2]),
        ([large, 0, 0], [1, 2]),
    ] {
        queue.push(
            1,
            writer(),
            (1..).zip(sizes).map(|(n, bytes)| draw(n, bytes)),
        );
        for ops in batches {
            assert_eq!(filled(&mut queue).len(), ops, "{sizes:?}");
            queue.finish();
        }
        assert!(queue.is_empty());
    }
}

#[test]
fn capacity_that_was_refused_is_not_taken() {
    let capacity = Capacity::new(2, 100);
    assert!(capacity.reserve(40) && !capacity.reserve(61));
    assert_eq!(capacity.used(), (1, 40));
    assert!(capacity.reserve(60) && !capacity.reserve(0));
    assert_eq!(capacity.used(), (2, 100));
}
