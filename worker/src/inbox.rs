//! The inbox: a Durable Object that stores deliveries until each destination has accepted them.
//!
//! Its state is in its database, and its alarm sends the deliveries that are due. `worker/index.js` guards it, because
//! Rust cannot act after a trap.

mod admin;
mod alarm;
mod alerts;
mod circuit;
mod circuits;
mod counts;
mod db;
mod drift;
mod erase;
mod guard;
mod held;
mod identity;
mod keep;
mod lives;
#[cfg(test)]
#[path = "../model/mod.rs"]
mod model;
mod pauses;
mod quarantine;
#[cfg(test)]
#[path = "../model/quarantine.rs"]
mod quarantine_model;
mod queues;
mod redeliver;
mod rejections;
mod reply;
mod results;
mod schema;
mod search;
mod send;
mod slots;
pub(crate) mod store;
mod untried;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use worker::Env;

use crate::config::{self, Settings};
use crate::ids::RowId;
use crate::js::{Problem, Result, float, items, now, or_null, text, whole};
use crate::protocol::{self, Stored};
use crate::{failpoint, log};
use circuit::Access;
use circuits::Circuits;
use counts::Counts;
use db::{Db, Storage};
use drift::Drift;
pub(crate) use guard::Guard;
use guard::Notifier;
use identity::Identity;
use quarantine::Quarantine;
use quarantine::recover::Pass;
pub(crate) use quarantine::room::KEPT_MS;
use rejections::Rejections;
use send::Flights;
use slots::Slots;
use store::NewDelivery;
use untried::Untried;

/// The time between two calls of the cron trigger, in milliseconds: `wrangler.toml`.
const CRON_MS: u64 = 5 * 60_000;

/// How long to wait while the configuration has mistakes, in milliseconds.
const MISCONFIGURED_MS: u64 = 60_000;

/// How long to wait after an alarm has failed, in milliseconds.
const FAILED_MS: u64 = 10_000;

/// The most room that a delivery needs in the database in addition to its body, in bytes.
const ROW_BYTES: u64 = 4096;

/// How many bytes of deliveries are stored before the database is measured again: measuring takes longer than storing a
/// delivery.
const MEASURED_EVERY: u64 = 1 << 20;

/// One shard of the inbox. `worker/index.js` calls each method from the method of the object with the same name.
#[wasm_bindgen]
pub struct Inbox {
    env: Env,
    db: Db,
    guard: Guard,
    notifier: Notifier,
    /// Whether an alarm is running.
    working: Cell<bool>,
    /// How many other tasks of the alarm are running. The alarm continues to send meanwhile.
    other_tasks: Cell<u32>,
    slots: RefCell<Slots>,
    flights: RefCell<Flights>,
    untried: RefCell<Untried>,
    /// Whether the table `retries` may have rows. If not, it is not read.
    may_have_queues: Cell<bool>,
    /// How many times deliveries in flight may have been changed.
    changes: Cell<u64>,
    counts: RefCell<Counts>,
    circuits: RefCell<Circuits>,
    /// `None` until the Worker sends it.
    identity: RefCell<Option<Identity>>,
    /// Only the first shard uses the quarantine, the rejections and the drift.
    quarantine: RefCell<Option<Quarantine>>,
    rejections: RefCell<Rejections>,
    drift: RefCell<Drift>,
    /// Whether the configured key has been noticed.
    knows_key: Cell<bool>,
    /// The end of the wait after the quarantine could not be emptied, in milliseconds since the Unix epoch.
    recover_at: Cell<u64>,
    pass: RefCell<Pass>,
    /// The kept request that is being stored in its shard.
    recovering: Cell<Option<RowId>>,
    /// How many bytes can be stored before the database is measured again.
    room: Cell<u64>,
    /// When this shard last reported to the first shard that little room is left.
    reported_full: Cell<u64>,
    /// The time before which nothing is reported to the first shard, in milliseconds since the Unix epoch.
    report_after: Cell<u64>,
    /// Whether the tables have been migrated to this version and the counts have been loaded.
    ready: Cell<bool>,
}

#[wasm_bindgen]
impl Inbox {
    /// Makes the inbox of a storage.
    #[must_use]
    #[wasm_bindgen(constructor)]
    pub fn new(storage: Storage, env: Env, guard: Guard) -> Self {
        Self {
            env,
            db: Db::new(storage),
            guard,
            notifier: Notifier::default(),
            working: Cell::default(),
            other_tasks: Cell::default(),
            slots: RefCell::default(),
            flights: RefCell::default(),
            untried: RefCell::default(),
            may_have_queues: Cell::default(),
            changes: Cell::default(),
            counts: RefCell::default(),
            identity: RefCell::default(),
            circuits: RefCell::default(),
            quarantine: RefCell::default(),
            rejections: RefCell::default(),
            drift: RefCell::default(),
            knows_key: Cell::default(),
            recover_at: Cell::default(),
            pass: RefCell::default(),
            recovering: Cell::default(),
            room: Cell::default(),
            reported_full: Cell::default(),
            report_after: Cell::default(),
            ready: Cell::default(),
        }
    }

    /// Stores a delivery and wakes the alarm; returns how it was stored, as [`protocol::Reply`] writes it. A message of an
    /// unknown version is rejected before anything is stored. A Worker of an older version does not pass the last three
    /// arguments: the number of shards that it uses, the ID of this edge if the inbox asked for it, and the edges that the
    /// delivery has been through.
    ///
    /// # Errors
    ///
    /// An `Error`: nothing was stored.
    #[expect(clippy::too_many_arguments, reason = "a flat call is the fastest message")]
    pub fn store(
        &self,
        version: u32,
        id: JsValue,
        name: JsValue,
        event_type: JsValue,
        key_slot: JsValue,
        signature: JsValue,
        content_type: JsValue,
        body: Uint8Array,
        is_test: bool,
        destinations: &Array,
        received: Option<f64>,
        shards: Option<u32>,
        instance: Option<String>,
        edges: Option<String>,
    ) -> std::result::Result<JsValue, JsValue> {
        protocol::check_version(version)?;
        self.prepare()?;
        failpoint::trap_at("trap-on-arrival", &body);
        if let Some(reply) = self.check_identity(shards, instance, edges.as_deref())? {
            return Ok(reply.text().into());
        }
        let now = now();
        self.check_room(body.length(), now)?;
        let named = items(destinations).filter_map(|name| text(&name)).collect();
        let destinations = self.destinations(named, &name, is_test, now);
        let new = NewDelivery {
            id,
            name,
            event_type,
            key_slot,
            signature,
            content_type,
            body,
            is_test,
            destinations,
            received: received.and_then(|time| whole(&time.into())).unwrap_or(now),
            edges: or_null(edges),
        };
        let stored = store::store(
            &self.db,
            &mut self.counts.borrow_mut(),
            &self.circuits.borrow(),
            &new,
            now,
        )?;
        match (stored, &new.destinations) {
            (Stored::Accepted | Stored::Repeat, Some(destinations)) => {
                let row = self.counts.borrow().newest;
                let bytes = usize::try_from(new.body.length()).unwrap_or(usize::MAX);
                self.untried.borrow_mut().add(row, destinations, bytes);
                self.wake(now);
            }
            (Stored::Held | Stored::Repeat, None) => {
                // The next read starts with the oldest delivery, held or not.
                self.untried.take();
                self.wake(now.saturating_add(MISCONFIGURED_MS));
            }
            _ => {}
        }
        Ok(failpoint::after(&self.env, "after-store", stored.as_str().into()))
    }

    /// Returns the row that was stored last, or 0.
    ///
    /// # Errors
    ///
    /// An `Error`.
    pub fn newest(&self) -> std::result::Result<f64, JsValue> {
        self.prepare()?;
        Ok(float(self.counts.borrow().newest.0))
    }

    /// Replies to a request; `shard` is the number of this shard. A message of an unknown version is rejected before it
    /// is read.
    ///
    /// # Errors
    ///
    /// An `Error`: nothing was changed.
    pub fn ask(
        &self,
        version: u32,
        shard: u32,
        request: &JsValue,
    ) -> std::result::Result<JsValue, JsValue> {
        protocol::check_version(version)?;
        self.prepare()?;
        Ok(self.reply(shard, &protocol::read(request)?, now())?)
    }

    /// Sends the deliveries that are due, and sets the alarm to the next due time. Returns whether it succeeded.
    ///
    /// `is_unsure` means that the last alarm did not succeed. Then the storage is tested first: if results couldn't be
    /// stored, each alarm would send the same deliveries again.
    pub async fn alarm(&self, is_unsure: bool) -> bool {
        let mut succeeded = true;
        let next = match config::settings(&self.env, now()) {
            Ok(settings) if settings.holds() => {
                log::misconfigured(&settings.mistakes);
                let has_work = self.hold(&settings).await.unwrap_or_else(|problem| {
                    log::inbox_failed(&problem);
                    true
                });
                has_work.then(|| now().saturating_add(MISCONFIGURED_MS))
            }
            Ok(settings) => self.work(&settings, is_unsure).await.unwrap_or_else(|problem| {
                log::inbox_failed(&problem);
                succeeded = false;
                // A delivery that was taken from memory before the failure is still untried in the database.
                self.untried.take();
                Some(now().saturating_add(FAILED_MS))
            }),
            Err(mistakes) => {
                log::misconfigured(&mistakes);
                Some(now().saturating_add(MISCONFIGURED_MS))
            }
        };
        self.guard.arm(next.map(float));
        succeeded
    }
}

impl Inbox {
    /// Migrates the tables and loads the counts, unless a call before has done so. After a failure, the next call tries again.
    fn prepare(&self) -> Result<()> {
        if !self.ready.get() {
            schema::migrate(&self.db)?;
            held::repair(&self.db)?;
            *self.counts.borrow_mut() = Counts::load(&self.db)?;
            *self.identity.borrow_mut() = Identity::load(&self.db)?;
            self.load_circuits()?;
            *self.quarantine.borrow_mut() = Quarantine::load(&self.db)?;
            *self.rejections.borrow_mut() =
                Rejections::load(&self.db, alerts::last_match(&self.db)?)?;
            self.ready.set(true);
        }
        Ok(())
    }

    /// Fails if the database has too little room for a delivery with a body of `bytes` bytes. The database is never filled
    /// completely, because results need room too.
    fn check_room(&self, bytes: u32, now: u64) -> Result<()> {
        let needed = u64::from(bytes).saturating_add(ROW_BYTES);
        if let Some(left) = self.room.get().checked_sub(needed) {
            self.room.set(left);
            return Ok(());
        }
        // The quarantine, which attackers can fill, does not reduce the room for genuine deliveries.
        let kept = self.quarantine.borrow().as_ref().map_or(0, |it| it.status().bytes);
        let size = self.db.size().saturating_sub(kept);
        let room = self.settings(now)?.max_stored_bytes.saturating_sub(size);
        if room == 0 {
            return Err(Problem::new(
                "the shard has stored as much as MAX_STORED_MB allows: raise it, up to 9000, or lower RETENTION",
            ));
        }
        self.room.set(room.min(MEASURED_EVERY).saturating_sub(needed));
        Ok(())
    }

    /// Returns the destinations of an arriving delivery; `None` if it is held, because the configuration of this inbox has
    /// mistakes. The Worker names no destination if no destination wants the event, or if its own configuration has
    /// mistakes. During a deployment, the Worker and the inbox may have different configurations.
    fn destinations(
        &self,
        named: Vec<String>,
        event: &JsValue,
        is_test: bool,
        now: u64,
    ) -> Option<Vec<String>> {
        let settings = config::settings(&self.env, now).ok().filter(|it| !it.holds())?;
        if !named.is_empty() {
            return Some(named);
        }
        Some(held::destinations(&settings, text(event).as_deref(), is_test))
    }

    fn settings(&self, now: u64) -> Result<Rc<Settings>> {
        config::settings(&self.env, now)
            .map_err(|_| Problem::new("the configuration of the inbox has mistakes"))
    }

    /// Returns whether a request to some destination can start now. If not, the alarm looks for due deliveries as soon as a
    /// request ends.
    fn has_room(&self, settings: &Settings) -> bool {
        !self.slots.borrow().next(&self.open(settings, now())).is_empty()
    }

    /// Lists the destinations that may receive a request now.
    fn open<'a>(&self, settings: &'a Settings, now: u64) -> Vec<&'a str> {
        let (circuits, slots) = (self.circuits.borrow(), self.slots.borrow());
        let names = settings.destinations.iter().map(|it| it.name.as_str());
        let is_open = |name: &&str| match circuits.find(name).map(|circuit| circuit.access(now)) {
            None | Some(Access::All) => true,
            Some(Access::Probe) => slots.deliveries_to(name).next().is_none(),
            Some(Access::After(_) | Access::Paused) => false,
        };
        names.filter(is_open).collect()
    }

    /// Loads the circuits, and how long the last attempts took. A destination that is held counts as slow until it is prompt
    /// again.
    fn load_circuits(&self) -> Result<()> {
        let circuits = Circuits::load(&self.db, &self.counts.borrow())?;
        for destination in &self.counts.borrow().destinations {
            if let Some(ms) = destination.ms {
                self.slots.borrow_mut().note_attempt(&destination.name, ms);
            }
        }
        for (name, circuit) in circuits.all() {
            if circuit.held_until.is_some() {
                self.slots.borrow_mut().note_speed(name, false);
            }
        }
        *self.circuits.borrow_mut() = circuits;
        Ok(())
    }

    /// Notes that deliveries in flight may have changed, so their sends and the queues are read again.
    fn note_change(&self) {
        self.changes.set(self.changes.get().wrapping_add(1));
        self.may_have_queues.set(true);
    }
}
