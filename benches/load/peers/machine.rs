//! How busy the machine is, by the operating system's accounting.

use std::time::Duration;

/// Ticks per second in `/proc/stat`: fixed at 100 in Linux's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time that all programs of this machine have used, and what other machines took of it, in
/// seconds. Interrupts belong to no program and are left out.
pub fn busy_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<f64> = stat
        .split_whitespace()
        .skip(1)
        .map_while(|ticks| ticks.parse().ok())
        .collect();
    // In this order: user, nice, system, idle, iowait, irq, softirq, steal.
    let [user, nice, system, _, _, _, _, steal, ..] = ticks[..] else {
        return f64::NAN;
    };
    (user + nice + system + steal) / TICKS_PER_SECOND
}

/// The share of the machine that so many seconds of CPU time are.
pub fn share(seconds: f64, elapsed: Duration) -> f64 {
    (seconds / elapsed.as_secs_f64() / cores() as f64).max(0.0)
}

/// Number of cores.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}
