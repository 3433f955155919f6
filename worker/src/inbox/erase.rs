//! Erasure: removes what a delivery contains, but remembers its ID, so that a captured request cannot be replayed.

use walnut_webhooks::Value as Body;

use super::db::Db;
use super::lives;
use crate::ids::RowId;
use crate::js::{Result, number, or_null};
use crate::protocol::{DeliveryState, Erased};

/// How many bodies are searched in one call, and how many bytes. Only one body is in memory at a time.
const AT_ONCE: usize = 200;
const BYTES_AT_ONCE: u64 = 8 << 20;

/// Erases one delivery; returns how many were erased, 0 or 1.
pub(super) fn one(db: &Db, row: RowId, now: u64) -> Result<u32> {
    empty(db, row, DeliveryState::Erased, Some(now))
}

/// Removes everything of a delivery but its ID, and saves its new state and, if it ends with that, the time; returns how
/// many were emptied, 0 or 1.
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
    let rows = db.rows(
        "SELECT key, size FROM deliveries WHERE key > ? AND signature IS NOT NULL ORDER BY key LIMIT ?",
        &[after.into(), number(AT_ONCE)],
    )?;
    let mut more = rows.len() == AT_ONCE;
    let mut last = None;
    let (mut erased, mut bytes): (u64, u64) = (0, 0);
    for row in rows {
        if bytes >= BYTES_AT_ONCE {
            more = true;
            break;
        }
        let row_id = row.row_id(0)?;
        bytes = bytes.saturating_add(row.number(1)?);
        last = Some(row_id);
        let body = lives::body(db, row_id)?.unwrap_or_default();
        if body_contains(&body, email) {
            erased = erased.saturating_add(db.transaction(|| one(db, row_id, now))?.into());
        }
    }
    Ok(Erased { erased, last: last.filter(|_| more) })
}

/// Tells whether a body contains an e-mail address.
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

/// Tells whether a text contains an e-mail address, which must be in lowercase: as it is, percent-encoded as in a URL, or
/// within escaped JSON.
fn contains(text: &str, email: &str) -> bool {
    let text = text.to_ascii_lowercase();
    contains_whole(&text, email) || contains_whole(&unescaped(&text), email)
}

/// Tells whether a text contains an address that is not part of a longer one. Non-ASCII characters count as letters.
fn contains_whole(text: &str, email: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii();
    text.match_indices(email).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let after = rest.get(email.len()..).unwrap_or_default();
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

/// Decodes percent-encoding, and replaces each backslash escape by a space.
fn unescaped(text: &str) -> String {
    let mut plain = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let [high, low] = [high, low].map(|digit| hex(*digit).unwrap_or(0));
                ((high << 4) | low, after)
            }
            (b'\\', [_, after @ ..]) => (b' ', after),
            (byte, after) => (*byte, after),
        };
        plain.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&plain).to_ascii_lowercase()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
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
        ] {
            assert!(contains(text, "a@b.com"), "{text}");
        }
        for text in ["aa@b.com", "x.a@b.com", "x+a@b.com", "a@b.com.au", "a@b.community", "a@b.co"]
        {
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
