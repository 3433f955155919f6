//! Checks the quarantine with requests of several signers and a key that changes. The Worker and the inbox get the new key
//! at different times, other shards fail, and a crash happens between any two steps.
//!
//! The decisions are made by the real code: `room.rs`. The model replaces the code that carries them out: `quarantine.rs`
//! and `recover.rs`.

#![expect(clippy::arithmetic_side_effects, reason = "an overflow here fails the test")]

use std::io::Write as _;

use stateright::{Checker, Model, Property};

use crate::ids::RowId;
use crate::inbox::quarantine::room::{Entry, Held, Room, Verdict, VerifiedWith, is_admitted};
use crate::keys::KeySlot;

/// The keys, in the order in which they are set; a key can be set again.
const OLD: char = 'a';
const NEW: char = 'b';
/// Signs with neither key.
const FORGER: char = 'x';

/// One configuration of the model.
#[derive(Clone)]
struct Setup {
    /// The signer of each request.
    signers: &'static [char],
    /// The keys that are set one after the other. `None` means no key.
    keys: &'static [Option<char>],
    /// Whether the replaced key is set as the previous key.
    has_previous: bool,
    /// How often each request arrives, the process ends, a shard fails to store, and the operator delivers.
    arrivals: u8,
    kills: u8,
    failures: u8,
    delivers: u8,
}

/// A pass over the kept requests, in an alarm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pass {
    last: RowId,
    /// The request that its shard is asked to store, and whether the shard has stored it.
    asked: Option<(RowId, bool)>,
    is_done: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    /// Stored by the first shard.
    room: Room,
    verified_with: VerifiedWith,
    alarm: bool,
    /// Whether the object has noticed its key. A crash loses this.
    noticed: bool,
    pass: Option<Pass>,
    /// The indexes of the keys that the Worker and the inbox have.
    worker: usize,
    inbox: usize,
    /// For each request: how often it may still arrive, whether it was kept, and how often its shard stored it as new.
    arrivals: Vec<u8>,
    was_kept: Vec<bool>,
    stored: Vec<u8>,
    /// The request that an operator has delivered, but that is still kept.
    delivering: Option<RowId>,
    kills: u8,
    failures: u8,
    delivers: u8,
    broken: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    Arrives(usize),
    /// The next key reaches the Worker, or the inbox, which restarts.
    WorkerChanges,
    InboxChanges,
    /// The cron trigger, or any other request, reaches the first shard.
    Asked,
    AlarmFires,
    /// The pass examines the next request, or ends.
    Examines,
    ShardStores,
    ShardFails,
    Removes,
    Delivers(RowId),
    DeliveredRemoves,
    Killed,
}

impl Action {
    /// Whether the action must happen in the end. Other actions may happen or not.
    fn must_happen(&self) -> bool {
        use Action::{Arrives, Delivers, Killed, ShardFails};
        !matches!(self, Arrives(_) | Delivers(_) | Killed | ShardFails)
    }
}

/// Returns the index of the request in a row.
fn request(RowId(row): RowId) -> usize {
    usize::try_from(row).unwrap() - 1
}

impl Setup {
    /// Returns which of these keys verifies a request.
    fn slot(&self, request: usize, keys: usize) -> Option<KeySlot> {
        let signer = Some(self.signers[request]);
        let current = self.keys[keys];
        let before =
            keys.checked_sub(1).map(|before| self.keys[before]).filter(|_| self.has_previous);
        match current {
            None => None,
            current if current == signer => Some(KeySlot::Current),
            _ => (before == Some(signer)).then_some(KeySlot::Previous),
        }
    }

    fn fingerprint(&self, world: &World) -> Option<String> {
        self.keys[world.inbox].map(String::from)
    }

    fn is_due(&self, world: &World) -> bool {
        world.verified_with.is_due(self.fingerprint(world).as_deref())
    }
}

impl World {
    fn check(&mut self, holds: bool, rule: &'static str) {
        if !holds {
            self.broken.get_or_insert(rule);
        }
    }

    fn is_kept(&self, request: usize) -> bool {
        self.room.held().any(|(entry, _)| self::request(entry.row) == request)
    }

    /// Stores a request in a shard. It is new only the first time.
    fn store(&mut self, setup: &Setup, request: usize) {
        self.check(setup.signers[request] != FORGER, "no forgery is delivered");
        self.stored[request] = 1;
    }

    /// As `Inbox::notice_key`.
    fn notice(&mut self, setup: &Setup) {
        let is_empty = self.room.held().next().is_none();
        match setup.fingerprint(self) {
            Some(fingerprint) if is_empty => self.verified_with = VerifiedWith::Key(fingerprint),
            Some(_) if self.verified_with == VerifiedWith::NeverAKey => {
                self.verified_with = VerifiedWith::Nothing;
            }
            _ => {}
        }
        self.noticed = true;
        self.alarm |= setup.is_due(self);
    }

    fn keep(&mut self, setup: &Setup, request: usize) {
        if !self.noticed {
            self.notice(setup);
        }
        let held = Held { size: 1, network: String::new(), digest: request.to_string() };
        if self.room.verdict(&held, 1) == Verdict::Keep {
            let slot = setup.slot(request, self.inbox);
            let fingerprint = setup.fingerprint(self);
            self.verified_with = self.verified_with.after_keeping(slot, fingerprint.as_deref());
            let row = RowId(u64::try_from(request).unwrap() + 1);
            self.room.entries.retain(|entry| entry.row != row);
            self.room.entries.push(Entry { row, received: 1, held: Some(held) });
            self.room.entries.sort_by_key(|entry| entry.row);
            self.was_kept[request] = true;
            // Rows of the model are not numbered by time, so a new row may come before the last row of a pass.
            if let Some(pass) = &mut self.pass {
                pass.last = pass.last.min(row.before());
            }
        }
        self.alarm |= setup.is_due(self);
    }

    fn crash(&mut self) {
        // The platform repeats an alarm that did not end.
        self.alarm |= self.pass.is_some();
        self.pass = None;
        self.noticed = false;
        self.delivering = None;
    }

    fn next(&self) -> Option<RowId> {
        let last = self.pass.as_ref()?.last;
        self.room.held().map(|(entry, _)| entry.row).find(|row| *row > last)
    }
}

impl Model for Setup {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let requests = self.signers.len();
        vec![World {
            room: Room::default(),
            verified_with: VerifiedWith::NeverAKey,
            alarm: false,
            noticed: false,
            pass: None,
            worker: 0,
            inbox: 0,
            arrivals: vec![self.arrivals; requests],
            was_kept: vec![false; requests],
            stored: vec![0; requests],
            delivering: None,
            kills: self.kills,
            failures: self.failures,
            delivers: self.delivers,
            broken: None,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let mut may = |action: Action, may: bool| {
            if may {
                actions.push(action);
            }
        };
        for (request, left) in world.arrivals.iter().enumerate() {
            may(Action::Arrives(request), *left > 0);
        }
        // A key is set only after the previous one has reached both the Worker and the inbox.
        let last = self.keys.len() - 1;
        may(Action::WorkerChanges, world.worker < last && world.worker <= world.inbox);
        may(Action::InboxChanges, world.inbox < last && world.inbox <= world.worker);
        may(
            Action::Asked,
            !world.noticed || self.is_due(world) && !world.alarm && world.pass.is_none(),
        );
        may(Action::Killed, world.kills > 0);
        let asked = world.pass.as_ref().and_then(|pass| pass.asked);
        match asked {
            _ if world.pass.is_none() => may(Action::AlarmFires, world.alarm),
            None => may(Action::Examines, true),
            Some((_, false)) => {
                may(Action::ShardStores, true);
                may(Action::ShardFails, world.failures > 0);
            }
            Some((_, true)) => may(Action::Removes, true),
        }
        match world.delivering {
            Some(_) => may(Action::DeliveredRemoves, true),
            None => {
                for (entry, _) in world.room.held() {
                    let verifies = self.slot(request(entry.row), world.worker).is_some();
                    may(Action::Delivers(entry.row), world.delivers > 0 && verifies);
                }
            }
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        match action {
            Action::Arrives(request) => {
                world.arrivals[request] -= 1;
                match self.slot(request, world.worker) {
                    Some(_) => world.store(self, request),
                    None => world.keep(self, request),
                }
            }
            Action::WorkerChanges => world.worker += 1,
            Action::InboxChanges => {
                world.inbox += 1;
                world.crash();
            }
            Action::Asked => world.notice(self),
            Action::AlarmFires => {
                world.alarm = false;
                if self.is_due(&world) {
                    world.pass = Some(Pass { last: RowId::FIRST, asked: None, is_done: true });
                }
            }
            Action::Examines => match world.next() {
                Some(row) => {
                    let is_admitted = is_admitted(self.slot(request(row), world.inbox));
                    let pass = world.pass.as_mut()?;
                    pass.last = row;
                    pass.asked = is_admitted.then_some((row, false));
                }
                None => {
                    if world.pass.take()?.is_done {
                        let fingerprint = self.fingerprint(&world);
                        world.verified_with =
                            fingerprint.map_or(VerifiedWith::Nothing, VerifiedWith::Key);
                    } else {
                        world.alarm = true;
                    }
                }
            },
            Action::ShardStores => {
                let (row, _) = world.pass.as_ref()?.asked?;
                let is_current = Some(self.signers[request(row)]) == self.keys[world.inbox];
                world.check(is_current, "only the current key admits a request automatically");
                world.store(self, request(row));
                world.pass.as_mut()?.asked = Some((row, true));
            }
            Action::ShardFails => {
                world.failures -= 1;
                let pass = world.pass.as_mut()?;
                pass.asked = None;
                pass.is_done = false;
            }
            Action::Removes => {
                let (row, _) = world.pass.as_mut()?.asked.take()?;
                world.room.empty(row);
            }
            Action::Delivers(row) => {
                world.delivers -= 1;
                world.store(self, request(row));
                world.delivering = Some(row);
            }
            Action::DeliveredRemoves => {
                let row = world.delivering.take()?;
                world.room.empty(row);
            }
            Action::Killed => {
                world.kills -= 1;
                world.crash();
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        type P = Property<Setup>;
        vec![
            P::always("no step breaks a rule", |_, world| world.broken.is_none()),
            P::always("a kept request stays until its shard has stored it", |_, world| {
                (0..world.stored.len())
                    .all(|it| !world.was_kept[it] || world.is_kept(it) || world.stored[it] == 1)
            }),
            P::always(
                "in the end, every request that the key verifies is delivered",
                |setup, world| {
                    let mut actions = Vec::new();
                    setup.actions(world, &mut actions);
                    actions.iter().any(Action::must_happen)
                        || (0..world.stored.len()).all(|it| {
                            let is_current = setup.slot(it, world.inbox) == Some(KeySlot::Current);
                            !world.is_kept(it) || !is_current
                        })
                },
            ),
            P::sometimes("kept, and delivered later", |_, world| {
                (0..world.stored.len()).any(|it| world.was_kept[it] && world.stored[it] == 1)
            }),
        ]
    }
}

#[test]
fn a_kept_request_is_delivered_only_by_its_key_in_every_order_and_after_every_crash() {
    let setup = Setup {
        signers: &[NEW, OLD, FORGER],
        keys: &[Some(OLD), Some(NEW)],
        has_previous: false,
        arrivals: 1,
        kills: 2,
        failures: 1,
        delivers: 0,
    };
    let setups = [
        ("a reset", setup.clone()),
        ("two copies of each", Setup { arrivals: 2, kills: 1, ..setup.clone() }),
        ("set-up", Setup { keys: &[None, Some(NEW)], ..setup.clone() }),
        (
            "a key that changes twice",
            Setup { keys: &[Some(OLD), Some(NEW), Some(OLD)], kills: 1, ..setup.clone() },
        ),
        (
            "a key that is removed and set again",
            Setup { keys: &[Some(NEW), None, Some(NEW)], kills: 1, ..setup.clone() },
        ),
        (
            "a previous key, and an operator who delivers",
            Setup {
                keys: &[Some(OLD), Some(NEW), Some(OLD)],
                has_previous: true,
                kills: 1,
                failures: 0,
                delivers: 2,
                ..setup
            },
        ),
    ];
    let mut out = std::io::stdout();
    for (name, setup) in setups {
        let checked = setup.checker().threads(2).spawn_bfs().join();
        checked.assert_properties();
        let (states, steps) = (checked.unique_state_count(), checked.max_depth());
        writeln!(out, "model: {name}: {states} states, up to {steps} steps").unwrap();
    }
}
