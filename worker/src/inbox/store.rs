//! Stores arriving deliveries: each is stored once, and duplicates are recognized.

use js_sys::Uint8Array;
use sha2::{Digest, Sha256};
use walnut_webhooks::Value as Body;
use wasm_bindgen::JsValue;

use super::circuits::Circuits;
use super::counts::Counts;
use super::db::Db;
use super::lives::{self, Course};
use crate::ids::RowId;
use crate::js::{Result, number, or_null};
use crate::life::{Life, State};
use crate::protocol::{DeliveryState, Stored};

/// How many repeats of a test event are sent in an hour. Further ones are only counted.
const MOST_REPEATS: u64 = 30;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// How many variants of an ID are kept. Further ones are only counted.
const MOST_VARIANTS: usize = 20;

/// An arriving delivery, as it is stored. Values that are only written to the database stay JavaScript values.
pub(super) struct NewDelivery {
    pub(super) id: JsValue,
    pub(super) name: JsValue,
    pub(super) event_type: JsValue,
    pub(super) key_slot: JsValue,
    pub(super) signature: JsValue,
    pub(super) content_type: JsValue,
    pub(super) body: Uint8Array,
    pub(super) is_test: bool,
    /// The names of the destinations that want the delivery; `None` if it is held.
    pub(super) destinations: Option<Vec<String>>,
    /// When it was received, in milliseconds since the Unix epoch. A request from the quarantine was received earlier.
    pub(super) received: u64,
    /// The edges that it has been through, or `null`.
    pub(super) edges: JsValue,
}

/// The longest body that is stored in the row of its delivery, in bytes.
const MAX_BODY_IN_ROW: u32 = 4096;

impl NewDelivery {
    fn fits_in_row(&self) -> bool {
        self.body.length() <= MAX_BODY_IN_ROW
    }
}

/// Stores an arriving delivery, and counts it.
pub(super) fn store(
    db: &Db,
    counts: &mut Counts,
    circuits: &Circuits,
    new: &NewDelivery,
    now: u64,
) -> Result<Stored> {
    let row = counts.next_row(now);
    let names = new.destinations.iter().flatten();
    let names = names.map(|name| (name.as_str(), circuits.paused(name, now)));
    let course = Course::new(Life::new(names, now));
    let insert_first = || insert(db, new, row, "first", &course, None, now);
    // A single statement needs no transaction.
    let is_first = if new.fits_in_row() { insert_first() } else { db.transaction(insert_first) }?;
    let stored = match course.life.state() {
        _ if !is_first => db.transaction(|| store_known_id(db, new, row, &course, now))?,
        _ if new.destinations.is_none() => Stored::Held,
        State::Unrouted => Stored::Unrouted,
        _ => Stored::Accepted,
    };
    match stored {
        Stored::Duplicate => counts.duplicate(now),
        _ => counts.stored(row, new.received),
    }
    Ok(stored)
}

/// Returns whether the ID of a dropped row is remembered, and if so, notes its use now. A test event does not count as
/// remembered unless it was erased, because each one is sent again. [`insert`] has the same condition.
fn is_remembered(db: &Db, new: &NewDelivery, now: u64) -> Result<bool> {
    let row = db.row(
        "UPDATE remembered SET last = ? WHERE id = ? AND (erased OR NOT ?) RETURNING id",
        &[number(now), new.id.clone(), number(u32::from(new.is_test))],
    )?;
    Ok(row.is_some())
}

/// Inserts a delivery with its sends, unless its ID already has a first delivery or is remembered. Returns whether it was
/// inserted. A variant is not sent.
fn insert(
    db: &Db,
    new: &NewDelivery,
    row: RowId,
    kind: &str,
    course: &Course,
    digest: Option<Vec<u8>>,
    now: u64,
) -> Result<bool> {
    let is_variant = kind == "variant";
    let state = match new.destinations {
        _ if is_variant => DeliveryState::Variant,
        None => DeliveryState::Held,
        Some(_) => course.life.state().into(),
    };
    let is_untried = matches!(state, DeliveryState::Pending | DeliveryState::Held);
    let body: JsValue = new.body.clone().into();
    let in_row = new.fits_in_row();
    let inserted = db.row(
        "INSERT INTO deliveries (key, id, kind, name, type, received, signed_with, signature,
            content_type, size, state, ended, untried, sends, body, digest, test, edges)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?17, NULLIF(?16, 0), ?18
        WHERE NOT EXISTS (SELECT 1 FROM remembered WHERE id = ?2 AND (erased OR NOT ?16))
        ON CONFLICT (id) WHERE kind = 'first' DO NOTHING
        RETURNING key",
        &[
            row.into(),
            new.id.clone(),
            kind.into(),
            new.name.clone(),
            new.event_type.clone(),
            number(new.received),
            new.key_slot.clone(),
            new.signature.clone(),
            new.content_type.clone(),
            number(new.body.length()),
            state.as_str().into(),
            if is_untried { JsValue::NULL } else { number(now) },
            if is_untried { number(1_u32) } else { JsValue::NULL },
            if is_variant { "[]".into() } else { course.text().into() },
            if in_row { body.clone() } else { JsValue::NULL },
            number(u32::from(new.is_test)),
            bytes_or_null(digest),
            new.edges.clone(),
        ],
    )?;
    if inserted.is_some() && !in_row {
        db.run("INSERT INTO bodies (delivery, body) VALUES (?, ?)", &[row.into(), body])?;
    }
    Ok(inserted.is_some())
}

/// Stores or counts a delivery whose ID has a first delivery, or is remembered.
fn store_known_id(
    db: &Db,
    new: &NewDelivery,
    row: RowId,
    course: &Course,
    now: u64,
) -> Result<Stored> {
    if is_remembered(db, new, now)? {
        return count_duplicate(db, new, None, now);
    }
    let id = || new.id.clone();
    if new.is_test {
        let erased = db.row(
            "SELECT key FROM deliveries WHERE id = ?1 AND kind = 'first' AND state = 'erased'
            UNION ALL SELECT key FROM deliveries WHERE id = ?1 AND kind <> 'first' AND state = 'erased'",
            &[id()],
        )?;
        if erased.is_some() {
            return count_duplicate(db, new, None, now);
        }
        // The third condition follows from the second, but selects the index.
        let repeats = db.number(
            "SELECT COUNT(*) FROM deliveries WHERE id = ? AND kind = 'repeat' AND kind <> 'first'
            AND received > ?",
            &[id(), number(now.saturating_sub(HOUR_MS))],
        )?;
        if repeats.unwrap_or(0) < MOST_REPEATS {
            insert(db, new, row, "repeat", course, None, now)?;
            return Ok(Stored::Repeat);
        }
        return count_duplicate(db, new, None, now);
    }
    let known = db.rows(
        "SELECT key, digest FROM deliveries WHERE id = ? AND kind = 'first'
        UNION ALL SELECT key, digest FROM deliveries WHERE id = ? AND kind <> 'first'",
        &[id(), id()],
    )?;
    let variants = known.len().saturating_sub(1);
    if variants >= MOST_VARIANTS {
        return count_duplicate(db, new, None, now);
    }
    let digest = digest_of(&new.body.to_vec());
    let mut first = None;
    for row in known {
        let other = match row.maybe_bytes(1)? {
            None => lives::body(db, row.row_id(0)?)?.and_then(|body| digest_of(&body)),
            known => known,
        };
        // Without a kept body, the new one counts as equal.
        if other.is_none() || other == digest {
            return count_duplicate(db, new, first.or(other), now);
        }
        first = first.or(other);
    }
    insert(db, new, row, "variant", course, digest, now)?;
    Ok(Stored::Variant)
}

/// Counts a duplicate of a delivery. `digest` is the digest of the ID's first delivery, if it is known.
fn count_duplicate(
    db: &Db,
    new: &NewDelivery,
    digest: Option<Vec<u8>>,
    now: u64,
) -> Result<Stored> {
    db.run(
        "UPDATE deliveries SET duplicates = duplicates + 1, last_duplicate = ?,
            digest = COALESCE(digest, ?)
        WHERE id = ? AND kind = 'first'",
        &[number(now), bytes_or_null(digest), new.id.clone()],
    )?;
    Ok(Stored::Duplicate)
}

fn bytes_or_null(bytes: Option<Vec<u8>>) -> JsValue {
    or_null(bytes.map(|bytes| Uint8Array::from(bytes.as_slice())))
}

/// Returns the SHA-256 of a body without its timestamp, which may differ between Walnut's retries. The order of the
/// members does not matter. Returns `None` if the body is not JSON. The stored digest saves parsing a body again for each
/// other body with its ID.
fn digest_of(body: &[u8]) -> Option<Vec<u8>> {
    let body = Body::parse_any(body).ok()?;
    let mut digest = Sha256::new();
    add(&mut digest, &body, Some("timestamp"));
    Some(digest.finalize().to_vec())
}

/// Adds a value to a digest: its kind, its length and its content, except the member that is left out.
fn add(digest: &mut Sha256, value: &Body, left_out: Option<&str>) {
    let mut head = |kind: u8, length: usize| {
        digest.update([kind]);
        digest.update(u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
    };
    match value {
        Body::Null => head(b'0', 0),
        Body::Bool(bool) => head(b'b', usize::from(*bool)),
        Body::Number(number) => {
            head(b'n', number.as_str().len());
            digest.update(number.as_str());
        }
        Body::String(text) => {
            head(b's', text.len());
            digest.update(text);
        }
        Body::Array(items) => {
            head(b'[', items.len());
            for item in items {
                add(digest, item, None);
            }
        }
        Body::Object(members) => {
            let members = || members.iter().filter(|(name, _)| Some(name.as_str()) != left_out);
            head(b'{', members().count());
            for (name, value) in members() {
                digest.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_le_bytes());
                digest.update(name);
                add(digest, value, None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_ignores_the_timestamp_and_the_order() {
        let first =
            digest_of(br#"{"timestamp":"1","event":"e","data":{"a":[1,"1",null],"b":true}}"#);
        assert!(first.is_some());
        let same = br#"{"data":{"b":true,"a":[1,"1",null]}, "event":"e","timestamp":"2"}"#;
        assert_eq!(digest_of(same), first);
        for other in [
            r#"{"event":"e","data":{"a":["1",1,null],"b":true}}"#,
            r#"{"event":"e","data":{"a":[1,"1"],"b":true}}"#,
            r#"{"event":"e","data":{"a":[1,"1",null],"b":false}}"#,
            r#"{"event":"e","data":{"a":[1,"1",null],"c":true}}"#,
            r#"{"event":"e","data":{"a":[1.0,"1",null],"b":true}}"#,
            r#"{"event":"e","data":{"a":[1,"1",null],"b":true,"timestamp":"1"}}"#,
        ] {
            assert_ne!(digest_of(other.as_bytes()), first, "{other}");
        }
        assert_ne!(digest_of(br#"["a","b"]"#), digest_of(br#"["ab"]"#));
        assert_ne!(digest_of(br#"[["a"],"b"]"#), digest_of(br#"[["a","b"]]"#));
        assert_eq!(digest_of(b"not JSON"), None);
    }
}
