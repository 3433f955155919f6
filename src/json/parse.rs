use std::collections::BTreeMap;
use std::str;

use hifijson::escape::Lex as _;
use hifijson::num::LexWrite as _;
use hifijson::str::{Error as StringError, LexWrite as _};
use hifijson::token::Lex as _;
use hifijson::{Expect, Read as _, SliceLexer};

use super::{MAX_DEPTH, Number, Scan, Value};
use crate::{Error, NotJson};

/// Parses a body.
pub(crate) fn parse(body: &[u8]) -> Result<Value, Error> {
    parse_any(body).map_err(|(reason, _)| Error::NotJson(reason))
}

/// Parses a JSON text, or returns the reason why it is not JSON with the offset of the error.
pub(super) fn parse_any(text: &[u8]) -> Result<Value, (NotJson, usize)> {
    let scan = || {
        let mut scan = Scan::default();
        scan.update(text);
        scan
    };
    if let Err(error) = str::from_utf8(text) {
        return Err((scan().reason(false), error.valid_up_to()));
    }
    let mut lexer = SliceLexer::new(text);
    lexer.exactly_one(SliceLexer::ws_peek, |next, lexer| value(next, lexer, 0)).map_err(|_| {
        let (scan, at) = (scan(), text.len().saturating_sub(lexer.as_slice().len()));
        (scan.reason(true), scan.too_deep_at().unwrap_or(at))
    })
}

/// Reads a value nested in `depth` arrays and objects.
fn value(next: u8, lexer: &mut SliceLexer<'_>, depth: usize) -> Result<Value, hifijson::Error> {
    let depth = depth.saturating_add(usize::from(matches!(next, b'[' | b'{')));
    // The parser recurses, so the depth is limited here too. `parse_any` ignores the kind of the error.
    if depth > MAX_DEPTH {
        return Err(Expect::Value.into());
    }
    Ok(match next {
        b'a'..=b'z' => lexer.null_or_bool().ok_or(Expect::Value)?.map_or(Value::Null, Value::Bool),
        b'0'..=b'9' | b'-' => {
            let (number, _) = lexer.num_string().validated()?;
            Value::Number(Number(number.to_owned()))
        }
        b'"' => Value::String(string(lexer.discarded())?),
        b'[' => {
            let mut items = Vec::new();
            lexer.discarded().seq(b']', SliceLexer::ws_peek, |next, lexer| {
                items.push(value(next, lexer, depth)?);
                Ok::<_, hifijson::Error>(())
            })?;
            Value::Array(items)
        }
        b'{' => {
            let mut members = BTreeMap::new();
            lexer.discarded().seq(b'}', SliceLexer::ws_peek, |next, lexer| {
                lexer.expect(|_| Some(next), b'"').ok_or(Expect::String)?;
                let name = string(lexer)?;
                lexer.expect(SliceLexer::ws_peek, b':').ok_or(Expect::Colon)?;
                let next = lexer.ws_peek().ok_or(Expect::Value)?;
                members.insert(name, value(next, lexer, depth)?);
                Ok::<_, hifijson::Error>(())
            })?;
            Value::Object(members)
        }
        _ => return Err(Expect::Value.into()),
    })
}

/// Reads a string after its opening quote.
///
/// hifijson's own `str_string` rejects lone surrogate escapes, which JavaScript accepts.
fn string(lexer: &mut SliceLexer<'_>) -> Result<String, StringError> {
    let rest = lexer.as_slice();
    if let (plain, [b'"', rest @ ..]) = rest.split_at(plain_length(rest)) {
        *lexer = SliceLexer::new(rest);
        return str::from_utf8(plain).map(str::to_owned).map_err(StringError::Utf8);
    }
    lexer.str_fold(
        String::new(),
        |piece, out| {
            out.push_str(str::from_utf8(piece).map_err(StringError::Utf8)?);
            Ok(())
        },
        |lexer, out| {
            match lexer.take_next().ok_or(StringError::Eof)? {
                b'u' => utf16(lexer, out)?,
                kind => out.push(lexer.escape(kind)?),
            }
            Ok(())
        },
    )
}

/// Returns the number of bytes before the first quote, escape or control character.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without branches, sixteen bytes are checked at once"
)]
fn plain_length(text: &[u8]) -> usize {
    let is_plain = |byte: &u8| (*byte != b'"') & (*byte != b'\\') & (*byte >= b' ');
    let chunks =
        text.chunks_exact(16).take_while(|it| it.iter().fold(true, |all, it| all & is_plain(it)));
    let from = chunks.count().saturating_mul(16);
    let rest = text.get(from..).unwrap_or_default();
    from.saturating_add(rest.iter().position(|it| !is_plain(it)).unwrap_or(rest.len()))
}

/// Reads the digits of a `\u` escape, and of the escapes right after it while a surrogate pair may be
/// incomplete.
fn utf16(lexer: &mut SliceLexer<'_>, out: &mut String) -> Result<(), StringError> {
    let mut units = vec![lexer.hex::<u16>()?];
    while units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit))
        && lexer.strip_prefix(b"\\u")
    {
        units.push(lexer.hex::<u16>()?);
    }
    out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(literal: &str) -> Option<String> {
        parse(literal.as_bytes()).ok()?.as_str().map(str::to_owned)
    }

    #[test]
    fn surrogate_escapes_are_paired_or_replaced() {
        assert_eq!(text(r#""\ud83d\ude00""#).as_deref(), Some("😀"));
        assert_eq!(text(r#""\ud83d""#).as_deref(), Some("\u{fffd}"));
        assert_eq!(text(r#""\ude00x""#).as_deref(), Some("\u{fffd}x"));
        assert_eq!(text(r#""\ud83d\u0041""#).as_deref(), Some("\u{fffd}A"));
        assert_eq!(text(r#""\ud83d\ud83d\ude00""#).as_deref(), Some("\u{fffd}😀"));
        assert_eq!(text(r#""\ud83d\n""#).as_deref(), Some("\u{fffd}\n"));
        assert_eq!(text(r#""\ud83""#), None);
        assert_eq!(text(r#""\x""#), None);
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_that_is() {
        for length in 0..40 {
            let plain = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(text(&format!("\"{plain}\"")).as_deref(), Some(plain.as_str()));
            assert_eq!(text(&format!("\"{plain}\\n{plain}\"")), Some(format!("{plain}\n{plain}")));
            for end in ["", "\n\"", "\u{1f}\"", "\\\""] {
                assert_eq!(text(&format!("\"{plain}{end}")), None, "{length} {end:?}");
            }
        }
    }

    #[test]
    fn numbers_are_kept_as_written() {
        let number = |text: &str| Value::Number(Number(text.to_owned()));
        for text in ["0", "-0.0", "1e999", "1E+2", "123456789012345678901234567890"] {
            assert_eq!(parse(text.as_bytes()), Ok(number(text)), "{text}");
            assert_eq!(parse(format!("[{text}]").as_bytes()), Ok(Value::Array(vec![number(text)])));
        }
        for text in ["", "01", "+1", ".5", "1.", "1e", "NaN", "1 2"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn rejects_nesting_over_the_limit_and_accepts_it_at_the_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let too_deep = Err((NotJson::Depth, MAX_DEPTH));
        assert!(parse_any(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(parse_any(nested(MAX_DEPTH + 1).as_bytes()), too_deep);
        assert_eq!(parse_any(nested(500_000).as_bytes()), too_deep);
    }

    #[test]
    fn says_where_the_text_stops_being_json() {
        for (text, reason, at) in [
            (&b""[..], NotJson::Empty, 0),
            (b"[1,\xff]", NotJson::Utf8, 3),
            (b"\xef\xbb\xbf{}", NotJson::ByteOrderMark, 0),
            (b"[1,2", NotJson::Syntax, 4),
            (b"[1 2]", NotJson::Syntax, 3),
            (b"{} x", NotJson::Syntax, 3),
        ] {
            assert_eq!(parse_any(text), Err((reason, at)), "{text:?}");
        }
    }
}
