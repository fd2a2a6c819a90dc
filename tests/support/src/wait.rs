//! Waiting for a condition, with a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Deadline of everything that tests wait for, on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Polling interval.
const POLL: Duration = Duration::from_millis(10);

/// Waits until a condition holds; returns how long that took.
///
/// # Panics
///
/// When it does not hold within [`DEADLINE`].
pub async fn eventually(what: &str, holds: impl AsyncFnMut() -> bool) -> Duration {
    eventually_within(DEADLINE, what, holds).await
}

/// The same with another deadline.
///
/// # Panics
///
/// When it does not hold in time.
pub async fn eventually_within(
    within: Duration,
    what: &str,
    mut holds: impl AsyncFnMut() -> bool,
) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        sleep(POLL).await;
    }
    began.elapsed()
}

/// The same where nothing else needs this thread, such as for the start of a process.
///
/// # Panics
///
/// When it does not hold within twice [`DEADLINE`].
pub fn eventually_blocking(what: &str, mut holds: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < 2 * DEADLINE, "not in time: {what}");
        std::thread::sleep(POLL);
    }
}
