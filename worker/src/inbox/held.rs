//! Held deliveries: they arrived while the configuration had mistakes, so their destinations were unknown. The alarm
//! routes them once the configuration has no mistakes, in the order of arrival, when it reads untried sends.

use super::circuits::Circuits;
use super::db::Db;
use super::lives::Course;
use crate::config::Settings;
use crate::ids::RowId;
use crate::js::{Result, number, or_null};
use crate::life::{Life, State};
use crate::protocol::DeliveryState;

/// The condition for held deliveries. The index `untried` finds them.
pub(super) const HELD: &str = "untried = 1 AND state = 'held'";

/// Returns the names of the destinations that want an event of this name.
pub(super) fn destinations(
    settings: &Settings,
    event_name: Option<&str>,
    is_test: bool,
) -> Vec<String> {
    let wants = settings.destinations.iter().filter(|it| it.wants(event_name, is_test));
    wants.map(|it| it.name.clone()).collect()
}

/// Routes a held delivery to the destinations that want it: it becomes pending with untried sends, or unrouted. This is one
/// statement, so a crash leaves the delivery held or routed. Its age counts from now, since no attempt was possible before.
pub(super) fn route(
    db: &Db,
    settings: &Settings,
    circuits: &Circuits,
    row: RowId,
    event_name: Option<&str>,
    now: u64,
) -> Result<Course> {
    let names = destinations(settings, event_name, is_test(db, row)?);
    let names = names.iter().map(|name| (name.as_str(), circuits.paused(name, now)));
    let course = Course::new(Life::new(names, now));
    let state = course.life.state();
    let ended = Some(now).filter(|_| state == State::Unrouted);
    db.run(
        &format!(
            "UPDATE deliveries SET state = ?, sends = ?, ended = ?, untried = ? WHERE key = ? AND {HELD}"
        ),
        &[
            DeliveryState::from(state).as_str().into(),
            course.text().into(),
            or_null(ended.map(number)),
            or_null(ended.is_none().then(|| number(1_u32))),
            row.into(),
        ],
    )?;
    Ok(course)
}

/// Returns whether a delivery is a test event.
pub(super) fn is_test(db: &Db, row: RowId) -> Result<bool> {
    Ok(db.number("SELECT test FROM deliveries WHERE key = ?", &[row.into()])? == Some(1))
}

/// Repairs the rows that an older version without held deliveries marked as tried.
pub(super) fn repair(db: &Db) -> Result<()> {
    db.run("UPDATE deliveries SET untried = 1 WHERE state = 'held' AND untried IS NULL", &[])
}

/// Routes a delivery, if it is held.
pub(super) fn route_if_held(
    db: &Db,
    settings: &Settings,
    circuits: &Circuits,
    row_id: RowId,
    now: u64,
) -> Result<()> {
    let query = format!("SELECT name FROM deliveries WHERE key = ? AND {HELD}");
    if let Some(row) = db.row(&query, &[row_id.into()])? {
        route(db, settings, circuits, row_id, row.maybe_text(0)?.as_deref(), now)?;
    }
    Ok(())
}
