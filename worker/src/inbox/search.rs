//! Finds stored deliveries, and exports them.

use base64ct::{Base64, Encoding};

use super::admin::{CLOCK_MS, COLUMNS, delivery};
use super::db::Db;
use super::erase;
use super::lives::{self, Course};
use crate::ids::RowId;
use crate::js::{Result, number};
use crate::json::{self, Item};
use crate::protocol::{Delivery, Export, Exported, Listed, Search};

/// How many deliveries with one ID are listed: a test event can have very many.
const MOST_WITH_ID: u32 = 200;

/// The most rows that one part of an export reads, and the most bytes of its bodies, unless a single body is longer.
const EXPORTED_AT_ONCE: usize = 1000;
const EXPORTED_BYTES: u64 = 1 << 20;

/// Finds deliveries by their IDs, or by an e-mail address in their bodies, the newest first.
pub(super) fn search(db: &Db, shard: u32, question: &Search) -> Result<Listed> {
    let mut rows = Vec::new();
    let mut searched = None;
    if let Some(email) = &question.email {
        let query = "SELECT key, size FROM deliveries WHERE key < ? AND signature IS NOT NULL ORDER BY key DESC LIMIT ?";
        searched = erase::search(db, query, question.before, email, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
    }
    for id in &question.ids {
        // Each condition on `kind` selects an index.
        let matches = db.rows(
            "SELECT key FROM deliveries WHERE id = ?1 AND kind = 'first'
            UNION ALL SELECT key FROM deliveries WHERE id = ?1 AND kind <> 'first'
            ORDER BY key DESC LIMIT ?2",
            &[id.as_str().into(), number(MOST_WITH_ID)],
        )?;
        for row in matches {
            rows.push(row.row_id(0)?);
        }
    }
    let query = format!("SELECT {COLUMNS} FROM deliveries WHERE key = ?2");
    let mut deliveries: Vec<Delivery> = Vec::new();
    for row in rows {
        for object in db.objects(&query, &[shard.to_string().into(), row.into()])?.iter() {
            deliveries.push(delivery(&object)?);
        }
    }
    Ok(Listed { deliveries, searched, newest: None })
}

/// Exports the deliveries of a period that still have a body, as many as fit into one part.
pub(super) fn export(db: &Db, question: &Export) -> Result<Exported> {
    let rows = db.rows(
        "SELECT key, size, received >= ?3 AND received < ?4 AND signature IS NOT NULL FROM deliveries
        WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?5",
        &[
            question.after.max(RowId::at(question.since).before()).into(),
            RowId::at(question.until.saturating_add(CLOCK_MS)).into(),
            number(question.since),
            number(question.until),
            number(EXPORTED_AT_ONCE),
        ],
    )?;
    let mut more = rows.len() == EXPORTED_AT_ONCE;
    let mut last = None;
    let mut bytes: u64 = 0;
    let mut lines = String::new();
    for row in rows {
        let row_id = row.row_id(0)?;
        if row.number(2)? != 0 {
            bytes = bytes.saturating_add(row.number(1)?);
            if bytes > EXPORTED_BYTES && !lines.is_empty() {
                more = true;
                break;
            }
            push_line(&mut lines, db, row_id)?;
        }
        last = Some(row_id);
    }
    Ok(Exported { lines, last: last.filter(|_| more) })
}

/// Adds the line of one delivery.
fn push_line(lines: &mut String, db: &Db, row_id: RowId) -> Result<()> {
    let row = db.row(
        "SELECT id, name, received, test, signature, sends FROM deliveries WHERE key = ?",
        &[row_id.into()],
    )?;
    let Some(row) = row else { return Ok(()) };
    let (id, name, signature) = (row.text(0)?, row.maybe_text(1)?, row.text(4)?);
    let life = Course::parse(&row.text(5)?).life;
    let body = Base64::encode_string(&lives::body(db, row_id)?.unwrap_or_default());
    let destinations = life.sends.iter().map(|send| send.destination.as_str().into());
    lines.push_str(&json::object(&[
        ("id", id.as_str().into()),
        ("name", name.as_deref().into()),
        ("receivedAt", row.number(2)?.into()),
        ("isTest", Item::Bool(row.maybe_number(3)?.is_some())),
        ("signature", signature.as_str().into()),
        ("bodyBase64", body.as_str().into()),
        ("destinations", Item::Json(json::list(destinations))),
    ]));
    lines.push('\n');
    Ok(())
}
