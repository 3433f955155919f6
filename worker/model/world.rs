//! The state of the model: the storage, the memory, and each step that changes them. A comment names the
//! file whose steps follow.

use super::{Budget, NAMES, Setup};
use crate::ids::RowId;
use crate::inbox::circuit::{Access, Circuit};
use crate::inbox::slots::{Flight, Slots};
use crate::life::{Event, Failed, Life, MOST_TRAPS, Progress, Send, State};

/// How much time a slow event takes, and the longest wait that a destination asks for.
pub(super) const SLOW_MS: u64 = 1500;

/// As in `worker/index.js`: how far ahead JavaScript sets the alarm if Rust trapped before setting one, and after an
/// alarm trapped.
pub(super) const GUARD_MS: u64 = 10_000;
const TRAPPED_MS: u64 = 1000;

/// How long an ended delivery is kept.
const RETENTION_MS: u64 = 100_000;

/// A delivery as stored, with further facts for the checks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) life: Life,
    pub(super) state: State,
    pub(super) ended: Option<u64>,
    /// Whether the body is stored: `false` once the delivery is erased or forgotten.
    pub(super) body: bool,
    pub(super) traps: u32,
    /// Whether the delivery is held now, and whether it ever was. A held delivery has no sends.
    pub(super) held: bool,
    pub(super) was_held: bool,
    /// In the order of the sends.
    pub(super) known: Vec<Known>,
}

/// The true history of a send, which the inbox may not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Known {
    /// Requests since the last redelivery.
    pub(super) requests: u32,
    /// The requests among them whose answer was lost in a crash.
    pub(super) lost_answers: u32,
    pub(super) accepted: bool,
}

/// The state that a crash loses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Memory {
    /// The time of the alarm as JavaScript remembers it.
    pub(super) alarm: Option<u64>,
    /// Whether the alarm is running.
    pub(super) working: bool,
    pub(super) slots: Slots,
    pub(super) flights: Vec<Flight>,
    /// In the order of [`NAMES`].
    pub(super) circuits: Vec<Circuit>,
    /// The flights that are probes.
    pub(super) probes: Vec<Flight>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) now: u64,
    /// The alarm as stored.
    pub(super) alarm: Option<u64>,
    /// Whether the platform has lost the alarm.
    pub(super) lost: bool,
    /// The rows in order. The first is row 1.
    pub(super) rows: Vec<Option<Row>>,
    pub(super) arrivals: Vec<u8>,
    /// Whether the last destination is removed from the configuration.
    pub(super) removed: bool,
    /// Whether the configuration has a mistake.
    pub(super) mistaken: bool,
    /// The circuits as stored, in the order of [`NAMES`].
    pub(super) circuits: Vec<Circuit>,
    pub(super) memory: Option<Memory>,
    pub(super) budget: Budget,
    /// The first rule that a step has broken.
    pub(super) broken: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Accepted,
    /// The attempt failed or timed out. The random wait after it is as short as possible.
    Failed,
    /// The attempt failed, and the destination asked for a wait.
    Later,
}

impl Row {
    pub(super) fn is_pending(&self) -> bool {
        self.life.sends.iter().any(|send| matches!(send.progress, Progress::Pending { .. }))
    }

    pub(super) fn known(&mut self, destination: &str) -> &mut Known {
        let index = self.life.sends.iter().position(|send| send.destination == destination);
        &mut self.known[index.unwrap()]
    }

    /// Empties the row, as erasure and the end of the retention do.
    pub(super) fn empty(&mut self) {
        self.body = false;
        self.held = false;
        self.life.sends.clear();
        self.known.clear();
    }
}

impl World {
    pub(super) fn row(&mut self, RowId(row): RowId) -> &mut Row {
        self.rows[usize::try_from(row).unwrap() - 1].as_mut().unwrap()
    }

    pub(super) fn stored(&self) -> impl Iterator<Item = (RowId, &Row)> {
        (1..).map(RowId).zip(&self.rows).filter_map(|(row_id, row)| Some((row_id, row.as_ref()?)))
    }

    pub(super) fn is_working(&self) -> bool {
        self.memory.as_ref().is_some_and(|memory| memory.working)
    }

    pub(super) fn flights(&self) -> &[Flight] {
        self.memory.as_ref().map_or(&[], |memory| &memory.flights)
    }

    pub(super) fn check(&mut self, holds: bool, rule: &'static str) {
        if !holds {
            self.broken.get_or_insert(rule);
        }
    }

    // `worker/index.js`

    /// Returns the memory of the object, which is created if necessary.
    pub(super) fn memory(&mut self) -> &mut Memory {
        if self.memory.is_none() {
            self.load(self.alarm);
            if self.alarm.is_some_and(|alarm| alarm < self.now.saturating_sub(GUARD_MS)) {
                self.arm(Some(self.now));
            }
        }
        self.memory.as_mut().unwrap()
    }

    /// Loads the storage into a new instance of Rust.
    pub(super) fn load(&mut self, alarm: Option<u64>) {
        let circuits = self.circuits.clone();
        let mut slots = Slots::default();
        for (name, circuit) in NAMES.iter().zip(&circuits) {
            if circuit.held_until.is_some() {
                slots.note_speed(name, false);
            }
        }
        self.memory = Some(Memory { alarm, slots, circuits, ..Memory::default() });
    }

    pub(super) fn arm(&mut self, time: Option<u64>) {
        self.alarm = time;
        self.lost = false;
        self.memory().alarm = time;
    }

    pub(super) fn arm_by(&mut self, time: u64) {
        let late = self.now.saturating_sub(GUARD_MS);
        let set = self.memory().alarm.filter(|alarm| *alarm >= late);
        if set.is_none_or(|alarm| alarm > time) {
            self.arm(Some(time));
        }
    }

    /// Loses the memory, and with it the answers to the requests in flight. The platform repeats an alarm that did not
    /// end.
    pub(super) fn crash(&mut self) {
        if self.is_working() {
            self.alarm.get_or_insert(self.now);
        }
        let memory = self.memory.take().unwrap_or_default();
        // A probe is not counted.
        let counted = memory.flights.iter().filter(|flight| !memory.probes.contains(flight));
        for Flight { delivery, destination, .. } in counted {
            let row = self.row(*delivery);
            if row.life.sends.iter().any(|send| send.destination == *destination) {
                row.known(destination).lost_answers += 1;
            }
        }
    }

    /// Interrupts the alarm with a trap.
    pub(super) fn trap(&mut self) {
        self.crash();
        self.alarm = Some(self.now + TRAPPED_MS);
        self.lost = false;
    }

    // `inbox.rs` and `store.rs`

    pub(super) fn wake(&mut self, time: u64) {
        if !self.memory().working {
            self.arm_by(time);
        }
    }

    /// Returns the time of the next work.
    pub(super) fn next_work(&self, setup: &Setup) -> Option<u64> {
        let sends = self.stored().flat_map(|(_, row)| &row.life.sends);
        let due = sends.filter_map(|send| self.due_at(setup, send));
        let kept = self.stored().filter(|(_, row)| row.body).filter_map(|(_, row)| row.ended);
        let held = self.stored().filter(|(_, row)| row.held).map(|_| self.now);
        due.chain(held).chain(kept.map(|ended| ended + RETENTION_MS)).min()
    }

    /// Stores an arriving delivery, and returns whether it is new.
    pub(super) fn arrive(&mut self, row_id: RowId, configured: &[&str]) -> bool {
        let index = usize::try_from(row_id.0).unwrap() - 1;
        self.arrivals[index] -= 1;
        self.memory();
        let is_new = self.rows[index].is_none();
        let (now, held) = (self.now, self.mistaken);
        let paused = NAMES.map(|name| self.circuit(name).paused(now));
        self.rows[index].get_or_insert_with(|| {
            let names = if held { &[] } else { configured };
            let life = Life::new(names.iter().copied().zip(paused), now);
            let known = vec![Known::default(); life.sends.len()];
            let (state, ended) = (life.state(), None);
            Row { life, state, ended, body: true, traps: 0, held, was_held: held, known }
        });
        is_new
    }

    /// `held.rs`: one statement.
    pub(super) fn route(&mut self, row_id: RowId, configured: &[&str]) {
        let now = self.now;
        let paused = NAMES.map(|name| self.circuit(name).paused(now));
        let row = self.row(row_id);
        row.held = false;
        row.life = Life::new(configured.iter().copied().zip(paused), now);
        row.state = row.life.state();
        row.known = vec![Known::default(); row.life.sends.len()];
    }

    // `send.rs`

    /// Returns the deliveries that are due for a destination, in the order of their due times.
    pub(super) fn due(&self, destination: &str) -> Vec<RowId> {
        let due = |send: &Send| match send.progress {
            Progress::Pending { due } if send.destination == destination => Some(due),
            _ => None,
        };
        let with_due =
            |(row_id, row): (RowId, &Row)| Some((row.life.sends.iter().find_map(due)?, row_id));
        let mut all: Vec<_> = self.stored().filter_map(with_due).collect();
        all.retain(|(due, _)| *due <= self.now);
        all.sort_unstable();
        all.into_iter().map(|(_, row_id)| row_id).collect()
    }

    pub(super) fn fill(&mut self, setup: &Setup) {
        let mut names = self.open(setup);
        while let Some(name) = self.memory().slots.next(&names).first().copied() {
            let in_flight: Vec<RowId> = self.memory().slots.deliveries_to(name).collect();
            let next = self.due(name).into_iter().find(|row_id| !in_flight.contains(row_id));
            let started = next.is_some_and(|row_id| self.launch(setup, row_id, name));
            if !started || !self.open(setup).contains(&name) {
                names.retain(|other| *other != name);
            }
        }
    }

    pub(super) fn launch(&mut self, setup: &Setup, row_id: RowId, name: &str) -> bool {
        if self.row(row_id).traps >= MOST_TRAPS {
            self.apply(setup, row_id, &Event::Trapped);
            return true;
        }
        let body = self.row(row_id).body;
        self.check(body, "no erased or forgotten delivery is sent");
        let mut is_probe = false;
        let is_alone = self.flights().iter().all(|flight| flight.destination != name);
        match self.access(setup, name) {
            Some(Access::All) => self.row(row_id).known(name).requests += 1,
            Some(Access::Probe) => {
                self.check(is_alone, "a destination that is held gets one request at a time");
                is_probe = true;
            }
            _ => self.check(false, "nothing is sent to a destination that is paused or waits"),
        }
        let flight = Flight { delivery: row_id, destination: name.to_owned(), bytes: 1 };
        if is_probe {
            self.memory().probes.push(flight.clone());
        }
        self.memory().slots.begin(flight.clone());
        self.memory().flights.push(flight);
        true
    }

    /// Does the work of an alarm between two waits.
    pub(super) fn work(&mut self, setup: &Setup) {
        let held = self.stored().filter(|(_, row)| row.held).map(|(row_id, _)| row_id);
        for row_id in held.collect::<Vec<_>>() {
            self.route(row_id, setup.configured(self));
        }
        self.fill(setup);
        self.forget();
        if self.memory().flights.is_empty() {
            self.memory().working = false;
            let next = self.next_work(setup);
            self.arm(next);
        }
    }

    /// `keep.rs`
    pub(super) fn forget(&mut self) {
        let now = self.now;
        for row in self.rows.iter_mut().flatten() {
            if row.body && row.ended.is_some_and(|ended| ended + RETENTION_MS <= now) {
                row.empty();
            }
        }
    }

    pub(super) fn answer(&mut self, setup: &Setup, flight: usize, answer: Answer) {
        let flight = self.memory().flights.remove(flight);
        let Flight { delivery, destination, .. } = &flight;
        self.memory().slots.end(&flight, 0);
        let is_probe = self.memory().probes.contains(&flight);
        self.memory().probes.retain(|probe| *probe != flight);
        self.note_outcome(destination, answer, is_probe);
        let failed = Failed { is_probe, ..Failed::default() };
        let event = match answer {
            Answer::Accepted => Event::Accepted { destination },
            Answer::Failed | Answer::Later => Event::Failed { destination, failed },
        };
        self.apply(setup, *delivery, &event);
        self.work(setup);
    }
}
