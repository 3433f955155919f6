//! Erasure: what a delivery said is gone, and its id is remembered, so that it can't be sent in again.

use walnut_webhooks::{Digits, Value as Body};

use super::db::Db;
use crate::js::{Result, number};

/// How many bodies are looked through in one go.
const AT_ONCE: usize = 200;

/// Erases one delivery; says how many there were, 0 or 1.
pub(super) fn one(db: &Db, key: u64, now: u64) -> Result<u32> {
    let there = db.row(
        "UPDATE deliveries SET state = 'erased', ended = ?, body = NULL, signature = NULL,
            content_type = NULL, name = NULL
        WHERE key = ? AND body IS NOT NULL RETURNING key",
        &[number(now), number(key)],
    )?;
    for table in ["sends", "attempts"] {
        db.run(&format!("DELETE FROM {table} WHERE delivery = ?"), &[number(key)])?;
    }
    Ok(there.map_or(0, |_| 1))
}

/// Erases what has an e-mail address in it, of the deliveries after a key; says how many, and the key to go
/// on from, if there is more.
pub(super) fn of_email(db: &Db, email: &str, after: u64, now: u64) -> Result<(u32, Option<u64>)> {
    let rows = db.rows(
        "SELECT key, body FROM deliveries WHERE key > ? AND body IS NOT NULL ORDER BY key LIMIT ?",
        &[number(after), number(AT_ONCE)],
    )?;
    let email = email.to_ascii_lowercase();
    let full = rows.len() == AT_ONCE;
    let mut last = None;
    let mut erased: u32 = 0;
    for row in rows {
        let key = row.number(0)?;
        last = Some(key);
        let body = row.maybe_bytes(1)?.unwrap_or_default();
        let found = match Body::with_digits(&body) {
            Ok(body) => any(&body, &email),
            Err(_) => has(&String::from_utf8_lossy(&body), &email),
        };
        if found {
            erased = erased.saturating_add(db.transaction(|| one(db, key, now))?);
        }
    }
    Ok((erased, last.filter(|_| full)))
}

fn any(body: &Body<Digits>, email: &str) -> bool {
    match body {
        Body::String(text) => has(text, email),
        Body::Array(items) => items.iter().any(|item| any(item, email)),
        Body::Object(members) => {
            members.iter().any(|(name, value)| has(name, email) || any(value, email))
        }
        _ => false,
    }
}

/// Tells whether a text has an address in it, in lowercase, that is not part of a longer one. What is not
/// ASCII counts as a letter, and has no other case.
fn has(text: &str, email: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let is_letter = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii();
    text.match_indices(email).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let after = rest.get(email.len()..).unwrap_or_default();
        let longer = |c: char| is_letter(c) || "._%+-".contains(c);
        let mut next = after.chars();
        !before.ends_with(longer)
            && match next.next() {
                Some('.') => !next.next().is_some_and(is_letter),
                Some(c) => !is_letter(c) && c != '-' && c != '_',
                None => true,
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_but_not_in_a_longer_one() {
        for text in ["a@b.com", "<A@B.com>", "x, a@b.com.", "mailto:a@b.com?", "a@b.com."] {
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
            assert!(any(&Body::with_digits(body.as_bytes()).unwrap(), "a@b.com"), "{body}");
        }
    }
}
