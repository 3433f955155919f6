//! Stores arriving deliveries: each is stored once, and duplicates are recognized.

use js_sys::Uint8Array;
use walnut_webhooks::Value as Body;
use wasm_bindgen::JsValue;

use super::counts::Counts;
use super::db::Db;
use super::lives::{self, Course};
use crate::ids::RowId;
use crate::js::{Result, number};
use crate::life::{Life, State};
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

/// The longest body that is stored in the row of its delivery, in bytes.
const MAX_BODY_IN_ROW: u32 = 4096;

impl NewDelivery {
    fn fits_in_row(&self) -> bool {
        self.body.length() <= MAX_BODY_IN_ROW
    }
}

/// Stores an arriving delivery, and counts it.
pub(super) fn store(db: &Db, counts: &mut Counts, new: &NewDelivery, now: u64) -> Result<Stored> {
    let row = counts.next_row(now);
    let course = Course::new(Life::new(new.destinations.iter().map(String::as_str), now));
    let insert_first = || insert(db, new, row, "first", &course, now);
    // A single statement needs no transaction.
    let is_first = if new.fits_in_row() { insert_first() } else { db.transaction(insert_first) }?;
    let stored = match course.life.state() {
        _ if !is_first => db.transaction(|| store_known_id(db, new, row, &course, now))?,
        State::Unrouted => Stored::Unrouted,
        _ => Stored::Accepted,
    };
    match stored {
        Stored::Duplicate => counts.duplicate(now),
        _ => counts.stored(row, now),
    }
    Ok(stored)
}

/// Tells whether an ID is remembered whose row was dropped, and if so, notes its use now. A test event does not count as
/// remembered unless it was erased, since each one is sent again; [`insert`] has the same condition.
fn is_remembered(db: &Db, new: &NewDelivery, now: u64) -> Result<bool> {
    let row = db.row(
        "UPDATE remembered SET last = ? WHERE id = ? AND (erased OR NOT ?) RETURNING id",
        &[number(now), new.id.clone(), number(u32::from(new.is_test))],
    )?;
    Ok(row.is_some())
}

/// Inserts a delivery with its sends; returns whether it did, which it does not if its ID has a first delivery already, or is
/// remembered. A variant is not sent.
fn insert(
    db: &Db,
    new: &NewDelivery,
    row: RowId,
    kind: &str,
    course: &Course,
    now: u64,
) -> Result<bool> {
    let is_variant = kind == "variant";
    let state = if is_variant { DeliveryState::Variant } else { course.life.state().into() };
    let is_pending = state == DeliveryState::Pending;
    let body: JsValue = new.body.clone().into();
    let in_row = new.fits_in_row();
    let inserted = db.row(
        "INSERT INTO deliveries (key, id, kind, name, type, received, signed_with, signature,
            content_type, size, state, ended, untried, sends, body)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15
        WHERE NOT EXISTS (SELECT 1 FROM remembered WHERE id = ?2 AND (erased OR NOT ?16))
        ON CONFLICT (id) WHERE kind = 'first' DO NOTHING
        RETURNING key",
        &[
            row.into(),
            new.id.clone(),
            kind.into(),
            new.name.clone(),
            new.event_type.clone(),
            number(now),
            new.key_slot.clone(),
            new.signature.clone(),
            new.content_type.clone(),
            number(new.body.length()),
            state.as_str().into(),
            if is_pending { JsValue::NULL } else { number(now) },
            if is_pending { number(1_u32) } else { JsValue::NULL },
            if is_variant { "[]".into() } else { course.text().into() },
            if in_row { body.clone() } else { JsValue::NULL },
            number(u32::from(new.is_test)),
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
        return count_duplicate(db, new, now);
    }
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
            insert(db, new, row, "repeat", course, now)?;
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
        let other = lives::body(db, row.row_id(0)?)?;
        let Some(other) = other else { return count_duplicate(db, new, now) };
        if other == body {
            return count_duplicate(db, new, now);
        }
        let this = parsed.get_or_insert_with(|| without_timestamp(&body));
        if this.is_none() || *this == without_timestamp(&other) {
            return count_duplicate(db, new, now);
        }
    }
    insert(db, new, row, "variant", course, now)?;
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
