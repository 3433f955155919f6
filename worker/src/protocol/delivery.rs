//! A stored delivery, as the inbox reports it to the Worker.

use js_sys::Uint8Array;
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::ids::DeliveryId;
use crate::js::{FromJs, from_js, text};
use crate::keys::KeySlot;
use crate::life::State;

/// The state of a stored delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeliveryState {
    /// It waits for a configuration without mistakes, which decides on its destinations.
    Held,
    Pending,
    Delivered,
    Dead,
    Unrouted,
    Variant,
    Forgotten,
    Erased,
}

impl DeliveryState {
    pub(crate) const ALL: [Self; 8] = [
        Self::Held,
        Self::Pending,
        Self::Delivered,
        Self::Dead,
        Self::Unrouted,
        Self::Variant,
        Self::Forgotten,
        Self::Erased,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Unrouted => "unrouted",
            Self::Variant => "variant",
            Self::Forgotten => "forgotten",
            Self::Erased => "erased",
        }
    }
}

impl From<State> for DeliveryState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Delivered => Self::Delivered,
            State::Dead => Self::Dead,
            State::Unrouted => Self::Unrouted,
        }
    }
}

/// A delivery in a list: without its body, and without personal data. Times are in milliseconds since the Unix
/// epoch.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    #[serde(rename = "deliveryId")]
    pub(crate) public_id: DeliveryId,
    pub(crate) id: String,
    kind: String,
    name: Option<String>,
    r#type: String,
    is_test: IsTest,
    demo_name: Option<String>,
    /// A [`DeliveryState`], or a state that another version of the edge has stored.
    state: String,
    pub(crate) received: u64,
    ended: Option<u64>,
    size: u64,
    signed_with: KeySlot,
    duplicates: u64,
    last_duplicate: Option<u64>,
    pub(crate) sends: Vec<SendStatus>,
}

/// Whether a delivery is a test event. Older rows and older shards do not have this value.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct IsTest(bool);

/// The progress of a delivery to one destination.
#[derive(Serialize)]
pub(crate) struct SendStatus {
    pub(crate) destination: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) due: Option<u64>,
}

/// One attempt to send a delivery.
#[derive(Serialize)]
pub(crate) struct Attempt {
    pub(crate) destination: String,
    pub(crate) at: u64,
    pub(crate) ms: u64,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    /// How it failed: a [`crate::forward::How`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) how: Option<String>,
    /// The beginning of the body of a failing response, in the last attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
}

/// Everything about a delivery.
#[derive(Serialize)]
pub(crate) struct Details {
    pub(crate) delivery: Delivery,
    pub(crate) payload: Payload,
    pub(crate) attempts: Vec<Attempt>,
    /// The other deliveries with its ID.
    pub(crate) related: Vec<DeliveryId>,
}

/// The fields that an erased or expired delivery no longer has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload {
    pub(crate) content_type: Option<String>,
    pub(crate) signature: Option<String>,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    body: JsValue,
}

impl Payload {
    pub(crate) fn body(&self) -> Option<Uint8Array> {
        self.body.is_object().then(|| Uint8Array::new(&self.body))
    }
}

impl FromJs for IsTest {
    /// In a row it is 1 or `null`.
    fn from_js(value: &JsValue) -> Option<Self> {
        Some(Self(value.is_truthy()))
    }
}

impl FromJs for DeliveryState {
    fn from_js(value: &JsValue) -> Option<Self> {
        let name = text(value)?;
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

from_js! {
    Delivery {
        public_id: "deliveryId",
        id: "id",
        kind: "kind",
        name: "name",
        r#type: "type",
        is_test: "isTest",
        demo_name: "demoName",
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
    Attempt {
        destination: "destination",
        at: "at",
        ms: "ms",
        status: "status",
        code: "code",
        how: "how",
        body: "body",
    }
    Details { delivery: "delivery", payload: "payload", attempts: "attempts", related: "related" }
    Payload { content_type: "contentType", signature: "signature", body: "body" }
}
