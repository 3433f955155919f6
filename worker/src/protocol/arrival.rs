//! The messages about an arriving delivery, and the reply of its shard.

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::digits;
use crate::js::{FromJs, from_js, get};
use crate::keys::KeySlot;

/// Asks the first shard for the shared data. Stores the number of shards, unless one is stored.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct ConfirmShards {
    pub(crate) shards: u32,
    /// A Worker of an older version knows only the number.
    pub(crate) wants_instance: Option<bool>,
}

/// The data that all shards share. Each shard keeps a copy.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Confirmed {
    Shards(u32),
    Both {
        shards: u32,
        /// The ID of this edge in the header `walnut-edge`.
        instance: String,
    },
}

/// An arriving delivery. Each field is an argument of the flat call.
pub(crate) struct Arrival<'a> {
    /// The idempotency key.
    pub(crate) id: &'a str,
    /// The name of the event.
    pub(crate) name: Option<&'a str>,
    pub(crate) event_type: &'a str,
    pub(crate) key_slot: KeySlot,
    pub(crate) signature: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a Uint8Array,
    pub(crate) is_test: bool,
    /// The names of the destinations that want it. If there are none, the inbox uses its own configuration to choose them.
    pub(crate) destinations: Array,
    /// When it was received, in milliseconds since the Unix epoch. `None` means now.
    pub(crate) received: Option<u64>,
    /// The value of `walnut-edge`, if the request had that header.
    pub(crate) edges: Option<&'a str>,
}

/// How an arriving delivery was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// It is the first delivery of its ID, and will be sent.
    Accepted,
    /// It is the first delivery of its ID, and no destination wants it.
    Unrouted,
    /// It is the first delivery of its ID, and will be routed once the configuration has no mistakes.
    Held,
    /// It is a test event that was received before, and will be sent again.
    Repeat,
    /// It was received before, and was only counted.
    Duplicate,
    /// A different body with this ID was received before; this one is kept and not sent.
    Variant,
}

impl Stored {
    const ALL: [Self; 6] =
        [Self::Accepted, Self::Unrouted, Self::Held, Self::Repeat, Self::Duplicate, Self::Variant];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unrouted => "unrouted",
            Self::Held => "held",
            Self::Repeat => "repeat",
            Self::Duplicate => "duplicate",
            Self::Variant => "variant",
        }
    }

    /// Parses the output of [`Self::as_str`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stored| stored.as_str() == text)
    }
}

/// The reply to an arriving delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Stored(Stored),
    /// It was not stored: it has been through this edge before.
    Loop,
    /// It was not stored: the shard does not have the shared data yet.
    Unconfirmed,
    /// It was not stored: this is the number of shards.
    Shards(u32),
}

impl Reply {
    pub(crate) fn text(self) -> String {
        match self {
            Self::Stored(stored) => stored.as_str().to_owned(),
            Self::Loop => "loop".to_owned(),
            Self::Unconfirmed => "unconfirmed".to_owned(),
            Self::Shards(shards) => format!("shards {shards}"),
        }
    }

    /// Parses the output of [`Self::text`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "loop" => Some(Self::Loop),
            "unconfirmed" => Some(Self::Unconfirmed),
            _ => match text.strip_prefix("shards ") {
                Some(shards) => digits::parse(shards).map(Self::Shards),
                None => Stored::parse(text).map(Self::Stored),
            },
        }
    }
}

impl FromJs for Confirmed {
    fn from_js(value: &JsValue) -> Option<Self> {
        if let Some(shards) = u32::from_js(value) {
            return Some(Self::Shards(shards));
        }
        let shards = u32::from_js(&get(value, "shards"))?;
        Some(Self::Both { shards, instance: String::from_js(&get(value, "instance"))? })
    }
}

from_js! {
    ConfirmShards { shards: "shards", wants_instance: "wants_instance" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_as_it_is_written() {
        let replies = Stored::ALL.map(Reply::Stored);
        let others = [Reply::Loop, Reply::Unconfirmed, Reply::Shards(256)];
        for reply in replies.into_iter().chain(others) {
            assert_eq!(Reply::parse(&reply.text()), Some(reply));
        }
        for text in ["", "shards", "shards x", "lost"] {
            assert_eq!(Reply::parse(text), None);
        }
    }
}
