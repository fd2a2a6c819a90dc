//! What an access is worth under some rules, in the simplest way.
//!
//! It must never use the code it is compared with.

use whiteboard::domain::access::{Access, Grantor, Level};
use whiteboard::domain::ids::PersonId;
use whiteboard::domain::rules::Rules;

/// The level of an access at this time, in milliseconds.
pub fn level(rules: &Rules, access: Access, millis: u64) -> Option<Level> {
    let (level, ends) = match access.by() {
        Grantor::Open | Grantor::Operator => (Level::Own, None),
        Grantor::Token { expires } => (access.level(), Some(expires)),
        Grantor::Key(id) => {
            let rule = rules.keys.get(&id)?;
            (rule.level, rule.expires)
        }
    };
    match ends {
        Some(ends) if ends <= millis => None,
        _ => Some(level),
    }
}

/// Why an op is refused at this time, in milliseconds, if it is.
pub fn refusal(
    rules: &Rules,
    access: Access,
    author: Option<PersonId>,
    millis: u64,
) -> Option<&'static str> {
    match level(rules, access, millis) {
        None | Some(Level::View) => Some("forbidden"),
        Some(Level::Own) => None,
        Some(Level::Draw) if rules.locked => Some("locked"),
        Some(Level::Draw) => {
            let is_muted = author.is_some_and(|author| rules.muted.contains(&author));
            is_muted.then_some("muted")
        }
    }
}
