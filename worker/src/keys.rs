//! The HMAC key that verified a delivery, and the time of each key's last match.

use serde::Serialize;
use walnut_webhooks::KeyIndex;
use wasm_bindgen::JsValue;

use crate::js::{FromJs, from_js, text};

/// The HMAC key that verified a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeySlot {
    Current,
    Previous,
    /// A slot that another version of the edge has stored. Its deliveries are sent and listed like any other.
    Unknown,
}

impl KeySlot {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Previous => "previous",
            Self::Unknown => "unknown",
        }
    }

    /// Parses the output of [`Self::as_str`].
    pub(crate) fn parse(text: &str) -> Self {
        [Self::Current, Self::Previous]
            .into_iter()
            .find(|slot| slot.as_str() == text)
            .unwrap_or(Self::Unknown)
    }
}

impl FromJs for KeySlot {
    fn from_js(value: &JsValue) -> Option<Self> {
        text(value).map(|text| Self::parse(&text))
    }
}

impl From<KeyIndex> for KeySlot {
    fn from(index: KeyIndex) -> Self {
        if index.is_current() { Self::Current } else { Self::Previous }
    }
}

/// When each key last verified a delivery, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LastMatch {
    pub(crate) current: Option<u64>,
    pub(crate) previous: Option<u64>,
}

from_js! {
    LastMatch { current: "current", previous: "previous" }
}

impl LastMatch {
    pub(crate) fn set(&mut self, slot: KeySlot, time: u64) {
        match slot {
            KeySlot::Current => self.current = Some(time),
            KeySlot::Previous => self.previous = Some(time),
            KeySlot::Unknown => {}
        }
    }

    /// Returns the later time of each key.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            current: self.current.max(other.current),
            previous: self.previous.max(other.previous),
        }
    }

    /// Returns whether only the previous key matches: when it last did, the current key had not matched for an hour. So one
    /// late retry after a key reset does not count.
    pub(crate) fn is_only_previous(self) -> bool {
        self.previous.is_some_and(|previous| {
            self.current.is_none_or(|current| previous.saturating_sub(current) >= HOUR_MS)
        })
    }
}

const HOUR_MS: u64 = 60 * 60 * 1000;

/// How long before the end of the previous key the operator is warned, in milliseconds.
const WARNING_MS: u64 = 24 * HOUR_MS;

/// The state of the keys, as the status and the log show it. Times are in milliseconds since the Unix epoch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyStatus {
    current: Option<u64>,
    previous: Option<u64>,
    pub(crate) previous_until: Option<u64>,
    /// `only_previous`: [`LastMatch::is_only_previous`], while the previous key is valid. `previous_ends_soon`: in addition, that key expires
    /// within a day.
    pub(crate) warnings: Vec<&'static str>,
}

impl KeyStatus {
    pub(crate) fn new(last: LastMatch, previous_until: Option<u64>, now: u64) -> Self {
        let LastMatch { current, previous } = last;
        let mut warnings = Vec::new();
        if let Some(until) = previous_until.filter(|_| last.is_only_previous()) {
            warnings.push("only_previous");
            if until.saturating_sub(now) < WARNING_MS {
                warnings.push("previous_ends_soon");
            }
        }
        Self { current, previous, previous_until, warnings }
    }

    /// Returns when each key last verified a delivery.
    pub(crate) fn last_match(&self) -> LastMatch {
        LastMatch { current: self.current, previous: self.previous }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_once_the_current_key_has_not_matched_for_an_hour() {
        let previous = Some(10 * HOUR_MS);
        let warnings = |current, previous| {
            KeyStatus::new(LastMatch { current, previous }, Some(WARNING_MS), 0).warnings
        };
        assert_eq!(warnings(None, previous), ["only_previous"]);
        assert_eq!(warnings(Some(9 * HOUR_MS), previous), ["only_previous"]);
        assert_eq!(warnings(Some(9 * HOUR_MS + 1), previous), [""; 0]);
        assert_eq!(warnings(Some(11 * HOUR_MS), previous), [""; 0]);
        assert_eq!(warnings(Some(1), None), [""; 0]);
        assert_eq!(warnings(None, None), [""; 0]);
    }

    #[test]
    fn warns_in_addition_a_day_before_the_previous_key_ends() {
        let only_previous = LastMatch { current: None, previous: Some(1) };
        let warnings = |until| KeyStatus::new(only_previous, until, 0).warnings;
        assert_eq!(warnings(None), [""; 0]);
        assert_eq!(warnings(Some(WARNING_MS)), ["only_previous"]);
        assert_eq!(warnings(Some(WARNING_MS - 1)), ["only_previous", "previous_ends_soon"]);
    }

    #[test]
    fn reads_a_slot_as_it_is_written() {
        for slot in [KeySlot::Current, KeySlot::Previous, KeySlot::Unknown] {
            assert_eq!(KeySlot::parse(slot.as_str()), slot);
        }
        assert_eq!(KeySlot::parse("next"), KeySlot::Unknown);
    }
}
