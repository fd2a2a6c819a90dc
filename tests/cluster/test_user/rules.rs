//! The constants of the browser client, as in `static/`.
//!
//! They must never differ from those: then the test users would not represent the browser client.

use std::time::Duration;

/// Least pause before an attempt to connect.
pub const LEAST: Duration = Duration::from_millis(100);
/// Most for the first attempt.
pub const FIRST: Duration = Duration::from_secs(1);
/// Most for any attempt.
pub const MOST: Duration = Duration::from_secs(10);
/// Silence after which a client sends a ping.
pub const PING_AFTER: Duration = Duration::from_secs(15);
/// How long it waits for any frame, or for a socket to open.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Most unacknowledged ops, and so most ops of one frame.
pub const WINDOW: u64 = 200;
/// Pongs with a later head before a client requests what it lacks.
pub const PONGS_BEHIND: u32 = 2;
/// Pause before the next such request.
pub const ASK_AGAIN: Duration = Duration::from_secs(3);

/// The pause before an attempt, the first being 1.
pub fn wait_before(attempt: u32) -> Duration {
    let longest = MOST.min(FIRST * 2_u32.pow((attempt - 1).min(10)));
    LEAST + (longest - LEAST).mul_f64(fastrand::f64())
}

/// The constant of this name in a module.
fn number(module: &str, name: &str) -> u64 {
    let begins = format!("const {name} = ");
    let mut lines = module.lines();
    let number = lines.find_map(|line| line.strip_prefix(&begins)?.strip_suffix(';'));
    let number = number.unwrap_or_else(|| panic!("there is no {name}"));
    number.replace('_', "").parse().expect("a number")
}

#[test]
fn test_users_use_the_constants_of_the_browser_client() {
    let backoff = include_str!("../../../static/net/backoff.js");
    let connection = include_str!("../../../static/net/connection.js");
    let following = include_str!("../../../static/net/sync.js");
    let outbox = include_str!("../../../static/net/outbox.js");
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
