//! Who is counted, and what a session or a request of each uses.
//!
//! The number of those that are counted must be bounded: those that used nothing for longest are forgotten
//! first.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock, DefaultClock};

use super::account::Account;
use super::bounds::{BYTES, Exceeded, Resource, SESSION_RETRY, Share, Shares, Subject, Whose};
use super::network::Network;
use crate::domain::key::KeyId;

/// Most keys and addresses that are counted at a time.
const MAX_ACCOUNTS: usize = 16_384;
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Key(KeyId),
    Address(Network),
}

/// What has been used of a server.
#[derive(Debug)]
pub struct Quotas<C: Clock = DefaultClock> {
    shares: Shares,
    clock: C,
    all: Arc<Account<C>>,
    accounts: Mutex<HashMap<Owner, Arc<Account<C>>>>,
    max_accounts: usize,
}

/// What a session or a request of one subject uses.
#[derive(Clone, Debug)]
pub struct Visit<C: Clock = DefaultClock> {
    /// The narrowest first.
    accounts: Vec<(Whose, Arc<Account<C>>)>,
}

/// The place of a session in the bounds of its subject, free again on drop.
#[derive(Debug)]
pub struct Place<C: Clock + Clone = DefaultClock>(Vec<Arc<Account<C>>>);

impl Quotas {
    /// Nothing is used yet.
    pub fn new(shares: Shares) -> Arc<Self> {
        Self::with_clock(shares, DefaultClock::default(), MAX_ACCOUNTS)
    }
}

impl<C: Clock + Clone> Quotas<C> {
    fn with_clock(shares: Shares, clock: C, max_accounts: usize) -> Arc<Self> {
        Arc::new(Self {
            all: Arc::new(Account::new(shares.all, &clock)),
            shares,
            clock,
            accounts: Mutex::default(),
            max_accounts,
        })
    }

    /// A session or request of this subject begins.
    pub fn visit(&self, subject: &Subject) -> Visit<C> {
        let mut accounts = Vec::with_capacity(3);
        if let Some(key) = subject.key {
            let account = self.account(Owner::Key(key), self.shares.key);
            accounts.push((Whose::Key, account));
        }
        if let Some(share) = self.shares.address {
            let account = self.account(Owner::Address(subject.network), share);
            accounts.push((Whose::Address, account));
        }
        accounts.push((Whose::All, self.all.clone()));
        Visit { accounts }
    }

    fn account(&self, owner: Owner, share: Share) -> Arc<Account<C>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(&owner) {
            return account.clone();
        }
        if accounts.len() >= self.max_accounts {
            forget(&mut accounts);
        }
        let account = Arc::new(Account::new(share, &self.clock));
        // Sessions hold theirs, and are bounded. If all are held, this one is counted for itself alone.
        if accounts.len() < self.max_accounts {
            accounts.insert(owner, account.clone());
        }
        account
    }
}

/// Forgets a quarter of the accounts that nobody holds, those that have rested longest: so that it is seldom
/// needed.
fn forget<C: Clock + Clone>(accounts: &mut HashMap<Owner, Arc<Account<C>>>) {
    let is_free = |account: &Arc<Account<C>>| Arc::strong_count(account) == 1;
    let free = accounts.values().filter(|account| is_free(account));
    let mut rested: Vec<_> = free.map(|account| account.rested()).collect();
    let many = rested.len().div_ceil(4);
    if many == 0 {
        return;
    }
    let (_, &mut enough, _) = rested.select_nth_unstable_by(many - 1, |one, other| other.cmp(one));
    let mut left = many;
    accounts.retain(|_, account| {
        let goes = left > 0 && is_free(account) && account.rested() >= enough;
        left -= usize::from(goes);
        !goes
    });
}

impl<C: Clock + Clone> Visit<C> {
    /// Uses something. What a narrower bound had is used even if a wider one is exceeded.
    ///
    /// # Errors
    ///
    /// The bound that is reached.
    pub fn spend(&self, resource: Resource, units: NonZeroU32) -> Result<(), Exceeded> {
        for (whose, account) in &self.accounts {
            account.spend(resource, units).map_err(|retry| Exceeded {
                resource: Some(resource),
                whose: *whose,
                retry,
            })?;
        }
        Ok(())
    }

    /// Uses bytes.
    ///
    /// # Errors
    ///
    /// The bound that is reached.
    pub fn spend_bytes(&self, bytes: usize) -> Result<(), Exceeded> {
        let units = u32::try_from(bytes.div_ceil(BYTES as usize)).unwrap_or(u32::MAX);
        let units = NonZeroU32::new(units).unwrap_or(NonZeroU32::MIN);
        self.spend(Resource::Bytes, units)
    }

    /// Takes the place of a session in each bound.
    ///
    /// # Errors
    ///
    /// The bound that is reached.
    pub fn enter(&self) -> Result<Place<C>, Exceeded> {
        self.enter_those(|_| true)
    }

    /// Takes the place of a session in the bound of its key alone; none is taken without a key.
    ///
    /// # Errors
    ///
    /// The bound is reached.
    pub fn enter_key(&self) -> Result<Place<C>, Exceeded> {
        self.enter_those(|whose| whose == Whose::Key)
    }

    fn enter_those(&self, those: impl Fn(Whose) -> bool) -> Result<Place<C>, Exceeded> {
        let mut place = Place(Vec::with_capacity(self.accounts.len()));
        for (whose, account) in self.accounts.iter().filter(|(whose, _)| those(*whose)) {
            if !account.enter() {
                return Err(Exceeded {
                    resource: None,
                    whose: *whose,
                    retry: SESSION_RETRY,
                });
            }
            place.0.push(account.clone());
        }
        Ok(place)
    }
}

impl<C: Clock + Clone> Drop for Place<C> {
    fn drop(&mut self) {
        self.0.iter().for_each(|account| account.leave());
    }
}

#[cfg(test)]
mod tests;
