use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn drawing(number: u8) -> DrawingId {
    DrawingId(Uuid::from_u128(u128::from(number)))
}

fn key(number: u8) -> Key {
    Key::new([number; 16])
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(Mode::ALL.to_vec())
}

fn level() -> impl Strategy<Value = Level> {
    prop::sample::select(Level::ALL.to_vec())
}

fn stored() -> impl Strategy<Value = StoredKey> {
    (0..3_u8, 0..3_u8, level(), prop::option::of(0..10_u64)).prop_map(
        |(of, of_drawing, level, expires)| StoredKey {
            id: key(of).id(),
            drawing: drawing(of_drawing),
            hash: key(of).hash(),
            level,
            expires,
        },
    )
}

fn claims() -> impl Strategy<Value = Claims> {
    let drawings = prop_oneof![
        Just(Drawings::All),
        prop::collection::vec(0..3_u8, 0..3)
            .prop_map(|listed| Drawings::Listed(listed.into_iter().map(drawing).collect())),
    ];
    (drawings, level(), 0..10_u64).prop_map(|(drawings, level, expires)| Claims {
        drawings,
        level,
        expires,
        person: None,
        name: None,
    })
}

proptest! {
    /// Nothing is granted but by what is shown and known, and never more than that allows.
    #[test]
    fn an_access_is_worth_what_was_shown(
        mode in mode(),
        asked in prop::option::of(0..3_u8),
        shown_key in prop::option::of(0..3_u8),
        is_operator in any::<bool>(),
        stored in prop::option::of(stored()),
        claims in prop::option::of(claims()),
        now in 0..10_u64,
    ) {
        let shown_key = shown_key.map(key);
        let operator = KeyHash::of(b"the operator's key");
        let shown = Shown {
            mode,
            drawing: asked.map(drawing),
            secret: is_operator.then_some(operator),
            key: shown_key.as_ref(),
            operator: Some(operator),
            stored: stored.as_ref(),
            claims: claims.as_ref(),
            now,
        };
        let granted = grant(&shown);
        let by_key = shown_key.as_ref().zip(stored).filter(|(key, stored)| {
            key.hash() == stored.hash
                && asked.map(drawing) == Some(stored.drawing)
                && stored.expires.is_none_or(|at| now < at)
        });
        let by_token = claims.as_ref().filter(|claims| {
            let is_named = match &claims.drawings {
                Drawings::All => true,
                Drawings::Listed(listed) => asked.is_some_and(|it| listed.contains(&drawing(it))),
            };
            mode == Mode::Jwt && is_named && now < claims.expires
        });
        match granted.map(Access::by) {
            Some(Grantor::Open) => prop_assert_eq!(mode, Mode::Open),
            Some(Grantor::Operator) => prop_assert!(is_operator && mode != Mode::Open),
            Some(Grantor::Key(id)) => {
                let (_, stored) = by_key.unwrap();
                prop_assert_eq!((id, stored.level), (stored.id, granted.unwrap().level()));
            }
            Some(Grantor::Token { expires }) => {
                let claims = by_token.unwrap();
                prop_assert_eq!((expires, claims.level), (claims.expires, granted.unwrap().level()));
            }
            None => prop_assert!(
                mode != Mode::Open && !is_operator && by_key.is_none() && by_token.is_none()
            ),
        }
        // To show less never gives more.
        for less in [
            Shown { secret: None, ..shown },
            Shown { key: None, ..shown },
            Shown { claims: None, ..shown },
        ] {
            let level = |granted: Option<Access>| granted.map(Access::level);
            let fewer = level(grant(&less));
            let is_no_more = fewer.is_none() || fewer <= level(granted) || by_key.is_some();
            prop_assert!(is_no_more, "{:?} {:?}", less, granted);
        }
    }
}

#[test]
fn a_server_without_an_operator_key_has_no_operator() {
    let shown = Shown {
        mode: Mode::Links,
        drawing: None,
        secret: None,
        key: None,
        operator: None,
        stored: None,
        claims: None,
        now: 0,
    };
    assert_eq!(grant(&shown), None);
}

#[test]
fn levels_are_in_order_and_have_one_name() {
    assert!(Level::View < Level::Draw && Level::Draw < Level::Own);
    for level in Level::ALL {
        assert_eq!(level.as_str().parse(), Ok(level));
        let json = serde_json::to_string(&level).unwrap();
        assert_eq!(json, format!("\"{}\"", level.as_str()));
    }
    for text in ["read", "", "Own", "owner"] {
        assert_eq!(text.parse::<Level>(), Err(LevelError));
    }
}
