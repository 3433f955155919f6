//! What the admin API asks of one shard. Questions and answers are JSON; the Worker has checked the
//! questions, and puts the answers of all shards together.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use worker::{Error, Result};

use super::db::{Db, Row, Value, number};
use super::{erase, lives, schema};
use crate::config::Settings;
use crate::life::{Event, Life};

/// What of a delivery is listed: no body, and nothing of it but the name of the event.
const COLUMNS: &str = "key, id, kind, name, type, state, received, ended, size, signed_with, \
                       duplicates, last_duplicate";

/// Which deliveries are listed.
#[derive(Deserialize)]
struct Listed {
    shard: u32,
    limit: u32,
    state: Option<String>,
    name: Option<String>,
    since: Option<u64>,
    until: Option<u64>,
    /// Only those before this time and key.
    before: (u64, u64),
}

/// Which delivery is meant.
#[derive(Deserialize)]
struct One {
    shard: u32,
    key: u64,
    destination: Option<String>,
}

#[derive(Deserialize)]
struct Period {
    since: u64,
    until: u64,
    destination: Option<String>,
}

/// Answers a question; `None` is one that nobody has an answer to.
pub(super) fn answer(
    db: &Db,
    settings: &Settings,
    operation: &str,
    question: &[u8],
    now: u64,
) -> Result<Option<Json>> {
    Ok(Some(match operation {
        "list" => list(db, &serde_json::from_slice(question)?)?,
        "one" => one(db, &serde_json::from_slice(question)?)?,
        "redeliver" => redeliver(db, settings, &serde_json::from_slice(question)?, now)?,
        "redeliver-dead" => redeliver_dead(db, settings, &serde_json::from_slice(question)?, now)?,
        "erase" => {
            let One { key, .. } = serde_json::from_slice(question)?;
            db.transaction(|| erase::one(db, key, now)).map(|erased| json!(erased))?
        }
        "erase-email" => erase::of_email(db, &serde_json::from_slice(question)?, now)?,
        "status" => status(db)?,
        _ => return Ok(None),
    }))
}

fn list(db: &Db, listed: &Listed) -> Result<Json> {
    let mut query = format!("SELECT {COLUMNS} FROM deliveries WHERE (received, key) < (?, ?)");
    let mut values = vec![number(listed.before.0), number(listed.before.1)];
    // Where a word is one of the index's, it stands there as a word.
    match listed.state.as_deref() {
        None => {}
        Some("pending") => {
            query.push_str(" AND key IN (SELECT delivery FROM sends WHERE state = 'pending')");
        }
        Some(state) => {
            let condition = format!(" AND state = '{state}'");
            query.push_str(&condition);
        }
    }
    for (condition, value) in [
        (" AND received >= ?", listed.since.map(number)),
        (" AND received < ?", listed.until.map(number)),
        (" AND name = ?", listed.name.clone().map(Value::from)),
        (" ORDER BY received DESC, key DESC LIMIT ?", Some(number(listed.limit))),
    ] {
        if let Some(value) = value {
            query.push_str(condition);
            values.push(value);
        }
    }
    let rows = db.rows(&query, values)?;
    let items: Result<Vec<Json>> =
        rows.into_iter().map(|row| Ok(Json::Object(delivery(db, row, listed.shard)?))).collect();
    Ok(Json::Array(items?))
}

/// Says of a delivery what is in [`COLUMNS`], and where it stands with each destination.
fn delivery(db: &Db, mut row: Row, shard: u32) -> Result<Map<String, Json>> {
    let key = row.number(0)?;
    let sends = db.rows(
        "SELECT destination, state, reason, attempts, due FROM sends WHERE delivery = ?",
        vec![number(key)],
    )?;
    let send = |mut row: Row| {
        Ok(json!({
            "destination": row.text(0)?,
            "state": row.text(1)?,
            "reason": row.maybe_text(2)?,
            "attempts": row.number(3)?,
            "due": row.maybe_number(4)?,
        }))
    };
    let fields = [
        ("key", format!("{shard}-{key}").into()),
        ("id", row.text(1)?.into()),
        ("kind", row.text(2)?.into()),
        ("name", row.maybe_text(3)?.into()),
        ("type", row.text(4)?.into()),
        ("state", row.text(5)?.into()),
        ("received", row.number(6)?.into()),
        ("ended", row.maybe_number(7)?.into()),
        ("size", row.number(8)?.into()),
        ("signedWith", row.text(9)?.into()),
        ("duplicates", row.number(10)?.into()),
        ("lastDuplicate", row.maybe_number(11)?.into()),
        ("sends", sends.into_iter().map(send).collect::<Result<Vec<Json>>>()?.into()),
    ];
    Ok(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Says all of a delivery; null if there is none.
fn one(db: &Db, asked: &One) -> Result<Json> {
    let query = format!("SELECT {COLUMNS} FROM deliveries WHERE key = ?");
    let Some(row) = db.row(&query, vec![number(asked.key)])? else { return Ok(Json::Null) };
    let mut fields = delivery(db, row, asked.shard)?;
    let more = db.row(
        "SELECT content_type, signature, body, id FROM deliveries WHERE key = ?",
        vec![number(asked.key)],
    )?;
    let mut more = more.ok_or_else(|| Error::from("the delivery is gone"))?;
    let body = match more.maybe_bytes(2)?.map(String::from_utf8) {
        None => Json::Null,
        Some(Ok(text)) => json!({ "text": text }),
        Some(Err(error)) => json!({ "base64": STANDARD.encode(error.as_bytes()) }),
    };
    let attempts = db.rows(
        "SELECT destination, at, ms, status, code FROM attempts WHERE delivery = ? ORDER BY n",
        vec![number(asked.key)],
    )?;
    let attempt = |mut row: Row| {
        Ok(json!({
            "destination": row.text(0)?,
            "at": row.number(1)?,
            "ms": row.number(2)?,
            "status": row.maybe_number(3)?,
            "code": row.maybe_text(4)?,
        }))
    };
    let id = Value::from(more.text(3)?);
    let related = db.rows(
        "SELECT key FROM deliveries WHERE id = ? AND kind = 'first' AND key <> ?
        UNION ALL SELECT key FROM deliveries WHERE id = ? AND kind <> 'first' AND key <> ?
        ORDER BY key",
        vec![id.clone(), number(asked.key), id, number(asked.key)],
    )?;
    let related = related.into_iter().map(|row| Ok(format!("{}-{}", asked.shard, row.number(0)?)));
    for (name, value) in [
        ("contentType", more.maybe_text(0)?.into()),
        ("signature", more.maybe_text(1)?.into()),
        ("attempts", attempts.into_iter().map(attempt).collect::<Result<Vec<Json>>>()?.into()),
        ("related", related.collect::<Result<Vec<String>>>()?.into()),
        ("body", body),
    ] {
        fields.insert(name.to_owned(), value);
    }
    Ok(Json::Object(fields))
}

/// Has a delivery sent again: to the destination that is named, or to those that want it. Null if there
/// is none, false if its body is gone.
fn redeliver(db: &Db, settings: &Settings, asked: &One, now: u64) -> Result<Json> {
    let row = db.row(
        "SELECT name, body IS NOT NULL FROM deliveries WHERE key = ?",
        vec![number(asked.key)],
    )?;
    let Some(mut row) = row else { return Ok(Json::Null) };
    if row.number(1)? == 0 {
        return Ok(Json::Bool(false));
    }
    let name = row.maybe_text(0)?;
    let destinations: Vec<String> = match &asked.destination {
        Some(destination) => vec![destination.clone()],
        None => settings
            .destinations
            .iter()
            .filter(|it| it.wants(name.as_deref()))
            .map(|it| it.name.clone())
            .collect(),
    };
    again(db, settings, asked.key, &destinations, now)?;
    Ok(json!({ "destinations": destinations }))
}

/// Has the dead of a period sent again: each to the destination that is named, if it is dead there, or
/// to all where it is.
fn redeliver_dead(db: &Db, settings: &Settings, period: &Period, now: u64) -> Result<Json> {
    let rows = db.rows(
        "SELECT key FROM deliveries WHERE state = 'dead' AND received >= ? AND received < ?",
        vec![number(period.since), number(period.until)],
    )?;
    let mut redelivered: u32 = 0;
    for row in rows {
        let key = row.number(0)?;
        let life = lives::read(db, key)?;
        let destinations: Vec<String> = life
            .dead()
            .filter(|name| period.destination.as_deref().is_none_or(|only| only == *name))
            .filter(|name| settings.destinations.iter().any(|it| it.name == *name))
            .map(str::to_owned)
            .collect();
        if !destinations.is_empty() {
            again(db, settings, key, &destinations, now)?;
            redelivered = redelivered.saturating_add(1);
        }
    }
    Ok(json!(redelivered))
}

fn again(db: &Db, settings: &Settings, key: u64, destinations: &[String], now: u64) -> Result<()> {
    db.transaction(|| {
        db.run("UPDATE deliveries SET traps = 0 WHERE key = ?", vec![number(key)])?;
        for destination in destinations {
            let life: Life = lives::read(db, key)?;
            let (life, effects) =
                life.after(&Event::Redelivered { destination }, now, settings.limits);
            lives::write(db, key, &life, &effects, now)?;
        }
        Ok(())
    })
}

fn status(db: &Db) -> Result<Json> {
    let mut states = Map::new();
    let rows = db.rows("SELECT state, COUNT(*) FROM deliveries GROUP BY state", vec![])?;
    for mut row in rows {
        states.insert(row.text(0)?, row.number(1)?.into());
    }
    let totals = db.row(
        "SELECT COALESCE(SUM(duplicates), 0), 
            MAX(MAX(received, COALESCE(last_duplicate, 0)))
        FROM deliveries",
        vec![],
    )?;
    let (duplicates, last) = match totals {
        Some(row) => (row.number(0)?, row.maybe_number(1)?),
        None => (0, None),
    };
    let oldest = db.row(
        "SELECT MIN(received) FROM deliveries WHERE key IN
            (SELECT delivery FROM sends WHERE state = 'pending')",
        vec![],
    )?;
    let mut destinations = Map::new();
    let rows =
        db.rows("SELECT name, last_taken, last_failed, last_code FROM destinations", vec![])?;
    for mut row in rows {
        let name = row.text(0)?;
        let pending = db.row(
            "SELECT COUNT(*) FROM sends WHERE state = 'pending' AND destination = ?",
            vec![name.as_str().into()],
        )?;
        destinations.insert(
            name,
            json!({
                "pending": pending.map_or(Ok(0), |row| row.number(0))?,
                "lastTaken": row.maybe_number(1)?,
                "lastFailed": row.maybe_number(2)?,
                "lastCode": row.maybe_text(3)?,
            }),
        );
    }
    let mut failures = Map::new();
    for mut row in db.rows("SELECT code, times FROM refused", vec![])? {
        failures.insert(row.text(0)?, row.number(1)?.into());
    }
    Ok(json!({
        "deliveries": states,
        "failures": failures,
        "duplicates": duplicates,
        "lastReceived": last,
        "oldestPending": oldest.map_or(Ok(None), |row| row.maybe_number(0))?,
        "destinations": destinations,
        "keys": {
            "current": schema::meta(db, "matched:current")?,
            "previous": schema::meta(db, "matched:previous")?,
        },
        "bytes": db.size(),
    }))
}
