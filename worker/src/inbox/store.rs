//! Stores arriving deliveries: each is stored once, and duplicates are recognized.

use js_sys::Uint8Array;
use walnut_webhooks::Value as Body;
use wasm_bindgen::JsValue;

use super::db::Db;
use crate::js::{Result, number};
use crate::life::{Life, Send, State};
use crate::protocol::{DeliveryState, Stored};

/// How many repeats of a test event are sent in an hour; more are only counted.
const MOST_REPEATS: u64 = 30;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// How many variants of an ID are kept; more are only counted.
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
    /// The names of the destinations that want it.
    pub(super) destinations: Vec<String>,
}

/// Stores an arriving delivery.
pub(super) fn store(db: &Db, new: &NewDelivery, now: u64) -> Result<Stored> {
    db.transaction(|| {
        if is_remembered(db, new, now)? {
            return count_duplicate(db, new, now);
        }
        let life = Life::new(new.destinations.iter().map(String::as_str), now);
        if insert(db, new, "first", &life, now)? {
            return Ok(match life.state() {
                State::Unrouted => Stored::Unrouted,
                _ => Stored::Accepted,
            });
        }
        store_known_id(db, new, &life, now)
    })
}

/// Tells whether an ID is remembered whose row was dropped, and if so, notes its use now. A test event does not count as
/// remembered unless it was erased, since each one is sent again.
fn is_remembered(db: &Db, new: &NewDelivery, now: u64) -> Result<bool> {
    let row = db.row(
        "UPDATE remembered SET last = ? WHERE id = ? AND (erased OR NOT ?) RETURNING id",
        &[number(now), new.id.clone(), number(u32::from(new.is_test))],
    )?;
    Ok(row.is_some())
}

/// Inserts a delivery with its sends, unless its ID has a first delivery already.
fn insert(db: &Db, new: &NewDelivery, kind: &str, life: &Life, now: u64) -> Result<bool> {
    let state = if kind == "variant" { DeliveryState::Variant } else { life.state().into() };
    let ended = if state == DeliveryState::Pending { JsValue::NULL } else { number(now) };
    let row = db.number(
        "INSERT INTO deliveries
            (id, kind, name, type, received, signed_with, signature, content_type, body, size, state, ended)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) WHERE kind = 'first' DO NOTHING
        RETURNING key",
        &[
            new.id.clone(),
            kind.into(),
            new.name.clone(),
            new.event_type.clone(),
            number(now),
            new.key_slot.clone(),
            new.signature.clone(),
            new.content_type.clone(),
            new.body.clone().into(),
            number(new.body.length()),
            state.as_str().into(),
            ended,
        ],
    )?;
    let Some(row) = row else { return Ok(false) };
    if kind != "variant" {
        for Send { destination, attempts, began, .. } in &life.sends {
            db.run(
                "INSERT INTO sends (delivery, destination, state, attempts, began, due)
                VALUES (?, ?, 'pending', ?, ?, ?)",
                &[
                    number(row),
                    destination.as_str().into(),
                    number(*attempts),
                    number(*began),
                    number(now),
                ],
            )?;
        }
    }
    Ok(true)
}

/// Stores or counts a delivery whose ID has a first delivery.
fn store_known_id(db: &Db, new: &NewDelivery, life: &Life, now: u64) -> Result<Stored> {
    let id = || new.id.clone();
    if new.is_test {
        let erased = db.row(
            "SELECT key FROM deliveries WHERE id = ?1 AND kind = 'first' AND state = 'erased'
            UNION ALL SELECT key FROM deliveries WHERE id = ?1 AND kind <> 'first' AND state = 'erased'",
            &[id()],
        )?;
        if erased.is_some() {
            return count_duplicate(db, new, now);
        }
        // The third condition follows from the second, but selects the index.
        let repeats = db.number(
            "SELECT COUNT(*) FROM deliveries WHERE id = ? AND kind = 'repeat' AND kind <> 'first'
            AND received > ?",
            &[id(), number(now.saturating_sub(HOUR_MS))],
        )?;
        if repeats.unwrap_or(0) < MOST_REPEATS {
            insert(db, new, "repeat", life, now)?;
            return Ok(Stored::Repeat);
        }
        return count_duplicate(db, new, now);
    }
    // Each body may be long, so only one is in memory at a time. Without a kept body, the new one counts as the same.
    let known = db.rows(
        "SELECT key FROM deliveries WHERE id = ? AND kind = 'first'
        UNION ALL SELECT key FROM deliveries WHERE id = ? AND kind <> 'first'",
        &[id(), id()],
    )?;
    let variants = known.len().saturating_sub(1);
    if variants >= MOST_VARIANTS {
        return count_duplicate(db, new, now);
    }
    let body = new.body.to_vec();
    let mut parsed = None;
    for row in known {
        let other = db.row("SELECT body FROM deliveries WHERE key = ?", &[row.value(0)])?;
        let other = other.map_or(Ok(None), |row| row.maybe_bytes(0))?;
        let Some(other) = other else { return count_duplicate(db, new, now) };
        if other == body {
            return count_duplicate(db, new, now);
        }
        let this = parsed.get_or_insert_with(|| without_timestamp(&body));
        if this.is_none() || *this == without_timestamp(&other) {
            return count_duplicate(db, new, now);
        }
    }
    insert(db, new, "variant", life, now)?;
    Ok(Stored::Variant)
}

/// Counts a duplicate of a delivery.
fn count_duplicate(db: &Db, new: &NewDelivery, now: u64) -> Result<Stored> {
    db.run(
        "UPDATE deliveries SET duplicates = duplicates + 1, last_duplicate = ?
        WHERE id = ? AND kind = 'first'",
        &[number(now), new.id.clone()],
    )?;
    Ok(Stored::Duplicate)
}

/// Reads a body without its timestamp, which may differ between Walnut's retries; `None` if it is not JSON.
fn without_timestamp(body: &[u8]) -> Option<Body> {
    let mut body = Body::parse_any(body).ok()?;
    if let Body::Object(members) = &mut body {
        members.remove("timestamp");
    }
    Some(body)
}
