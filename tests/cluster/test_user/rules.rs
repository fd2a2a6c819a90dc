//! The numbers by which pages live, as `static/` has them.
//!
//! They must never differ from those: then every test with a user would speak of another page.

use std::time::Duration;

/// Before its next attempt a page waits at least so long, …
pub const LEAST: Duration = Duration::from_millis(100);
/// … at most so long the first time, …
pub const FIRST: Duration = Duration::from_secs(1);
/// … and never longer than this.
pub const MOST: Duration = Duration::from_secs(10);
/// After so much silence a page asks whether the server is there …
pub const PING_AFTER: Duration = Duration::from_secs(15);
/// … and waits so long for anything, as it does for a socket to open.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Most ops that are sent and have no answer, and so most of one frame.
pub const WINDOW: u64 = 200;
/// Pongs that tell of a later head before a page asks for what it lacks.
pub const PONGS_BEHIND: u32 = 2;
/// So long it then does not ask again.
pub const ASK_AGAIN: Duration = Duration::from_secs(3);

/// How long a page waits before an attempt, the first being 1.
pub fn wait_before(attempt: u32) -> Duration {
    let longest = MOST.min(FIRST * 2_u32.pow((attempt - 1).min(10)));
    LEAST + (longest - LEAST).mul_f64(fastrand::f64())
}

/// The number that a module calls by this name.
fn number(module: &str, name: &str) -> u64 {
    let begins = format!("const {name} = ");
    let mut lines = module.lines();
    let number = lines.find_map(|line| line.strip_prefix(&begins)?.strip_suffix(';'));
    let number = number.unwrap_or_else(|| panic!("there is no {name}"));
    number.replace('_', "").parse().expect("a number")
}

#[test]
fn test_users_use_the_constants_of_the_browser_client() {
    let backoff = include_str!("../../../static/backoff.js");
    let connection = include_str!("../../../static/connection.js");
    let following = include_str!("../../../static/sync.js");
    let outbox = include_str!("../../../static/outbox.js");
    for (module, name, ours) in [
        (backoff, "LEAST", LEAST),
        (backoff, "FIRST", FIRST),
        (backoff, "MOST", MOST),
        (connection, "PING_AFTER", PING_AFTER),
        (connection, "ANSWER_WITHIN", ANSWER_WITHIN),
        (following, "ASK_AGAIN", ASK_AGAIN),
    ] {
        let millis = Duration::from_millis(number(module, name));
        assert_eq!(millis, ours, "{name}");
    }
    assert_eq!(number(following, "PONGS_BEHIND"), u64::from(PONGS_BEHIND));
    assert_eq!(number(outbox, "WINDOW"), WINDOW);
    assert!(number(outbox, "OPS_PER_FRAME") >= WINDOW);
    for formula in [
        "const longest = Math.min(MOST, FIRST * 2 ** (attempt - 1));",
        "return LEAST + random() * (longest - LEAST);",
    ] {
        assert!(backoff.contains(formula), "{formula} in {backoff}");
    }
}
