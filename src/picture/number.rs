//! Numbers as a page writes them.

use std::fmt::Write;

/// The nearest integer, halves upwards.
pub(super) fn round(value: f64) -> f64 {
    let below = value.floor();
    if value - below >= 0.5 {
        below + 1.0
    } else {
        below
    }
}

/// Appends a number, rounded to hundredths.
pub(super) fn push_rounded(out: &mut String, value: f64) {
    let hundredths = round(value * 100.0) as i64;
    let (sign, all) = (if hundredths < 0 { "-" } else { "" }, hundredths.abs());
    let (whole, part) = (all / 100, all % 100);
    // Writing to a string never fails.
    let _ = match part {
        0 => write!(out, "{sign}{whole}"),
        part if part % 10 == 0 => write!(out, "{sign}{whole}.{}", part / 10),
        part => write!(out, "{sign}{whole}.{part:02}"),
    };
}

/// A number, rounded to hundredths.
pub(super) fn rounded(value: f64) -> String {
    let mut text = String::new();
    push_rounded(&mut text, value);
    text
}

/// A number in its shortest spelling.
pub(super) fn exact(value: f64) -> String {
    if value == 0.0 {
        // Without the sign of a negative zero.
        "0".to_owned()
    } else if value.abs() < 1e-6 {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_javascript_does() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-0.004, "0"),
            (1.0, "1"),
            (1.5, "1.5"),
            (-2.25, "-2.25"),
            (1.005, "1"),
            (0.005, "0.01"),
            (-0.005, "0"),
            (-0.015, "-0.01"),
            (12345.6789, "12345.68"),
            (10_000_000.125, "10000000.13"),
        ] {
            assert_eq!(rounded(value), text, "{value:?}");
        }
        for (value, text) in [
            (1.0, "1"),
            (-0.0, "0"),
            (0.3, "0.3"),
            (2.5e-7, "2.5e-7"),
            (1e7, "10000000"),
        ] {
            assert_eq!(exact(value), text);
        }
    }
}
