use uuid::Uuid;

use super::*;
use crate::domain::access::{Claims, Drawings};
use crate::domain::ids::DrawingId;
use crate::domain::key::{Key, KeyId, StoredKey};
use crate::domain::rules::KeyRule;

const SECOND: Duration = Duration::from_secs(1);

fn key(number: u8) -> Key {
    Key::new([number; 16])
}

fn by_key(number: u8, level: Level) -> Access {
    let (key, drawing) = (key(number), DrawingId(Uuid::nil()));
    let stored = StoredKey {
        id: key.id(),
        drawing,
        hash: key.hash(),
        level,
        expires: None,
    };
    grant(&Shown {
        mode: Mode::Links,
        drawing: Some(drawing),
        secret: None,
        key: Some(&key),
        operator: None,
        stored: Some(&stored),
        claims: None,
        now: 0,
    })
    .unwrap()
}

fn by_token(level: Level, expires: u64) -> Access {
    let claims = Claims {
        drawings: Drawings::All,
        level,
        expires,
        person: None,
        name: None,
    };
    grant(&Shown {
        mode: Mode::Jwt,
        drawing: None,
        secret: None,
        key: None,
        operator: None,
        stored: None,
        claims: Some(&claims),
        now: 0,
    })
    .unwrap()
}

fn rule(number: u8, level: Level, expires: Option<u64>) -> (KeyId, KeyRule) {
    (key(number).id(), KeyRule { level, expires })
}

/// The rules with these keys, of a version.
fn rules(version: u64, keys: impl IntoIterator<Item = (KeyId, KeyRule)>) -> Rules {
    Rules {
        version,
        keys: keys.into_iter().collect(),
        ..Rules::default()
    }
}

fn begun() -> (Standings, Instant, WallClock) {
    let now = Instant::now();
    let clock = WallClock::new(now, 1_000);
    (Standings::new(clock), now, clock)
}

#[test]
fn a_session_has_what_the_rules_give_its_key_and_not_what_it_was_granted() {
    let (mut all, now, clock) = begun();
    all.take_rules(rules(1, [rule(1, Level::Own, None)]), clock);
    all.join(1, by_key(1, Level::Own));
    all.hello(1, PersonId::random());
    assert_eq!(all.tell(1, now).unwrap().standing.level, Level::Own);
    assert!(all.review(now).is_empty());

    all.take_rules(rules(2, [rule(1, Level::View, None)]), clock);
    let [(1, News::Changed(told))] = &all.review(now)[..] else {
        panic!("it is lowered");
    };
    assert_eq!((told.standing.level, &told.muted), (Level::View, &None));
    let change = |all: &Standings| all.refusal(1, Action::Change, now);
    assert_eq!(change(&all), Some(Refusal::Forbidden));
    assert_eq!(all.refusal(1, Action::Show, now), None);
    assert!(all.review(now).is_empty(), "it is told once");

    all.take_rules(rules(3, []), clock);
    assert_eq!(all.review(now), [(1, News::Ended)]);
    assert_eq!(all.refusal(1, Action::Show, now), Some(Refusal::Forbidden));
}

#[test]
fn a_key_ends_at_its_time_and_a_token_at_its_own() {
    let (mut all, now, clock) = begun();
    all.take_rules(rules(1, [rule(1, Level::Draw, Some(3_000))]), clock);
    all.join(1, by_key(1, Level::Draw));
    all.join(2, by_token(Level::Draw, 5_000));
    assert_eq!(all.next_end(now), Some(now + 2 * SECOND));
    assert!(all.review(now + SECOND).is_empty());
    assert_eq!(all.review(now + 2 * SECOND), [(1, News::Ended)]);
    all.leave(1, false);
    assert_eq!(all.next_end(now), Some(now + 4 * SECOND));
    // Renewed, it goes on.
    all.renew(2, by_token(Level::View, 9_000), now);
    assert!(all.review(now + 4 * SECOND).is_empty());
    assert_eq!(all.next_end(now), Some(now + 8 * SECOND));
    assert_eq!(all.standing(2, now).unwrap().level, Level::View);
    all.take_rules(rules(1, [rule(1, Level::Draw, None)]), clock);
    assert_eq!(all.next_end(now), Some(now + 8 * SECOND));
}

#[test]
fn the_better_of_two_keys_counts() {
    let (mut all, now, clock) = begun();
    let keys = [rule(1, Level::View, None), rule(2, Level::Own, None)];
    all.take_rules(rules(1, keys), clock);
    all.join(1, by_key(1, Level::View));
    all.renew(1, by_key(2, Level::Own), now);
    assert_eq!(all.standing(1, now).unwrap().level, Level::Own);
    all.renew(1, by_key(1, Level::View), now);
    assert_eq!(all.standing(1, now).unwrap().level, Level::Own);
    // A key that has just been revoked is none.
    all.renew(1, by_key(3, Level::Own), now);
    assert_eq!(all.access(1).and_then(Access::key), Some(key(2).id()));
}

#[test]
fn what_a_session_may_do_counts_for_its_ops_after_it_has_gone() {
    let (mut all, now, clock) = begun();
    all.take_rules(rules(1, [rule(1, Level::Draw, None)]), clock);
    all.join(1, by_key(1, Level::Draw));
    all.leave(1, true);
    assert_eq!(all.refusal(1, Action::Change, now), None);
    all.take_rules(rules(2, []), clock);
    let refusal = all.refusal(1, Action::Change, now);
    assert_eq!(refusal, Some(Refusal::Forbidden));
    all.forget_gone();
    assert_eq!(all.standing(1, now), None);
}

#[test]
fn owners_are_told_who_is_muted_and_are_not_stopped() {
    let (mut all, now, clock) = begun();
    let (owner, drawer) = (PersonId::random(), PersonId::random());
    let keys = [rule(1, Level::Own, None), rule(2, Level::Draw, None)];
    let mut some = rules(1, keys);
    all.take_rules(some.clone(), clock);
    for (session, level, author) in [(1, Level::Own, owner), (2, Level::Draw, drawer)] {
        all.join(session, by_key(session as u8, level));
        all.hello(session, author);
        all.tell(session, now);
    }
    some.muted.extend([owner, drawer]);
    some.version = 2;
    all.take_rules(some, clock);
    let news = all.review(now);
    let told = |session| {
        news.iter().find_map(|(one, news)| match news {
            News::Changed(told) if *one == session => Some(told.clone()),
            _ => None,
        })
    };
    assert_eq!(told(1).unwrap().muted.unwrap().len(), 2);
    assert_eq!(told(2).unwrap().muted, None);
    assert!(told(2).unwrap().standing.muted);
    assert_eq!(all.refusal(1, Action::Change, now), None);
    assert_eq!(all.refusal(2, Action::Change, now), Some(Refusal::Muted));
}

#[test]
fn accesses_end_by_the_clock_that_came_with_the_rules() {
    let (mut all, now, _) = begun();
    let keys = [rule(1, Level::Draw, Some(3_000))];
    // The clock was set forward by a second.
    all.take_rules(rules(1, keys), WallClock::new(now, 2_000));
    all.join(1, by_key(1, Level::Draw));
    assert_eq!(all.next_end(now), Some(now + SECOND));
    assert_eq!(all.review(now + SECOND), [(1, News::Ended)]);
}

#[test]
fn what_a_session_may_do_outlives_it_until_no_op_waits() {
    let (mut all, now, clock) = begun();
    all.take_rules(rules(1, [rule(1, Level::Draw, Some(3_000))]), clock);
    for session in [1, 2] {
        all.join(session, by_key(1, Level::Draw));
        assert!(all.is_here(session) && all.has_end(session));
        all.leave(session, session == 1);
        assert!(!all.is_here(session) && !all.has_end(session));
    }
    assert!(all.standing(1, now).is_some() && all.standing(2, now).is_none());
    all.forget_gone();
    assert!(all.standing(1, now).is_none());
}
