//! A destination, as the inbox reports it to the Worker.

use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::js::{FromJs, from_js, text};

/// Pauses or resumes a destination. Replies with the start of the pause, in milliseconds since the Unix epoch.
#[derive(Clone, Serialize)]
pub(crate) struct SetPaused {
    pub(crate) destination: String,
    pub(crate) is_paused: bool,
}

/// Makes a batch of the deliveries that wait for a resumed destination due. Replies with whether there are more.
#[derive(Serialize)]
pub(crate) struct Hasten {
    pub(crate) destination: String,
}

/// The health of a destination, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DestinationState {
    Ok,
    /// Its last attempt failed, but the edge still sends deliveries to it.
    Failing,
    /// It asks for a wait or can't be reached, so it is only probed.
    Held,
    Paused,
}

/// The status of one destination. Times are in milliseconds since the Unix epoch.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DestinationStatus {
    pub(crate) name: String,
    pub(crate) pending: u64,
    pub(crate) last_taken: Option<u64>,
    pub(crate) last_failed: Option<u64>,
    pub(crate) last_code: Option<String>,
    /// An inbox of an older version does not report it.
    pub(crate) state: Option<DestinationState>,
    /// When the first attempt since the last success failed, how many have failed since then, and how the
    /// last one failed: a [`crate::forward::How`], and the status if there was one.
    pub(crate) failing_since: Option<u64>,
    pub(crate) failures: Option<u32>,
    pub(crate) how: Option<String>,
    pub(crate) last_status: Option<u16>,
    pub(crate) held_until: Option<u64>,
    pub(crate) paused_since: Option<u64>,
}

impl DestinationStatus {
    /// Makes the status of a destination without any results.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            pending: 0,
            last_taken: None,
            last_failed: None,
            last_code: None,
            state: Some(DestinationState::Ok),
            failing_since: None,
            failures: Some(0),
            how: None,
            last_status: None,
            held_until: None,
            paused_since: None,
        }
    }

    /// Adds the status of the destination in another shard.
    pub(crate) fn add(&mut self, other: Self) {
        self.pending = self.pending.saturating_add(other.pending);
        self.last_taken = self.last_taken.max(other.last_taken);
        if other.last_failed > self.last_failed {
            self.last_failed = other.last_failed;
            self.last_code = other.last_code;
        }
        self.state = self.state.max(other.state);
        self.failing_since = earlier(self.failing_since, other.failing_since);
        self.paused_since = earlier(self.paused_since, other.paused_since);
        self.failures =
            Some(self.failures.unwrap_or(0).saturating_add(other.failures.unwrap_or(0)));
        if other.how.is_some() {
            (self.how, self.last_status) = (other.how, other.last_status);
        }
        self.held_until = self.held_until.max(other.held_until);
    }
}

fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    [one, other].into_iter().flatten().min()
}

impl FromJs for DestinationState {
    fn from_js(value: &JsValue) -> Option<Self> {
        match text(value)?.as_str() {
            "ok" => Some(Self::Ok),
            "failing" => Some(Self::Failing),
            "held" => Some(Self::Held),
            "paused" => Some(Self::Paused),
            _ => None,
        }
    }
}

from_js! {
    SetPaused { destination: "destination", is_paused: "is_paused" }
    Hasten { destination: "destination" }
    DestinationStatus {
        name: "name",
        pending: "pending",
        last_taken: "lastTaken",
        last_failed: "lastFailed",
        last_code: "lastCode",
        state: "state",
        failing_since: "failingSince",
        failures: "failures",
        how: "how",
        last_status: "lastStatus",
        held_until: "heldUntil",
        paused_since: "pausedSince",
    }
}
