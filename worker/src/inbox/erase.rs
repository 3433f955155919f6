//! Erasure: what a delivery said is gone, and its id is remembered, so that it can't be sent in again.

use walnut_webhooks::Value as Body;

use super::db::Db;
use crate::js::{Result, number, or_null};

/// How many bodies are looked through in one go, and how many bytes of them: each is held alone.
const AT_ONCE: usize = 200;
const BYTES_AT_ONCE: u64 = 8 << 20;

/// Erases one delivery; says how many there were, 0 or 1.
pub(super) fn one(db: &Db, key: u64, now: u64) -> Result<u32> {
    empty(db, key, "erased", Some(now))
}

/// Takes all of a delivery but what its id is remembered by, and writes down what it has become and, where that is its
/// end, when; says how many there were, 0 or 1.
pub(super) fn empty(db: &Db, key: u64, state: &str, ended: Option<u64>) -> Result<u32> {
    for table in ["sends", "attempts"] {
        db.run(&format!("DELETE FROM {table} WHERE delivery = ?"), &[number(key)])?;
    }
    let there = db.row(
        "UPDATE deliveries SET state = ?, ended = COALESCE(?, ended), body = NULL, signature = NULL,
            content_type = NULL, name = NULL
        WHERE key = ? AND body IS NOT NULL RETURNING key",
        &[state.into(), or_null(ended.map(number)), number(key)],
    )?;
    Ok(there.map_or(0, |_| 1))
}

/// Erases what has an e-mail address in it, of the deliveries after a key; says how many, and the key to go
/// on from, if there is more.
pub(super) fn of_email(db: &Db, email: &str, after: u64, now: u64) -> Result<(u32, Option<u64>)> {
    let rows = db.rows(
        "SELECT key, size FROM deliveries WHERE key > ? AND body IS NOT NULL ORDER BY key LIMIT ?",
        &[number(after), number(AT_ONCE)],
    )?;
    let email = email.to_ascii_lowercase();
    let mut more = rows.len() == AT_ONCE;
    let mut last = None;
    let (mut erased, mut bytes): (u32, u64) = (0, 0);
    for row in rows {
        if bytes >= BYTES_AT_ONCE {
            more = true;
            break;
        }
        let key = row.number(0)?;
        bytes = bytes.saturating_add(row.number(1)?);
        last = Some(key);
        let body = db.row("SELECT body FROM deliveries WHERE key = ?", &[number(key)])?;
        let body = body.map_or(Ok(None), |row| row.maybe_bytes(0))?.unwrap_or_default();
        let found = match Body::parse_any(&body) {
            Ok(body) => any(&body, &email),
            Err(_) => has(&String::from_utf8_lossy(&body), &email),
        };
        if found {
            erased = erased.saturating_add(db.transaction(|| one(db, key, now))?);
        }
    }
    Ok((erased, last.filter(|_| more)))
}

fn any(body: &Body, email: &str) -> bool {
    match body {
        Body::String(text) => has(text, email),
        Body::Array(items) => items.iter().any(|item| any(item, email)),
        Body::Object(members) => {
            members.iter().any(|(name, value)| has(name, email) || any(value, email))
        }
        _ => false,
    }
}

/// Tells whether a text has an address in it, in lowercase, as it stands or written in one of the ways that
/// addresses are in URLs, and in JSON within a text.
fn has(text: &str, email: &str) -> bool {
    let text = text.to_ascii_lowercase();
    stands_in(&text, email) || stands_in(&unwritten(&text), email)
}

/// Tells whether an address is there that is not part of a longer one. What is not ASCII counts as a letter.
fn stands_in(text: &str, email: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii();
    text.match_indices(email).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let after = rest.get(email.len()..).unwrap_or_default();
        // A full stop belongs to an address behind a letter only.
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

/// Undoes percent-encoding; what follows a backslash becomes a blank.
fn unwritten(text: &str) -> String {
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
    fn an_address_is_found_but_not_in_a_longer_one() {
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
            assert!(has(text, "a@b.com"), "{text}");
        }
        for text in ["aa@b.com", "x.a@b.com", "x+a@b.com", "a@b.com.au", "a@b.community", "a@b.co"]
        {
            assert!(!has(text, "a@b.com"), "{text}");
        }
    }

    #[test]
    fn it_is_found_wherever_it_stands() {
        for body in [r#"{"x":[{"y":"a@b.com"}]}"#, r#"{"a@b.com":1}"#, r#"{"x":"\u0061@b.com"}"#] {
            assert!(any(&Body::parse_any(body.as_bytes()).unwrap(), "a@b.com"), "{body}");
        }
    }
}
