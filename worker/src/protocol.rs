//! The messages between the Worker and its inbox.
//!
//! A request is one variant of [`Request`], and its type names the type of its reply. Only the message that stores a
//! delivery is not here: it is a flat call for speed, because it is sent for every delivery (`shards::store` and
//! `Inbox::store`).

mod arrival;
mod delivery;
mod destination;
mod redeliver;
mod rejected;
mod search;

pub(crate) use arrival::{Arrival, ConfirmShards, Confirmed, Reply, Stored};
pub(crate) use delivery::{Attempt, Delivery, DeliveryState, Details, Payload, SendStatus};
pub(crate) use destination::{DestinationState, DestinationStatus, Hasten, SetPaused};
pub(crate) use redeliver::{Redeliver, RedeliverMany, Redelivered, RedeliveredMany, Redelivery};
pub(crate) use rejected::{
    Full, HadKey, Keep, Kept, ListRejected, QuarantineStatus, Rejected, RejectedDetails,
    RemoveRejected, ShowRejected,
};
pub(crate) use search::{Export, Exported, List, Listed, Search};
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::ids::RowId;
use crate::js::{FromJs, Problem, Result, from_js, text, variant};
use crate::keys::LastMatch;

/// The version of these messages. During a deployment, a Worker and an inbox of different versions may meet. Increase
/// it with every change that an older version would misread.
pub(crate) const VERSION: u32 = 1;

/// Checks the version of a message, before anything else of it is read.
pub(crate) fn check_version(version: u32) -> Result<()> {
    if version == VERSION {
        return Ok(());
    }
    Err(Problem::new(format!(
        "a message has protocol version {version}, but this inbox supports version {VERSION}: wait until the \
         deployment has reached every location"
    )))
}

/// A request whose reply has a known type.
pub(crate) trait Question: Into<Request> {
    type Reply: Serialize + FromJs;

    /// Writes a reply to this request.
    fn reply(&self, reply: &Self::Reply) -> Result<JsValue> {
        write(reply)
    }
}

macro_rules! requests {
    ($($question:ident => $reply:ty,)*) => {
        /// A message to one shard of the inbox.
        #[derive(Serialize)]
        pub(crate) enum Request {
            $($question($question),)*
        }

        impl FromJs for Request {
            fn from_js(value: &JsValue) -> Option<Self> {
                let (name, question) = variant(value)?;
                match name.as_str() {
                    $(stringify!($question) => $question::from_js(&question).map(Self::$question),)*
                    _ => None,
                }
            }
        }

        $(
            impl From<$question> for Request {
                fn from(question: $question) -> Self {
                    Self::$question(question)
                }
            }

            impl Question for $question {
                type Reply = $reply;
            }
        )*
    };
}

requests! {
    ConfirmShards => Confirmed,
    GetShards => Option<u32>,
    Wake => (),
    Report => (),
    Raise => (),
    GetDrift => String,
    List => Listed,
    Show => Option<Details>,
    Redeliver => Redelivered,
    RedeliverMany => RedeliveredMany,
    Search => Listed,
    Export => Exported,
    Erase => u32,
    EraseEmail => Erased,
    GetStatus => ShardStatus,
    Keep => Kept,
    HadKey => bool,
    ListRejected => Vec<Rejected>,
    ShowRejected => Option<RejectedDetails>,
    RemoveRejected => u32,
    SetPaused => Option<u64>,
    Hasten => bool,
}

/// Asks for the stored number of shards, without storing one.
#[derive(Serialize)]
pub(crate) struct GetShards;

/// Sets the shard's alarm, in case the platform has lost it. Gives the shard its copy of the data from [`ConfirmShards`], so
/// that it accepts its first delivery without the first shard.
#[derive(Clone, Serialize)]
pub(crate) struct Wake {
    pub(crate) shards: Option<u32>,
    pub(crate) instance: Option<String>,
}

/// Reports the counts of an isolate since its last report to the first shard.
#[derive(Serialize)]
pub(crate) struct Report {
    /// How many requests were rejected, by code.
    pub(crate) refused: Vec<Count>,
    /// How many requests were not kept, because the quarantine was full.
    pub(crate) dropped: Option<u64>,
    pub(crate) matched: LastMatch,
    /// The networks that sent a new genuine event.
    pub(crate) networks: Vec<String>,
    /// How many events had a difference from their documented shape. Each is `EVENT PATH KIND`.
    pub(crate) drift: Vec<Count>,
}

/// Reports a cause for an alert to the first shard.
#[derive(Serialize)]
pub(crate) struct Raise {
    pub(crate) cause: Cause,
    /// The destination that it concerns, if there is one.
    pub(crate) destination: Option<String>,
    /// The end of the alert's text: why the destination fails, or which difference was seen.
    pub(crate) detail: Option<String>,
}

impl Raise {
    /// Makes an alert without a destination.
    pub(crate) fn new(cause: Cause) -> Self {
        Self { cause, destination: None, detail: None }
    }
}

/// The cause of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Cause {
    /// A delivery is dead.
    Dead,
    /// A shard has little room left.
    Full,
    /// Only the previous key matches.
    PreviousKey,
    /// Every request is rejected.
    AllFailed,
    /// Nothing new arrives.
    Silence,
    /// A new key has verified kept requests.
    RecoveredFromQuarantine,
    /// A destination accepts no deliveries.
    Failing,
    /// A destination that was failing accepts deliveries again.
    Recovered,
    /// A destination has been paused for a day.
    Paused,
    /// A difference from the documented shape was seen for the first time.
    Drift,
}

/// Asks for everything about a delivery, its body included.
#[derive(Serialize)]
pub(crate) struct Show {
    pub(crate) row: RowId,
}

/// Erases a delivery; replies with how many were erased, 0 or 1.
#[derive(Serialize)]
pub(crate) struct Erase {
    pub(crate) row: RowId,
}

/// Erases the deliveries that contain an e-mail address.
#[derive(Serialize)]
pub(crate) struct EraseEmail {
    pub(crate) email: String,
    /// Only rows after this one are read.
    pub(crate) after: RowId,
}

/// Asks for the counts and times of a shard.
#[derive(Serialize)]
pub(crate) struct GetStatus;

/// Asks for the differences from the documented shapes that were seen, as a JSON list.
#[derive(Serialize)]
pub(crate) struct GetDrift;

/// How many deliveries were erased.
#[derive(Serialize)]
pub(crate) struct Erased {
    pub(crate) erased: u64,
    /// Where to continue, if there may be more.
    pub(crate) last: Option<RowId>,
}

/// A count with a name.
#[derive(Serialize)]
pub(crate) struct Count {
    pub(crate) name: String,
    pub(crate) count: u64,
}

impl Count {
    /// Adds to the count of a name.
    pub(crate) fn add(counts: &mut Vec<Self>, name: &str, count: u64) {
        match counts.iter_mut().find(|known| known.name == name) {
            Some(known) => known.count = known.count.saturating_add(count),
            None => counts.push(Self { name: name.to_owned(), count }),
        }
    }
}

/// The counts and times of one shard.
#[derive(Serialize)]
pub(crate) struct ShardStatus {
    pub(crate) totals: Totals,
    /// By state. A delivery that is dead for one destination counts as dead, whatever its state is.
    pub(crate) deliveries: Vec<Count>,
    /// Rejected requests, by code.
    pub(crate) refused: Vec<Count>,
    pub(crate) destinations: Vec<DestinationStatus>,
    pub(crate) matched: LastMatch,
    /// The size of the database.
    pub(crate) bytes: u64,
    /// Only the first shard has a quarantine.
    pub(crate) quarantine: Option<QuarantineStatus>,
    /// How many differences from the documented shapes were seen. Only the first shard counts them.
    pub(crate) drift: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    pub(crate) duplicates: u64,
    pub(crate) last_received: Option<u64>,
    pub(crate) oldest_pending: Option<u64>,
    pub(crate) oldest_dead: Option<u64>,
}

impl FromJs for GetShards {
    fn from_js(_: &JsValue) -> Option<Self> {
        Some(Self)
    }
}

impl FromJs for GetStatus {
    fn from_js(_: &JsValue) -> Option<Self> {
        Some(Self)
    }
}

impl FromJs for GetDrift {
    fn from_js(_: &JsValue) -> Option<Self> {
        Some(Self)
    }
}

impl FromJs for Cause {
    fn from_js(value: &JsValue) -> Option<Self> {
        match text(value)?.as_str() {
            "Dead" => Some(Self::Dead),
            "Full" => Some(Self::Full),
            "PreviousKey" => Some(Self::PreviousKey),
            "AllFailed" => Some(Self::AllFailed),
            "Silence" => Some(Self::Silence),
            "RecoveredFromQuarantine" => Some(Self::RecoveredFromQuarantine),
            "Failing" => Some(Self::Failing),
            "Recovered" => Some(Self::Recovered),
            "Paused" => Some(Self::Paused),
            "Drift" => Some(Self::Drift),
            _ => None,
        }
    }
}

from_js! {
    Wake { shards: "shards", instance: "instance" }
    Report {
        refused: "refused",
        dropped: "dropped",
        matched: "matched",
        networks: "networks",
        drift: "drift",
    }
    Raise { cause: "cause", destination: "destination", detail: "detail" }
    Show { row: "row" }
    Erase { row: "row" }
    EraseEmail { email: "email", after: "after" }
    Erased { erased: "erased", last: "last" }
    Count { name: "name", count: "count" }
    ShardStatus {
        totals: "totals",
        deliveries: "deliveries",
        refused: "refused",
        destinations: "destinations",
        matched: "matched",
        bytes: "bytes",
        quarantine: "quarantine",
        drift: "drift",
    }
    Totals {
        duplicates: "duplicates",
        last_received: "lastReceived",
        oldest_pending: "oldestPending",
        oldest_dead: "oldestDead",
    }
}

/// Writes a message as a JavaScript value.
pub(crate) fn write(message: &impl Serialize) -> Result<JsValue> {
    serde_wasm_bindgen::to_value(message)
        .map_err(|_| Problem::new("a message has a number that JavaScript cannot represent"))
}

/// Reads a message from a JavaScript value.
pub(crate) fn read<T: FromJs>(value: &JsValue) -> Result<T> {
    T::from_js(value).ok_or_else(|| {
        Problem::new("a message between the Worker and its inbox has the wrong form")
    })
}
