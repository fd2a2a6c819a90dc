//! Denies requests of pages of other sites, by their headers.
//!
//! The checks protect people's browsers from pages of other sites: the `Origin` must be this
//! server's own or a listed one, and the `Host` a name that no one else can point at this server.

use actix_web::http::header::{self, HeaderMap, HeaderName};

use super::origin::{Authority, HostNames, Origin, Origins};

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteDenied {
    /// Not an IP address, not localhost and not listed: it may be another site's name that resolves
    /// to this server (DNS rebinding).
    Host,
    /// A page of another site.
    Origin,
}

impl SiteDenied {
    /// The reason, for developers.
    pub fn reason(self) -> &'static str {
        match self {
            SiteDenied::Host => "this host name is not configured for this server",
            SiteDenied::Origin => "pages of this origin may not use this server",
        }
    }
}

/// Checks the headers of a request or socket.
///
/// A request without an `Origin` is allowed: a browser sends one with every socket and with every
/// request that changes something, so it comes from a program, or is a page being opened. `forwarded` is the
/// scheme that a listed proxy gave in `Forwarded`.
///
/// # Errors
///
/// [`SiteDenied`] when its host is unknown or its origin foreign.
pub fn check(
    headers: &HeaderMap,
    hosts: &HostNames,
    origins: &Origins,
    forwarded: Option<&str>,
) -> Result<(), SiteDenied> {
    let host = only(headers, header::HOST)
        .and_then(Result::ok)
        .and_then(Authority::parse)
        .filter(|host| host.is_address() || hosts.0.contains(&host.name))
        .ok_or(SiteDenied::Host)?;
    let Some(origin) = only(headers, header::ORIGIN) else {
        return Ok(());
    };
    let origin: Origin = origin
        .and_then(|text| text.parse().map_err(|_| ()))
        .map_err(|()| SiteDenied::Origin)?;
    if origins.0.contains(&origin) {
        return Ok(());
    }
    // Only the proxy's header tells whether TLS ended at a proxy. A page cannot send this header,
    // and it only ever restricts access.
    let scheme = match only(headers, HeaderName::from_static("x-forwarded-proto")) {
        Some(Ok(scheme)) => scheme.split(',').next().unwrap_or_default().trim(),
        Some(Err(())) => return Err(SiteDenied::Origin),
        None => forwarded.unwrap_or(origin.scheme),
    };
    if scheme.eq_ignore_ascii_case(origin.scheme) && origin.is_served_at(&host) {
        Ok(())
    } else {
        Err(SiteDenied::Origin)
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

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn with(pairs: &[(&'static str, &str)]) -> Result<(), SiteDenied> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        let hosts = "draw.example, Other.Example".parse().unwrap();
        let origins = "https://intranet.example, http://10.0.0.5:3000";
        check(&headers, &hosts, &origins.parse().unwrap(), None)
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
            assert_eq!(with(&[("host", host)]), Ok(()), "{host}");
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
            assert_eq!(with(&[("host", host)]), Err(SiteDenied::Host), "{host}");
        }
        assert_eq!(with(&[]), Err(SiteDenied::Host));
        assert_eq!(
            with(&[("host", "localhost"), ("host", "localhost")]),
            Err(SiteDenied::Host)
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
            assert_eq!(with(&headers), Ok(()), "{host} {origin}");
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
            assert_eq!(with(&headers), Err(SiteDenied::Origin), "{host} {origin}");
        }
        let twice = [
            ("host", "localhost"),
            ("origin", "http://localhost"),
            ("origin", "http://localhost"),
        ];
        assert_eq!(with(&twice), Err(SiteDenied::Origin));
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
        assert_eq!(through("https", "https://draw.example"), Ok(()));
        assert_eq!(through("https, http", "https://draw.example"), Ok(()));
        assert_eq!(
            through("https", "http://draw.example"),
            Err(SiteDenied::Origin)
        );
        assert_eq!(through("", "https://draw.example"), Err(SiteDenied::Origin));
    }
}
