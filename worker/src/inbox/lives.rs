//! Loads and saves the lives of deliveries: the column `sends`, and the table `retries`.

use walnut_webhooks::Value;
use wasm_bindgen::JsValue;

use super::db::{Batch, Db, Row};
use super::identity::Identity;
use super::queues;
use crate::forward::Headline;
use crate::ids::RowId;
use crate::js::{Result, number};
use crate::json::{self, Item};
use crate::keys::KeySlot;
use crate::life::{Effect, Life, Progress, Reason, Send, State};
use crate::protocol::{Attempt, DeliveryState, SendStatus};
use crate::standard::message_id;
use crate::{digits, edges};

/// How many attempts of a delivery are kept: the last ones. Only the last 10 have a body.
const MOST_ATTEMPTS: u32 = 100;

/// The data for an attempt.
pub(super) struct Loaded {
    pub(super) headline: Headline,
    pub(super) signature: String,
    pub(super) content_type: Option<String>,
    /// The bytes, which stay in JavaScript's memory.
    pub(super) body: JsValue,
    /// How many times work on the delivery has trapped.
    pub(super) traps: u64,
    pub(super) course: Course,
}

/// The life of a delivery as it is stored.
#[derive(Clone)]
pub(super) struct Course {
    pub(super) life: Life,
    /// For each send, whether the table `retries` has its due time. A pending send without a row there is untried.
    queued: Vec<bool>,
}

/// A send as it is stored.
struct StoredSend<'a> {
    destination: &'a str,
    state: &'static str,
    attempts: u32,
    began: u64,
    paused: Option<u64>,
    due: Option<u64>,
    reason: Option<&'static str>,
    queued: bool,
}

impl Course {
    /// Makes the course of a delivery whose sends are untried.
    pub(super) fn new(life: Life) -> Self {
        let queued = vec![false; life.sends.len()];
        Self { life, queued }
    }

    /// Reads the column `sends`. A send in a state that this version does not know has ended.
    pub(super) fn parse(text: &str) -> Self {
        let mut course = Self::new(Life { sends: Vec::new() });
        let Ok(Value::Array(items)) = Value::parse_any(text.as_bytes()) else { return course };
        for item in &items {
            let text = |name| item.get(name).and_then(Value::as_str);
            let whole = |name| match item.get(name) {
                Some(Value::Number(number)) => digits::parse(number.as_str()).unwrap_or(0),
                _ => 0,
            };
            let progress = match text("state") {
                Some("pending") => Progress::Pending { due: whole("due") },
                Some("delivered") => Progress::Delivered,
                _ => Progress::Dead(Reason::parse(text("reason").unwrap_or_default())),
            };
            course.life.sends.push(Send {
                destination: text("destination").unwrap_or_default().to_owned(),
                attempts: u32::try_from(whole("attempts")).unwrap_or(u32::MAX),
                began: whole("began"),
                paused_ms: whole("paused"),
                progress,
            });
            course.queued.push(matches!(item.get("queued"), Some(Value::Bool(true))));
        }
        course
    }

    /// Writes the column `sends`.
    pub(super) fn text(&self) -> String {
        let send = |send: StoredSend<'_>| {
            Item::Json(json::object(&[
                ("destination", send.destination.into()),
                ("state", send.state.into()),
                ("attempts", u64::from(send.attempts).into()),
                ("began", send.began.into()),
                ("paused", send.paused.map_or(Item::Missing, Item::from)),
                ("due", send.due.map_or(Item::Missing, Item::from)),
                ("reason", send.reason.map_or(Item::Missing, Item::from)),
                ("queued", if send.queued { Item::Bool(true) } else { Item::Missing }),
            ]))
        };
        json::list(self.stored().map(send))
    }

    fn stored(&self) -> impl Iterator<Item = StoredSend<'_>> {
        self.life.sends.iter().zip(&self.queued).map(|(send, queued)| {
            let (state, due, reason) = match send.progress {
                Progress::Pending { due } => ("pending", Some(due), None),
                Progress::Delivered => ("delivered", None, None),
                Progress::Dead(reason) => ("dead", None, Some(reason.as_str())),
            };
            let Send { destination, attempts, began, paused_ms, .. } = send;
            StoredSend {
                destination,
                state,
                attempts: *attempts,
                began: *began,
                paused: Some(*paused_ms).filter(|ms| *ms > 0),
                due,
                reason,
                queued: *queued,
            }
        })
    }

    /// Lists the destinations without an attempt so far.
    pub(super) fn untried(&self) -> impl Iterator<Item = &str> {
        let sends = self.life.sends.iter().zip(&self.queued);
        sends
            .filter(|(send, queued)| is_pending(send) && !**queued)
            .map(|(send, _)| send.destination.as_str())
    }

    /// Returns whether a send is pending, and is queued or untried, as `queued` says.
    pub(super) fn is_waiting(&self, destination: &str, queued: bool) -> bool {
        let mut sends = self.life.sends.iter().zip(&self.queued);
        sends.any(|(send, it)| send.destination == destination && is_pending(send) && *it == queued)
    }

    fn is_untried(&self) -> bool {
        self.untried().next().is_some()
    }

    fn dead(&self) -> usize {
        self.life.dead().count()
    }

    /// Returns the sends as the admin API shows them.
    pub(super) fn statuses(&self) -> Vec<SendStatus> {
        let status = |send: StoredSend<'_>| SendStatus {
            destination: send.destination.to_owned(),
            state: send.state.to_owned(),
            reason: send.reason.map(str::to_owned),
            attempts: send.attempts,
            due: send.due,
        };
        self.stored().map(status).collect()
    }
}

fn is_pending(send: &Send) -> bool {
    matches!(send.progress, Progress::Pending { .. })
}

/// Returns whether there are untried sends after a row.
pub(super) fn has_untried(db: &Db, after: RowId) -> Result<bool> {
    let first = db.number(
        "SELECT key FROM deliveries WHERE untried = 1 AND key > ? ORDER BY key LIMIT 1",
        &[after.into()],
    )?;
    Ok(first.is_some())
}

pub(super) fn size(row: &Row, column: u32) -> Result<usize> {
    Ok(usize::try_from(row.number(column)?).unwrap_or(usize::MAX))
}

/// Returns the idempotency key of a delivery.
pub(super) fn id(db: &Db, row: RowId) -> Result<String> {
    let row = db.row("SELECT id FROM deliveries WHERE key = ?", &[row.into()])?;
    row.map_or(Ok(String::new()), |row| row.text(0))
}

/// Loads the data for an attempt; `None` if the body was erased or has expired.
pub(super) fn load(db: &Db, row_id: RowId, identity: Option<&Identity>) -> Result<Option<Loaded>> {
    let row = db.row(
        "SELECT id, kind, name, type, signed_with, signature, content_type, traps, sends,
            COALESCE(body, (SELECT body FROM bodies WHERE delivery = key)), test, edges
        FROM deliveries WHERE key = ? AND signature IS NOT NULL",
        &[row_id.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let id = row.text(0)?;
    let mut edges = row.maybe_text(11)?.unwrap_or_default();
    if let Some(identity) = identity {
        edges::push(&mut edges, &identity.instance);
    }
    let headline = Headline {
        message_id: message_id(&id, (row.text(1)? != "first").then_some(row_id)),
        id,
        name: row.maybe_text(2)?,
        event_type: row.text(3)?,
        key_slot: KeySlot::parse(&row.text(4)?),
        is_test: row.maybe_number(10)?.is_some(),
        edges,
        drift: Vec::new(),
    };
    Ok(Some(Loaded {
        headline,
        signature: row.text(5)?,
        content_type: row.maybe_text(6)?,
        traps: row.number(7)?,
        course: Course::parse(&row.text(8)?),
        body: row.value(9),
    }))
}

/// Loads the body of a delivery; `None` if it was erased or has expired.
pub(super) fn body(db: &Db, row: RowId) -> Result<Option<Vec<u8>>> {
    let body = db.row(
        "SELECT COALESCE(body, (SELECT body FROM bodies WHERE delivery = key)) FROM deliveries WHERE key = ?",
        &[row.into()],
    )?;
    body.map_or(Ok(None), |row| row.maybe_bytes(0))
}

/// Loads the life of a delivery. A delivery that is not stored has no sends.
pub(super) fn read(db: &Db, row: RowId) -> Result<Course> {
    let row = db.row("SELECT sends FROM deliveries WHERE key = ?", &[row.into()])?;
    row.map_or_else(
        || Ok(Course::new(Life { sends: Vec::new() })),
        |row| Ok(Course::parse(&row.text(0)?)),
    )
}

/// Saves the changes in the life of a delivery, and the attempt that led to them. Only changed columns are written,
/// because each index on a written column is written too.
pub(super) fn write(
    batch: &mut Batch,
    row: RowId,
    before: &Course,
    after: &Life,
    effects: &[Effect],
    attempt: Option<&Attempt>,
    now: u64,
) {
    let mut course = Course { life: after.clone(), queued: before.queued.clone() };
    course.queued.resize(after.sends.len().max(before.life.sends.len()), false);
    for effect in effects {
        match *effect {
            Effect::Save(index) => {
                let (Some(send), Some(queued)) =
                    (after.sends.get(index), course.queued.get_mut(index))
                else {
                    continue;
                };
                if *queued {
                    queues::remove(batch, row, before.life.sends.get(index));
                }
                *queued = queues::add(batch, row, send);
            }
            Effect::Dropped(index) => {
                queues::remove(batch, row, before.life.sends.get(index));
                if index < course.queued.len() {
                    course.queued.remove(index);
                }
            }
            Effect::Died(_) | Effect::Became(_) => {}
        }
    }
    save(batch, row, before, &course, effects, attempt, now);
}

/// Notes that a delivery has no untried sends.
pub(super) fn mark_tried(db: &Db, row: RowId) -> Result<()> {
    db.run("UPDATE deliveries SET untried = NULL WHERE key = ?", &[row.into()])
}

/// Queues an untried send to a destination that can't be tried soon. The send keeps its place, because its due time is the
/// time of arrival.
pub(super) fn queue_untried(
    db: &Db,
    row: RowId,
    before: &Course,
    destination: &str,
    now: u64,
) -> Result<()> {
    let mut course = before.clone();
    let mut batch = Batch::default();
    for (send, queued) in course.life.sends.iter().zip(&mut course.queued) {
        if send.destination == destination && !*queued {
            *queued = queues::add(&mut batch, row, send);
        }
    }
    save(&mut batch, row, before, &course, &[], None, now);
    batch.run(db)
}

fn save(
    batch: &mut Batch,
    row: RowId,
    before: &Course,
    after: &Course,
    effects: &[Effect],
    attempt: Option<&Attempt>,
    now: u64,
) {
    let mut columns = String::from("sends = ?");
    let mut values: Vec<JsValue> = vec![after.text().into()];
    let mut set = |column: &str, value: JsValue| {
        columns.push_str(column);
        values.push(value);
    };
    if let Some(attempt) = attempt {
        // Without the limit, a delivery with many manual redeliveries would outgrow its row.
        set(
            ", attempts = json_insert(json_remove(CASE WHEN json_array_length(attempts) < ? ",
            number(MOST_ATTEMPTS),
        );
        let json = json::object(&[
            ("destination", attempt.destination.as_str().into()),
            ("at", attempt.at.into()),
            ("ms", attempt.ms.into()),
            ("status", attempt.status.map(u64::from).into()),
            ("code", attempt.code.as_deref().into()),
            ("how", attempt.how.as_deref().map_or(Item::Missing, Item::from)),
            ("body", attempt.body.as_deref().map_or(Item::Missing, Item::from)),
        ]);
        let last = "THEN attempts ELSE json_remove(attempts, '$[0]') END, '$[#-10].body'), '$[#]', json(?))";
        set(last, json.into());
    }
    if before.is_untried() != after.is_untried() {
        set(", untried = ?", if after.is_untried() { number(1_u32) } else { JsValue::NULL });
    }
    if before.dead() != after.dead() {
        set(", dead = ?", number(after.dead()));
    }
    for effect in effects {
        if let Effect::Became(state) = *effect {
            set(", state = ?", DeliveryState::from(state).as_str().into());
            set(", ended = ?", if state == State::Pending { JsValue::NULL } else { number(now) });
        }
    }
    values.push(row.into());
    batch.add(format!("UPDATE deliveries SET {columns} WHERE key = ?"), &values);
}
