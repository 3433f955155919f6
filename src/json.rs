mod lexer;

use std::collections::BTreeMap;

use hifijson::{Read, escape::Lex as _, num::LexWrite as _, str::LexWrite as _, token::Lex as _};
use serde::de::value::{Error as DeError, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};

use crate::{Error, NotJson};
use lexer::Lexer;

/// The deepest nesting accepted, in arrays and objects.
pub const MAX_DEPTH: usize = 128;

/// A JSON value, read as JavaScript reads it: numbers are IEEE doubles, of duplicate names the last
/// wins. A lone surrogate escape, which no Rust string can hold, becomes U+FFFD.
///
/// With [`Digits`] instead of doubles, numbers stay as they are written: see [`Value::with_digits`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value<N = f64> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; infinite where the text is beyond a double, such as `1e999`.
    Number(N),
    /// A string
    String(String),
    /// An array
    Array(Vec<Value<N>>),
    /// An object
    Object(BTreeMap<String, Value<N>>),
}

impl Value {
    /// Reads a body, as [`Verified::delivery`](crate::Verified::delivery) does: RFC 8259 in valid UTF-8,
    /// no byte order mark, an object at the top, nested at most [`MAX_DEPTH`] deep.
    ///
    /// # Errors
    ///
    /// [`Error::NotJson`], and no other.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        parse(body)
    }
}

impl Value<Digits> {
    /// Reads any JSON, by the same rules but for what is at the top, and leaves numbers as they are written:
    /// to read them takes tables that would be a tenth of a small program.
    ///
    /// # Errors
    ///
    /// Why it is no JSON, and how many bytes were read until that was seen.
    pub fn with_digits(json: &[u8]) -> Result<Self, (NotJson, usize)> {
        read(json)
    }
}

impl<N> Value<N> {
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

/// A number as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits(pub String);

/// What a number is read as.
pub(crate) trait Number: Sized {
    /// Reads one that is written as JSON wants it.
    fn read(text: &str) -> Option<Self>;

    /// Tells whether it has no fraction.
    fn is_whole(&self) -> bool;
}

impl Number for f64 {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn is_whole(&self) -> bool {
        self.fract() == 0.0
    }
}

impl Number for Digits {
    fn read(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }

    /// Too strict, since `4.0` and `1e3` are whole: a fraction breaks no shape, so it only matters for drift, which
    /// nothing that is read with digits tells.
    fn is_whole(&self) -> bool {
        !self.0.bytes().any(|c| b".eE".contains(&c))
    }
}

/// Reads a body: RFC 8259 in valid UTF-8, no byte order mark, an object at the top.
pub(crate) fn parse<N: Number>(body: &[u8]) -> Result<Value<N>, Error> {
    match read(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Error::NotJson(NotJson::NotAnObject)),
        Err((reason, _)) => Err(Error::NotJson(reason)),
    }
}

fn read<N: Number>(json: &[u8]) -> Result<Value<N>, (NotJson, usize)> {
    if json.is_empty() {
        return Err((NotJson::Empty, 0));
    }
    let text = core::str::from_utf8(json).map_err(|error| (NotJson::Utf8, error.valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        return Err((NotJson::ByteOrderMark, 0));
    }
    let mut lexer = Lexer::new(text);
    lexer
        .exactly_one(Lexer::ws_peek, |next, lexer| value(MAX_DEPTH, next, lexer))
        .map_err(|Failure(reason)| (reason, json.len().saturating_sub(lexer.len())))
}

/// Why reading stopped; every failure of the lexer is one of syntax.
struct Failure(NotJson);

impl From<hifijson::Expect> for Failure {
    fn from(_: hifijson::Expect) -> Self {
        Self(NotJson::Syntax)
    }
}

impl From<hifijson::str::Error> for Failure {
    fn from(_: hifijson::str::Error) -> Self {
        Self(NotJson::Syntax)
    }
}

const SYNTAX: Failure = Failure(NotJson::Syntax);

fn value<N: Number>(depth: usize, next: u8, lexer: &mut Lexer<'_>) -> Result<Value<N>, Failure> {
    Ok(match next {
        b'a'..=b'z' => lexer.null_or_bool().ok_or(SYNTAX)?.map_or(Value::Null, Value::Bool),
        b'0'..=b'9' | b'-' => {
            let (digits, _) = lexer.num_string().validated().map_err(|_| SYNTAX)?;
            Value::Number(N::read(digits.as_ref()).ok_or(SYNTAX)?)
        }
        b'"' => Value::String(string(lexer.discarded())?),
        b'[' => {
            let depth = depth.checked_sub(1).ok_or(Failure(NotJson::Depth))?;
            let mut items = Vec::new();
            lexer.discarded().seq(b']', Lexer::ws_peek, |next, lexer| {
                items.push(value(depth, next, lexer)?);
                Ok::<_, Failure>(())
            })?;
            Value::Array(items)
        }
        b'{' => {
            let depth = depth.checked_sub(1).ok_or(Failure(NotJson::Depth))?;
            let mut members = BTreeMap::new();
            lexer.discarded().seq(b'}', Lexer::ws_peek, |next, lexer| {
                lexer.expect(|_| Some(next), b'"').ok_or(SYNTAX)?;
                let name = string(lexer)?;
                lexer.expect(Lexer::ws_peek, b':').ok_or(SYNTAX)?;
                let next = lexer.ws_peek().ok_or(SYNTAX)?;
                members.insert(name, value(depth, next, lexer)?);
                Ok::<_, Failure>(())
            })?;
            Value::Object(members)
        }
        _ => return Err(SYNTAX),
    })
}

/// Reads a string behind its opening quote.
///
/// hifijson's own reading refuses lone surrogate escapes, which JavaScript accepts and so must this.
fn string(lexer: &mut Lexer<'_>) -> Result<String, Failure> {
    if let Some(plain) = lexer.plain() {
        return Ok(plain.to_owned());
    }
    lexer.str_fold(
        String::new(),
        |piece, out| {
            out.push_str(piece.as_ref());
            Ok(())
        },
        |lexer, out| {
            match lexer.take_next() {
                Some(b'u') => utf16(lexer, out)?,
                Some(kind) => out.push(lexer.escape(kind).map_err(|_| SYNTAX)?),
                None => return Err(SYNTAX),
            }
            Ok(())
        },
    )
}

/// Reads the digits of a `\u` escape, and those of the escapes that follow it at once, since two may
/// be one character.
fn utf16(lexer: &mut Lexer<'_>, out: &mut String) -> Result<(), Failure> {
    let mut units = vec![lexer.hex::<u16>().map_err(|_| SYNTAX)?];
    while units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit))
        && lexer.strip_prefix(b"\\u")
    {
        units.push(lexer.hex::<u16>().map_err(|_| SYNTAX)?);
    }
    out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
    Ok(())
}

impl<'v> IntoDeserializer<'v> for &'v Value {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

/// Lets the typed events be derived.
impl<'v> Deserializer<'v> for &'v Value {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(value) => visitor.visit_f64(*value),
            Value::String(value) => visitor.visit_borrowed_str(value),
            Value::Array(items) => SeqDeserializer::new(items.iter()).deserialize_any(visitor),
            Value::Object(members) => {
                MapDeserializer::new(members.iter().map(|(name, value)| (name.as_str(), value)))
                    .deserialize_any(visitor)
            }
        }
    }

    fn deserialize_option<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'v>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Measures the nesting of a JSON text that comes in pieces, where another reader than [`parse`]
/// judges the rest: it has no limit of its own.
#[cfg(feature = "wasm")]
#[derive(Default)]
pub(crate) struct Nesting {
    depth: usize,
    deepest: usize,
    in_string: bool,
    escaped: bool,
}

#[cfg(feature = "wasm")]
impl Nesting {
    pub(crate) fn update(&mut self, chunk: &[u8]) {
        for byte in chunk {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'[' | b'{' if !self.in_string => {
                    self.depth = self.depth.saturating_add(1);
                    self.deepest = self.deepest.max(self.depth);
                }
                b']' | b'}' if !self.in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    pub(crate) fn finish(&self) -> Result<(), Error> {
        if self.deepest > MAX_DEPTH {
            return Err(Error::NotJson(NotJson::Depth));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &[u8]) -> Result<Value, Error> {
        Value::parse(body)
    }

    fn text(literal: &str) -> Option<String> {
        let body = format!("{{\"a\":{literal}}}");
        parse(body.as_bytes()).ok()?.get("a")?.as_str().map(str::to_owned)
    }

    #[test]
    fn surrogate_escapes_pair_up_or_are_replaced() {
        assert_eq!(text(r#""\ud83d\ude00""#).as_deref(), Some("😀"));
        assert_eq!(text(r#""\ud83d""#).as_deref(), Some("\u{fffd}"));
        assert_eq!(text(r#""\ude00x""#).as_deref(), Some("\u{fffd}x"));
        assert_eq!(text(r#""\ud83d\u0041""#).as_deref(), Some("\u{fffd}A"));
        assert_eq!(text(r#""\ud83d\ud83d\ude00""#).as_deref(), Some("\u{fffd}😀"));
        assert_eq!(text(r#""\ud83d\n""#).as_deref(), Some("\u{fffd}\n"));
        assert_eq!(text(r#""\ud83""#), None);
    }

    #[test]
    fn numbers_stay_as_they_are_written() {
        let digits = |text: &str| Value::with_digits(text.as_bytes());
        let number = |text: &str| Value::Number(Digits(text.to_owned()));
        for text in ["0", "-0.0", "1e999", "1E+2", "123456789012345678901234567890"] {
            assert_eq!(digits(text), Ok(number(text)), "{text}");
            assert_eq!(digits(&format!("[{text}]")), Ok(Value::Array(vec![number(text)])));
        }
        for text in ["", "01", "+1", ".5", "1.", "1e", "NaN", "1 2"] {
            assert!(digits(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_has_two_sides() {
        let nested = |depth: usize| {
            let arrays = depth.checked_sub(1).unwrap();
            format!("{{\"a\":{}{}}}", "[".repeat(arrays), "]".repeat(arrays))
        };
        assert!(parse(nested(128).as_bytes()).is_ok());
        assert_eq!(parse(nested(129).as_bytes()), Err(Error::NotJson(NotJson::Depth)));
        assert_eq!(parse(nested(500_000).as_bytes()), Err(Error::NotJson(NotJson::Depth)));
    }
}
