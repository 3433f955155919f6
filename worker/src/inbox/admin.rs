//! What the admin API asks of one shard. Questions and answers are objects of JavaScript's; the Worker has
//! checked the questions, and puts the answers of all shards together.

use wasm_bindgen::JsValue;

use super::db::Db;
use super::schema::RARE;
use super::{alerts, erase, lives};
use crate::config::Settings;
use crate::js::{Problem, Result, get, items, list, number, object, or_null, set, text, whole};
use crate::life::{Event, Life};

/// What of a delivery is listed: no body, and nothing of it but the name of the event.
const COLUMNS: &str = "?1 || '-' || key AS key, id, kind, name, type, state, received, ended, size, \
                       signed_with AS signedWith, duplicates, last_duplicate AS lastDuplicate";

/// How many of the dead are sent again in one go.
const DEAD_AT_ONCE: usize = 500;

/// Answers a question.
pub(super) fn answer(
    db: &Db,
    settings: &Settings,
    shard: u32,
    operation: &str,
    question: &JsValue,
    now: u64,
) -> Result<JsValue> {
    let key = || whole(&get(question, "key")).unwrap_or(0);
    match operation {
        "list" => deliveries(db, shard, question),
        "one" => one(db, shard, key()),
        "redeliver" => redeliver(db, settings, key(), &get(question, "destination"), now),
        "redeliver-dead" => redeliver_dead(db, settings, question, now),
        "erase" => db.transaction(|| erase::one(db, key(), now)).map(JsValue::from),
        "erase-email" => {
            let email = text(&get(question, "email")).unwrap_or_default();
            let (erased, last) = erase::of_email(db, &email, key(), now)?;
            Ok(object([("erased", erased.into()), ("last", or_null(last.map(number)))]))
        }
        "status" => status(db),
        _ => Err(Problem::new("nobody has an answer to that")),
    }
}

/// Lists deliveries, the newest first, as they are asked for: at most `limit`, of a `state`, a `name`,
/// `since` and `until` a time, and before the `received` and `key` of the cursor.
fn deliveries(db: &Db, shard: u32, question: &JsValue) -> Result<JsValue> {
    let mut query = format!("SELECT {COLUMNS} FROM deliveries WHERE (received, key) < (?2, ?3)");
    let mut values =
        vec![shard.to_string().into(), get(question, "received"), get(question, "key")];
    match text(&get(question, "state")).as_deref() {
        None => {}
        Some("pending") => {
            query.push_str(" AND key IN (SELECT delivery FROM sends WHERE state = 'pending')");
        }
        // To one destination at least, whatever becomes of it with the others.
        Some("dead") => {
            query.push_str(" AND key IN (SELECT delivery FROM sends WHERE state = 'dead')");
        }
        Some(state) => {
            let rare = if state == "delivered" { "TRUE" } else { RARE };
            for part in [" AND state = '", state, "' AND ", rare] {
                query.push_str(part);
            }
        }
    }
    for (condition, field) in [
        (" AND received >= ?", "since"),
        (" AND received < ?", "until"),
        (" AND name = ?", "name"),
        (" ORDER BY received DESC, key DESC LIMIT ?", "limit"),
    ] {
        let value = get(question, field);
        if !value.is_null() {
            query.push_str(condition);
            values.push(value);
        }
    }
    let rows = db.objects(&query, &values)?;
    for delivery in rows.iter() {
        add_sends(db, &delivery)?;
    }
    Ok(rows.into())
}

/// Adds to a delivery where it stands with each destination.
fn add_sends(db: &Db, delivery: &JsValue) -> Result<()> {
    let key = text(&get(delivery, "key")).unwrap_or_default();
    let sends = db.objects(
        "SELECT destination, state, reason, attempts, due FROM sends
        WHERE delivery = CAST(substr(?1, instr(?1, '-') + 1) AS INTEGER)",
        &[key.into()],
    )?;
    set(delivery, "sends", &sends);
    Ok(())
}

/// Says all of a delivery, its body as bytes; null if there is none.
fn one(db: &Db, shard: u32, key: u64) -> Result<JsValue> {
    let query = format!(
        "SELECT {COLUMNS}, content_type AS contentType, signature, body FROM deliveries WHERE key = ?2"
    );
    let delivery = db.objects(&query, &[shard.to_string().into(), number(key)])?.get(0);
    if delivery.is_undefined() {
        return Ok(JsValue::NULL);
    }
    add_sends(db, &delivery)?;
    let attempts = db.objects(
        "SELECT destination, at, ms, status, code FROM attempts WHERE delivery = ? ORDER BY n",
        &[number(key)],
    )?;
    let related = db.rows(
        "SELECT ?1 || '-' || key FROM deliveries WHERE id = ?2 AND kind = 'first' AND key <> ?3
        UNION ALL
        SELECT ?1 || '-' || key FROM deliveries WHERE id = ?2 AND kind <> 'first' AND key <> ?3",
        &[shard.to_string().into(), get(&delivery, "id"), number(key)],
    )?;
    set(&delivery, "attempts", &attempts);
    set(&delivery, "related", &list(related.into_iter().map(|row| row.value(0))));
    Ok(delivery)
}

/// Has a delivery sent again: to the destination that is named, or to those that want it. Null if there
/// is none, false if its body is gone.
fn redeliver(
    db: &Db,
    settings: &Settings,
    key: u64,
    destination: &JsValue,
    now: u64,
) -> Result<JsValue> {
    let row =
        db.row("SELECT name, body IS NOT NULL FROM deliveries WHERE key = ?", &[number(key)])?;
    let Some(row) = row else { return Ok(JsValue::NULL) };
    if row.number(1)? == 0 {
        return Ok(JsValue::FALSE);
    }
    let name = row.maybe_text(0)?;
    let destinations: Vec<String> = match text(destination) {
        Some(destination) => vec![destination],
        None => settings
            .destinations
            .iter()
            .filter(|it| it.wants(name.as_deref()))
            .map(|it| it.name.clone())
            .collect(),
    };
    again(db, settings, key, &destinations, now)?;
    let destinations = destinations.into_iter().map(JsValue::from);
    Ok(object([("destinations", list(destinations))]))
}

/// Has the dead `since` and `until` a time sent again: each to the `destination` that is named, if it is
/// dead there, or to all where it is. Begins after a `key`; says how many, and the key to go on from, if there may be
/// more.
fn redeliver_dead(db: &Db, settings: &Settings, question: &JsValue, now: u64) -> Result<JsValue> {
    let rows = db.rows(
        "SELECT key FROM deliveries WHERE received >= ? AND received < ? AND key > ?
            AND key IN (SELECT delivery FROM sends WHERE state = 'dead')
        ORDER BY key LIMIT ?",
        &[
            get(question, "since"),
            get(question, "until"),
            get(question, "key"),
            number(DEAD_AT_ONCE),
        ],
    )?;
    let only = text(&get(question, "destination"));
    let mut redelivered: u32 = 0;
    let full = rows.len() == DEAD_AT_ONCE;
    let mut last = None;
    for row in rows {
        let key = row.number(0)?;
        last = Some(key);
        let life = lives::read(db, key)?;
        let destinations: Vec<String> = life
            .dead()
            .filter(|name| only.as_deref().is_none_or(|only| only == *name))
            .filter(|name| settings.destinations.iter().any(|it| it.name == *name))
            .map(str::to_owned)
            .collect();
        if !destinations.is_empty() {
            again(db, settings, key, &destinations, now)?;
            redelivered = redelivered.saturating_add(1);
        }
    }
    let last = or_null(last.filter(|_| full).map(number));
    Ok(object([("redelivered", redelivered.into()), ("last", last)]))
}

fn again(db: &Db, settings: &Settings, key: u64, destinations: &[String], now: u64) -> Result<()> {
    db.transaction(|| {
        db.run("UPDATE deliveries SET traps = 0 WHERE key = ?", &[number(key)])?;
        for destination in destinations {
            let life: Life = lives::read(db, key)?;
            let (life, effects) =
                life.after(&Event::Redelivered { destination }, now, settings.limits);
            lives::write(db, key, &life, &effects, now)?;
        }
        Ok(())
    })
}

fn status(db: &Db) -> Result<JsValue> {
    let all = |query| db.objects(query, &[]).map(JsValue::from);
    let totals = all("SELECT COALESCE(SUM(duplicates), 0) AS duplicates,
            MAX(MAX(received, COALESCE(last_duplicate, 0))) AS lastReceived,
            (SELECT MIN(received) FROM deliveries WHERE key IN
                (SELECT delivery FROM sends WHERE state = 'pending')) AS oldestPending
        FROM deliveries")?;
    let status = items(&totals).next().unwrap_or_default();
    let matched = |key| Ok::<_, Problem>(or_null(alerts::last_matched(db, key)?.map(number)));
    for (name, value) in [
        (
            "deliveries",
            all("SELECT state AS name, COUNT(*) AS count FROM deliveries
                WHERE state <> 'dead' GROUP BY state
                UNION ALL SELECT 'dead', COUNT(DISTINCT delivery) FROM sends WHERE state = 'dead'")?,
        ),
        ("failures", all("SELECT code AS name, times AS count FROM refused")?),
        (
            "destinations",
            all("SELECT name, last_taken AS lastTaken, last_failed AS lastFailed, last_code AS lastCode,
                    (SELECT COUNT(*) FROM sends WHERE state = 'pending' AND destination = name) AS pending
                FROM destinations
                UNION ALL
                SELECT destination, NULL, NULL, NULL, COUNT(*) FROM sends
                WHERE state = 'pending' AND destination NOT IN (SELECT name FROM destinations)
                GROUP BY destination")?,
        ),
        ("current", matched("current")?),
        ("previous", matched("previous")?),
        ("bytes", db.size()),
    ] {
        set(&status, name, &value);
    }
    Ok(status)
}
