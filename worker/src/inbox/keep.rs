//! What is kept, and for how long: a delivery's body for a while after its end; its id, for as long as
//! a captured request could be sent again.

use super::db::Db;
use super::erase;
use super::schema::RARE;
use crate::config::Settings;
use crate::js::{Result, number};
use crate::receive::MAX_SKEW_MS;

/// How many deliveries are forgotten in one go.
const AT_ONCE: usize = 200;

/// How often is looked for what to forget while there is much to send, in milliseconds.
pub(super) const EVERY_MS: u64 = 1000;

/// Clocks differ, and a check takes its time: an id is remembered so much longer, in milliseconds.
const MARGIN_MS: u64 = 60_000;

/// How long an id is remembered after its delivery came, in milliseconds.
fn remembered_ms(settings: &Settings) -> u64 {
    settings.max_event_age_ms.unwrap_or(0).saturating_add(MAX_SKEW_MS).saturating_add(MARGIN_MS)
}

/// Forgets what has been kept for long enough, and says whether there may be more.
pub(super) fn forget(db: &Db, settings: &Settings, now: u64) -> Result<bool> {
    let ended = now.saturating_sub(settings.retention_ms);
    let received = now.saturating_sub(remembered_ms(settings));
    db.transaction(|| {
        let keys = db.rows(
            "SELECT key FROM deliveries WHERE body IS NOT NULL AND ended IS NOT NULL AND ended <= ?
            ORDER BY ended LIMIT ?",
            &[number(ended), number(AT_ONCE)],
        )?;
        let more = keys.len() == AT_ONCE;
        for row in keys {
            erase::empty(db, row.number(0)?, "forgotten", None)?;
        }
        for state in ["forgotten", "erased"] {
            let query = format!(
                "DELETE FROM deliveries WHERE key IN (
                    SELECT key FROM deliveries WHERE state = '{state}' AND {RARE} AND received <= ? LIMIT ?
                )"
            );
            db.run(&query, &[number(received), number(AT_ONCE)])?;
        }
        Ok(more)
    })
}

/// Returns when there is something to forget next.
pub(super) fn next(db: &Db, settings: &Settings) -> Result<Option<u64>> {
    let ended = db.number(
        "SELECT MIN(ended) FROM deliveries WHERE body IS NOT NULL AND ended IS NOT NULL",
        &[],
    )?;
    let mut next = ended.map(|ended| ended.saturating_add(settings.retention_ms));
    for state in ["forgotten", "erased"] {
        let query =
            format!("SELECT MIN(received) FROM deliveries WHERE state = '{state}' AND {RARE}");
        let received = db.number(&query, &[])?;
        let gone = received.map(|received| received.saturating_add(remembered_ms(settings)));
        next = [next, gone].into_iter().flatten().min();
    }
    Ok(next)
}
