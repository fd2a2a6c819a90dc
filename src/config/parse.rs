//! The values of settings as people write them: numbers, times and sizes with units and bounds, addresses.
//!
//! Nothing here knows which setting it reads: an error says what is allowed, and its caller where.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// Units of time, in milliseconds.
const TIME_UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];
/// Units of size, in bytes.
const SIZE_UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// A whole number within bounds, for a setting.
pub fn count<T: TryFrom<u64>>(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        text.parse()
            .ok()
            .filter(|number| (least..=most).contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("a whole number from {least} to {most}"))
    }
}

/// How often something may happen in a second, within bounds of which the least is not 0.
pub fn rate(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<NonZeroU32, String> + Clone + Send + Sync + 'static {
    let number = count::<u32>(least, most);
    move |text| {
        let number = number(text)?;
        NonZeroU32::new(number).ok_or_else(|| "a number from 1".to_owned())
    }
}

/// A time within bounds, for a setting.
pub fn time(
    least: &'static str,
    most: &'static str,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        quantity(text, &TIME_UNITS, least, most)
            .map(Duration::from_millis)
            .ok_or_else(|| format!("a whole number with ms, s, m, h or d, from {least} to {most}"))
    }
}

/// A size within bounds, for a setting.
pub fn size(
    least: &'static str,
    most: &'static str,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| {
        quantity(text, &SIZE_UNITS, least, most)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(|| format!("a whole number with KiB, MiB or GiB, from {least} to {most}"))
    }
}

fn quantity(text: &str, units: &[(&str, u64)], least: &str, most: &str) -> Option<u64> {
    let parse = |text: &str| {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        number.parse::<u64>().ok()?.checked_mul(*factor)
    };
    parse(text).filter(|value| (parse(least)..=parse(most)).contains(&Some(*value)))
}

/// Levels for modules, as env_logger reads them.
pub fn log_filter(text: &str) -> Result<String, String> {
    match env_filter::Builder::new().try_parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("levels such as warn, whiteboard=debug, separated by commas".to_owned()),
    }
}

/// Where to listen.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:0".to_owned()
    })
}

/// A name of a namespace or a database.
pub fn database_name(text: &str) -> Result<String, String> {
    let allowed = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    allowed
        .then(|| text.to_owned())
        .ok_or_else(|| "1 to 64 letters, digits and underscores".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_bounds() {
        let read = time("5ms", "30d");
        assert_eq!(read("5ms"), Ok(Duration::from_millis(5)));
        assert_eq!(read("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(read("90m"), Ok(Duration::from_secs(90 * 60)));
        assert_eq!(read("720h"), read("30d"));
        for text in [
            "", "5", "ms", "4ms", "31d", "1w", "-1s", "1.5s", "1 s", "1S", "s1",
        ] {
            assert!(
                read(text).unwrap_err().contains("from 5ms to 30d"),
                "{text}"
            );
        }
        assert!(read("99999999999999999999s").is_err());
        assert!(read("999999999999999999d").is_err());
    }

    #[test]
    fn a_size_has_a_unit_and_bounds() {
        let read = size("64KiB", "4GiB");
        assert_eq!(read("64KiB"), Ok(64 * 1024));
        assert_eq!(read("1MiB"), Ok(1024 * 1024));
        for text in ["", "65536", "63KiB", "5GiB", "1MB", "1mib", "1 MiB"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_count_has_bounds() {
        let read = count::<u32>(1, 500);
        assert_eq!(read("500"), Ok(500));
        for text in [
            "",
            "0",
            "501",
            "-1",
            "1.0",
            "1e2",
            "NaN",
            "99999999999999999999",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
