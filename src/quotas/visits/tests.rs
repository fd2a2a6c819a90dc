use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use proptest::prelude::*;

use super::super::bounds::Allowance;
use super::*;

type Clocked = Quotas<FakeRelativeClock>;

const MANY: Allowance = Allowance {
    at_once: 1_000,
    per_second: 1.0,
};

fn share(sessions: usize, images: u32) -> Share {
    Share {
        sessions,
        drawings: MANY,
        ops: MANY,
        bytes: MANY,
        images: Allowance {
            at_once: images,
            per_second: 0.1,
        },
    }
}

/// Bounds of 2 with a key, 4 from an address and 6 in all.
fn small(max_accounts: usize) -> (Arc<Clocked>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    let shares = Shares {
        key: share(2, 2),
        address: Some(share(4, 4)),
        all: share(6, 6),
    };
    (
        Quotas::with_clock(shares, clock.clone(), max_accounts),
        clock,
    )
}

fn subject(key: &str, address: &str) -> Subject {
    Subject {
        key: key.bytes().next().map(|letter| KeyId([letter; 8])),
        network: address.parse::<IpAddr>().unwrap().into(),
    }
}

fn one_image(quotas: &Clocked, key: &str, address: &str) -> Result<(), Whose> {
    let visit = quotas.visit(&subject(key, address));
    let spent = visit.spend(Resource::Images, NonZeroU32::MIN);
    spent.map_err(|exceeded| exceeded.whose)
}

#[test]
fn each_bound_holds_for_what_is_used() {
    let (quotas, clock) = small(100);
    for (key, address, expected) in [
        ("a", "10.0.0.1", Ok(())),
        ("a", "10.0.0.1", Ok(())),
        ("a", "10.0.0.1", Err(Whose::Key)),
        ("a", "10.0.0.2", Err(Whose::Key)),
        ("b", "10.0.0.1", Ok(())),
        ("", "10.0.0.1", Ok(())),
        ("", "10.0.0.1", Err(Whose::Address)),
        ("", "2001:db8::1", Ok(())),
        ("", "2001:db8::2", Ok(())),
        ("", "10.0.0.3", Err(Whose::All)),
    ] {
        assert_eq!(
            one_image(&quotas, key, address),
            expected,
            "{key} {address}"
        );
    }
    clock.advance(Duration::from_secs(10));
    assert_eq!(one_image(&quotas, "", "10.0.0.4"), Ok(()));
}

#[test]
fn each_bound_holds_for_sessions_and_a_refused_one_takes_no_place() {
    let (quotas, _) = small(100);
    let enter = |key: &str, address: &str| {
        let visit = quotas.visit(&subject(key, address));
        visit.enter().map_err(|exceeded| exceeded.whose)
    };
    let first = enter("a", "10.0.0.1").unwrap();
    let _second = enter("a", "10.0.0.1").unwrap();
    assert_eq!(enter("a", "10.0.0.2").unwrap_err(), Whose::Key);
    let _third = enter("", "10.0.0.1").unwrap();
    let _fourth = enter("", "10.0.0.1").unwrap();
    assert_eq!(enter("b", "10.0.0.1").unwrap_err(), Whose::Address);
    assert_eq!(enter("b", "10.0.0.1").unwrap_err(), Whose::Address);
    let _fifth = enter("b", "10.0.0.2").unwrap();
    let _sixth = enter("b", "10.0.0.2").unwrap();
    assert_eq!(enter("", "10.0.0.3").unwrap_err(), Whose::All);
    drop(first);
    assert!(enter("a", "10.0.0.1").is_ok());
}

#[test]
fn a_session_that_gets_a_key_later_takes_a_place_of_the_key_alone() {
    let (quotas, _) = small(100);
    let first = quotas.visit(&subject("a", "10.0.0.1"));
    let place = first.enter_key().unwrap();
    let _second = first.enter_key().unwrap();
    assert_eq!(first.enter_key().unwrap_err().whose, Whose::Key);
    let without = quotas.visit(&subject("", "10.0.0.1"));
    assert!((0..9).all(|_| without.enter_key().is_ok()));
    let _of_the_address: Vec<_> = (0..4).map(|_| without.enter().unwrap()).collect();
    drop(place);
    assert!(first.enter_key().is_ok());
}

#[test]
fn without_a_bound_for_addresses_one_may_have_all() {
    let shares = Shares {
        key: share(2, 2),
        address: None,
        all: share(6, 6),
    };
    let quotas = Quotas::with_clock(shares, FakeRelativeClock::default(), 100);
    for _ in 0..6 {
        assert_eq!(one_image(&quotas, "", "10.0.0.1"), Ok(()));
    }
    assert_eq!(one_image(&quotas, "", "10.0.0.1"), Err(Whose::All));
    assert!(quotas.accounts.lock().unwrap().is_empty());
}

#[test]
fn a_refusal_is_told_in_words() {
    let exceeded = |resource, whose| Exceeded {
        resource,
        whose,
        retry: SESSION_RETRY,
    };
    let text = exceeded(None, Whose::Address).to_string();
    assert_eq!(text, "too many sessions from this address");
    let text = exceeded(Some(Resource::Images), Whose::Key).to_string();
    assert_eq!(text, "too many pictures were sent with this link");
    let text = exceeded(Some(Resource::Drawings), Whose::All).to_string();
    assert_eq!(text, "too many drawings were made");
}

#[test]
fn who_used_something_last_is_remembered_and_the_number_is_bounded() {
    const MOST: usize = 64;
    let (quotas, clock) = small(MOST);
    let held = quotas.visit(&subject("", "10.0.0.1"));
    held.spend(Resource::Images, NonZeroU32::MIN).unwrap();
    let of = |number: u128| IpAddr::from(Ipv6Addr::from_bits(1 << 127 | number << 64));
    for number in 0..1_000 {
        clock.advance(Duration::from_secs(100));
        assert_eq!(one_image(&quotas, "", &of(number).to_string()), Ok(()));
        let accounts = quotas.accounts.lock().unwrap();
        assert!(accounts.len() <= MOST);
        assert!(accounts.contains_key(&Owner::Address(
            "10.0.0.1".parse::<IpAddr>().unwrap().into()
        )));
        let last = number.saturating_sub(MOST as u128 / 2);
        for recent in last..=number {
            assert!(
                accounts.contains_key(&Owner::Address(of(recent).into())),
                "{recent}"
            );
        }
    }
}

#[test]
fn when_all_are_held_a_new_one_is_counted_alone_and_not_kept() {
    let (quotas, _) = small(2);
    let held = ["10.0.0.1", "10.0.0.2"].map(|address| quotas.visit(&subject("", address)));
    let third = quotas.visit(&subject("", "10.0.0.3"));
    for _ in 0..4 {
        assert_eq!(third.spend(Resource::Images, NonZeroU32::MIN), Ok(()));
    }
    let refused = third.spend(Resource::Images, NonZeroU32::MIN);
    assert_eq!(refused.unwrap_err().whose, Whose::Address);
    assert_eq!(quotas.accounts.lock().unwrap().len(), 2);
    drop(held);
}

proptest! {
    /// Whoever comes, nobody exceeds a bound, and all places are free in the end.
    #[test]
    fn sessions_never_exceed_a_bound(
        steps in prop::collection::vec((0..3_u8, 0..3_u8, any::<bool>()), 1..60),
    ) {
        let (quotas, _) = small(100);
        let mut open: Vec<(u8, u8, Place<FakeRelativeClock>)> = Vec::new();
        for (key, address, leaves) in steps {
            if leaves && !open.is_empty() {
                open.remove(usize::from(key) % open.len());
                continue;
            }
            let name = ["", "a", "b"][usize::from(key)];
            let visit = quotas.visit(&subject(name, &format!("10.0.0.{address}")));
            let of_key = open.iter().filter(|(other, ..)| *other == key).count();
            let of_address = open.iter().filter(|(_, other, _)| *other == address).count();
            let fits = (key == 0 || of_key < 2) && of_address < 4 && open.len() < 6;
            let entered = visit.enter();
            prop_assert_eq!(entered.is_ok(), fits);
            open.extend(entered.ok().map(|place| (key, address, place)));
        }
        open.clear();
        let visit = quotas.visit(&subject("", "10.0.0.9"));
        let all: Vec<_> = (0..4).map(|_| visit.enter().unwrap()).collect();
        prop_assert_eq!(all.len(), 4);
    }
}
