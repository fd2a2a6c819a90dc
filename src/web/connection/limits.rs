//! Limits of the number of connections, in all and per address.
//!
//! It must never accept more connections than there are file descriptors for: a server without a
//! free one cannot store anything either.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::metrics::ConnectionLimit;
use crate::quotas::network::Network;

/// The open connections of one server.
#[derive(Debug)]
pub struct Connections {
    max: usize,
    /// Most per address; 0 for no such limit.
    max_from_one: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    from: HashMap<Network, usize>,
}

/// The slot of one connection, or of one request in a connection that a proxy shares; freed on drop.
#[derive(Debug)]
pub struct Slot {
    connections: Arc<Connections>,
    /// Whether it counts among all connections.
    is_connection: bool,
    /// The address that it counts for.
    from: Option<Network>,
}

impl Connections {
    /// No connections. An address may have all of them if `max_from_one` is 0.
    pub fn new(max: usize, max_from_one: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            max_from_one,
            open: Mutex::default(),
        })
    }

    /// Takes a slot for a connection from this address.
    ///
    /// # Errors
    ///
    /// The limit that is reached.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Slot, ConnectionLimit> {
        self.take(true, Some(address.into()))
    }

    /// Takes a slot for a connection from a proxy: it is nobody's, and what is in it counts by
    /// [`Connections::enter_behind_proxy`].
    ///
    /// # Errors
    ///
    /// The limit that is reached.
    pub fn enter_as_proxy(self: &Arc<Self>) -> Result<Slot, ConnectionLimit> {
        self.take(true, None)
    }

    /// Takes a slot for a request or a socket of a client with this address, in the connection of a proxy.
    ///
    /// # Errors
    ///
    /// The limit that is reached.
    pub fn enter_behind_proxy(self: &Arc<Self>, address: IpAddr) -> Result<Slot, ConnectionLimit> {
        self.take(false, Some(address.into()))
    }

    fn take(
        self: &Arc<Self>,
        is_connection: bool,
        from: Option<Network>,
    ) -> Result<Slot, ConnectionLimit> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if is_connection && open.all >= self.max {
            return Err(ConnectionLimit::All);
        }
        if let Some(from) = from {
            let before = open.from.get(&from).copied().unwrap_or_default();
            if self.max_from_one > 0 && before >= self.max_from_one {
                return Err(ConnectionLimit::Address);
            }
            open.from.insert(from, before + 1);
        }
        open.all += usize::from(is_connection);
        drop(open);
        Ok(Slot {
            connections: self.clone(),
            is_connection,
            from,
        })
    }

    /// Number of open connections.
    pub fn open(&self) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let connections = &self.connections;
        let mut open = connections
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        open.all -= usize::from(self.is_connection);
        let Some(from) = self.from else { return };
        if let Some(count) = open.from.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                open.from.remove(&from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(connections: &Arc<Connections>, address: &str) -> Result<Slot, ConnectionLimit> {
        connections.enter(address.parse().unwrap())
    }

    #[test]
    fn each_limit_holds_and_a_slot_becomes_free() {
        let connections = Connections::new(3, 2);
        let first = enter(&connections, "10.0.0.1").unwrap();
        let _second = enter(&connections, "10.0.0.1").unwrap();
        assert_eq!(
            enter(&connections, "10.0.0.1").unwrap_err(),
            ConnectionLimit::Address
        );
        let _third = enter(&connections, "10.0.0.2").unwrap();
        assert_eq!(
            enter(&connections, "10.0.0.3").unwrap_err(),
            ConnectionLimit::All
        );
        drop(first);
        assert_eq!(connections.open(), 2);
        assert!(enter(&connections, "10.0.0.1").is_ok());
    }

    #[test]
    fn addresses_that_left_are_forgotten() {
        let connections = Connections::new(10, 2);
        for last in 1..=9 {
            drop(enter(&connections, &format!("10.0.0.{last}")).unwrap());
        }
        assert!(connections.open.lock().unwrap().from.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_ipv4_in_ipv6_is_ipv4() {
        let connections = Connections::new(10, 1);
        let _one = enter(&connections, "2001:db8::1").unwrap();
        let same = enter(&connections, "2001:db8::ffff:2");
        assert_eq!(same.unwrap_err(), ConnectionLimit::Address);
        let _other = enter(&connections, "2001:db8:0:1::1").unwrap();
        let _four = enter(&connections, "::ffff:10.0.0.1").unwrap();
        let same = enter(&connections, "10.0.0.1");
        assert_eq!(same.unwrap_err(), ConnectionLimit::Address);
    }

    #[test]
    fn without_a_limit_one_address_may_have_all() {
        let connections = Connections::new(2, 0);
        let _first = enter(&connections, "10.0.0.1").unwrap();
        let _second = enter(&connections, "10.0.0.1").unwrap();
        assert_eq!(
            enter(&connections, "10.0.0.1").unwrap_err(),
            ConnectionLimit::All
        );
    }

    #[test]
    fn a_proxy_takes_no_place_of_its_address_and_its_clients_take_theirs() {
        let connections = Connections::new(3, 1);
        let _first = connections.enter_as_proxy().unwrap();
        let _second = connections.enter_as_proxy().unwrap();
        let behind = |address: &str| connections.enter_behind_proxy(address.parse().unwrap());
        let one = behind("2001:db8::1").unwrap();
        let same = behind("2001:db8::2");
        assert_eq!(same.unwrap_err(), ConnectionLimit::Address);
        let _other = behind("10.0.0.1").unwrap();
        assert_eq!(connections.open(), 2, "requests are no connections");
        let direct = enter(&connections, "10.0.0.1");
        assert_eq!(direct.unwrap_err(), ConnectionLimit::Address);
        drop(one);
        assert!(behind("2001:db8::2").is_ok());
    }
}
