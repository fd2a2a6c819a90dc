//! Positions, and the rule that judges an arrival.
//!
//! Changes are numbered from 1 without holes, and so are the ops of each writer. Rows and frames do have
//! holes: every frame says from where to where it reaches; a position without a row belongs to a stroke
//! that changed later.

/// A position in a drawing's order of changes: 1, 2, 3 …; 0 is before the first change.
pub type Seq = u64;

/// The relation of an arriving range to the last position held. All reliable delivery rests on it:
/// changes sent to clients and ops sent by them, in the server and in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Everything in it is held already: drop it.
    Stale,
    /// It continues what is held: apply the new part.
    Next,
    /// Something before it is missing: fetch that first.
    Gap,
}

/// Judges an arrival that covers the positions after `from` up to `to`, against the last position
/// held.
pub fn arrival(held: Seq, from: Seq, to: Seq) -> Arrival {
    if to <= held {
        Arrival::Stale
    } else if from <= held {
        Arrival::Next
    } else {
        Arrival::Gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_stale_next_or_gap() {
        assert_eq!(arrival(5, 3, 5), Arrival::Stale);
        assert_eq!(arrival(5, 5, 5), Arrival::Stale);
        assert_eq!(arrival(5, 5, 6), Arrival::Next);
        assert_eq!(arrival(5, 2, 9), Arrival::Next);
        assert_eq!(arrival(5, 6, 7), Arrival::Gap);
        assert_eq!(arrival(0, 0, 1), Arrival::Next);
    }
}
