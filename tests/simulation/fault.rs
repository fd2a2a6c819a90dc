//! What can go wrong.
//!
//! It must never leave a kind out of [`Fault::ALL`]: it would not be missed when it never occurs.

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Appends meet a conflict though nobody else appends.
    AppendsConflict,
    /// Appends are answered with an error; nothing is stored.
    AppendsFail,
    /// Appends are stored, and their answer comes too late.
    AppendsHangStored,
    /// Appends are stored after their deadline.
    AppendsHangThenStore,
    /// Appends get no answer and are not stored.
    AppendsHangUnstored,
    /// Appends are stored and the connection breaks before the answer.
    AppendsStoredUnanswered,
    /// The connection breaks before appends are stored.
    AppendsUnavailable,
    /// One op makes each append that holds it fail, while the database takes other writes.
    PoisonedOp,
    /// Notifications are late.
    NotificationsLate,
    /// Notifications arrive out of order.
    NotificationsReordered,
    /// Notifications arrive twice.
    NotificationsDoubled,
    /// Notifications are lost.
    NotificationsLost,
    /// Live queries end.
    SubscriptionEnds,
    /// Live queries stay open and deliver nothing any more.
    SubscriptionSilent,
    /// Live queries cannot be opened.
    SubscribeFails,
    /// Signal rows cannot be written.
    PublishFails,
    /// Reads are slow.
    ReadsSlow,
    /// Reads fail.
    ReadsFail,
    /// The database stops for a while.
    DatabaseStops,
    /// The storage is full: what writes fails.
    DatabaseFull,
    /// An older copy of the database is restored, and all drawings get a new epoch.
    RestoredWithNewEpoch,
    /// An older copy of the database is restored, and nobody renews the epoch.
    RestoredWithOldEpoch,
    /// Old tombstones are compacted.
    Compacted,
    /// The drawing is deleted, and undeleted after a while.
    Deleted,
    /// A server process is killed.
    ServerKilled,
    /// A server process is suspended for a while.
    ServerFrozen,
    /// A server drains and stops.
    ServerDrained,
    /// A server's clock jumps forward.
    ClockJumps,
    /// A feed dies without a reason; its sessions join another one.
    FeedDies,
    /// A socket is cut; both ends notice.
    SocketCut,
    /// A client does not read for a while.
    SocketStalled,
    /// Nothing passes through a socket any more, and nobody notices.
    SocketHalfOpen,
    /// A client crashes; its outbox is adopted.
    ClientCrashes,
    /// A client connects anew through another server.
    ClientMoves,
    /// A key is revoked.
    KeyRevoked,
    /// A key allows less for a while.
    KeyLowered,
    /// The drawing is locked for a while.
    DrawingLocked,
    /// A person is muted for a while.
    PersonMuted,
    /// A key gets an end, and ends then.
    KeyExpires,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 39] = [
        Fault::AppendsConflict,
        Fault::AppendsFail,
        Fault::AppendsHangStored,
        Fault::AppendsHangThenStore,
        Fault::AppendsHangUnstored,
        Fault::AppendsStoredUnanswered,
        Fault::AppendsUnavailable,
        Fault::PoisonedOp,
        Fault::NotificationsLate,
        Fault::NotificationsReordered,
        Fault::NotificationsDoubled,
        Fault::NotificationsLost,
        Fault::SubscriptionEnds,
        Fault::SubscriptionSilent,
        Fault::SubscribeFails,
        Fault::PublishFails,
        Fault::ReadsSlow,
        Fault::ReadsFail,
        Fault::DatabaseStops,
        Fault::DatabaseFull,
        Fault::RestoredWithNewEpoch,
        Fault::RestoredWithOldEpoch,
        Fault::Compacted,
        Fault::Deleted,
        Fault::ServerKilled,
        Fault::ServerFrozen,
        Fault::ServerDrained,
        Fault::ClockJumps,
        Fault::FeedDies,
        Fault::SocketCut,
        Fault::SocketStalled,
        Fault::SocketHalfOpen,
        Fault::ClientCrashes,
        Fault::ClientMoves,
        Fault::KeyRevoked,
        Fault::KeyLowered,
        Fault::DrawingLocked,
        Fault::PersonMuted,
        Fault::KeyExpires,
    ];

    /// Those that change who may do what.
    pub const OF_ACCESS: [Fault; 5] = [
        Fault::KeyRevoked,
        Fault::KeyLowered,
        Fault::DrawingLocked,
        Fault::PersonMuted,
        Fault::KeyExpires,
    ];

    /// Whether what it hides can be found only by comparing heads for as long as the drawing is open.
    pub fn needs_head_checks(self) -> bool {
        matches!(
            self,
            Fault::NotificationsLost | Fault::SubscriptionSilent | Fault::RestoredWithOldEpoch
        )
    }

    /// How rare it is: a fault that ends much else leaves less to see of the others.
    pub fn is_rare(self) -> bool {
        matches!(
            self,
            Fault::Deleted | Fault::RestoredWithNewEpoch | Fault::RestoredWithOldEpoch
        )
    }
}
