//! One shard's part of the admin API. The Worker has checked the questions, and merges the replies of all shards.

use wasm_bindgen::JsValue;

use super::db::{Db, from_row};
use super::schema::RARE;
use super::{alerts, lives};
use crate::config::Settings;
use crate::ids::{DeliveryId, RowId};
use crate::js::{Result, number};
use crate::life::{Event, Life};
use crate::protocol::{
    Delivery, DeliveryState, Details, List, Redeliver, RedeliverDead, Redelivered, RedeliveredDead,
    ShardStatus,
};

/// The columns of [`Delivery`]; the first parameter is the shard.
const COLUMNS: &str = "?1 || '-' || key AS deliveryId, id, kind, name, type, state, received, ended, size, \
                       signed_with AS signedWith, duplicates, last_duplicate AS lastDuplicate";

/// How many dead deliveries are redelivered in one call.
const DEAD_AT_ONCE: usize = 500;

/// Lists deliveries, the newest first.
pub(super) fn list(db: &Db, shard: u32, list: &List) -> Result<Vec<Delivery>> {
    let mut query = format!("SELECT {COLUMNS} FROM deliveries WHERE (received, key) < (?2, ?3)");
    let mut values =
        vec![shard.to_string().into(), number(list.before_received), list.before_row.into()];
    match list.state {
        None => {}
        Some(DeliveryState::Pending) => {
            query.push_str(" AND key IN (SELECT delivery FROM sends WHERE state = 'pending')");
        }
        // A delivery is listed if it is dead to one destination, whatever its state is.
        Some(DeliveryState::Dead) => {
            query.push_str(" AND key IN (SELECT delivery FROM sends WHERE state = 'dead')");
        }
        Some(state) => {
            let rare = if state == DeliveryState::Delivered { "TRUE" } else { RARE };
            for part in [" AND state = '", state.as_str(), "' AND ", rare] {
                query.push_str(part);
            }
        }
    }
    for (condition, value) in [
        (" AND received >= ?", list.since.map(number)),
        (" AND received < ?", list.until.map(number)),
        (" AND name = ?", list.name.as_deref().map(JsValue::from_str)),
        (" ORDER BY received DESC, key DESC LIMIT ?", Some(number(list.limit))),
    ] {
        if let Some(value) = value {
            query.push_str(condition);
            values.push(value);
        }
    }
    let mut deliveries: Vec<Delivery> = db.structs(&query, &values)?;
    for delivery in &mut deliveries {
        load_sends(db, delivery)?;
    }
    Ok(deliveries)
}

fn load_sends(db: &Db, delivery: &mut Delivery) -> Result<()> {
    delivery.sends = db.structs(
        "SELECT destination, state, reason, attempts, due FROM sends WHERE delivery = ?",
        &[delivery.public_id.row.into()],
    )?;
    Ok(())
}

/// Returns everything about a delivery.
pub(super) fn show(db: &Db, shard: u32, row: RowId) -> Result<Option<Details>> {
    let query = format!(
        "SELECT {COLUMNS}, content_type AS contentType, signature, body FROM deliveries WHERE key = ?2"
    );
    let found = db.objects(&query, &[shard.to_string().into(), row.into()])?.get(0);
    if found.is_undefined() {
        return Ok(None);
    }
    let mut delivery: Delivery = from_row(found.clone())?;
    load_sends(db, &mut delivery)?;
    let attempts = db.structs(
        "SELECT destination, at, ms, status, code FROM attempts WHERE delivery = ? ORDER BY n",
        &[row.into()],
    )?;
    let related = db.rows(
        "SELECT key FROM deliveries WHERE id = ?1 AND kind = 'first' AND key <> ?2
        UNION ALL SELECT key FROM deliveries WHERE id = ?1 AND kind <> 'first' AND key <> ?2",
        &[delivery.id.as_str().into(), row.into()],
    )?;
    let related = related.into_iter().map(|row| Ok(DeliveryId { shard, row: row.row_id(0)? }));
    let related = related.collect::<Result<_>>()?;
    Ok(Some(Details { delivery, payload: from_row(found)?, attempts, related }))
}

/// Sends a delivery again, to one destination or to all that want its event.
pub(super) fn redeliver(
    db: &Db,
    settings: &Settings,
    redeliver: &Redeliver,
    now: u64,
) -> Result<Redelivered> {
    let row = db.row(
        "SELECT name, body IS NOT NULL FROM deliveries WHERE key = ?",
        &[redeliver.row.into()],
    )?;
    let Some(row) = row else { return Ok(Redelivered::NotFound) };
    if row.number(1)? == 0 {
        return Ok(Redelivered::Forgotten);
    }
    let name = row.maybe_text(0)?;
    let destinations: Vec<String> = match &redeliver.destination {
        Some(destination) => vec![destination.clone()],
        None => settings
            .destinations
            .iter()
            .filter(|it| it.wants(name.as_deref()))
            .map(|it| it.name.clone())
            .collect(),
    };
    redeliver_to(db, settings, redeliver.row, &destinations, now)?;
    Ok(Redelivered::To(destinations))
}

/// Sends the dead deliveries of a period again, each to the destinations that gave it up.
pub(super) fn redeliver_dead(
    db: &Db,
    settings: &Settings,
    question: &RedeliverDead,
    now: u64,
) -> Result<RedeliveredDead> {
    let rows = db.rows(
        "SELECT key FROM deliveries WHERE received >= ? AND received < ? AND key > ?
            AND key IN (SELECT delivery FROM sends WHERE state = 'dead')
        ORDER BY key LIMIT ?",
        &[
            number(question.since),
            number(question.until),
            question.after.into(),
            number(DEAD_AT_ONCE),
        ],
    )?;
    let only = question.destination.as_deref();
    let mut redelivered: u64 = 0;
    let full = rows.len() == DEAD_AT_ONCE;
    let mut last = None;
    for row in rows {
        let row = row.row_id(0)?;
        last = Some(row);
        let life = lives::read(db, row)?;
        let destinations: Vec<String> = life
            .dead()
            .filter(|name| only.is_none_or(|only| only == *name))
            .filter(|name| settings.destinations.iter().any(|it| it.name == *name))
            .map(str::to_owned)
            .collect();
        if !destinations.is_empty() {
            redeliver_to(db, settings, row, &destinations, now)?;
            redelivered = redelivered.saturating_add(1);
        }
    }
    Ok(RedeliveredDead { redelivered, last: last.filter(|_| full) })
}

fn redeliver_to(
    db: &Db,
    settings: &Settings,
    row: RowId,
    destinations: &[String],
    now: u64,
) -> Result<()> {
    db.transaction(|| {
        db.run("UPDATE deliveries SET traps = 0 WHERE key = ?", &[row.into()])?;
        for destination in destinations {
            let life: Life = lives::read(db, row)?;
            let (life, effects) =
                life.after(&Event::Redelivered { destination }, now, settings.limits);
            lives::write(db, row, &life, &effects, now)?;
        }
        Ok(())
    })
}

/// Returns the counts and times of this shard.
pub(super) fn status(db: &Db) -> Result<ShardStatus> {
    let totals = db.objects(
        "SELECT COALESCE(SUM(duplicates), 0) AS duplicates,
            MAX(MAX(received, COALESCE(last_duplicate, 0))) AS lastReceived,
            (SELECT MIN(received) FROM deliveries WHERE key IN
                (SELECT delivery FROM sends WHERE state = 'pending')) AS oldestPending
        FROM deliveries",
        &[],
    )?;
    Ok(ShardStatus {
        totals: from_row(totals.get(0))?,
        deliveries: db.structs(
            "SELECT state AS name, COUNT(*) AS count FROM deliveries
            WHERE state <> 'dead' GROUP BY state
            UNION ALL SELECT 'dead', COUNT(DISTINCT delivery) FROM sends WHERE state = 'dead'",
            &[],
        )?,
        refused: db.structs("SELECT code AS name, times AS count FROM refused", &[])?,
        destinations: db.structs(
            "SELECT name, last_taken AS lastTaken, last_failed AS lastFailed, last_code AS lastCode,
                (SELECT COUNT(*) FROM sends WHERE state = 'pending' AND destination = name) AS pending
            FROM destinations
            UNION ALL
            SELECT destination, NULL, NULL, NULL, COUNT(*) FROM sends
            WHERE state = 'pending' AND destination NOT IN (SELECT name FROM destinations)
            GROUP BY destination",
            &[],
        )?,
        matched: alerts::last_match(db)?,
        bytes: db.size(),
    })
}
