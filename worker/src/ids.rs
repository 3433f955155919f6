//! The identifiers of a stored delivery: its row within a shard, and its public ID across all shards.

use std::fmt;

use serde::{Serialize, Serializer};

use wasm_bindgen::JsValue;

use crate::digits;
use crate::js::{FromJs, MAX_SAFE_INTEGER, number, text, whole};

/// How many row numbers each millisecond has. If more rows arrive, their numbers run ahead of the clock. With this value,
/// numbers stay below 2^53 until the year 2109.
const ROWS_PER_MS: u64 = 2048;

/// The number of a delivery's row in its shard. It is derived from the time of arrival, so rows are in the order of
/// arrival, and a number is not used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct RowId(pub(crate) u64);

impl RowId {
    /// A number before every row.
    pub(crate) const FIRST: Self = Self(0);
    /// A number after every row.
    pub(crate) const LAST: Self = Self(MAX_SAFE_INTEGER);

    /// Returns the first number for a time, in milliseconds since the Unix epoch. An earlier delivery has a smaller number,
    /// unless the clock was set back.
    pub(crate) fn at(time: u64) -> Self {
        Self(time.saturating_mul(ROWS_PER_MS)).min(Self::LAST)
    }

    /// Returns the previous number.
    pub(crate) fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Returns the next number.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1)).min(Self::LAST)
    }
}

impl From<RowId> for JsValue {
    fn from(row: RowId) -> Self {
        number(row.0)
    }
}

impl FromJs for RowId {
    fn from_js(value: &JsValue) -> Option<Self> {
        whole(value).map(Self)
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

impl FromJs for DeliveryId {
    fn from_js(value: &JsValue) -> Option<Self> {
        Self::parse(&text(value)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_by_the_time() {
        let row = RowId::at(1_800_000_000_000);
        assert_eq!(row, RowId(3_686_400_000_000_000));
        assert!(row.next() > row && row.next() < RowId::at(1_800_000_000_001));
        assert_eq!(RowId::at(u64::MAX), RowId::LAST);
        assert_eq!(RowId::LAST.next(), RowId::LAST);
    }

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
