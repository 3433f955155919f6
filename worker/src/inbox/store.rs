//! What arrives: a delivery is stored once, and what came before is recognised.

use js_sys::{Array, Uint8Array};
use walnut_webhooks::Value as Body;
use wasm_bindgen::{JsCast, JsValue};

use super::db::Db;
use crate::forward::Headline;
use crate::js::{Result, items, list, number, or_null, text};
use crate::life::{Life, Send, State};

/// How many repeats of a test are sent in an hour; more are only counted.
const MOST_REPEATS: u64 = 30;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// How many variants of an id are kept; more are only counted.
const MOST_VARIANTS: usize = 20;

/// A delivery that has come, as it goes from the Worker to the inbox and into its tables: values of
/// JavaScript's, since nothing there looks into them.
pub(crate) struct Arrival {
    id: JsValue,
    name: JsValue,
    event_type: JsValue,
    signed_with: JsValue,
    signature: JsValue,
    content_type: JsValue,
    pub(super) body: Uint8Array,
    is_test: bool,
    /// The destinations that want it, by name.
    destinations: Vec<String>,
}

impl Arrival {
    /// Writes what came, for [`Self::of`].
    pub(crate) fn values<'d>(
        headline: &Headline,
        name: Option<&str>,
        signature: &str,
        content_type: &str,
        body: &Uint8Array,
        is_test: bool,
        destinations: impl Iterator<Item = &'d str>,
    ) -> Array {
        Array::from_iter([
            headline.id.as_str().into(),
            or_null(name),
            headline.event_type.as_str().into(),
            headline.key.into(),
            signature.into(),
            content_type.into(),
            body.into(),
            is_test.into(),
            list(destinations.map(JsValue::from_str)),
        ])
    }

    pub(super) fn of(values: &Array) -> Self {
        Self {
            id: values.get(0),
            name: values.get(1),
            event_type: values.get(2),
            signed_with: values.get(3),
            signature: values.get(4),
            content_type: values.get(5),
            body: values.get(6).unchecked_into(),
            is_test: values.get(7).is_truthy(),
            destinations: items(&values.get(8)).filter_map(|name| text(&name)).collect(),
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// It is the first of its id, and will be sent.
    Accepted,
    /// It is the first of its id, and no destination wants it.
    Unrouted,
    /// It is a test that came before, and will be sent again.
    Repeat,
    /// It came before, and was counted.
    Duplicate,
    /// One of its id came before with another body; it is kept, and not sent.
    Variant,
}

impl Stored {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unrouted => "unrouted",
            Self::Repeat => "repeat",
            Self::Duplicate => "duplicate",
            Self::Variant => "variant",
        }
    }
}

/// Stores a delivery that came now, and says what became of it.
pub(super) fn store(db: &Db, arrival: &Arrival, now: u64) -> Result<Stored> {
    db.transaction(|| {
        if is_remembered(db, arrival, now)? {
            return counted(db, arrival, now);
        }
        let life = Life::new(arrival.destinations.iter().map(String::as_str), now);
        if insert(db, arrival, "first", &life, now)? {
            return Ok(match life.state() {
                State::Unrouted => Stored::Unrouted,
                _ => Stored::Accepted,
            });
        }
        again(db, arrival, &life, now)
    })
}

/// Tells whether an id is remembered of which a row was dropped, and if it is, that it came again now. A test is sent
/// again all the same, unless it was erased.
fn is_remembered(db: &Db, arrival: &Arrival, now: u64) -> Result<bool> {
    let row = db.row(
        "UPDATE remembered SET last = ? WHERE id = ? AND (erased OR NOT ?) RETURNING id",
        &[number(now), arrival.id.clone(), number(u32::from(arrival.is_test))],
    )?;
    Ok(row.is_some())
}

/// Inserts a delivery with its sends, unless there is a first of its id.
fn insert(db: &Db, arrival: &Arrival, kind: &str, life: &Life, now: u64) -> Result<bool> {
    let state = if kind == "variant" { "variant" } else { life.state().as_str() };
    let ended = if state == State::Pending.as_str() { JsValue::NULL } else { number(now) };
    let key = db.number(
        "INSERT INTO deliveries
            (id, kind, name, type, received, signed_with, signature, content_type, body, size, state, ended)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) WHERE kind = 'first' DO NOTHING
        RETURNING key",
        &[
            arrival.id.clone(),
            kind.into(),
            arrival.name.clone(),
            arrival.event_type.clone(),
            number(now),
            arrival.signed_with.clone(),
            arrival.signature.clone(),
            arrival.content_type.clone(),
            arrival.body.clone().into(),
            number(arrival.body.length()),
            state.into(),
            ended,
        ],
    )?;
    let Some(key) = key else { return Ok(false) };
    if kind != "variant" {
        for Send { destination, attempts, began, .. } in &life.sends {
            db.run(
                "INSERT INTO sends (delivery, destination, state, attempts, began, due)
                VALUES (?, ?, 'pending', ?, ?, ?)",
                &[
                    number(key),
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

/// Decides what a delivery is whose id is remembered.
fn again(db: &Db, arrival: &Arrival, life: &Life, now: u64) -> Result<Stored> {
    let id = || arrival.id.clone();
    if arrival.is_test {
        let erased = db.row(
            "SELECT key FROM deliveries WHERE id = ?1 AND kind = 'first' AND state = 'erased'
            UNION ALL SELECT key FROM deliveries WHERE id = ?1 AND kind <> 'first' AND state = 'erased'",
            &[id()],
        )?;
        if erased.is_some() {
            return counted(db, arrival, now);
        }
        // What follows from the second condition is said in the third: it names the index.
        let repeats = db.number(
            "SELECT COUNT(*) FROM deliveries WHERE id = ? AND kind = 'repeat' AND kind <> 'first'
            AND received > ?",
            &[id(), number(now.saturating_sub(HOUR_MS))],
        )?;
        if repeats.unwrap_or(0) < MOST_REPEATS {
            insert(db, arrival, "repeat", life, now)?;
            return Ok(Stored::Repeat);
        }
        return counted(db, arrival, now);
    }
    // One body at a time, since each may be long. With nothing kept to compare it with, it counts as the same.
    let known = db.rows(
        "SELECT key FROM deliveries WHERE id = ? AND kind = 'first'
        UNION ALL SELECT key FROM deliveries WHERE id = ? AND kind <> 'first'",
        &[id(), id()],
    )?;
    let variants = known.len().saturating_sub(1);
    if variants >= MOST_VARIANTS {
        return counted(db, arrival, now);
    }
    let body = arrival.body.to_vec();
    let mut parsed = None;
    for row in known {
        let other = db.row("SELECT body FROM deliveries WHERE key = ?", &[row.value(0)])?;
        let other = other.map_or(Ok(None), |row| row.maybe_bytes(0))?;
        let Some(other) = other else { return counted(db, arrival, now) };
        if other == body {
            return counted(db, arrival, now);
        }
        let this = parsed.get_or_insert_with(|| timeless(&body));
        if this.is_none() || *this == timeless(&other) {
            return counted(db, arrival, now);
        }
    }
    insert(db, arrival, "variant", life, now)?;
    Ok(Stored::Variant)
}

fn counted(db: &Db, arrival: &Arrival, now: u64) -> Result<Stored> {
    db.run(
        "UPDATE deliveries SET duplicates = duplicates + 1, last_duplicate = ?
        WHERE id = ? AND kind = 'first'",
        &[number(now), arrival.id.clone()],
    )?;
    Ok(Stored::Duplicate)
}

/// A body without its timestamp, which may differ from one try of Walnut's to the next. What is no JSON
/// has nothing in it but its bytes.
fn timeless(body: &[u8]) -> Option<Body> {
    let mut body = Body::parse_any(body).ok()?;
    if let Body::Object(members) = &mut body {
        members.remove("timestamp");
    }
    Some(body)
}
