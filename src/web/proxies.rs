//! The proxies whose word about a client is taken.
//!
//! Nothing here reads a header: it only knows addresses.

use std::net::IpAddr;
use std::str::FromStr;

use actix_web::http::header::HeaderName;
use ipnet::IpNet;

/// The addresses and networks of proxies, in a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a proxy has this address. An IPv4 address within IPv6 is that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for Proxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items = text.split(',').map(str::trim);
        let networks = items.filter(|item| !item.is_empty()).map(|item| {
            let alone = || item.parse::<IpAddr>().map(IpNet::from);
            item.parse::<IpNet>().or_else(|_| alone()).map_err(|_| {
                "addresses and networks such as 10.0.0.5, 10.0.0.0/8 or fd00::/8, separated by commas"
                    .to_owned()
            })
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

/// The name of the header in which a proxy names the person who signed in, in a setting; `None` if there is
/// none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonHeader(pub Option<HeaderName>);

impl FromStr for PersonHeader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let name = HeaderName::from_bytes(text.as_bytes());
        name.map(|name| Self(Some(name)))
            .map_err(|_| "the name of a header, such as Remote-User".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_or_in_a_network() {
        let proxies: Proxies = "10.0.0.5, 192.168.0.0/16,fd00::/8 , 2001:db8::7"
            .parse()
            .unwrap();
        for (address, listed) in [
            ("10.0.0.5", true),
            ("10.0.0.6", false),
            ("::ffff:10.0.0.5", true),
            ("192.168.7.7", true),
            ("192.169.0.1", false),
            ("fd12::1", true),
            ("fe80::1", false),
            ("2001:db8::7", true),
            ("2001:db8::8", false),
        ] {
            assert_eq!(
                proxies.contains(address.parse().unwrap()),
                listed,
                "{address}"
            );
        }
        assert!(!proxies.is_empty());
        assert!(" , ".parse::<Proxies>().unwrap().is_empty());
        assert!(!Proxies::default().contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_wrong_list_is_refused_as_a_whole() {
        for text in [
            "proxy.example",
            "10.0.0.0/33",
            "10.0.0.5:80",
            "10.0.0.5 10.0.0.6",
            "*",
        ] {
            assert!(text.parse::<Proxies>().is_err(), "{text}");
        }
        assert_eq!("".parse(), Ok(PersonHeader(None)));
        assert!("Remote-User".parse::<PersonHeader>().is_ok());
        for text in ["remote user", "a=b", "ä", "a:"] {
            assert!(text.parse::<PersonHeader>().is_err(), "{text}");
        }
    }
}
