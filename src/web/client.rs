//! Whom a request comes from: the address, the scheme and the person, as far as a listed proxy tells.
//!
//! It must never take the word of anybody else: a client can send every header that a proxy sends.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{HttpMessage, HttpRequest};

use super::forwarded::{Hop, hops};
use super::proxies::{PersonHeader, Proxies};
use crate::domain::people::MAX_NAME_CHARS;

/// Whom a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address of the client: that of the nearest hop which is not a listed proxy.
    pub address: IpAddr,
    /// Whether a listed proxy sent the request: then many clients share its connection.
    pub through_proxy: bool,
    /// The scheme in `Forwarded`, in lower case.
    pub scheme: Option<String>,
    /// The name of the person who signed in at the proxy, at most [`MAX_NAME_CHARS`] characters.
    pub person: Option<String>,
}

impl Client {
    /// The client whose request came from `peer` with these headers.
    pub fn by(
        peer: IpAddr,
        headers: &HeaderMap,
        proxies: &Proxies,
        PersonHeader(person): &PersonHeader,
    ) -> Self {
        let mut client = Self {
            address: peer.to_canonical(),
            through_proxy: proxies.contains(peer),
            scheme: None,
            person: None,
        };
        if !client.through_proxy {
            return client;
        }
        client.person = person.as_ref().and_then(|header| name(headers, header));
        for Hop { from, scheme } in hops(headers) {
            // Beyond a hop that is unknown, everything may be made up.
            let Some(from) = from else { break };
            client.address = from;
            client.scheme = scheme;
            if !proxies.contains(from) {
                break;
            }
        }
        client
    }

    /// The client of a request that came past [`authorize`](super::authorize::authorize).
    pub fn of(request: &HttpRequest) -> Self {
        let client = request.extensions().get::<Self>().cloned();
        client.unwrap_or(Self {
            address: Ipv4Addr::UNSPECIFIED.into(),
            through_proxy: false,
            scheme: None,
            person: None,
        })
    }
}

/// The name in a header that is there once: printable, without surrounding space, cut where it is too long.
fn name(headers: &HeaderMap, header: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(header);
    let value = values.next().filter(|_| values.next().is_none())?;
    let text = std::str::from_utf8(value.as_bytes()).ok()?;
    let printable = text.trim().chars().filter(|c| !c.is_control());
    let name: String = printable.take(MAX_NAME_CHARS).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    const PROXY: &str = "10.0.0.1";

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> Client {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        let proxies = "10.0.0.0/8, fd00::/8".parse().unwrap();
        let person = "Remote-User".parse().unwrap();
        Client::by(peer.parse().unwrap(), &headers, &proxies, &person)
    }

    fn address(peer: &str, lines: &[(&'static str, &str)]) -> String {
        client(peer, lines).address.to_string()
    }

    #[test]
    fn the_address_is_that_of_the_nearest_hop_that_is_no_proxy() {
        for (forwarded_for, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("192.0.2.9, 192.0.2.1, 10.0.0.2, fd00::3", "192.0.2.1"),
            ("127.0.0.1, 2001:db8::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            // A chain of proxies only: the farthest one.
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            // Nothing is known beyond these.
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("192.0.2.1, ", PROXY),
            ("", PROXY),
        ] {
            let lines = [("x-forwarded-for", forwarded_for)];
            assert_eq!(address(PROXY, &lines), expected, "{forwarded_for}");
        }
        assert_eq!(address(PROXY, &[]), PROXY);
        assert_eq!(address("::ffff:10.0.0.1", &[]), PROXY);
        let standard = client(
            PROXY,
            &[(
                "forwarded",
                "for=evil, for=\"[2001:db8::1]:9\";proto=https, for=10.0.0.2;proto=http",
            )],
        );
        assert_eq!(standard.address.to_string(), "2001:db8::1");
        assert_eq!(standard.scheme.as_deref(), Some("https"));
    }

    #[test]
    fn a_proxy_names_the_person_and_nobody_else_does() {
        let named = |peer, value: &str| client(peer, &[("remote-user", value)]).person;
        assert_eq!(named(PROXY, " Ada Lovelace "), Some("Ada Lovelace".into()));
        assert_eq!(named(PROXY, "Zoë"), Some("Zoë".into()));
        assert_eq!(named(PROXY, "  "), None);
        assert_eq!(named("192.0.2.1", "Ada"), None);
        let long = named(PROXY, &"é".repeat(MAX_NAME_CHARS + 1)).unwrap();
        assert_eq!(long.chars().count(), MAX_NAME_CHARS);
        // One of them was added by the client.
        let twice = [("remote-user", "Ada"), ("remote-user", "Eve")];
        assert_eq!(client(PROXY, &twice).person, None);
    }

    proptest! {
        #[test]
        fn what_others_send_changes_nothing(
            lines in prop::collection::vec((0..3_usize, "[ -~]{0,40}"), 0..5),
        ) {
            const NAMES: [&str; 3] = ["x-forwarded-for", "forwarded", "remote-user"];
            let lines: Vec<_> = lines.iter().map(|(name, value)| (NAMES[*name], &**value)).collect();
            let made = client("192.0.2.1", &lines);
            let plain = client("192.0.2.1", &[]);
            prop_assert_eq!(made, plain);
        }

        /// A client can put anything before what the proxies add, and is found nevertheless.
        #[test]
        fn what_a_client_makes_up_changes_nothing(
            made_up in "[ -~]{0,40}",
            other in "[ -~]{0,40}",
            proxies in prop::collection::vec(1..255_u8, 0..4),
            client_address in any::<u128>(),
            in_one_line: bool,
        ) {
            let from = std::net::Ipv6Addr::from_bits(client_address | 1 << 127);
            let from = IpAddr::from(from).to_canonical();
            let mut added = from.to_string();
            for last in proxies {
                added += &format!(", 10.0.0.{last}");
            }
            let joined = format!("{made_up}, {added}");
            let mut lines = vec![("forwarded", other.as_str())];
            match in_one_line {
                true => lines.push(("x-forwarded-for", &joined)),
                false => lines.extend([("x-forwarded-for", made_up.as_str()), ("x-forwarded-for", &added)]),
            }
            // Unless it is a proxy by its address.
            prop_assume!(!"10.0.0.0/8, fd00::/8".parse::<Proxies>().unwrap().contains(from));
            prop_assert_eq!(client(PROXY, &lines).address, from);
        }

        /// A line of `Forwarded` that became malformed by what a client made up counts for the proxy.
        #[test]
        fn what_a_client_makes_up_in_forwarded_names_nobody_else(made_up in "[ -~]{0,40}") {
            let line = format!("{made_up}, for=192.0.2.1");
            let found = address(PROXY, &[("forwarded", &line)]);
            prop_assert!(found == "192.0.2.1" || found == PROXY, "{}", found);
        }
    }
}
