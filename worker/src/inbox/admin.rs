//! One shard's part of the admin API. The Worker has checked the requests, and merges the replies of all shards.

use std::borrow::Cow;

use js_sys::JSON;
use wasm_bindgen::JsValue;

use super::alerts;
use super::circuit::{Access, Circuit};
use super::circuits::Circuits;
use super::counts::{Counts, Destination};
use super::db::{Db, from_row};
use super::held::HELD;
use super::lives::Course;
use super::quarantine::room::KEPT_MS;
use super::schema::RARE;
use crate::forward::How;
use crate::ids::{DeliveryId, RowId};
use crate::js::{Result, get, number, text};
use crate::protocol::{
    Count, Delivery, DeliveryState, DestinationState, DestinationStatus, Details, List, Listed,
    ShardStatus, Totals,
};

/// The columns of [`Delivery`]; the first parameter is the shard. The name of the demo, or of the playlist, is in the body,
/// which is not parsed if it is long. A name that may contain an e-mail address is not listed.
pub(super) const COLUMNS: &str = "?1 || '-' || key AS deliveryId, id, kind, name, type, state, received, ended, size, \
                       signed_with AS signedWith, duplicates, last_duplicate AS lastDuplicate, sends AS course, \
                       test AS isTest, (
                           SELECT CASE WHEN json_valid(text) THEN
                               CASE WHEN json_type(text, path) = 'text' AND instr(json_extract(text, path), '@') = 0
                                   THEN json_extract(text, path) END
                           END FROM (
                               SELECT CAST(COALESCE(body, (SELECT body FROM bodies WHERE delivery = key)) AS TEXT) AS text,
                                   CASE name
                                       WHEN 'demo_session_finished' THEN '$.data.demo.name'
                                       WHEN 'playlist_session_finished' THEN '$.data.playlist.name'
                                   END AS path
                           ) WHERE path IS NOT NULL AND size <= 65536
                       ) AS demoName";

/// How many rows one list searches: a search through all rows would delay events.
pub(super) const SEARCHED_AT_ONCE: u32 = 1000;

/// How much later than the time of arrival the number of a row can be, in milliseconds: the request may have
/// waited in the quarantine, and the clock may have been set back by a day.
pub(super) const CLOCK_MS: u64 = KEPT_MS + 24 * 60 * 60 * 1000;

/// Lists deliveries, the newest first.
pub(super) fn list(db: &Db, shard: u32, list: &List) -> Result<Listed> {
    let until = list.until.map(|until| RowId::at(until.saturating_add(CLOCK_MS)));
    let before = until.unwrap_or(RowId::LAST).min(list.before);
    let since = list.since.map_or(RowId::FIRST, RowId::at);
    let searched = searched(db, list, before)?.filter(|row| *row > since);
    let mut query = format!("SELECT {COLUMNS} FROM deliveries WHERE key < ?2");
    // A delivery that one destination has accepted can be pending or dead for another.
    if list.destination.is_none() || list.state != Some(DeliveryState::Delivered) {
        query.push_str(&condition(list.state));
    }
    match list.state {
        Some(DeliveryState::Held) => query.push_str(" AND state = 'held'"),
        Some(DeliveryState::Pending) => query.push_str(" AND state <> 'held'"),
        _ => {}
    }
    if let Some(is_test) = list.test {
        query.push_str(if is_test { " AND test = 1" } else { " AND test IS NULL" });
    }
    let mut values = vec![shard.to_string().into(), before.into()];
    if let Some(destination) = &list.destination {
        values.push(destination.as_str().into());
        query.push_str(
            " AND EXISTS (SELECT 1 FROM json_each(sends) WHERE value ->> 'destination' = ?3",
        );
        let state = list.state.map(DeliveryState::as_str);
        if let Some(state @ ("pending" | "delivered" | "dead")) = state {
            query.push_str(" AND value ->> 'state' = '");
            query.push_str(state);
            query.push('\'');
        }
        query.push(')');
    }
    for (condition, value) in [
        (" AND key >= ?", Some(searched.unwrap_or(since).into())),
        (" AND received >= ?", list.since.map(number)),
        (" AND received < ?", list.until.map(number)),
        (" AND name = ?", list.name.as_deref().map(JsValue::from_str)),
        (" ORDER BY key DESC LIMIT ?", Some(number(list.limit))),
    ] {
        if let Some(value) = value {
            query.push_str(condition);
            values.push(value);
        }
    }
    let rows = db.objects(&query, &values)?;
    let deliveries: Vec<Delivery> = rows.iter().map(|row| delivery(&row)).collect::<Result<_>>()?;
    let is_full = u32::try_from(deliveries.len()).is_ok_and(|count| count >= list.limit);
    Ok(Listed { deliveries, searched: searched.filter(|_| !is_full), newest: None })
}

/// Returns the condition for a state. With it, an index finds the deliveries. The second parameter is the row before which
/// the list continues. Pending and held deliveries share an index, so their list has one more condition.
fn condition(state: Option<DeliveryState>) -> Cow<'static, str> {
    match state {
        None => "".into(),
        Some(DeliveryState::Held) => format!(
            " AND key IN (
                SELECT key FROM deliveries WHERE untried = 1 AND key < ?2
                ORDER BY key DESC LIMIT {SEARCHED_AT_ONCE} + 1
            )"
        )
        .into(),
        Some(DeliveryState::Pending) => format!(
            " AND key IN (
                SELECT key FROM deliveries WHERE untried = 1 AND key < ?2
                UNION SELECT delivery FROM retries WHERE delivery < ?2
                ORDER BY 1 DESC LIMIT {SEARCHED_AT_ONCE} + 1
            )"
        )
        .into(),
        // A delivery is listed if it is dead for one destination, in any state.
        Some(DeliveryState::Dead) => " AND dead > 0".into(),
        Some(DeliveryState::Delivered) => " AND state = 'delivered'".into(),
        Some(state) => format!(" AND state = '{}' AND {RARE}", state.as_str()).into(),
    }
}

/// Returns the last row that a list searches; `None` if it searches all.
fn searched(db: &Db, list: &List, before: RowId) -> Result<Option<RowId>> {
    // No index finds delivered rows, so all rows are searched.
    let indexed = list.state.filter(|state| *state != DeliveryState::Delivered);
    let all_match = list.name.is_none()
        && list.destination.is_none()
        && list.test.is_none()
        && list.until.is_none()
        && list.state == indexed;
    // The conditions for these states already limit the number of rows.
    let is_limited = matches!(indexed, Some(DeliveryState::Pending | DeliveryState::Held));
    if all_match && !is_limited {
        return Ok(None);
    }
    let query = format!(
        "SELECT key FROM deliveries WHERE key < ?2{} ORDER BY key DESC LIMIT 1 OFFSET ?1",
        condition(indexed)
    );
    Ok(db.number(&query, &[number(SEARCHED_AT_ONCE), before.into()])?.map(RowId))
}

/// Reads a row with the columns of [`Delivery`].
pub(super) fn delivery(row: &JsValue) -> Result<Delivery> {
    let sends = Course::parse(&text(&get(row, "course")).unwrap_or_default()).statuses();
    let mut delivery: Delivery = from_row(row)?;
    delivery.sends = sends;
    Ok(delivery)
}

/// Returns everything about a delivery.
pub(super) fn show(db: &Db, shard: u32, row: RowId) -> Result<Option<Details>> {
    let query = format!(
        "SELECT {COLUMNS}, content_type AS contentType, signature, attempts,
            COALESCE(body, (SELECT body FROM bodies WHERE delivery = key)) AS body
        FROM deliveries WHERE key = ?2"
    );
    let object = db.objects(&query, &[shard.to_string().into(), row.into()])?.get(0);
    if object.is_undefined() {
        return Ok(None);
    }
    let attempts = text(&get(&object, "attempts")).unwrap_or_default();
    let attempts = from_row(&JSON::parse(&attempts)?)?;
    let delivery = delivery(&object)?;
    let related = db.rows(
        "SELECT key FROM deliveries WHERE id = ?1 AND kind = 'first' AND key <> ?2
        UNION ALL SELECT key FROM deliveries WHERE id = ?1 AND kind <> 'first' AND key <> ?2",
        &[delivery.id.as_str().into(), row.into()],
    )?;
    let related = related.into_iter().map(|row| Ok(DeliveryId { shard, row: row.row_id(0)? }));
    let related = related.collect::<Result<_>>()?;
    Ok(Some(Details { delivery, payload: from_row(&object)?, attempts, related }))
}

/// Returns the counts and times of this shard. Only deliveries in pending and rare states are counted here. The number of
/// delivered deliveries follows from the total.
pub(super) fn status(
    db: &Db,
    counts: &Counts,
    circuits: &Circuits,
    now: u64,
) -> Result<ShardStatus> {
    let count = |query: &str| -> Result<u64> { Ok(db.number(query, &[])?.unwrap_or(0)) };
    let held = count(&format!("SELECT COUNT(*) FROM deliveries WHERE {HELD}"))?;
    // No held delivery is in `retries`.
    let pending = count(
        "SELECT COUNT(*) FROM (SELECT key FROM deliveries WHERE untried = 1 UNION SELECT delivery FROM retries)",
    )?;
    let pending = pending.saturating_sub(held);
    let mut deliveries: Vec<Count> = db.structs(
        &format!(
            "SELECT state AS name, COUNT(*) AS count FROM deliveries WHERE {RARE} GROUP BY state"
        ),
        &[],
    )?;
    let others = pending.saturating_add(held);
    let others = deliveries.iter().fold(others, |sum, it| sum.saturating_add(it.count));
    // A delivery that is dead for one destination counts as dead, and also by its state if that is different.
    deliveries.retain(|it| it.name != DeliveryState::Dead.as_str());
    for (state, count) in [
        (DeliveryState::Held, held),
        (DeliveryState::Pending, pending),
        (DeliveryState::Dead, count("SELECT COUNT(*) FROM deliveries WHERE dead > 0")?),
        (DeliveryState::Delivered, counts.deliveries.saturating_sub(others)),
    ] {
        deliveries.push(Count { name: state.as_str().to_owned(), count });
    }
    let oldest = count(
        "SELECT MIN(key) FROM (SELECT * FROM (SELECT key FROM deliveries WHERE untried = 1 AND state <> 'held' ORDER BY key LIMIT 1)
            UNION ALL SELECT MIN(delivery) FROM retries)",
    )?;
    let oldest_pending =
        db.number("SELECT received FROM deliveries WHERE key = ?", &[RowId(oldest).into()])?;
    let last_received = Some(counts.last_received).filter(|time| *time > 0);
    // A delivery from the quarantine was received before its row was written.
    let oldest_dead = db.number(
        "SELECT MIN(received) FROM (SELECT received FROM deliveries WHERE dead > 0 ORDER BY key LIMIT 1000)",
        &[],
    )?;
    let duplicates = counts.duplicates;
    Ok(ShardStatus {
        totals: Totals { duplicates, last_received, oldest_pending, oldest_dead },
        deliveries,
        refused: Vec::new(),
        destinations: destinations(db, counts, circuits, now)?,
        matched: alerts::last_match(db)?,
        bytes: db.size(),
        quarantine: None,
        drift: None,
    })
}

fn destinations(
    db: &Db,
    counts: &Counts,
    circuits: &Circuits,
    now: u64,
) -> Result<Vec<DestinationStatus>> {
    let pending: Vec<Count> = db.structs(
        "SELECT name, SUM(count) AS count FROM (
            SELECT destination AS name, COUNT(*) AS count FROM retries GROUP BY destination
            UNION ALL
            SELECT send.value ->> 'destination', COUNT(*) FROM deliveries, json_each(sends) AS send
            WHERE untried = 1 AND send.value ->> 'state' = 'pending' AND send.value ->> 'queued' IS NULL
            GROUP BY 1
        ) GROUP BY name",
        &[],
    )?;
    let mut known = counts.destinations.clone();
    let names = pending.iter().map(|it| it.name.as_str()).chain(circuits.all().map(|it| it.0));
    for name in names {
        if known.iter().all(|it| it.name != name) {
            known.push(Destination { name: name.to_owned(), ..Destination::default() });
        }
    }
    let status = |it: Destination| {
        let circuit = circuits.find(&it.name).cloned().unwrap_or_default();
        DestinationStatus {
            pending: pending.iter().find(|count| count.name == it.name).map_or(0, |it| it.count),
            name: it.name,
            last_taken: it.taken,
            last_failed: it.failed,
            last_code: it.code,
            state: Some(state(&circuit, now)),
            failing_since: circuit.failing_since,
            failures: Some(circuit.failures),
            last_status: circuit.status(),
            how: circuit.status().map(|_| How::Status.as_str().to_owned()).or(circuit.how),
            held_until: circuit.held_until.filter(|until| *until > now),
            paused_since: circuit.paused_since,
        }
    };
    Ok(known.into_iter().map(status).collect())
}

fn state(circuit: &Circuit, now: u64) -> DestinationState {
    match circuit.access(now) {
        Access::Paused => DestinationState::Paused,
        Access::After(_) | Access::Probe => DestinationState::Held,
        Access::All if circuit.failing_since.is_some() => DestinationState::Failing,
        Access::All => DestinationState::Ok,
    }
}
