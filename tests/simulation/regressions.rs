//! Seeds that failed once, by what went wrong.
//!
//! They are outside the ten thousand that always run.

use whiteboard::metrics::Metrics;

use crate::plan::Plan;
use crate::run;

fn holds(seed: u64) {
    if run::run(&Plan::new(seed), &Metrics::new(), false)
        .failure
        .is_some()
    {
        panic!("{}", run::explain(seed));
    }
}

#[test]
fn a_refusal_of_an_append_that_hung_is_told_after_the_batch_was_split() {
    holds(28_401);
}

#[test]
fn timers_that_are_due_with_the_end_of_a_drain_publish_nothing_after_it() {
    holds(14_258);
}

#[test]
fn a_page_reads_again_when_the_server_that_it_reads_from_is_killed() {
    holds(52_567);
}

#[test]
fn acknowledgements_that_waited_when_the_feed_died_count_for_the_next_one() {
    holds(223_981);
}

#[test]
fn an_op_is_not_refused_because_a_full_disk_had_space_twice_for_a_moment() {
    holds(81_048);
}

#[test]
fn rules_that_change_after_a_restore_are_not_taken_for_those_of_before() {
    holds(28_030);
}

#[test]
fn a_drain_of_a_feed_that_cannot_be_read_waits_for_its_signal_row() {
    holds(163_368);
}

#[test]
fn a_refusal_that_only_another_server_passed_is_told() {
    holds(338_223);
}

#[test]
fn an_op_that_another_server_stored_after_a_refusal_is_not_told_as_refused() {
    holds(22_113);
}

#[test]
fn of_two_refusals_without_an_answer_the_proven_one_is_told() {
    [674_322, 809_893, 936_723].into_iter().for_each(holds);
}

#[test]
fn what_ended_live_queries_delivered_is_not_taken_into_a_restored_history() {
    holds(918_484);
}
