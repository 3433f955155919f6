//! The inbox: a Durable Object that owns what was accepted until each destination has taken it.
//!
//! All that it knows is in its database, and its alarm is what sends. JavaScript stands guard around it
//! (`worker/index.js`), for what Rust can't do once it has trapped.

mod admin;
mod alerts;
mod db;
mod erase;
mod keep;
mod lives;
#[cfg(test)]
mod model;
mod schema;
mod send;
mod slots;
pub(crate) mod store;

use std::cell::{Cell, RefCell};
use std::task::{Context, Waker};

use futures_util::future::join;
use js_sys::{Array, Object};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use worker::Env;

use crate::config::Settings;
use crate::js::{Problem, Result, float, now, number, whole};
use crate::watch::KeyTimes;
use crate::{failpoint, host, log, shards};
use alerts::Cause;
use db::{Db, Storage};
use send::Flights;
use slots::Slots;
use store::Arrival;

/// By this name is kept when a delivery died of which the first shard has not heard.
const DIED: &str = "died";

/// How long until an inbox looks again whose configuration is wrong, in milliseconds.
const MISCONFIGURED_MS: u64 = 60 * 60 * 1000;

/// How long until an inbox looks again whose alarm has failed, in milliseconds.
const FAILED_MS: u64 = 10_000;

#[wasm_bindgen]
extern "C" {
    /// The JavaScript around the inbox: see `worker/index.js`.
    #[wasm_bindgen(extends = Object)]
    #[derive(Clone)]
    pub type Guard;

    /// Tells which delivery is worked on now, by key; 0 is none.
    #[wasm_bindgen(method, js_name = mark)]
    fn mark_key(this: &Guard, delivery: f64);

    /// Sets the alarm to a time, unless it is set to an earlier one.
    #[wasm_bindgen(method, js_name = armBy)]
    fn arm_by(this: &Guard, time: f64);

    /// Sets the alarm to a time, or to none.
    #[wasm_bindgen(method)]
    fn arm(this: &Guard, time: Option<f64>);
}

impl Guard {
    /// Tells which delivery is worked on now; `None` is none.
    fn mark(&self, delivery: Option<u64>) {
        self.mark_key(delivery.map_or(0.0, float));
    }
}

/// Wakes the alarm that is at work when something has come.
#[derive(Default)]
struct Bell {
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Bell {
    fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Says whether it has rung; if not, the task is woken when it does.
    fn answer(&self, context: &Context<'_>) -> bool {
        self.waker.replace(Some(context.waker().clone()));
        self.rung.replace(false)
    }
}

/// The inbox. Each method is one of the object's in `worker/index.js`.
#[wasm_bindgen]
pub struct Inbox {
    env: Env,
    db: Db,
    guard: Guard,
    bell: Bell,
    /// Whether the alarm is at work.
    working: Cell<bool>,
    /// Whether it is posting alerts: until that is over, it goes on sending what comes.
    posting: Cell<bool>,
    slots: RefCell<Slots>,
    flights: RefCell<Flights>,
    /// Whether the tables are those of this version: nothing is done before.
    migrated: Cell<bool>,
}

#[wasm_bindgen]
impl Inbox {
    /// Makes an inbox for what is stored.
    #[must_use]
    #[wasm_bindgen(constructor)]
    pub fn new(storage: Storage, env: Env, guard: Guard) -> Self {
        Self {
            env,
            db: Db::new(storage),
            guard,
            bell: Bell::default(),
            working: Cell::default(),
            posting: Cell::default(),
            slots: RefCell::default(),
            flights: RefCell::default(),
            migrated: Cell::default(),
        }
    }

    /// Stores a delivery, has it sent, and returns in a word what became of it.
    ///
    /// # Errors
    ///
    /// An error of JavaScript's: nothing was stored.
    pub fn store(&self, arrival: &Array) -> std::result::Result<JsValue, JsValue> {
        self.migrate()?;
        let now = now();
        let arrival = Arrival::of(arrival);
        failpoint::trap_at("trap-on-arrival", &arrival.body);
        let stored = store::store(&self.db, &arrival, now)?;
        self.wake(now);
        Ok(failpoint::after(&self.env, "after-store", stored.as_str().into()))
    }

    /// Answers what is asked besides; the shard is the one that this inbox is.
    ///
    /// # Errors
    ///
    /// An error of JavaScript's: nothing was changed.
    pub fn ask(
        &self,
        shard: u32,
        operation: &str,
        question: &JsValue,
    ) -> std::result::Result<JsValue, JsValue> {
        self.migrate()?;
        Ok(self.answer(shard, operation, question, now())?)
    }

    /// Does what is to be done now, and arms the alarm for what is next.
    pub async fn alarm(&self) {
        let next = match crate::settings(&self.env, now()) {
            Ok(settings) => self.work(&settings).await.unwrap_or_else(|problem| {
                log::inbox_failed(&problem);
                Some(now().saturating_add(FAILED_MS))
            }),
            Err(mistakes) => {
                log::misconfigured(&mistakes);
                Some(now().saturating_add(MISCONFIGURED_MS))
            }
        };
        self.guard.arm(next.map(float));
    }
}

impl Inbox {
    /// Brings the tables up to date, unless they are: what fails is tried again by whoever comes next.
    fn migrate(&self) -> Result<()> {
        if !self.migrated.get() {
            schema::migrate(&self.db)?;
            self.migrated.set(true);
        }
        Ok(())
    }

    /// Does what is to be done now, and returns when there is something to do next.
    async fn work(&self, settings: &Settings) -> Result<Option<u64>> {
        self.migrate()?;
        let post = async {
            self.posting.set(true);
            let posted = self.post_alerts(settings).await;
            self.posting.set(false);
            self.bell.ring();
            posted
        };
        let (posted, sent) = join(post, self.send_due(settings)).await;
        sent.and(posted)?;
        if !self.slots.borrow().is_empty() || schema::meta(&self.db, DIED)?.is_some() {
            return Ok(Some(now()));
        }
        // From 0, since something may have come due in the meantime.
        let due = lives::next_due(&self.db, 0)?;
        let keep = keep::next(&self.db, settings)?;
        Ok([due, keep, alerts::next(&self.db)?].into_iter().flatten().min())
    }

    /// Has what is due sent now: by the alarm that is at work, or else by the next.
    fn wake(&self, now: u64) {
        if !self.working.get() {
            self.guard.arm_by(float(now));
        } else if crate::settings(&self.env, now).is_ok_and(|it| self.has_room(&it)) {
            self.bell.ring();
        }
    }

    /// Says whether there is a destination that may be sent to now. Where there is none, whatever comes back
    /// first makes room, and has what is due looked for.
    fn has_room(&self, settings: &Settings) -> bool {
        let names: Vec<&str> = settings.destinations.iter().map(|it| it.name.as_str()).collect();
        !self.slots.borrow().turn(&names).is_empty()
    }

    /// Answers what is asked. It may lead to something to be sent or posted.
    fn answer(&self, shard: u32, operation: &str, question: &JsValue, now: u64) -> Result<JsValue> {
        let settings = crate::settings(&self.env, now)
            .map_err(|_| Problem::new("the configuration is wrong"))?;
        match operation {
            "shards" => return self.shards(question),
            "wake" if shard == shards::FIRST => alerts::look(&self.db, now, settings.silence_ms)?,
            "wake" => {}
            "seen" => {
                alerts::seen(&self.db, question, now)?;
                alerts::look(&self.db, now, settings.silence_ms)?;
                let keys = KeyTimes {
                    current: alerts::last_matched(&self.db, "current")?,
                    previous: alerts::last_matched(&self.db, "previous")?,
                    previous_until: settings.previous_until,
                };
                log::keys(keys, now);
            }
            "dead" => alerts::raise(&self.db, Cause::Dead, now)?,
            "redeliver" | "redeliver-dead" => {
                let answer = admin::answer(&self.db, &settings, shard, operation, question, now)?;
                self.wake(now);
                return Ok(answer);
            }
            _ => return admin::answer(&self.db, &settings, shard, operation, question, now),
        }
        self.wake(now);
        Ok(JsValue::UNDEFINED)
    }

    /// Posts the alerts that are due. It is the first shard that posts; the others tell it.
    async fn post_alerts(&self, settings: &Settings) -> Result<()> {
        if schema::meta(&self.db, DIED)?.is_some() {
            let nothing = JsValue::UNDEFINED;
            host::ask(&self.env, settings, shards::FIRST, "dead", &nothing).await?;
            schema::keep(&self.db, DIED, None)?;
        }
        alerts::post_due(&self.db, settings.alert_url.as_deref(), now()).await
    }

    /// Answers how many shards there are, as the first that was ever asked was told.
    fn shards(&self, asked: &JsValue) -> Result<JsValue> {
        if let Some(shards) = schema::meta(&self.db, "shards")? {
            return Ok(number(shards));
        }
        schema::keep(&self.db, "shards", whole(asked))?;
        Ok(asked.clone())
    }
}
