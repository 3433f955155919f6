//! The inbox: a Durable Object that owns what was accepted until each destination has taken it.
//!
//! All that it knows is in its database, and its alarm is what sends. JavaScript stands guard around it
//! (`worker/index.js`), for what Rust can't do once it has trapped.
#![expect(missing_docs, reason = "of the methods that the macro makes")]

mod admin;
mod alerts;
mod db;
mod erase;
mod keep;
mod lives;
mod schema;
mod send;
mod slots;
pub(crate) mod store;

use std::cell::{Cell, RefCell};
use std::task::{Context, Waker};

use futures_util::future::join;
use js_sys::Reflect;
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};
use worker::{Date, DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use crate::answer::{self, Failure};
use crate::config::Settings;
use crate::watch::KeyTimes;
use crate::{failpoint, log, shards};
use alerts::Cause;
use db::Db;
use send::Flights;
use slots::Slots;
use store::Arrival;

/// The binding of the inbox, and the guard in what the inbox is given for bindings.
pub(crate) const BINDING: &str = "INBOX";
const GUARD: &str = "GUARD";

/// How long until an inbox looks again whose configuration is wrong, in milliseconds.
const MISCONFIGURED_MS: u64 = 60 * 60 * 1000;

/// How long until an inbox looks again whose alarm has failed, in milliseconds.
const FAILED_MS: u64 = 10_000;

#[wasm_bindgen]
extern "C" {
    /// The JavaScript around the inbox: see `worker/index.js`.
    #[wasm_bindgen(extends = js_sys::Object)]
    #[derive(Clone)]
    type Guard;

    /// Tells which delivery is worked on now, by key; 0 is none.
    #[wasm_bindgen(method)]
    fn begin(this: &Guard, delivery: f64);

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
        self.begin(delivery.map_or(0.0, time));
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

/// The inbox; `worker/index.js` extends it for the binding.
#[durable_object(alarm)]
pub struct Inbox {
    env: Env,
    db: Db,
    guard: Guard,
    bell: Bell,
    /// Whether the alarm is at work.
    working: Cell<bool>,
    slots: RefCell<Slots>,
    flights: RefCell<Flights>,
    /// Whether a delivery has died of which the first shard has not heard.
    died: Cell<bool>,
    /// Why the tables could not be made: nothing is taken then.
    broken: Option<String>,
}

impl DurableObject for Inbox {
    fn new(state: State, env: Env) -> Self {
        let db = Db::new(&state.storage());
        let broken = schema::migrate(&db).err().map(|error| error.to_string());
        let guard = Reflect::get(env.as_ref(), &JsValue::from_str(GUARD)).unwrap_or_default();
        Self {
            env,
            db,
            guard: guard.unchecked_into(),
            bell: Bell::default(),
            working: Cell::default(),
            slots: RefCell::default(),
            flights: RefCell::default(),
            died: Cell::default(),
            broken,
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        if let Some(reason) = &self.broken {
            log::inbox_failed(reason);
            return answer::failed(&Failure::StoreFailed);
        }
        let path = request.path();
        let Some((shard, operation)) = path.trim_start_matches('/').split_once('/') else {
            return answer::failed(&Failure::NotFound);
        };
        let answer = match operation {
            "store" => self.store(&mut request).await,
            "shards" => self.shards(&mut request).await,
            operation => self.asked(shard, operation, &mut request).await,
        };
        answer.or_else(|error| {
            log::inbox_failed(&error.to_string());
            answer::failed(&Failure::StoreFailed)
        })
    }

    async fn alarm(&self) -> Result<Response> {
        let next = match crate::settings(&self.env, Date::now().as_millis()) {
            Ok(settings) => self.work(&settings).await.unwrap_or_else(|error| {
                log::inbox_failed(&error.to_string());
                Some(Date::now().as_millis().saturating_add(FAILED_MS))
            }),
            Err(mistakes) => {
                log::misconfigured(&mistakes);
                Some(Date::now().as_millis().saturating_add(MISCONFIGURED_MS))
            }
        };
        self.guard.arm(next.map(time));
        Response::ok("")
    }
}

impl Inbox {
    /// Does what is to be done now, and returns when there is something to do next.
    async fn work(&self, settings: &Settings) -> Result<Option<u64>> {
        if self.broken.is_some() {
            return Err(Error::from("the tables could not be made"));
        }
        keep::forget(&self.db, settings, Date::now().as_millis())?;
        let (sent, posted) = join(self.send_due(settings), self.post_alerts(settings)).await;
        sent.and(posted)?;
        if !self.slots.borrow().is_empty() || self.died.get() {
            return Ok(Some(Date::now().as_millis()));
        }
        // From 0, since something may have come due in the meantime.
        let due = lives::next_due(&self.db, 0)?;
        let keep = keep::next(&self.db, settings)?;
        Ok([due, keep, alerts::next(&self.db)?].into_iter().flatten().min())
    }

    /// Stores a delivery, and has it sent.
    async fn store(&self, request: &mut Request) -> Result<Response> {
        let bytes = request.bytes().await?;
        let (arrival, body) = Arrival::from_bytes(&bytes)?;
        let now = Date::now().as_millis();
        failpoint::trap_at("trap-on-arrival", body);
        let stored = store::store(&self.db, &arrival, body, now)?;
        failpoint::reached(&self.env, "after-store").await;
        self.wake(now);
        Response::ok(stored.as_str())
    }

    /// Has what is due sent now: by the alarm that is at work, or else by the next.
    fn wake(&self, now: u64) {
        if self.working.get() {
            self.bell.ring();
        } else {
            self.guard.arm_by(time(now));
        }
    }

    /// Answers what is asked besides. It may lead to something to be sent or posted.
    async fn asked(&self, shard: &str, operation: &str, request: &mut Request) -> Result<Response> {
        let question = request.bytes().await?;
        let now = Date::now().as_millis();
        let Ok(settings) = crate::settings(&self.env, now) else {
            return answer::failed(&Failure::Misconfigured);
        };
        match operation {
            "wake" => {
                if shard == "0" {
                    alerts::look(&self.db, now, settings.silence_ms)?;
                }
            }
            "seen" => {
                alerts::seen(&self.db, &serde_json::from_slice(&question)?, now)?;
                alerts::look(&self.db, now, settings.silence_ms)?;
                let keys = KeyTimes {
                    current: schema::meta(&self.db, "matched:current")?,
                    previous: schema::meta(&self.db, "matched:previous")?,
                    previous_until: settings.previous_until,
                };
                log::keys(keys, now);
            }
            "dead" => alerts::raise(&self.db, Cause::Dead, now)?,
            _ => {
                let answer = admin::answer(&self.db, &settings, operation, &question, now)?;
                if operation.starts_with("redeliver") {
                    self.wake(now);
                }
                return match answer {
                    Some(answer) => answer::json(&answer),
                    None => answer::failed(&Failure::NotFound),
                };
            }
        }
        self.wake(now);
        Response::ok("")
    }

    /// Posts the alerts that are due. It is the first shard that posts; the others tell it.
    async fn post_alerts(&self, settings: &Settings) -> Result<()> {
        if self.died.get() {
            shards::call(&self.env, settings, shards::FIRST, "dead", &[]).await?;
            self.died.set(false);
        }
        let url = settings.alert_url.as_deref();
        alerts::post_due(&self.db, url, Date::now().as_millis()).await
    }

    /// Answers how many shards there are, as the first that was ever asked was told.
    async fn shards(&self, request: &mut Request) -> Result<Response> {
        let asked: u64 = request.text().await?.parse().map_err(|_| "no number of shards")?;
        let shards = schema::meta(&self.db, "shards")?;
        if shards.is_none() {
            schema::keep(&self.db, "shards", Some(asked))?;
        }
        Response::ok(shards.unwrap_or(asked).to_string())
    }
}

/// A time as JavaScript has it: milliseconds since the Unix epoch, far below 2^53.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "far below 2^53")]
fn time(milliseconds: u64) -> f64 {
    milliseconds as f64
}
