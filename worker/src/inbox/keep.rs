//! Retention: a delivery is kept for a while after it has ended. Its ID is remembered for as long as a captured request
//! could be replayed. When the retention is over and the ID need not be remembered, the whole row is removed. Otherwise the
//! content is removed first, and the row later.

use super::counts::Counts;
use super::db::Db;
use super::erase;
use super::quarantine::room::KEPT_MS;
use super::schema::RARE;
use crate::config::{MAX_SKEW_MS, Settings};
use crate::js::{Result, number};
use crate::protocol::DeliveryState;

/// How many rows one call changes.
const AT_ONCE: usize = 200;

/// How often the alarm looks for expired rows while it is sending, in milliseconds.
pub(super) const EVERY_MS: u64 = 1000;

/// How much longer an ID is remembered, in milliseconds, because clocks differ and a check takes time.
const MARGIN_MS: u64 = 60_000;

/// How long an ID is remembered after its last use, in milliseconds. The last use counts, because Walnut signs each retry
/// again with a later time. A copy may also wait in the quarantine for its whole retention.
fn remembered_ms(settings: &Settings) -> u64 {
    let age = settings.max_event_age_ms.unwrap_or(0).max(KEPT_MS);
    age.saturating_add(MAX_SKEW_MS).saturating_add(MARGIN_MS)
}

/// A delivery that has expired: the columns of the index `to_forget`.
const EXPIRED: &str = "signature IS NOT NULL AND ended IS NOT NULL AND ended <= ?1";

/// Removes expired deliveries, and returns whether there may be more.
pub(super) fn forget(db: &Db, counts: &mut Counts, settings: &Settings, now: u64) -> Result<bool> {
    let ended = now.saturating_sub(settings.retention_ms);
    let used = now.saturating_sub(remembered_ms(settings));
    let (deliveries, more) = db.transaction(|| {
        let mut removed = remove(db, ended, used)?;
        let mut more = removed == AT_ONCE;
        if !more {
            more = empty(db, ended)? == AT_ONCE;
        }
        for state in ["forgotten", "erased"] {
            removed = removed.saturating_add(drop_rows(db, state, used)?);
        }
        db.run(
            "DELETE FROM remembered WHERE id IN (
                SELECT id FROM remembered WHERE last <= ? ORDER BY last LIMIT ?
            )",
            &[number(used), number(AT_ONCE)],
        )?;
        let deliveries = counts.without(removed);
        if removed > 0 {
            counts.save(db, deliveries, now)?;
        }
        Ok((deliveries, more))
    })?;
    counts.deliveries = deliveries;
    Ok(more)
}

/// Empties expired deliveries whose IDs must still be remembered, and returns how many.
fn empty(db: &Db, ended: u64) -> Result<usize> {
    let rows = db.rows(
        &format!("SELECT key FROM deliveries WHERE {EXPIRED} ORDER BY ended LIMIT ?2"),
        &[number(ended), number(AT_ONCE)],
    )?;
    for row in &rows {
        erase::empty(db, row.row_id(0)?, DeliveryState::Forgotten, None)?;
    }
    Ok(rows.len())
}

/// Removes expired deliveries whose IDs need not be remembered, and returns how many. An ID with several
/// deliveries is left to [`drop_rows`].
fn remove(db: &Db, ended: u64, used: u64) -> Result<usize> {
    let rows = db.rows(
        &format!(
            "DELETE FROM deliveries WHERE key IN (
                SELECT key FROM deliveries AS it WHERE {EXPIRED}
                    AND MAX(received, COALESCE(last_duplicate, 0)) <= ?2 AND kind = 'first'
                    AND NOT EXISTS (SELECT 1 FROM deliveries WHERE id = it.id AND kind <> 'first')
                ORDER BY ended LIMIT ?3
            ) RETURNING key, body IS NULL"
        ),
        &[number(ended), number(used), number(AT_ONCE)],
    )?;
    for row in &rows {
        if row.number(1)? != 0 {
            db.run("DELETE FROM bodies WHERE delivery = ?", &[row.value(0)])?;
        }
    }
    Ok(rows.len())
}

/// Drops the rows of a state that were received before a time; returns how many. An ID that was used later is still
/// remembered.
fn drop_rows(db: &Db, state: &str, received: u64) -> Result<usize> {
    let old = |column| {
        format!(
            "SELECT {column} FROM deliveries WHERE state = '{state}' AND {RARE} AND received <= ?1
            ORDER BY key LIMIT ?2"
        )
    };
    let values = [number(received), number(AT_ONCE)];
    // Each condition on `kind` selects an index; without them, every row would be read.
    let remember = format!(
        "WITH old AS ({}), came AS (
            SELECT id, received, last_duplicate, state FROM deliveries WHERE id IN old AND kind = 'first'
            UNION ALL
            SELECT id, received, last_duplicate, state FROM deliveries WHERE id IN old AND kind <> 'first'
        )
        INSERT INTO remembered (id, last, erased)
        SELECT id, MAX(MAX(received, COALESCE(last_duplicate, 0))) AS newest, MAX(state = 'erased') FROM came
        WHERE TRUE GROUP BY id HAVING newest > ?1
        ON CONFLICT (id) DO UPDATE SET
            last = MAX(last, excluded.last), erased = MAX(erased, excluded.erased)",
        old("id")
    );
    db.run(&remember, &values)?;
    let dropped = format!("DELETE FROM deliveries WHERE key IN ({}) RETURNING key", old("key"));
    Ok(db.rows(&dropped, &values)?.len())
}

/// Returns the time of the next expiry.
pub(super) fn next(db: &Db, settings: &Settings) -> Result<Option<u64>> {
    let ended = db.number(
        "SELECT MIN(ended) FROM deliveries WHERE signature IS NOT NULL AND ended IS NOT NULL",
        &[],
    )?;
    let mut next = ended.map(|ended| ended.saturating_add(settings.retention_ms));
    let rows = |state| {
        format!(
            "SELECT received FROM deliveries WHERE state = '{state}' AND {RARE} ORDER BY key LIMIT 1"
        )
    };
    let ids = "SELECT MIN(last) FROM remembered".to_owned();
    for query in [rows("forgotten"), rows("erased"), ids] {
        let last_use = db.number(&query, &[])?;
        let expiry = last_use.map(|time| time.saturating_add(remembered_ms(settings)));
        next = [next, expiry].into_iter().flatten().min();
    }
    Ok(next)
}
