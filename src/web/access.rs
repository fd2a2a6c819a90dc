//! Determines the [`Access`] of a request from its headers.
//!
//! The checks protect people's browsers from pages of other sites: the `Origin` must be this
//! server's own or a listed one, and the `Host` a name that no one else can point at this server.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use actix_web::http::header::{self, HeaderMap, HeaderName};

use crate::domain::access::Access;

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessDenied {
    /// Not an IP address, not localhost and not listed: it may be another site's name that resolves
    /// to this server (DNS rebinding).
    Host,
    /// A page of another site.
    Origin,
}

impl AccessDenied {
    /// The reason, for developers.
    pub fn reason(self) -> &'static str {
        match self {
            AccessDenied::Host => "this host name is not configured for this server",
            AccessDenied::Origin => "pages of this origin may not use this server",
        }
    }
}

/// The access of a request or socket, by its headers.
///
/// A request without an `Origin` is allowed: a browser sends one with every socket and with every
/// request that changes something, so it comes from a program, or is a page being opened. `forwarded` is the
/// scheme that a listed proxy gave in `Forwarded`.
///
/// # Errors
///
/// [`AccessDenied`] when its host is unknown or its origin foreign.
pub fn access(
    headers: &HeaderMap,
    hosts: &HostNames,
    origins: &Origins,
    forwarded: Option<&str>,
) -> Result<Access, AccessDenied> {
    let host = only(headers, header::HOST)
        .and_then(Result::ok)
        .and_then(Authority::parse)
        .filter(|host| host.is_address() || hosts.0.contains(&host.name))
        .ok_or(AccessDenied::Host)?;
    let Some(origin) = only(headers, header::ORIGIN) else {
        return Ok(Access::Own);
    };
    let origin: Origin = origin
        .and_then(|text| text.parse().map_err(|_| ()))
        .map_err(|()| AccessDenied::Origin)?;
    if origins.0.contains(&origin) {
        return Ok(Access::Own);
    }
    // Only the proxy's header tells whether TLS ended at a proxy. A page cannot send this header,
    // and it only ever restricts access.
    let scheme = match only(headers, HeaderName::from_static("x-forwarded-proto")) {
        Some(Ok(scheme)) => scheme.split(',').next().unwrap_or_default().trim(),
        Some(Err(())) => return Err(AccessDenied::Origin),
        None => forwarded.unwrap_or(origin.scheme),
    };
    if scheme.eq_ignore_ascii_case(origin.scheme) && origin.is_served_at(&host) {
        Ok(Access::Own)
    } else {
        Err(AccessDenied::Origin)
    }
}

/// The value of a header that must not be repeated: `None` without one, an error if it is not text
/// or is repeated.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<Result<&str, ()>> {
    let mut values = headers.get_all(name);
    let first = values.next()?;
    Some(match values.next() {
        Some(_) => Err(()),
        None => first.to_str().map_err(|_| ()),
    })
}

/// A host and an optional port, as in `Host`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Authority {
    /// In lower case; IPv6 addresses in brackets, in their shortest form.
    name: String,
    port: Option<u16>,
}

impl Authority {
    fn parse(text: &str) -> Option<Self> {
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
    fn is_address(&self) -> bool {
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
    scheme: &'static str,
    host: String,
    port: u16,
}

impl Origin {
    /// Whether a page that this server sent under `host` has this origin.
    fn is_served_at(&self, host: &Authority) -> bool {
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
    use actix_web::http::header::HeaderValue;

    fn with(pairs: &[(&'static str, &str)]) -> Result<Access, AccessDenied> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        let hosts = "draw.example, Other.Example".parse().unwrap();
        let origins = "https://intranet.example, http://10.0.0.5:3000";
        access(&headers, &hosts, &origins.parse().unwrap(), None)
    }

    #[test]
    fn a_host_is_an_address_or_localhost_or_listed() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "192.168.1.7:80",
            "[::1]",
            "[::1]:8080",
            "[2001:DB8:0::1]:8080",
            "localhost",
            "LOCALHOST:8080",
            "draw.example",
            "Draw.Example:8443",
            "other.example",
        ] {
            assert_eq!(with(&[("host", host)]), Ok(Access::Own), "{host}");
        }
    }

    #[test]
    fn a_strange_host_is_refused() {
        for host in [
            "",
            ":",
            ":8080",
            "evil.example",
            "draw.example.evil.example",
            "evil-draw.example",
            "draw.example.",
            "127.0.0.1.evil.example",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "localhost.evil.example",
            "::1",
            "[::1",
            "[::1]x",
            "[draw.example]",
            "localhost:",
            "localhost:99999",
            "localhost:80:80",
            "localhost:+80",
            "localhost:8080@evil.example",
            "user@localhost",
            "localhost/x",
            "localhost, draw.example",
            "lôcalhost",
        ] {
            assert_eq!(with(&[("host", host)]), Err(AccessDenied::Host), "{host}");
        }
        assert_eq!(with(&[]), Err(AccessDenied::Host));
        assert_eq!(
            with(&[("host", "localhost"), ("host", "localhost")]),
            Err(AccessDenied::Host)
        );
    }

    #[test]
    fn an_origin_is_its_own_host_or_listed() {
        for (host, origin) in [
            ("localhost:8080", "http://localhost:8080"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("127.0.0.1", "http://127.0.0.1"),
            ("127.0.0.1:80", "http://127.0.0.1"),
            ("127.0.0.1", "http://127.0.0.1:80"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
            ("draw.example", "https://draw.example"),
            ("draw.example:443", "https://draw.example"),
            ("DRAW.example", "https://draw.EXAMPLE:443"),
            ("localhost:8080", "https://intranet.example"),
            ("draw.example", "http://10.0.0.5:3000"),
        ] {
            let headers = [("host", host), ("origin", origin)];
            assert_eq!(with(&headers), Ok(Access::Own), "{host} {origin}");
        }
    }

    #[test]
    fn a_foreign_origin_is_refused() {
        for (host, origin) in [
            ("localhost:8080", "null"),
            ("localhost:8080", ""),
            ("localhost:8080", "https://evil.example"),
            ("localhost:8080", "http://localhost"),
            ("localhost:8080", "http://localhost:8081"),
            ("localhost:8080", "http://127.0.0.1:8080"),
            ("localhost", "ftp://localhost"),
            ("localhost", "localhost"),
            ("localhost", "file://"),
            ("draw.example", "https://draw.example.evil.example"),
            ("draw.example", "https://draw.example/"),
            ("draw.example", "https://draw.example@evil.example"),
            ("draw.example", "https://other.example"),
            ("draw.example", "https://draw.example https://draw.example"),
            ("draw.example:80", "https://draw.example"),
            ("localhost", "http://intranet.example"),
            ("localhost", "http://10.0.0.5"),
        ] {
            let headers = [("host", host), ("origin", origin)];
            assert_eq!(with(&headers), Err(AccessDenied::Origin), "{host} {origin}");
        }
        let twice = [
            ("host", "localhost"),
            ("origin", "http://localhost"),
            ("origin", "http://localhost"),
        ];
        assert_eq!(with(&twice), Err(AccessDenied::Origin));
    }

    #[test]
    fn a_forwarded_scheme_narrows_the_origin() {
        let through = |proto, origin| {
            with(&[
                ("host", "draw.example"),
                ("origin", origin),
                ("x-forwarded-proto", proto),
            ])
        };
        assert_eq!(through("https", "https://draw.example"), Ok(Access::Own));
        assert_eq!(
            through("https, http", "https://draw.example"),
            Ok(Access::Own)
        );
        assert_eq!(
            through("https", "http://draw.example"),
            Err(AccessDenied::Origin)
        );
        assert_eq!(
            through("", "https://draw.example"),
            Err(AccessDenied::Origin)
        );
    }

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
