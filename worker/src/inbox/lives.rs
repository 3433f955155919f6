//! The lives of deliveries, in the database.

use wasm_bindgen::JsValue;

use super::db::{Db, Row};
use crate::forward::{Headline, key_named};
use crate::js::{Problem, Result, number};
use crate::life::{Effect, Life, Progress, Reason, Send, State};
use crate::standard::message_id;

/// What an attempt needs.
pub(super) struct Loaded {
    /// What the destination is told of it.
    pub(super) headline: Headline,
    pub(super) signature: String,
    pub(super) content_type: Option<String>,
    /// Its bytes, as JavaScript has them.
    pub(super) body: JsValue,
}

/// Lists the destinations that something is pending for: a look into the index for each.
pub(super) fn destinations(db: &Db) -> Result<Vec<String>> {
    let rows = db.rows(
        "WITH RECURSIVE names (name) AS (
            SELECT MIN(destination) FROM sends WHERE state = 'pending'
            UNION ALL
            SELECT (SELECT MIN(destination) FROM sends
                WHERE state = 'pending' AND destination > name)
            FROM names WHERE name IS NOT NULL
        )
        SELECT name FROM names WHERE name IS NOT NULL",
        &[],
    )?;
    rows.into_iter().map(|row| row.text(0)).collect()
}

/// Lists what is due for a destination, the longest due first: keys, and sizes of bodies in bytes.
pub(super) fn due(
    db: &Db,
    destination: &str,
    now: u64,
    most: impl TryInto<u64>,
) -> Result<Vec<(u64, usize)>> {
    let rows = db.rows(
        "SELECT delivery, size FROM sends JOIN deliveries ON key = delivery
        WHERE sends.state = 'pending' AND destination = ? AND due <= ? ORDER BY due LIMIT ?",
        &[destination.into(), number(now), number(most)],
    )?;
    let pair =
        |row: Row| Ok((row.number(0)?, usize::try_from(row.number(1)?).unwrap_or(usize::MAX)));
    rows.into_iter().map(pair).collect()
}

/// Returns when the next attempt is due of those that are not due yet.
pub(super) fn next_due(db: &Db, now: u64) -> Result<Option<u64>> {
    let mut first = None;
    for destination in destinations(db)? {
        let due = db.number(
            "SELECT MIN(due) FROM sends WHERE state = 'pending' AND destination = ? AND due > ?",
            &[destination.into(), number(now)],
        )?;
        first = [first, due].into_iter().flatten().min();
    }
    Ok(first)
}

/// Says how often work on a delivery has trapped.
pub(super) fn traps(db: &Db, key: u64) -> Result<u64> {
    let traps = db.number("SELECT traps FROM deliveries WHERE key = ?", &[number(key)])?;
    Ok(traps.unwrap_or(0))
}

/// Returns the idempotency key of a delivery.
pub(super) fn id(db: &Db, key: u64) -> Result<String> {
    let row = db.row("SELECT id FROM deliveries WHERE key = ?", &[number(key)])?;
    row.map_or(Ok(String::new()), |row| row.text(0))
}

/// Loads what is to be sent.
pub(super) fn load(db: &Db, key: u64) -> Result<Option<Loaded>> {
    let row = db.row(
        "SELECT id, kind, name, type, signed_with, signature, content_type, body
        FROM deliveries WHERE key = ? AND body IS NOT NULL",
        &[number(key)],
    )?;
    let Some(row) = row else { return Ok(None) };
    let id = row.text(0)?;
    let headline = Headline {
        message_id: message_id(&id, (row.text(1)? != "first").then_some(key)),
        id,
        name: row.maybe_text(2)?,
        event_type: row.text(3)?,
        key: key_named(&row.text(4)?),
    };
    let (signature, content_type) = (row.text(5)?, row.maybe_text(6)?);
    Ok(Some(Loaded { headline, signature, content_type, body: row.value(7) }))
}

/// Reads a delivery's life.
pub(super) fn read(db: &Db, key: u64) -> Result<Life> {
    let rows = db.rows(
        "SELECT destination, attempts, began, state, due, reason FROM sends WHERE delivery = ?",
        &[number(key)],
    )?;
    let send = |row: Row| {
        let progress = match row.text(3)?.as_str() {
            "pending" => Progress::Pending { due: row.number(4)? },
            "delivered" => Progress::Delivered,
            _ => Progress::Dead(
                Reason::of(&row.text(5)?).ok_or_else(|| Problem::new("an unknown reason"))?,
            ),
        };
        Ok(Send {
            destination: row.text(0)?,
            attempts: u32::try_from(row.number(1)?).unwrap_or(u32::MAX),
            began: row.number(2)?,
            progress,
        })
    };
    Ok(Life { sends: rows.into_iter().map(send).collect::<Result<_>>()? })
}

/// Stores what has changed in a delivery's life.
pub(super) fn write(db: &Db, key: u64, life: &Life, effects: &[Effect], now: u64) -> Result<()> {
    for effect in effects {
        match *effect {
            Effect::Save(index) => {
                let Some(send) = life.sends.get(index) else { continue };
                let (state, due, reason) = match send.progress {
                    Progress::Pending { due } => ("pending", number(due), JsValue::NULL),
                    Progress::Delivered => ("delivered", JsValue::NULL, JsValue::NULL),
                    Progress::Dead(reason) => ("dead", JsValue::NULL, reason.as_str().into()),
                };
                db.run(
                    "INSERT OR REPLACE INTO sends
                        (delivery, destination, attempts, began, state, due, reason)
                    VALUES (?, ?, ?, ?, ?, ?, ?)",
                    &[
                        number(key),
                        send.destination.as_str().into(),
                        number(send.attempts),
                        number(send.began),
                        state.into(),
                        due,
                        reason,
                    ],
                )?;
            }
            Effect::Died(_) => {}
            Effect::Became(state) => {
                let ended = if state == State::Pending { JsValue::NULL } else { number(now) };
                db.run(
                    "UPDATE deliveries SET state = ?, ended = ? WHERE key = ?",
                    &[state.as_str().into(), ended, number(key)],
                )?;
            }
        }
    }
    Ok(())
}
