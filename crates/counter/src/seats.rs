//! Places: so many in all, so many for each address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::metrics::gauge::Gauge;

use crate::{
    peer,
    problem::{Code, Problem},
};

/// Places for connections, or for streams.
#[derive(Debug)]
pub(crate) struct Seats {
    max: usize,
    /// Proxies that are believed are bounded in all alone: connections of all their phones come from there.
    max_per_address: usize,
    taken: Mutex<Taken>,
    open: Gauge,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One place, free again when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    /// Whose it is, where that is counted.
    network: Option<IpAddr>,
}

/// Nothing is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// So many are taken.
    InAll(usize),
    /// So many are taken by this address.
    OfAddress(usize),
}

impl Seats {
    /// `open` says how many are taken.
    pub(crate) fn new(max: usize, max_per_address: usize, open: Gauge) -> Arc<Self> {
        Arc::new(Self { max, max_per_address, taken: Mutex::default(), open })
    }

    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Full> {
        self.take_as(peer::network(address))
    }

    /// The same for whoever is counted as that; `None` is bounded in all alone.
    pub(crate) fn take_as(self: &Arc<Self>, network: Option<IpAddr>) -> Result<Seat, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.max {
            return Err(Full::InAll(self.max));
        }
        if let Some(network) = network {
            let of_address = taken.by_address.entry(network).or_default();
            if *of_address >= self.max_per_address {
                return Err(Full::OfAddress(self.max_per_address));
            }
            *of_address += 1;
        }
        taken.all += 1;
        self.open.inc();
        Ok(Seat { seats: Arc::clone(self), network })
    }
}

impl Seats {
    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }

    /// Whether half of the places are taken that `well_taken` leave.
    pub(crate) fn are_scarce(&self, well_taken: usize) -> bool {
        let (taken, max) = (self.taken().saturating_sub(well_taken), self.max.saturating_sub(well_taken));
        taken >= max.div_ceil(2)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(network) = self.network
            && let Some(of_address) = taken.by_address.get_mut(&network)
        {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&network);
            }
        }
        self.seats.open.dec();
    }
}

/// No place for a stream.
impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        let (max, whose) = match full {
            Full::InAll(max) => (max, "on this counter"),
            Full::OfAddress(max) => (max, "from this address"),
        };
        let detail = format!("{max} streams are open {whose}; close some, or try later.");
        Self::new(Code::TooManyStreams, detail).with("max", max).retry_after(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_by_address_and_loopback_only_in_all() {
        let seats = Seats::new(4, 1, Gauge::default());
        let phone: IpAddr = "192.168.1.7".parse().unwrap();
        let proxy: IpAddr = "127.0.0.1".parse().unwrap();
        let first = seats.take(phone).unwrap();
        assert_eq!(seats.take(phone).unwrap_err(), Full::OfAddress(1));
        let others: Vec<_> = (0..3).map(|_| seats.take(proxy).unwrap()).collect();
        assert_eq!(seats.take(proxy).unwrap_err(), Full::InAll(4));
        drop(first);
        assert!(seats.take(phone).is_ok());
        drop(others);
        assert!(seats.taken.lock().unwrap().by_address.is_empty());
    }

    #[test]
    fn places_are_scarce_when_half_of_those_are_taken_that_pages_leave() {
        let seats = Seats::new(10, 10, Gauge::default());
        let mut taken: Vec<_> = (0..4).map(|_| seats.take("127.0.0.1".parse().unwrap()).unwrap()).collect();
        assert!(!seats.are_scarce(0));
        taken.push(seats.take("127.0.0.1".parse().unwrap()).unwrap());
        assert!(seats.are_scarce(0));
        // With four of them as it should be, one of the other six is taken.
        assert!(!seats.are_scarce(4));
        taken.extend((0..2).map(|_| seats.take("127.0.0.1".parse().unwrap()).unwrap()));
        assert!(seats.are_scarce(4));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_here_too() {
        let seats = Seats::new(4, 1, Gauge::default());
        let _first = seats.take("2001:db8:1:2::1".parse().unwrap()).unwrap();
        let next = seats.take("2001:db8:1:2:ffff::9".parse().unwrap());
        assert_eq!(next.unwrap_err(), Full::OfAddress(1));
        assert!(seats.take("2001:db8:1:3::1".parse().unwrap()).is_ok());
    }
}
