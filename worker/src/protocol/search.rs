//! The messages that list, find and export stored deliveries.

use serde::Serialize;

use super::{Delivery, DeliveryState};
use crate::ids::{DeliveryId, RowId};
use crate::js::from_js;

/// Lists deliveries, the newest first.
#[derive(Serialize)]
pub(crate) struct List {
    pub(crate) limit: u32,
    pub(crate) state: Option<DeliveryState>,
    /// The name of the event.
    pub(crate) name: Option<String>,
    /// Only deliveries that are or were sent to this destination. The state is then the state of the delivery to this
    /// destination.
    pub(crate) destination: Option<String>,
    /// Whether to list only test events, or only other events.
    pub(crate) test: Option<bool>,
    /// Milliseconds since the Unix epoch, inclusive.
    pub(crate) since: Option<u64>,
    /// Milliseconds since the Unix epoch, exclusive.
    pub(crate) until: Option<u64>,
    /// Only rows before this one are listed.
    pub(crate) before: RowId,
}

/// Finds the deliveries with one of these IDs, or with an e-mail address in their bodies, the newest first.
#[derive(Serialize)]
pub(crate) struct Search {
    pub(crate) ids: Vec<String>,
    pub(crate) email: Option<String>,
    /// Only rows before this one are searched for an address.
    pub(crate) before: RowId,
}

/// The deliveries of one shard.
#[derive(Serialize)]
pub(crate) struct Listed {
    pub(crate) deliveries: Vec<Delivery>,
    /// The oldest row that was searched, if there are older ones and fewer deliveries than the limit were found.
    pub(crate) searched: Option<RowId>,
    /// The delivery that the shard stored last; with row 0 if it never stored one.
    pub(crate) newest: Option<DeliveryId>,
}

/// Asks for deliveries with their bodies, the oldest first.
#[derive(Serialize)]
pub(crate) struct Export {
    /// The time of receipt, in milliseconds since the Unix epoch; the end is exclusive.
    pub(crate) since: u64,
    pub(crate) until: u64,
    /// Only rows after this one are exported.
    pub(crate) after: RowId,
}

/// A part of an export.
#[derive(Serialize)]
pub(crate) struct Exported {
    /// A line of JSON for each delivery.
    pub(crate) lines: String,
    /// Where to continue, if there may be more.
    pub(crate) last: Option<RowId>,
}

from_js! {
    List {
        limit: "limit",
        state: "state",
        name: "name",
        destination: "destination",
        test: "test",
        since: "since",
        until: "until",
        before: "before",
    }
    Search { ids: "ids", email: "email", before: "before" }
    Listed { deliveries: "deliveries", searched: "searched", newest: "newest" }
    Export { since: "since", until: "until", after: "after" }
    Exported { lines: "lines", last: "last" }
}
