//! What arrives: a delivery is stored once, and what came before is recognised.

use serde_json::json;
use walnut_webhooks::Value as Body;
use worker::{Error, Result};

use super::db::{Db, Row, Value, number};
use crate::life::{Life, Send, State};

/// How many repeats of a test are sent in an hour; more are only counted.
const MOST_REPEATS: u64 = 30;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// How many variants of an id are kept; more are only counted.
const MOST_VARIANTS: u64 = 20;

/// What is stored of a delivery, besides its body and when it came.
pub(crate) struct Arrival {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) event_type: String,
    pub(crate) is_test: bool,
    pub(crate) signed_with: String,
    pub(crate) signature: String,
    pub(crate) content_type: Option<String>,
    /// The destinations that want it, by name.
    pub(crate) destinations: Vec<String>,
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

impl Arrival {
    /// Writes it, and its body, for the way from the Worker to the inbox: the length of the JSON in four
    /// bytes, little end first, the JSON, and the body.
    pub(crate) fn to_bytes(&self, body: &[u8]) -> Vec<u8> {
        let json = json!([
            self.id,
            self.name,
            self.event_type,
            self.is_test,
            self.signed_with,
            self.signature,
            self.content_type,
            self.destinations,
        ])
        .to_string();
        let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
        [&length.to_le_bytes(), json.as_bytes(), body].concat()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<(Self, &[u8])> {
        let malformed = || Error::from("malformed arrival");
        let (length, rest) = bytes.split_first_chunk().ok_or_else(malformed)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| malformed())?;
        let (json, body) = rest.split_at_checked(length).ok_or_else(malformed)?;
        let (id, name, event_type, is_test, signed_with, signature, content_type, destinations) =
            serde_json::from_slice(json)?;
        let arrival = Self {
            id,
            name,
            event_type,
            is_test,
            signed_with,
            signature,
            content_type,
            destinations,
        };
        Ok((arrival, body))
    }
}

/// Stores a delivery that came now, and says what became of it.
pub(super) fn store(db: &Db, arrival: &Arrival, body: &[u8], now: u64) -> Result<Stored> {
    db.transaction(|| {
        let life = Life::new(arrival.destinations.iter().map(String::as_str), now);
        if insert(db, arrival, body, "first", &life, now)? {
            return Ok(match life.state() {
                State::Unrouted => Stored::Unrouted,
                _ => Stored::Accepted,
            });
        }
        again(db, arrival, body, &life, now)
    })
}

/// Inserts a delivery with its sends, unless there is a first of its id.
fn insert(
    db: &Db,
    arrival: &Arrival,
    body: &[u8],
    kind: &str,
    life: &Life,
    now: u64,
) -> Result<bool> {
    let state = if kind == "variant" { "variant" } else { life.state().as_str() };
    let ended = if state == State::Pending.as_str() { Value::Null } else { number(now) };
    let key = db.row(
        "INSERT INTO deliveries
            (id, kind, name, type, received, signed_with, signature, content_type, body, size, state, ended)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) WHERE kind = 'first' DO NOTHING
        RETURNING key",
        vec![
            arrival.id.as_str().into(),
            kind.into(),
            arrival.name.clone().into(),
            arrival.event_type.as_str().into(),
            number(now),
            arrival.signed_with.as_str().into(),
            arrival.signature.as_str().into(),
            arrival.content_type.clone().into(),
            body.to_vec().into(),
            number(body.len()),
            state.into(),
            ended,
        ],
    )?;
    let Some(key) = key else { return Ok(false) };
    let key = key.number(0)?;
    if kind != "variant" {
        for Send { destination, attempts, began, .. } in &life.sends {
            db.run(
                "INSERT INTO sends (delivery, destination, state, attempts, began, due)
                VALUES (?, ?, 'pending', ?, ?, ?)",
                vec![
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
fn again(db: &Db, arrival: &Arrival, body: &[u8], life: &Life, now: u64) -> Result<Stored> {
    let id = || Value::from(arrival.id.as_str());
    if arrival.is_test {
        // What follows from the second condition is said in the third: it names the index.
        let repeats = db.row(
            "SELECT COUNT(*) FROM deliveries WHERE id = ? AND kind = 'repeat' AND kind <> 'first'
            AND received > ?",
            vec![id(), number(now.saturating_sub(HOUR_MS))],
        )?;
        if count(repeats)? < MOST_REPEATS {
            insert(db, arrival, body, "repeat", life, now)?;
            return Ok(Stored::Repeat);
        }
        return counted(db, arrival, now);
    }
    // With nothing kept to compare it with, it counts as the same.
    let known = db.rows(
        "SELECT body FROM deliveries WHERE id = ? AND kind = 'first'
        UNION ALL SELECT body FROM deliveries WHERE id = ? AND kind <> 'first'",
        vec![id(), id()],
    )?;
    let variants = known.len().saturating_sub(1);
    if u64::try_from(variants).unwrap_or(u64::MAX) >= MOST_VARIANTS {
        return counted(db, arrival, now);
    }
    let mut parsed = None;
    for mut row in known {
        let Some(other) = row.maybe_bytes(0)? else { return counted(db, arrival, now) };
        if other == body {
            return counted(db, arrival, now);
        }
        let this = parsed.get_or_insert_with(|| timeless(body));
        if this.is_none() || *this == timeless(&other) {
            return counted(db, arrival, now);
        }
    }
    insert(db, arrival, body, "variant", life, now)?;
    Ok(Stored::Variant)
}

fn count(row: Option<Row>) -> Result<u64> {
    row.map_or(Ok(0), |row| row.number(0))
}

fn counted(db: &Db, arrival: &Arrival, now: u64) -> Result<Stored> {
    db.run(
        "UPDATE deliveries SET duplicates = duplicates + 1, last_duplicate = ?
        WHERE id = ? AND kind = 'first'",
        vec![number(now), arrival.id.as_str().into()],
    )?;
    Ok(Stored::Duplicate)
}

/// A body without its timestamp, which may differ from one try of Walnut's to the next. What is no JSON
/// has nothing in it but its bytes.
fn timeless(body: &[u8]) -> Option<Body> {
    let mut body = Body::parse(body).ok()?;
    if let Body::Object(members) = &mut body {
        members.remove("timestamp");
    }
    Some(body)
}
