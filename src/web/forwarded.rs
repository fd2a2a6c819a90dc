//! Parses the headers in which proxies tell for whom they ask: `X-Forwarded-For` and `Forwarded` (RFC 7239).
//!
//! It must never guess: a value that is not understood is an unknown one, and what comes before it in its
//! header line is not looked at.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::http::header::{FORWARDED, HeaderMap, X_FORWARDED_FOR};

/// What one proxy told about whom it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// The address that it received the request from; `None` if it is hidden or unknown.
    pub from: Option<IpAddr>,
    /// The scheme of that request, in lower case.
    pub scheme: Option<String>,
}

/// The hops of a request, the nearest first. A proxy adds its own at the end, so that what a client made up
/// comes last here. `X-Forwarded-For` counts if there is one: nearly every proxy sets it, and passes on a
/// `Forwarded` that a client made up.
pub fn hops(headers: &HeaderMap) -> Box<dyn Iterator<Item = Hop> + '_> {
    if headers.contains_key(X_FORWARDED_FOR) {
        let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).collect();
        let lines = lines.into_iter().rev();
        let hops = lines.flat_map(|line| {
            let nodes = line.to_str().unwrap_or("unknown").rsplit(',');
            nodes.map(|text| Hop {
                from: node(text.trim()),
                scheme: None,
            })
        });
        return Box::new(hops);
    }
    let lines: Vec<_> = headers.get_all(FORWARDED).collect();
    let lines = lines.into_iter().rev();
    Box::new(lines.flat_map(|line| {
        let parsed = line.to_str().ok().and_then(elements);
        let parsed = parsed.unwrap_or_else(|| vec![Hop::default()]);
        parsed.into_iter().rev()
    }))
}

/// The elements of one `Forwarded` line, in its order; `None` if it is malformed anywhere.
fn elements(line: &str) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    let mut rest = line;
    loop {
        let mut hop = Hop::default();
        let mut seen = Vec::new();
        loop {
            rest = rest.trim_start_matches([' ', '\t']);
            if !rest.is_empty() && !rest.starts_with([',', ';']) {
                let (name, value, after) = pair(rest)?;
                match &*name {
                    "for" => hop.from = node(&value),
                    "proto" => hop.scheme = Some(value.to_ascii_lowercase()),
                    _ => {}
                }
                // Each may be there once.
                if seen.contains(&name) {
                    return None;
                }
                seen.push(name);
                rest = after.trim_start_matches([' ', '\t']);
            }
            match rest.strip_prefix(';') {
                Some(after) => rest = after,
                None => break,
            }
        }
        hops.push(hop);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Some(hops),
            None => return None,
        }
    }
}

/// A name in lower case, its value without quotes, and what follows.
fn pair(text: &str) -> Option<(String, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    if name.is_empty() || !name.bytes().all(is_token) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let Some(quoted) = rest.strip_prefix('"') else {
        // Many proxies do not quote an address with a port, as they should.
        let end = rest.find([',', ';', ' ', '\t', '"']);
        let (value, after) = rest.split_at(end.unwrap_or(rest.len()));
        return (!value.is_empty()).then(|| (name, value.to_owned(), after));
    };
    let (mut value, mut chars) = (String::new(), quoted.char_indices());
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((name, value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            char => value.push(char),
        }
    }
    None
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The address of a node, without its port.
fn node(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port): (IpAddr, _) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (address.parse::<Ipv6Addr>().ok()?.into(), port)
        }
        None => {
            let at = text.find(':')?;
            (text[..at].parse().ok()?, &text[at..])
        }
    };
    let named = |port: &str| !port.is_empty() && port.bytes().all(is_token);
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(named);
    is_port.then(|| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn found(lines: &[(&'static str, &str)]) -> Vec<Option<String>> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        let hops = hops(&headers);
        hops.map(|hop| hop.from.map(|address| address.to_string()))
            .collect()
    }

    fn some(text: &[&str]) -> Vec<Option<String>> {
        let named = |text: &&str| Some((*text).to_owned()).filter(|text| !text.is_empty());
        text.iter().map(named).collect()
    }

    #[test]
    fn an_address_may_have_brackets_and_a_port() {
        for (text, address) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("192.0.2.1:_x", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:DB8::1]:80", Some("2001:db8::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("[::ffff:192.0.2.1]:1", Some("192.0.2.1")),
            ("unknown", None),
            ("_hidden", None),
            ("", None),
            ("192.0.2", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:a b", None),
            ("[192.0.2.1]", None),
            ("[2001:db8::1", None),
            ("2001:db8::1]", None),
            ("[2001:db8::1]80", None),
        ] {
            let expected = address.map(|text| text.parse().unwrap());
            assert_eq!(node(text), expected, "{text}");
        }
    }

    #[test]
    fn the_nearest_hop_comes_first() {
        let lines = [
            ("x-forwarded-for", "192.0.2.1, 192.0.2.2"),
            ("x-forwarded-for", "x,192.0.2.3"),
        ];
        assert_eq!(
            found(&lines),
            some(&["192.0.2.3", "", "192.0.2.2", "192.0.2.1"])
        );
        let lines = [
            (
                "forwarded",
                "for=192.0.2.1;proto=https, For=\"[2001:db8::1]:80\"",
            ),
            ("forwarded", "by=a;for=192.0.2.3:80"),
        ];
        assert_eq!(
            found(&lines),
            some(&["192.0.2.3", "2001:db8::1", "192.0.2.1"])
        );
    }

    #[test]
    fn of_both_headers_the_one_that_proxies_set_counts() {
        let lines = [
            ("forwarded", "for=192.0.2.1"),
            ("x-forwarded-for", "192.0.2.2"),
        ];
        assert_eq!(found(&lines), some(&["192.0.2.2"]));
    }

    #[test]
    fn forwarded_is_parsed_as_its_standard_says() {
        for (line, hops) in [
            ("for=\"_gazonk\"", Some(vec![(None, None)])),
            (
                "For=\"[2001:db8:cafe::17]:4711\"",
                Some(vec![(Some("2001:db8:cafe::17"), None)]),
            ),
            (
                "for=192.0.2.60;proto=HTTP;by=203.0.113.43",
                Some(vec![(Some("192.0.2.60"), Some("http"))]),
            ),
            (
                "for=192.0.2.43, for=198.51.100.17",
                Some(vec![
                    (Some("192.0.2.43"), None),
                    (Some("198.51.100.17"), None),
                ]),
            ),
            (
                "for=\"192.0.2.\\43\" ; proto=\"https\"",
                Some(vec![(Some("192.0.2.43"), Some("https"))]),
            ),
            ("proto=https", Some(vec![(None, Some("https"))])),
            ("for=\"a,for=192.0.2.1\"", Some(vec![(None, None)])),
            ("for=\"192.0.2.1", None),
            ("for=192.0.2.1;for=192.0.2.2", None),
            ("for", None),
            ("for=", None),
            ("=x", None),
            ("f r=x", None),
            ("for=192.0.2.1 x", None),
        ] {
            let parsed = elements(line);
            let expected = hops.map(|hops| {
                let hop = |(from, scheme): (Option<&str>, Option<&str>)| Hop {
                    from: from.map(|text| text.parse().unwrap()),
                    scheme: scheme.map(str::to_owned),
                };
                hops.into_iter().map(hop).collect()
            });
            assert_eq!(parsed, expected, "{line}");
        }
    }
}
