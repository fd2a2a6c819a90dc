//! The constants of the browser client, as in `static/`.
//!
//! They must never differ from those: then the test client would not represent the browser client.

use std::time::Duration;

/// Least pause before an attempt to connect.
const LEAST: Duration = Duration::from_millis(100);
/// Most for the first attempt.
const FIRST: Duration = Duration::from_secs(1);
/// Most for any attempt.
const MOST: Duration = Duration::from_secs(10);
/// Silence after which a client sends a ping.
pub const PING_AFTER: Duration = Duration::from_secs(15);
/// How long it waits for any frame, or for a socket to open.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Most unacknowledged ops in flight.
pub const WINDOW: u64 = 1_000;
/// Most ops of one frame.
pub const OPS_PER_FRAME: usize = 500;
/// Most bytes of one frame, unless one op has more.
pub const BYTES_PER_FRAME: usize = 200 * 1024;
/// Pongs with a later head before a client requests missing changes.
pub const PONGS_BEHIND: u32 = 2;
/// Pause before the next such request.
pub const ASK_AGAIN: Duration = Duration::from_secs(3);

/// The pause before an attempt, the first being 1.
pub fn wait_before(attempt: u32) -> Duration {
    let longest = MOST.min(FIRST * 2_u32.pow((attempt - 1).min(10)));
    LEAST + (longest - LEAST).mul_f64(fastrand::f64())
}

/// The delay in a close reason, if there is one.
pub fn delay_of(reason: &str) -> Option<Duration> {
    let (millis, _) = reason.strip_prefix("again in ")?.split_once(" ms: ")?;
    Some(Duration::from_millis(millis.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The constant of this name in a module.
    fn number(module: &str, name: &str) -> u64 {
        let begins = format!("const {name} = ");
        let mut lines = module.lines();
        let value = lines.find_map(|line| line.strip_prefix(&begins)?.strip_suffix(';'));
        let value = value.unwrap_or_else(|| panic!("there is no {name}"));
        let factors = value.split(" * ").map(|factor| {
            let factor = factor.replace('_', "");
            factor.parse::<u64>().expect("a number")
        });
        factors.product()
    }

    #[test]
    fn the_test_client_uses_the_constants_of_the_browser_client() {
        let backoff = include_str!("../../../static/net/backoff.js");
        let connection = include_str!("../../../static/net/connection.js");
        let sync = include_str!("../../../static/net/sync.js");
        let outbox = include_str!("../../../static/net/outbox.js");
        for (module, name, ours) in [
            (backoff, "LEAST", LEAST),
            (backoff, "FIRST", FIRST),
            (backoff, "MOST", MOST),
            (connection, "PING_AFTER", PING_AFTER),
            (connection, "ANSWER_WITHIN", ANSWER_WITHIN),
            (sync, "ASK_AGAIN", ASK_AGAIN),
        ] {
            assert_eq!(Duration::from_millis(number(module, name)), ours, "{name}");
        }
        for (module, name, ours) in [
            (sync, "PONGS_BEHIND", u64::from(PONGS_BEHIND)),
            (outbox, "WINDOW", WINDOW),
            (outbox, "OPS_PER_FRAME", OPS_PER_FRAME as u64),
            (outbox, "BYTES_PER_FRAME", BYTES_PER_FRAME as u64),
        ] {
            assert_eq!(number(module, name), ours, "{name}");
        }
        for formula in [
            "const longest = Math.min(MOST, FIRST * 2 ** (attempt - 1));",
            "return LEAST + random() * (longest - LEAST);",
        ] {
            assert!(backoff.contains(formula), "{formula} in {backoff}");
        }
    }
}
