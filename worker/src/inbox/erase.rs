//! Erasure: removes the content of a delivery, but remembers its ID, so that a captured request cannot be replayed.

use walnut_webhooks::Value as Body;

use super::db::Db;
use super::lives;
use crate::ids::RowId;
use crate::js::{Result, number, or_null};
use crate::protocol::{DeliveryState, Erased};

/// The most bodies and bytes that one call searches. Only one body is in memory at a time.
const AT_ONCE: usize = 200;
const BYTES_AT_ONCE: u64 = 8 << 20;

/// Erases one delivery; returns how many were erased, 0 or 1.
pub(super) fn one(db: &Db, row: RowId, now: u64) -> Result<u32> {
    empty(db, row, DeliveryState::Erased, Some(now))
}

/// Removes everything of a delivery except its ID. Saves its new state, and the time if the delivery ends now. Returns
/// how many were emptied, 0 or 1.
pub(super) fn empty(db: &Db, row: RowId, state: DeliveryState, ended: Option<u64>) -> Result<u32> {
    for table in ["retries", "bodies"] {
        db.run(&format!("DELETE FROM {table} WHERE delivery = ?"), &[row.into()])?;
    }
    let emptied = db.row(
        "UPDATE deliveries SET state = ?, ended = COALESCE(?, ended), body = NULL, digest = NULL, signature = NULL,
            content_type = NULL, name = NULL, edges = NULL, sends = '[]', attempts = '[]', untried = NULL, dead = 0
        WHERE key = ? AND signature IS NOT NULL RETURNING key",
        &[state.as_str().into(), or_null(ended.map(number)), row.into()],
    )?;
    Ok(emptied.map_or(0, |_| 1))
}

/// Erases the deliveries after a row that contain an e-mail address.
pub(super) fn with_email(db: &Db, email: &str, after: RowId, now: u64) -> Result<Erased> {
    let mut erased: u64 = 0;
    let query = "SELECT key, size FROM deliveries WHERE key > ? AND signature IS NOT NULL ORDER BY key LIMIT ?";
    let last = search(db, query, after, email, &mut |row| {
        erased = erased.saturating_add(db.transaction(|| one(db, row, now))?.into());
        Ok(())
    })?;
    Ok(Erased { erased, last })
}

/// Searches the bodies of the deliveries in a query's result for an e-mail address, and calls `on_match` for each match.
/// Returns where to continue, if there may be more.
pub(super) fn search(
    db: &Db,
    query: &str,
    start: RowId,
    email: &str,
    on_match: &mut dyn FnMut(RowId) -> Result<()>,
) -> Result<Option<RowId>> {
    let rows = db.rows(query, &[start.into(), number(AT_ONCE)])?;
    let mut more = rows.len() == AT_ONCE;
    let mut last = None;
    let mut bytes: u64 = 0;
    for row in rows {
        if bytes >= BYTES_AT_ONCE {
            more = true;
            break;
        }
        let row_id = row.row_id(0)?;
        bytes = bytes.saturating_add(row.number(1)?);
        last = Some(row_id);
        let body = lives::body(db, row_id)?.unwrap_or_default();
        if body_contains(&body, email) || attempts_contain(db, row_id, email)? {
            on_match(row_id)?;
        }
    }
    Ok(last.filter(|_| more))
}

/// Returns whether the answers of destinations contain an e-mail address.
fn attempts_contain(db: &Db, row: RowId, email: &str) -> Result<bool> {
    let query = "SELECT attempts FROM deliveries WHERE key = ? AND instr(attempts, '\"body\"') > 0";
    let attempts = db.row(query, &[row.into()])?.map(|row| row.text(0)).transpose()?;
    Ok(attempts.is_some_and(|attempts| body_contains(attempts.as_bytes(), email)))
}

/// Returns whether a body contains an e-mail address.
pub(super) fn body_contains(body: &[u8], email: &str) -> bool {
    let email = email.to_ascii_lowercase();
    match Body::parse_any(body) {
        Ok(body) => value_contains(&body, &email),
        Err(_) => contains(&String::from_utf8_lossy(body), &email),
    }
}

fn value_contains(body: &Body, email: &str) -> bool {
    match body {
        Body::String(text) => contains(text, email),
        Body::Array(items) => items.iter().any(|item| value_contains(item, email)),
        Body::Object(members) => members
            .iter()
            .any(|(name, value)| contains(name, email) || value_contains(value, email)),
        _ => false,
    }
}

/// How often a text is decoded. A URL within JSON text, for example, is encoded twice.
const DECODINGS: u32 = 2;

/// Returns whether a text contains an e-mail address, which must be in lowercase. The address may be plain, percent-encoded
/// as in a URL, within escaped JSON, or encoded in two of these ways.
fn contains(text: &str, email: &str) -> bool {
    let mut text = text.to_ascii_lowercase();
    for _ in 0..DECODINGS {
        if contains_whole(&text, email) {
            return true;
        }
        text = decode(&text);
    }
    contains_whole(&text, email)
}

/// Returns whether a text contains an address that is not part of a longer one. Non-ASCII characters count as letters.
fn contains_whole(text: &str, email: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii();
    let Some(first) = email.chars().next() else { return false };
    text.match_indices(first).any(|(at, _)| {
        let (before, rest) = (text.get(..at).unwrap_or_default(), text.get(at..));
        let Some(after) = rest.and_then(|rest| rest.strip_prefix(email)) else { return false };
        // A full stop belongs to the address only if a letter precedes it.
        let before = before.strip_suffix('.').unwrap_or(before);
        let longer = |c: char| is_letter(c) || "_%+-".contains(c);
        let mut next = after.chars();
        !before.ends_with(longer)
            && match next.next() {
                Some('.') => !next.next().is_some_and(is_letter),
                Some(c) => !is_letter(c) && c != '-' && c != '_',
                None => true,
            }
    })
}

/// Decodes percent-encoding and the escapes of JSON, once. An escape of a control character counts as a space.
fn decode(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let percent = after.split_first_chunk().filter(|_| *first == b'%');
        let escape = after.split_first().filter(|_| *first == b'\\');
        if let Some((digits, after)) = percent
            && let Some(byte) = hex::<2>(digits).and_then(|byte| u8::try_from(byte).ok())
        {
            plain.push(byte);
            rest = after;
        } else if let Some((b'u', after)) = escape
            && let Some((digits, after)) = after.split_first_chunk()
            && let Some(unit) = hex::<4>(digits)
        {
            // Half of a surrogate pair is not part of an address.
            let c = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
            plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = after;
        } else if let Some((escaped, after)) = escape {
            plain.push(if b"\"\\/".contains(escaped) { *escaped } else { b' ' });
            rest = after;
        } else {
            plain.push(*first);
        }
    }
    String::from_utf8_lossy(&plain).to_ascii_lowercase()
}

/// Reads a number of `DIGITS` hexadecimal digits.
fn hex<const DIGITS: usize>(digits: &[u8; DIGITS]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_an_address_but_not_within_a_longer_one() {
        for text in [
            "a@b.com",
            "<A@B.com>",
            "x, a@b.com.",
            "mailto:a@b.com?",
            "a@b.com.",
            "...a@b.com",
            "https://x.example/?email=a%40b.com&x=1",
            "to=%3Ca@b.com%3E",
            "to=%3ca%40B.COM",
            r#"{"t":"hi\na@b.com\n"}"#,
            "100% a@b.com",
            // JSON text within a string.
            r#"{"email":"a\u0040b.com"}"#,
            r#"{"e":"\u0041\u0040b\u002Ecom"}"#,
            r#"{\"email\":\"a@b.com\"}"#,
            r#"{\"email\":\"a\\u0040b.com\"}"#,
            r#"{\"t\":\"hi\\na@b.com\\n\"}"#,
            r"C:\\a@b.com",
            // Encoded twice, or in two ways.
            "next=%2Fx%3Femail%3Da%2540b.com",
            "to=a%5Cu0040b.com",
            r"to=a\u002540b.com",
            r"to=\u0025\u0034\u0030, a%\u00340b.com",
        ] {
            assert!(contains(text, "a@b.com"), "{text}");
        }
        for text in [
            "aa@b.com",
            "x.a@b.com",
            "x+a@b.com",
            "a@b.com.au",
            "a@b.community",
            "a@b.co",
            r"\u0061a@b.com",
            "x%2ea%40b.com",
            r"a\u004b.com",
            r"a\u00",
            "a%252540b.com",
        ] {
            assert!(!contains(text, "a@b.com"), "{text}");
        }
    }

    #[test]
    fn finds_an_address_in_names_and_nested_values() {
        for body in [r#"{"x":[{"y":"a@b.com"}]}"#, r#"{"a@b.com":1}"#, r#"{"x":"\u0061@b.com"}"#] {
            assert!(
                value_contains(&Body::parse_any(body.as_bytes()).unwrap(), "a@b.com"),
                "{body}"
            );
        }
    }
}
