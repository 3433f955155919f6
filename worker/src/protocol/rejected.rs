//! The messages between the Worker and the quarantine, which the first shard keeps.

use serde::Serialize;
use wasm_bindgen::JsValue;

use super::Payload;
use crate::ids::RowId;
use crate::js::{FromJs, from_js};

/// Asks to keep a rejected request.
#[derive(Serialize)]
pub(crate) struct Keep {
    /// The code of the answer.
    pub(crate) code: String,
    /// The name of the event.
    pub(crate) name: String,
    /// The network of the client, as `network.rs` writes it.
    pub(crate) network: String,
    pub(crate) signature: String,
    pub(crate) content_type: String,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub(crate) body: JsValue,
}

/// The result of asking to keep a request.
#[derive(Serialize)]
pub(crate) struct Kept {
    /// Whether the request is new: no equal one was kept before.
    pub(crate) is_new: bool,
    /// Whether the inbox has ever had a key.
    pub(crate) had_key: bool,
    /// Set if the quarantine has no room for the request.
    pub(crate) full: Option<Full>,
}

/// The reply that the quarantine has no room. For a minute, the isolate does not ask again for the networks without room.
#[derive(Serialize)]
pub(crate) struct Full {
    /// The key of the hashes.
    pub(crate) key: String,
    /// The hashes of the networks that still have room. `None` means that only this network has used up its part.
    pub(crate) open_to: Option<Vec<String>>,
}

/// Asks whether the inbox has ever had a key.
#[derive(Serialize)]
pub(crate) struct HadKey;

/// Lists the kept requests, the newest first.
#[derive(Serialize)]
pub(crate) struct ListRejected {
    pub(crate) limit: u32,
    pub(crate) name: Option<String>,
    /// Milliseconds since the Unix epoch, inclusive.
    pub(crate) since: Option<u64>,
    /// Milliseconds since the Unix epoch, exclusive.
    pub(crate) until: Option<u64>,
    /// Only rows before this one are listed.
    pub(crate) before: RowId,
}

/// Asks for everything about a kept request.
#[derive(Serialize)]
pub(crate) struct ShowRejected {
    pub(crate) row: RowId,
}

/// Removes a kept request, because it was delivered or is to be erased. Replies with how many were removed, 0 or 1.
#[derive(Serialize)]
pub(crate) struct RemoveRejected {
    pub(crate) row: RowId,
    pub(crate) is_delivered: bool,
}

/// A kept request in a list. Times are in milliseconds since the Unix epoch.
#[derive(Serialize)]
pub(crate) struct Rejected {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) cause: String,
    pub(crate) fix: String,
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) received: u64,
    pub(crate) expires: u64,
}

/// Everything about a kept request.
#[derive(Serialize)]
pub(crate) struct RejectedDetails {
    pub(crate) rejected: Rejected,
    pub(crate) payload: Payload,
}

/// The state of the quarantine.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct QuarantineStatus {
    pub(crate) kept: u64,
    pub(crate) bytes: u64,
    /// How many kept requests became deliveries.
    pub(crate) recovered: u64,
    /// How many requests were not kept, because the quarantine was full.
    pub(crate) dropped: u64,
}

impl FromJs for HadKey {
    fn from_js(_: &JsValue) -> Option<Self> {
        Some(Self)
    }
}

from_js! {
    Keep {
        code: "code",
        name: "name",
        network: "network",
        signature: "signature",
        content_type: "content_type",
        body: "body",
    }
    Kept { is_new: "is_new", had_key: "had_key", full: "full" }
    Full { key: "key", open_to: "open_to" }
    ListRejected { limit: "limit", name: "name", since: "since", until: "until", before: "before" }
    ShowRejected { row: "row" }
    RemoveRejected { row: "row", is_delivered: "is_delivered" }
    Rejected {
        id: "id",
        code: "code",
        cause: "cause",
        fix: "fix",
        name: "name",
        size: "size",
        received: "received",
        expires: "expires",
    }
    RejectedDetails { rejected: "rejected", payload: "payload" }
    QuarantineStatus { kept: "kept", bytes: "bytes", recovered: "recovered", dropped: "dropped" }
}
