//! Redelivers stored deliveries at the request of an operator.

use std::borrow::Cow;

use super::admin::{CLOCK_MS, SEARCHED_AT_ONCE};
use super::circuits::Circuits;
use super::db::{Batch, Db, Row};
use super::held;
use super::lives::{self, Course};
use super::schema::RARE;
use crate::config::Settings;
use crate::ids::RowId;
use crate::js::{Problem, Result, number};
use crate::life::{Event, Life, Progress};
use crate::protocol::{Redeliver, RedeliverMany, Redelivered, RedeliveredMany, Redelivery};

/// How many deliveries one call redelivers.
const AT_ONCE: usize = 100;

/// Redelivers one delivery.
pub(super) fn one(
    db: &Db,
    settings: &Settings,
    circuits: &Circuits,
    question: &Redeliver,
    now: u64,
) -> Result<Redelivered> {
    check_destinations(settings)?;
    let row_id = question.row;
    let row = db.row(
        "SELECT name, test, sends, signature IS NOT NULL FROM deliveries WHERE key = ?",
        &[row_id.into()],
    )?;
    let Some(row) = row else { return Ok(Redelivered::NotFound) };
    if row.number(3)? == 0 {
        return Ok(Redelivered::Forgotten);
    }
    let life = Course::parse(&row.text(2)?).life;
    let wants_all = match question.state {
        Some(state) => state == Redelivery::All,
        None => life.sends.is_empty(),
    };
    let destinations = match &question.destination {
        Some(destination) => vec![destination.clone()],
        None if wants_all => wanting(settings, &row)?,
        None => dead(settings, &life),
    };
    redeliver(db, settings, circuits, row_id, &destinations, now)?;
    Ok(Redelivered::To(destinations))
}

/// Redelivers the deliveries of a period, or moves them from an old name to a destination.
pub(super) fn many(
    db: &Db,
    settings: &Settings,
    circuits: &Circuits,
    question: &RedeliverMany,
    now: u64,
) -> Result<RedeliveredMany> {
    check_destinations(settings)?;
    let after = question.after.max(RowId::at(question.since).before());
    let until = RowId::at(question.until.saturating_add(CLOCK_MS));
    let candidates = candidates(question);
    let end = db.number(
        &format!(
            "SELECT key FROM deliveries WHERE key > ?1 AND key < ?2 AND {candidates} ORDER BY key LIMIT 1 OFFSET ?3"
        ),
        &[after.into(), until.into(), number(SEARCHED_AT_ONCE.saturating_sub(1))],
    )?;
    let rows = db.rows(
        &format!(
            "SELECT name, test, sends, key FROM deliveries WHERE key > ?1 AND key < ?2 AND key <= ?3 AND {candidates}
                AND received >= ?4 AND received < ?5 AND signature IS NOT NULL
            ORDER BY key LIMIT ?6"
        ),
        &[
            after.into(),
            until.into(),
            RowId(end.unwrap_or(RowId::LAST.0)).into(),
            number(question.since),
            number(question.until),
            number(AT_ONCE),
        ],
    )?;
    let is_full = rows.len() == AT_ONCE;
    let mut redelivered: u64 = 0;
    let mut last = None;
    for row in rows {
        let row_id = row.row_id(3)?;
        last = Some(row_id);
        let life = Course::parse(&row.text(2)?).life;
        let is_changed = if let (Some(from), Some(to)) = (&question.from, &question.destination) {
            let is_moved = life
                .sends
                .iter()
                .any(|send| send.destination == *from && send.progress != Progress::Delivered);
            if is_moved {
                change(db, settings, circuits, row_id, &[Event::Moved { from, to }], now)?;
            }
            is_moved
        } else {
            let destinations = destinations(settings, question, &row, &life)?;
            redeliver(db, settings, circuits, row_id, &destinations, now)?;
            !destinations.is_empty()
        };
        redelivered = redelivered.saturating_add(is_changed.into());
    }
    let last = if is_full { last } else { end.map(RowId) };
    Ok(RedeliveredMany { redelivered, last })
}

/// Returns the condition for the deliveries that may be redelivered. `?1` is the row before the first one.
fn candidates(question: &RedeliverMany) -> Cow<'static, str> {
    if question.from.is_some() {
        return format!(
            "key IN (
                SELECT key FROM deliveries WHERE untried = 1 AND key > ?1
                UNION SELECT key FROM deliveries WHERE dead > 0 AND key > ?1
                UNION SELECT delivery FROM retries WHERE delivery > ?1
                ORDER BY 1 LIMIT {SEARCHED_AT_ONCE}
            )"
        )
        .into();
    }
    match question.state {
        Redelivery::Dead => "dead > 0".into(),
        Redelivery::Unrouted => format!("state = 'unrouted' AND {RARE}").into(),
        // No index finds these, so all rows are searched. An operator redelivers a variant by its ID.
        Redelivery::All => "kind <> 'variant' AND state <> 'held'".into(),
    }
}

/// Lists the destinations of a redelivery.
fn destinations(
    settings: &Settings,
    question: &RedeliverMany,
    row: &Row,
    life: &Life,
) -> Result<Vec<String>> {
    let mut destinations = match question.state {
        Redelivery::Dead => dead(settings, life),
        Redelivery::Unrouted | Redelivery::All => wanting(settings, row)?,
    };
    if let Some(only) = &question.destination {
        destinations.retain(|name| name == only);
    }
    // A pending delivery will be sent anyway.
    destinations.retain(|name| !life.is_pending_to(name));
    Ok(destinations)
}

/// Lists the destinations that want a delivery, whose row begins with its name and whether it is a test event.
fn wanting(settings: &Settings, row: &Row) -> Result<Vec<String>> {
    let event_name = row.maybe_text(0)?;
    Ok(held::destinations(settings, event_name.as_deref(), row.maybe_number(1)?.is_some()))
}

/// Lists the configured destinations that will not receive a delivery.
fn dead(settings: &Settings, life: &Life) -> Vec<String> {
    let is_known = |name: &&str| settings.destinations.iter().any(|it| it.name == *name);
    life.dead().filter(is_known).map(str::to_owned).collect()
}

/// Fails while the configuration has mistakes, because the list of destinations may be incomplete.
fn check_destinations(settings: &Settings) -> Result<()> {
    if settings.holds() {
        return Err(Problem::new("the configuration of the inbox has mistakes"));
    }
    Ok(())
}

fn redeliver(
    db: &Db,
    settings: &Settings,
    circuits: &Circuits,
    row: RowId,
    destinations: &[String],
    now: u64,
) -> Result<()> {
    let events = destinations.iter().map(|destination| Event::Redelivered { destination });
    change(db, settings, circuits, row, &events.collect::<Vec<_>>(), now)
}

/// Applies events to the life of a delivery, all or none of them.
fn change(
    db: &Db,
    settings: &Settings,
    circuits: &Circuits,
    row: RowId,
    events: &[Event<'_>],
    now: u64,
) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    db.transaction(|| {
        held::route_if_held(db, settings, circuits, row, now)?;
        db.run("UPDATE deliveries SET traps = 0 WHERE key = ? AND traps > 0", &[row.into()])?;
        for event in events {
            let course = lives::read(db, row)?;
            let paused = event.destination().map_or(0, |name| circuits.paused(name, now));
            let (life, effects) = course.life.clone().after(event, now, paused, settings.limits);
            let mut batch = Batch::default();
            lives::write(&mut batch, row, &course, &life, &effects, None, now);
            batch.run(db)?;
        }
        Ok(())
    })
}
