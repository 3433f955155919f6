//! Loads and saves the lives of deliveries.

use wasm_bindgen::JsValue;

use super::db::{Db, Row};
use crate::forward::Headline;
use crate::ids::RowId;
use crate::js::{Problem, Result, number};
use crate::keys::KeySlot;
use crate::life::{Effect, Life, Progress, Reason, Send, State};
use crate::protocol::DeliveryState;
use crate::standard::message_id;

/// What an attempt needs.
pub(super) struct Loaded {
    pub(super) headline: Headline,
    pub(super) signature: String,
    pub(super) content_type: Option<String>,
    /// The bytes, which stay in JavaScript's memory.
    pub(super) body: JsValue,
}

/// Lists the destinations with pending sends, with one index lookup for each.
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

/// Lists what is due to a destination, the oldest first: rows, and the sizes of bodies in bytes.
pub(super) fn due(
    db: &Db,
    destination: &str,
    now: u64,
    most: impl TryInto<u64>,
) -> Result<Vec<(RowId, usize)>> {
    let rows = db.rows(
        "SELECT delivery, size FROM sends JOIN deliveries ON key = delivery
        WHERE sends.state = 'pending' AND destination = ? AND due <= ? ORDER BY due LIMIT ?",
        &[destination.into(), number(now), number(most)],
    )?;
    let pair =
        |row: Row| Ok((row.row_id(0)?, usize::try_from(row.number(1)?).unwrap_or(usize::MAX)));
    rows.into_iter().map(pair).collect()
}

/// Returns when the next attempt after a time is due.
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

/// Returns how often work on a delivery has trapped.
pub(super) fn traps(db: &Db, row: RowId) -> Result<u64> {
    let traps = db.number("SELECT traps FROM deliveries WHERE key = ?", &[row.into()])?;
    Ok(traps.unwrap_or(0))
}

/// Returns the idempotency key of a delivery.
pub(super) fn id(db: &Db, row: RowId) -> Result<String> {
    let row = db.row("SELECT id FROM deliveries WHERE key = ?", &[row.into()])?;
    row.map_or(Ok(String::new()), |row| row.text(0))
}

/// Loads what an attempt needs; `None` if the body was erased or has expired.
pub(super) fn load(db: &Db, row_id: RowId) -> Result<Option<Loaded>> {
    let row = db.row(
        "SELECT id, kind, name, type, signed_with, signature, content_type, body
        FROM deliveries WHERE key = ? AND body IS NOT NULL",
        &[row_id.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let id = row.text(0)?;
    let headline = Headline {
        message_id: message_id(&id, (row.text(1)? != "first").then_some(row_id)),
        id,
        name: row.maybe_text(2)?,
        event_type: row.text(3)?,
        key_slot: KeySlot::parse(&row.text(4)?),
    };
    let (signature, content_type) = (row.text(5)?, row.maybe_text(6)?);
    Ok(Some(Loaded { headline, signature, content_type, body: row.value(7) }))
}

/// Reads the life of a delivery.
pub(super) fn read(db: &Db, row: RowId) -> Result<Life> {
    let rows = db.rows(
        "SELECT destination, attempts, began, state, due, reason FROM sends WHERE delivery = ?",
        &[row.into()],
    )?;
    let send = |row: Row| {
        let progress = match row.text(3)?.as_str() {
            "pending" => Progress::Pending { due: row.number(4)? },
            "delivered" => Progress::Delivered,
            _ => Progress::Dead(
                Reason::parse(&row.text(5)?)
                    .ok_or_else(|| Problem::new("a row of the database has an unknown reason"))?,
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

/// Saves what has changed in the life of a delivery.
pub(super) fn write(db: &Db, row: RowId, life: &Life, effects: &[Effect], now: u64) -> Result<()> {
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
                        row.into(),
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
                    &[DeliveryState::from(state).as_str().into(), ended, row.into()],
                )?;
            }
        }
    }
    Ok(())
}
