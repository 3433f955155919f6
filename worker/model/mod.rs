//! Checks durable delivery in every order of events, with a crash between any two steps, within the bounds
//! of each [`Setup`]. `docs/edge/delivery-model.md` describes it in words.
//!
//! The decisions are made by the real code: `life.rs` and `slots.rs`. The code that carries them out can't run
//! here, because it uses the platform's database. The model replaces it step by step; one step is everything that
//! is written together.

#![expect(clippy::arithmetic_side_effects, reason = "an overflow here fails the test")]

mod action;
mod circuits;
mod operator;
mod rules;
mod seen;
mod setups;
mod world;

use std::io::Write as _;

use stateright::{Checker, Model, Property};

use crate::ids::RowId;
use crate::inbox::circuit::{Access, Circuit};
use crate::life::{Limits, Progress, Reason, Send};
use action::Action;
use seen::Seen;
use world::{Answer, GUARD_MS, Known, Row, SLOW_MS, World};

/// The destinations. A setup has the first one, or both.
const NAMES: [&str; 2] = ["a", "b"];

/// The interval of the cron trigger: `worker/wrangler.toml`.
const CRON_MS: u64 = 5 * 60_000;

/// How long until the configuration is checked again for mistakes: `MISCONFIGURED_MS` in `inbox.rs`.
const MISTAKEN_MS: u64 = 60_000;

/// How often each optional event may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Budget {
    /// For each delivery. The first arrival creates it.
    arrivals: u8,
    /// The process ends and loses its memory. The storage is unchanged.
    kills: u8,
    /// WebAssembly traps during work on a delivery, during other work, or after an arrival was stored.
    traps: u8,
    /// The platform loses the alarm.
    losses: u8,
    /// The alarm fires before its time.
    early: u8,
    /// Time passes before an answer, or before an alarm that is due.
    slow: u8,
    /// The time limit of an alarm is reached while requests are in flight.
    timeouts: u8,
    redeliveries: u8,
    erasures: u8,
    /// The last destination is removed from the configuration or added again, which restarts the object.
    changes: u8,
    /// A destination asks for a wait.
    holds: u8,
    /// The first destination is paused. In the end, it is resumed.
    pauses: u8,
    /// The configuration gets a mistake, which is corrected in the end. Both restart the object.
    mistakes: u8,
    /// The alarm fires while the configuration has a mistake.
    tries: u8,
}

/// One check: an inbox, and the bounds of the events.
#[derive(Clone, Copy)]
struct Setup {
    deliveries: u64,
    destinations: usize,
    limits: Limits,
    budget: Budget,
    /// The situations that must occur in some state. Otherwise, the check has not visited enough states.
    seen: &'static [Seen],
}

impl Setup {
    fn configured(&self, world: &World) -> &'static [&'static str] {
        &NAMES[..self.destinations - usize::from(world.removed)]
    }
}

impl Model for Setup {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let deliveries = usize::try_from(self.deliveries).unwrap();
        vec![World {
            now: 1_000_000,
            alarm: None,
            lost: false,
            rows: vec![None; deliveries],
            arrivals: vec![self.budget.arrivals; deliveries],
            removed: false,
            mistaken: false,
            circuits: vec![Circuit::default(); NAMES.len()],
            memory: None,
            budget: self.budget,
            broken: None,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_some() {
            return; // a broken rule ends the check, so no further step is needed
        }
        let budget = &world.budget;
        let kept = || world.stored().filter(|(_, row)| row.body).map(|(row_id, _)| row_id);
        let mut may = |action: Action, times: u8| {
            if times > 0 {
                actions.push(action);
            }
        };
        for (row_id, left) in (1..).map(RowId).zip(&world.arrivals) {
            may(Action::Arrives(row_id), *left);
            may(Action::ArrivesAndTraps(row_id), (*left).min(budget.traps));
        }
        for row_id in kept() {
            may(Action::Erased(row_id), budget.erasures);
            // While the configuration has a mistake, operators can't redeliver.
            let known = if world.mistaken { 0 } else { self.configured(world).len() };
            for destination in 0..known {
                may(Action::Redelivered(row_id, destination), budget.redeliveries);
            }
        }
        may(Action::Changes, budget.changes);
        let is_paused = world.circuit(NAMES[0]).paused_since.is_some();
        may(Action::Paused, if is_paused { 0 } else { budget.pauses });
        may(Action::Resumed, u8::from(is_paused));
        may(Action::Breaks, if world.mistaken { 0 } else { budget.mistakes });
        may(Action::Corrected, u8::from(world.mistaken));
        may(Action::Slow, budget.slow);
        if world.memory.is_some() {
            may(Action::Killed, budget.kills);
        }
        if world.is_working() {
            may(Action::AlarmTimesOut, budget.timeouts);
            may(Action::Traps(None), budget.traps);
            for (index, flight) in world.flights().iter().enumerate() {
                may(Action::Traps(Some(flight.delivery)), budget.traps);
                for answer in [Answer::Accepted, Answer::Failed] {
                    may(Action::Answers(index, answer), 1);
                }
                may(Action::Answers(index, Answer::Later), budget.holds);
            }
            let mut next = world.clone();
            next.fill(self);
            may(Action::LooksForWork, u8::from(next != *world));
        } else if let Some(alarm) = world.alarm {
            may(Action::AlarmIsLost, budget.losses);
            if world.mistaken {
                let action = if alarm <= world.now { Action::AlarmFires } else { Action::Waits };
                may(action, budget.tries);
            } else if alarm <= world.now {
                may(Action::AlarmFires, 1);
            } else {
                may(Action::AlarmFiresEarly, budget.early);
                may(Action::Waits, 1);
            }
        } else if world.lost || world.waits_for_change(self) && !is_paused {
            may(Action::Cron, 1);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        let configured = self.configured(&world);
        match action {
            Action::Arrives(row_id) => {
                if world.arrive(row_id, configured) {
                    world.wake(world.now + if world.mistaken { MISTAKEN_MS } else { 0 });
                }
            }
            Action::ArrivesAndTraps(row_id) => {
                world.budget.traps -= 1;
                world.arrive(row_id, configured);
                world.arm_by(world.now + GUARD_MS);
                if world.is_working() {
                    world.trap();
                } else {
                    // JavaScript continues with a new instance.
                    let alarm = world.memory().alarm;
                    world.crash();
                    world.load(alarm);
                }
            }
            Action::AlarmFires if world.mistaken => {
                world.budget.tries -= 1;
                world.arm(Some(world.now + MISTAKEN_MS));
            }
            Action::AlarmFires | Action::AlarmFiresEarly => {
                world.budget.early -= u8::from(action == Action::AlarmFiresEarly);
                world.memory().working = true;
                // A running alarm is no longer set.
                world.arm(None);
                world.expire(self);
                world.work(self);
                let later = world.alarm.is_none_or(|alarm| alarm > world.now);
                world.check(
                    later,
                    "an alarm does all work that is due, or waits for the requests in flight",
                );
            }
            Action::AlarmTimesOut => {
                world.budget.timeouts -= 1;
                world.memory().working = false;
                world.arm(Some(world.now));
            }
            Action::AlarmIsLost => {
                world.budget.losses -= 1;
                (world.alarm, world.lost) = (None, true);
            }
            Action::LooksForWork => world.work(self),
            Action::Answers(flight, answer) => world.answer(self, flight, answer),
            Action::Waits => world.now = world.alarm?,
            Action::Slow => {
                world.budget.slow -= 1;
                world.now += SLOW_MS;
            }
            Action::Cron => {
                world.now += CRON_MS;
                world.lost = false;
                if let Some(time) = world.next_work(self) {
                    world.wake(time);
                }
            }
            Action::Killed => {
                world.budget.kills -= 1;
                world.crash();
            }
            Action::Traps(delivery) => {
                world.budget.traps -= 1;
                if let Some(row_id) = delivery {
                    world.row(row_id).traps += 1;
                }
                world.trap();
            }
            action => world.operate(self, &action),
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        type P = Property<Setup>;
        let mut properties = vec![
            P::always("no step breaks a rule", |_, world| world.broken.is_none()),
            P::always("a pending delivery that can be sent has an alarm", |setup, world| {
                let is_open = |send: &Send| {
                    world.access(setup, &send.destination).is_some_and(|it| it != Access::Paused)
                        && matches!(send.progress, Progress::Pending { .. })
                };
                let pending =
                    world.stored().any(|(_, row)| row.held || row.life.sends.iter().any(is_open));
                !pending || world.alarm.is_some() || world.is_working() || world.lost
            }),
            P::always(
                "each stored delivery has a send for each destination, or is held or gone",
                |setup, world| {
                    let sends = |row: &Row| row.life.sends.len();
                    let all = setup.destinations - usize::from(setup.budget.changes > 0);
                    let is_routed = |row: &Row| row.body && !row.held;
                    world.stored().all(|(_, row)| {
                        if is_routed(row) { sends(row) >= all } else { sends(row) == 0 }
                    })
                },
            ),
            P::always("while the configuration has a mistake, nothing is sent", |_, world| {
                !world.mistaken || world.flights().is_empty()
            }),
            P::always(
                "a send counts as delivered only if the destination accepted it",
                |_, world| {
                    let is_true = |(send, known): (&Send, &Known)| {
                        send.progress != Progress::Delivered || known.accepted
                    };
                    world
                        .stored()
                        .all(|(_, row)| row.life.sends.iter().zip(&row.known).all(is_true))
                },
            ),
            P::always(
                "no send gets more attempts than configured, apart from interrupted ones",
                |setup, world| {
                    let most = setup.limits.max_attempts;
                    let holds = |(send, known): (&Send, &Known)| {
                        let answered = known.requests - known.lost_answers;
                        let given_up = send.progress == Progress::Dead(Reason::MaxAttempts);
                        answered <= most && (answered == most || !given_up)
                    };
                    world.stored().all(|(_, row)| row.life.sends.iter().zip(&row.known).all(holds))
                },
            ),
            P::always(
                "when nothing is left to do, every delivery has ended and is forgotten",
                |setup, world| {
                    let mut actions = Vec::new();
                    setup.actions(world, &mut actions);
                    let done =
                        world.stored().all(|(_, row)| !row.is_pending() && !row.held && !row.body);
                    done || actions.iter().any(Action::must_happen)
                },
            ),
        ];
        properties.extend(self.seen.iter().map(|(name, is_seen)| P::sometimes(name, *is_seen)));
        properties
    }
}

#[test]
fn every_stored_delivery_ends_as_specified_in_every_order_and_after_every_crash() {
    let mut out = std::io::stdout();
    for (name, setup) in setups::all() {
        let checked = setup.checker().threads(2).spawn_bfs().join();
        checked.assert_properties();
        let (states, steps) = (checked.unique_state_count(), checked.max_depth());
        writeln!(out, "model: {name}: {states} states, up to {steps} steps").unwrap();
    }
}
