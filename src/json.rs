//! JSON as the contract defines it: RFC 8259 in valid UTF-8, no byte order mark, nested at most [`MAX_DEPTH`] deep.

mod node;
mod parse;
mod scan;
mod serde;

use std::collections::BTreeMap;

pub(crate) use parse::parse;
pub(crate) use scan::Scan;

#[cfg(feature = "edge")]
use crate::NotJson;

/// The deepest nesting of arrays and objects that is accepted.
pub const MAX_DEPTH: usize = 128;

/// A JSON value.
///
/// Of duplicate names in an object, the last one wins. A lone surrogate escape, which no Rust string can hold,
/// becomes U+FFFD.
///
/// A `&Value` is a [`Deserializer`](::serde::Deserializer), so you can deserialize a payload into your own type:
///
/// ```
/// use serde::Deserialize;
/// use walnut_webhooks::{Key, Verifier};
///
/// #[derive(Deserialize)]
/// struct Mine {
///     event: String,
///     clicks: u32,
/// }
///
/// let key = Key::new("key")?;
/// let body = br#"{"event":"guide_finished","clicks":3}"#;
/// let header = key.sign(body).to_string();
/// let delivery = Verifier::new(key).verify(body, &header)?.delivery()?;
///
/// let mine = Mine::deserialize(&delivery.payload)?;
/// assert_eq!((mine.event.as_str(), mine.clicks), ("guide_finished", 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, ::serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number
    Number(Number),
    /// A string
    String(String),
    /// An array
    Array(Vec<Value>),
    /// An object
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// Parses a JSON text with any value at the top.
    ///
    /// # Errors
    ///
    /// The reason why the text is not JSON, and the offset of the error in bytes.
    #[cfg(feature = "edge")]
    pub fn parse_any(text: &[u8]) -> Result<Self, (NotJson, usize)> {
        parse::parse_any(text)
    }

    /// Returns a member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// Returns the text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// A JSON number, stored as it is written, so that no digit is lost.
///
/// serde has no such type: it receives a `u64` or an `i64` if the number is one, else the nearest double.
///
/// Two numbers are equal if they are written the same way: `4.0` is not equal to `4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// Returns the number as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the nearest double, as JavaScript does: infinite if the number is out of range, such as `1e999`.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        // Rust parses every number that JSON allows.
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// Returns the number as an unsigned integer if it is whole and in range. `4.0` and `1e3` are whole: a number with a
    /// fraction or an exponent counts as its nearest double.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok().or_else(|| self.whole_digits()?.parse().ok())
    }

    /// Returns the number as a signed integer if it is whole and in range, as [`Number::as_u64`] does.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok().or_else(|| self.whole_digits()?.parse().ok())
    }

    /// Returns the digits of the nearest double, if that is whole and the number has a fraction or an exponent.
    fn whole_digits(&self) -> Option<String> {
        self.0.contains(['.', 'e', 'E']).then_some(())?;
        let double = self.as_f64();
        (double.fract() == 0.0).then(|| format!("{double:.0}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number(text.to_owned())
    }

    #[test]
    fn whole_numbers_are_integers_however_they_are_written() {
        for (text, unsigned, signed) in [
            ("0", Some(0), Some(0)),
            ("-0", None, Some(0)),
            ("4.0", Some(4), Some(4)),
            ("-4.0", None, Some(-4)),
            ("1e3", Some(1000), Some(1000)),
            ("1.5e1", Some(15), Some(15)),
            ("9007199254740993", Some(9_007_199_254_740_993), Some(9_007_199_254_740_993)),
            ("18446744073709551615", Some(u64::MAX), None),
            ("18446744073709551616", None, None),
            ("-9223372036854775808", None, Some(i64::MIN)),
            ("9223372036854775808.0", Some(1 << 63), None),
            ("-9223372036854775809", None, None),
            ("-9223372036854775809.0", None, Some(i64::MIN)),
            ("0.5", None, None),
            ("1e300", None, None),
            ("1e999", None, None),
        ] {
            assert_eq!(number(text).as_u64(), unsigned, "{text}");
            assert_eq!(number(text).as_i64(), signed, "{text}");
        }
    }

    #[test]
    fn every_number_is_a_double() {
        for (text, double) in
            [("0", 0.0), ("-1.5", -1.5), ("9007199254740993", 9_007_199_254_740_992.0)]
        {
            assert!(number(text).as_f64().total_cmp(&double).is_eq(), "{text}");
        }
        assert!(number("-1e999").as_f64().total_cmp(&f64::NEG_INFINITY).is_eq());
    }
}
