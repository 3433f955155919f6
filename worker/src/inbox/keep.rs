//! Retention: a body is kept for a while after its delivery has ended, and an ID for as long as a captured request could be
//! replayed.

use super::db::Db;
use super::erase;
use super::schema::RARE;
use crate::config::{MAX_SKEW_MS, Settings};
use crate::js::{Result, number};
use crate::protocol::DeliveryState;

/// How many rows one call changes.
const AT_ONCE: usize = 200;

/// How often expired rows are looked for while the alarm is sending, in milliseconds.
pub(super) const EVERY_MS: u64 = 1000;

/// How much longer an ID is remembered, in milliseconds, because clocks differ and a check takes time.
const MARGIN_MS: u64 = 60_000;

/// How long an ID is remembered after its last use, in milliseconds. The last use counts, because Walnut signs each retry
/// again with a later time.
fn remembered_ms(settings: &Settings) -> u64 {
    settings.max_event_age_ms.unwrap_or(0).saturating_add(MAX_SKEW_MS).saturating_add(MARGIN_MS)
}

/// Removes what has expired; returns whether there may be more.
pub(super) fn forget(db: &Db, settings: &Settings, now: u64) -> Result<bool> {
    let ended = now.saturating_sub(settings.retention_ms);
    let received = now.saturating_sub(remembered_ms(settings));
    db.transaction(|| {
        let rows = db.rows(
            "SELECT key FROM deliveries WHERE body IS NOT NULL AND ended IS NOT NULL AND ended <= ?
            ORDER BY ended LIMIT ?",
            &[number(ended), number(AT_ONCE)],
        )?;
        let more = rows.len() == AT_ONCE;
        for row in rows {
            erase::empty(db, row.row_id(0)?, DeliveryState::Forgotten, None)?;
        }
        for state in ["forgotten", "erased"] {
            drop_rows(db, state, received)?;
        }
        db.run(
            "DELETE FROM remembered WHERE id IN (
                SELECT id FROM remembered WHERE last <= ? ORDER BY last LIMIT ?
            )",
            &[number(received), number(AT_ONCE)],
        )?;
        Ok(more)
    })
}

/// Drops the rows of a state that were received before a time. An ID that was used later is still remembered.
fn drop_rows(db: &Db, state: &str, received: u64) -> Result<()> {
    let old = |column| {
        format!(
            "SELECT {column} FROM deliveries WHERE state = '{state}' AND {RARE} AND received <= ?1
            ORDER BY received LIMIT ?2"
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
    db.run(&format!("DELETE FROM deliveries WHERE key IN ({})", old("key")), &values)
}

/// Returns when something expires next.
pub(super) fn next(db: &Db, settings: &Settings) -> Result<Option<u64>> {
    let ended = db.number(
        "SELECT MIN(ended) FROM deliveries WHERE body IS NOT NULL AND ended IS NOT NULL",
        &[],
    )?;
    let mut next = ended.map(|ended| ended.saturating_add(settings.retention_ms));
    let rows =
        |state| format!("SELECT MIN(received) FROM deliveries WHERE state = '{state}' AND {RARE}");
    let ids = "SELECT MIN(last) FROM remembered".to_owned();
    for query in [rows("forgotten"), rows("erased"), ids] {
        let came = db.number(&query, &[])?;
        let gone = came.map(|came| came.saturating_add(remembered_ms(settings)));
        next = [next, gone].into_iter().flatten().min();
    }
    Ok(next)
}
