//! The order of changes: positions, and the rule that judges what arrives.
//!
//! Changes are numbered from 1 without holes, and so are the ops of each writer.

/// A position in a drawing's order of changes: 1, 2, 3 …; 0 is before the first change.
pub type Seq = u64;

/// How something numbered stands to what is already held: the whole of reliable delivery,
/// used downwards for changes and upwards for a writer's ops, on the server and in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// All of it is held already: drop it.
    Stale,
    /// It continues what is held: take what is new of it.
    Next,
    /// Something before it is missing: get that first.
    Gap,
}

/// Judges an arrival that covers the positions after `from` up to `to`, against the last
/// position that is held.
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
