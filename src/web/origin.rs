//! Names of servers: host, port and origin, as in headers and in settings.
//!
//! Two spellings of one name must never compare as different.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A host and an optional port, as in `Host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// In lower case; IPv6 addresses in brackets, in their shortest form.
    pub(super) name: String,
    port: Option<u16>,
}

impl Authority {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (name, port) = text.split_at(end);
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
            None if port.is_empty() => None,
            None => return None,
        };
        let name = match name.strip_prefix('[') {
            Some(address) => {
                let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
                format!("[{address}]")
            }
            None => host_name(name)?,
        };
        Some(Self { name, port })
    }

    /// Whether no DNS lookup was needed to reach it.
    pub(super) fn is_address(&self) -> bool {
        self.name == "localhost"
            || self.name.starts_with('[')
            || self.name.parse::<Ipv4Addr>().is_ok()
    }
}

fn host_name(text: &str) -> Option<String> {
    let allowed = (1..=253).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    allowed.then(|| text.to_ascii_lowercase())
}

/// The origin of a page: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub(super) scheme: &'static str,
    host: String,
    port: u16,
}

impl Origin {
    /// Whether a page that this server sent under `host` has this origin.
    pub(super) fn is_served_at(&self, host: &Authority) -> bool {
        self.host == host.name && self.port == host.port.unwrap_or(default_port(self.scheme))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        match *port == default_port(scheme) {
            true => write!(f, "{scheme}://{host}"),
            false => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (scheme, authority) = text.split_once("://")?;
            let scheme = match scheme {
                "http" => "http",
                "https" => "https",
                _ => return None,
            };
            let Authority { name, port } = Authority::parse(authority)?;
            Some(Self {
                scheme,
                host: name,
                port: port.unwrap_or(default_port(scheme)),
            })
        };
        parse().ok_or_else(|| {
            "origins such as https://draw.example or http://10.0.0.5:8080, separated by commas"
                .to_owned()
        })
    }
}

/// Origins in a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(pub Vec<Origin>);

impl FromStr for Origins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        listed(text)
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Host names in a setting, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostNames(pub Vec<String>);

impl FromStr for HostNames {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        listed(text)
            .map(|name| {
                host_name(name).ok_or_else(|| {
                    "host names without scheme and port, such as draw.example, separated by commas"
                        .to_owned()
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_checked() {
        assert_eq!("".parse(), Ok(HostNames(vec![])));
        assert_eq!(" , ".parse(), Ok(Origins(vec![])));
        for names in [
            "https://draw.example",
            "draw.example:80",
            "a b",
            "é.example",
        ] {
            assert!(names.parse::<HostNames>().is_err(), "{names}");
        }
        let two: Origins = "https://Draw.example:443, http://[::1]:8080"
            .parse()
            .unwrap();
        let two: Vec<_> = two.0.iter().map(Origin::to_string).collect();
        assert_eq!(two, ["https://draw.example", "http://[::1]:8080"]);
        for origins in ["draw.example", "https://draw.example/x", "*", "null"] {
            assert!(origins.parse::<Origins>().is_err(), "{origins}");
        }
    }
}
