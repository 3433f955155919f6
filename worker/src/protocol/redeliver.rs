//! The messages that redeliver stored deliveries.

use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::ids::RowId;
use crate::js::{FromJs, from_js, text, variant};

/// The deliveries to redeliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Redelivery {
    /// Dead deliveries, each to the destinations for which it is dead.
    Dead,
    /// Deliveries that no destination wanted when they arrived.
    Unrouted,
    /// All deliveries, also accepted ones.
    All,
}

impl Redelivery {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "dead" => Some(Self::Dead),
            "unrouted" => Some(Self::Unrouted),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// Redelivers one delivery: to a destination, or to the destinations that `state` selects. Without both, it is redelivered
/// to the destinations for which it is dead. If it has no send at all, it goes to all destinations that want it.
#[derive(Serialize)]
pub(crate) struct Redeliver {
    pub(crate) row: RowId,
    pub(crate) destination: Option<String>,
    pub(crate) state: Option<Redelivery>,
}

#[derive(Serialize)]
pub(crate) enum Redelivered {
    NotFound,
    /// Its body was erased or has expired.
    Forgotten,
    To(Vec<String>),
}

/// Redelivers the deliveries of a period. It is cloned for each call, with another `after`.
#[derive(Clone, Serialize)]
pub(crate) struct RedeliverMany {
    pub(crate) state: Redelivery,
    /// The time of receipt, in milliseconds since the Unix epoch; the end is exclusive.
    pub(crate) since: u64,
    pub(crate) until: u64,
    /// Only to this destination.
    pub(crate) destination: Option<String>,
    /// An old name: pending and dead sends to it move to `destination`.
    pub(crate) from: Option<String>,
    /// Only rows after this one are read.
    pub(crate) after: RowId,
}

/// How many deliveries are redelivered.
#[derive(Serialize)]
pub(crate) struct RedeliveredMany {
    pub(crate) redelivered: u64,
    /// Where to continue, if there may be more.
    pub(crate) last: Option<RowId>,
}

impl FromJs for Redelivery {
    fn from_js(value: &JsValue) -> Option<Self> {
        Self::parse(&text(value)?)
    }
}

impl FromJs for Redelivered {
    fn from_js(value: &JsValue) -> Option<Self> {
        let (name, destinations) = variant(value)?;
        match name.as_str() {
            "NotFound" => Some(Self::NotFound),
            "Forgotten" => Some(Self::Forgotten),
            "To" => Vec::from_js(&destinations).map(Self::To),
            _ => None,
        }
    }
}

from_js! {
    Redeliver { row: "row", destination: "destination", state: "state" }
    RedeliverMany {
        state: "state",
        since: "since",
        until: "until",
        destination: "destination",
        from: "from",
        after: "after",
    }
    RedeliveredMany { redelivered: "redelivered", last: "last" }
}
