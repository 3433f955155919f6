//! The inbox: a Durable Object that owns what was accepted until each destination has taken it.
//!
//! All that it knows is in its database, and its alarm is what sends. JavaScript stands guard around it
//! (`worker/index.js`), for what Rust can't do once it has trapped.
#![expect(missing_docs, reason = "of the methods that the macro makes")]

mod admin;
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

use js_sys::Reflect;
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};
use worker::{Date, DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use crate::answer::{self, Failure};
use crate::config::Settings;
use crate::{failpoint, log};
use db::Db;
use send::Flights;
use slots::Slots;
use store::Arrival;

/// The binding of the inbox, and the guard in what the inbox is given for bindings.
pub(crate) const BINDING: &str = "INBOX";
const GUARD: &str = "GUARD";

/// How long until an inbox looks again whose configuration is wrong, in milliseconds.
const MISCONFIGURED_MS: u64 = 60 * 60 * 1000;

const MINUTE_MS: u64 = 60_000;

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
    /// When it was last kept that a key has matched.
    matched_current: Cell<u64>,
    matched_previous: Cell<u64>,
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
            matched_current: Cell::default(),
            matched_previous: Cell::default(),
            broken,
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        if let Some(reason) = &self.broken {
            log::inbox_failed(reason);
            return answer::failed(&Failure::StoreFailed);
        }
        let answer = match request.path().as_str() {
            "/store" => self.store(&mut request).await,
            "/shards" => self.shards(&mut request).await,
            // The guard has seen to the alarm.
            "/wake" => Response::ok(""),
            operation => self.asked(operation, &mut request).await,
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
        self.send_due(settings).await?;
        if !self.slots.borrow().is_empty() {
            return Ok(Some(Date::now().as_millis()));
        }
        // From 0, since something may have come due in the meantime.
        let due = lives::next_due(&self.db, 0)?;
        let keep = keep::next(&self.db, settings)?;
        Ok([due, keep].into_iter().flatten().min())
    }

    /// Stores a delivery, and has it sent.
    async fn store(&self, request: &mut Request) -> Result<Response> {
        let bytes = request.bytes().await?;
        let (arrival, body) = Arrival::from_bytes(&bytes)?;
        let now = Date::now().as_millis();
        failpoint::trap_at("trap-on-arrival", body);
        let stored = store::store(&self.db, &arrival, body, now)?;
        self.matched(&arrival.signed_with, now)?;
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

    /// Answers the admin API. What it has asked for may have to be sent.
    async fn asked(&self, operation: &str, request: &mut Request) -> Result<Response> {
        let question = request.bytes().await?;
        let now = Date::now().as_millis();
        let Ok(settings) = crate::settings(&self.env, now) else {
            return answer::failed(&Failure::Misconfigured);
        };
        match admin::answer(&self.db, &settings, operation, &question, now)? {
            Some(answer) => {
                if operation.starts_with("/redeliver") {
                    self.wake(now);
                }
                answer::json(&answer)
            }
            None => answer::failed(&Failure::NotFound),
        }
    }

    /// Keeps when each key last matched, to the minute.
    fn matched(&self, key: &str, now: u64) -> Result<()> {
        let kept = if key == "current" { &self.matched_current } else { &self.matched_previous };
        if now.saturating_sub(kept.get()) >= MINUTE_MS {
            schema::keep(&self.db, &format!("matched:{key}"), Some(now))?;
            kept.set(now);
        }
        Ok(())
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
