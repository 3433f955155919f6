//! The messages about differences from the documented shapes.

use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::js::{FromJs, from_js};

/// Asks for the differences from the documented shapes that were seen.
#[derive(Serialize)]
pub(crate) struct GetDrift;

/// A difference from the documented shape of an event. Times are in milliseconds since the Unix epoch.
#[derive(Serialize)]
pub(crate) struct Difference {
    pub(crate) event: String,
    pub(crate) path: String,
    pub(crate) kind: String,
    /// How many events had it.
    pub(crate) times: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl FromJs for GetDrift {
    fn from_js(_: &JsValue) -> Option<Self> {
        Some(Self)
    }
}

from_js! {
    Difference {
        event: "event",
        path: "path",
        kind: "kind",
        times: "times",
        first: "first",
        last: "last",
    }
}
