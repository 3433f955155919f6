//! How a stored delivery is named: by its row within a shard, and by its public ID across all shards.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use wasm_bindgen::JsValue;

use crate::digits;
use crate::js::{MAX_SAFE_INTEGER, number};

/// The number of a delivery's row in its shard. Numbers grow and are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct RowId(pub(crate) u64);

impl RowId {
    /// Comes before every row.
    pub(crate) const FIRST: Self = Self(0);
    /// Comes after every row.
    pub(crate) const LAST: Self = Self(MAX_SAFE_INTEGER);
}

impl From<RowId> for JsValue {
    fn from(row: RowId) -> Self {
        number(row.0)
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The public ID of a delivery, written `<shard>-<row>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryId {
    pub(crate) shard: u32,
    pub(crate) row: RowId,
}

impl DeliveryId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (shard, row) = text.split_once('-')?;
        let row = digits::parse(row).map(RowId).filter(|row| *row <= RowId::LAST)?;
        Some(Self { shard: digits::parse(shard)?, row })
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.shard, self.row)
    }
}

impl Serialize for DeliveryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeliveryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("this is not a delivery ID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_id_is_read_as_it_is_written() {
        let id = DeliveryId { shard: 3, row: RowId(17) };
        assert_eq!(id.to_string(), "3-17");
        assert_eq!(DeliveryId::parse("3-17"), Some(id));
        assert_eq!(
            DeliveryId::parse("0-9007199254740991"),
            Some(DeliveryId { shard: 0, row: RowId::LAST })
        );
        for text in [
            "",
            "3",
            "-",
            "3-",
            "-17",
            "3-17-1",
            "3-+17",
            "a-1",
            "4294967296-1",
            "0-9007199254740992",
        ] {
            assert_eq!(DeliveryId::parse(text), None, "{text:?}");
        }
    }
}
