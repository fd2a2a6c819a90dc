use proptest::prelude::*;

use super::*;
use crate::domain::needs::Action;

fn standing() -> impl Strategy<Value = Standing> {
    let level = prop::sample::select(Level::ALL.to_vec());
    (level, any::<bool>(), any::<bool>()).prop_map(|(level, locked, muted)| Standing {
        level,
        locked,
        muted,
    })
}

proptest! {
    /// The lattice: a higher level, an unlocked drawing and a person who is not muted never allow
    /// less.
    #[test]
    fn more_access_never_allows_less(one in standing(), two in standing()) {
        let is_less = one.level <= two.level && one.locked >= two.locked && one.muted >= two.muted;
        for action in Action::ALL {
            let [one, two] = [one, two].map(|it| it.refusal(action.needs()).is_none());
            prop_assert!(!is_less || one <= two, "{action:?}");
        }
    }

    #[test]
    fn what_is_refused_says_why(it in standing()) {
        let refusal = it.refusal(Action::Change.needs());
        let expected = match it {
            Standing { level: Level::Own, .. } => None,
            Standing { level: Level::View, .. } => Some(Refusal::Forbidden),
            Standing { locked: true, .. } => Some(Refusal::Locked),
            Standing { muted: true, .. } => Some(Refusal::Muted),
            _ => None,
        };
        prop_assert_eq!(refusal, expected);
        prop_assert_eq!(it.refusal(Action::Show.needs()), None, "pointers are free for all");
        prop_assert_eq!(it.refusal(Action::Visit.needs()), None);
    }
}
