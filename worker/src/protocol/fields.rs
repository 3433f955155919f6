//! Reads the messages: each field by its name, as serde writes it.

use wasm_bindgen::JsValue;

use super::{
    Attempt, Cause, ConfirmShards, Count, Delivery, DeliveryState, DestinationStatus, Details,
    Erase, EraseEmail, Erased, GetStatus, List, Listed, Payload, Raise, Redeliver, RedeliverDead,
    Redelivered, RedeliveredDead, Report, SendStatus, ShardStatus, Show, Totals, Wake,
};
use crate::js::{FromJs, from_js, text, variant};

impl FromJs for Wake {
    fn from_js(_: &JsValue) -> Option<Self> {
        Some(Self)
    }
}

impl FromJs for GetStatus {
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
            _ => None,
        }
    }
}

impl FromJs for DeliveryState {
    fn from_js(value: &JsValue) -> Option<Self> {
        let name = text(value)?;
        Self::ALL.into_iter().find(|state| state.as_str() == name)
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
    ConfirmShards { shards: "shards" }
    Report { refused: "refused", matched: "matched" }
    Raise { cause: "cause" }
    List {
        limit: "limit",
        state: "state",
        name: "name",
        since: "since",
        until: "until",
        before: "before",
    }
    Listed { deliveries: "deliveries", searched: "searched" }
    Show { row: "row" }
    Redeliver { row: "row", destination: "destination" }
    RedeliverDead { since: "since", until: "until", destination: "destination", after: "after" }
    Erase { row: "row" }
    EraseEmail { email: "email", after: "after" }
    Delivery {
        public_id: "deliveryId",
        id: "id",
        kind: "kind",
        name: "name",
        r#type: "type",
        state: "state",
        received: "received",
        ended: "ended",
        size: "size",
        signed_with: "signedWith",
        duplicates: "duplicates",
        last_duplicate: "lastDuplicate",
        sends: "sends",
    }
    SendStatus {
        destination: "destination",
        state: "state",
        reason: "reason",
        attempts: "attempts",
        due: "due",
    }
    Attempt { destination: "destination", at: "at", ms: "ms", status: "status", code: "code" }
    Details { delivery: "delivery", payload: "payload", attempts: "attempts", related: "related" }
    Payload { content_type: "contentType", signature: "signature", body: "body" }
    RedeliveredDead { redelivered: "redelivered", last: "last" }
    Erased { erased: "erased", last: "last" }
    Count { name: "name", count: "count" }
    ShardStatus {
        totals: "totals",
        deliveries: "deliveries",
        refused: "refused",
        destinations: "destinations",
        matched: "matched",
        bytes: "bytes",
    }
    Totals {
        duplicates: "duplicates",
        last_received: "lastReceived",
        oldest_pending: "oldestPending",
    }
    DestinationStatus {
        name: "name",
        pending: "pending",
        last_taken: "lastTaken",
        last_failed: "lastFailed",
        last_code: "lastCode",
    }
}
