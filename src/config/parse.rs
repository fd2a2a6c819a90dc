//! Parsers for the values of settings: numbers, times and sizes within bounds, addresses, names.
//!
//! They do not know which setting they parse: an error says what is allowed, and the caller adds where.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use bytesize::ByteSize;

/// A whole number within bounds.
pub fn count<T: TryFrom<u64>>(
    min: u64,
    max: u64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        text.parse()
            .ok()
            .filter(|number| (min..=max).contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("a whole number from {min} to {max}"))
    }
}

/// A number per second within bounds, of which the lower is not 0.
pub fn rate(
    min: u64,
    max: u64,
) -> impl Fn(&str) -> Result<NonZeroU32, String> + Clone + Send + Sync + 'static {
    let number = count::<u32>(min, max);
    move |text| {
        let number = number(text)?;
        NonZeroU32::new(number).ok_or_else(|| "a number from 1".to_owned())
    }
}

/// A time within bounds, such as `5ms` or `30d`.
pub fn time(
    min: &'static str,
    max: &'static str,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    within(
        humantime::parse_duration,
        "a time such as 500ms, 10s or 30d",
        min,
        max,
    )
}

/// A size in bytes within bounds, such as `64KiB`.
pub fn size(
    min: &'static str,
    max: &'static str,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    let parse = |text: &str| {
        let size: ByteSize = text.parse()?;
        usize::try_from(size.as_u64()).map_err(|error| error.to_string())
    };
    within(parse, "a size such as 512KiB or 64MiB", min, max)
}

fn within<T: PartialOrd, E>(
    parse: impl Fn(&str) -> Result<T, E> + Clone + Send + Sync + 'static,
    what: &'static str,
    min: &'static str,
    max: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let bounds = parse(min).ok().zip(parse(max).ok());
        parse(text)
            .ok()
            .filter(|value| {
                bounds
                    .as_ref()
                    .is_some_and(|(min, max)| min <= value && value <= max)
            })
            .ok_or_else(|| format!("{what}, from {min} to {max}"))
    }
}

/// Levels for modules, in env_logger's syntax.
pub fn log_filter(text: &str) -> Result<String, String> {
    match env_filter::Builder::new().try_parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("levels such as warn, whiteboard=debug, separated by commas".to_owned()),
    }
}

/// An address to listen on.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:0".to_owned()
    })
}

/// The name of a namespace or a database.
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
        assert_eq!(read("1h 30m"), read("90m"));
        assert_eq!(read("1.5h"), read("90m"));
        assert_eq!(read("720h"), read("30d"));
        for text in ["", "5", "ms", "4ms", "31d", "-1s", "s1", "1parsec"] {
            assert!(
                read(text).unwrap_err().contains("from 5ms to 30d"),
                "{text}"
            );
        }
        assert_eq!(time("0s", "10m")("0s"), Ok(Duration::ZERO));
        assert!(read("99999999999999999999s").is_err());
        assert!(read("999999999999999999d").is_err());
    }

    #[test]
    fn a_size_has_bounds() {
        let read = size("64KiB", "4GiB");
        assert_eq!(read("64KiB"), Ok(64 * 1024));
        assert_eq!(read("1MiB"), Ok(1024 * 1024));
        assert_eq!(read("1MB"), Ok(1_000_000));
        assert_eq!(read("65536"), read("64KiB"));
        for text in [
            "",
            "63KiB",
            "5GiB",
            "1parsec",
            "MiB",
            "-1MiB",
            "NaN",
            "99999999999GiB",
        ] {
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
