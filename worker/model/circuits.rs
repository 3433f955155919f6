//! The circuits of the model. They replace `circuits.rs`, `pauses.rs` and the parts of `send.rs` that use them.

use super::world::{Answer, SLOW_MS, World};
use super::{NAMES, Setup};
use crate::ids::RowId;
use crate::inbox::circuit::{Access, Circuit, Trouble};
use crate::life::{Event, Progress, Reason, Send};

impl World {
    /// Returns the circuit of a destination from memory, or else from the storage.
    pub(super) fn circuit(&self, name: &str) -> &Circuit {
        let index = NAMES.iter().position(|other| *other == name).unwrap();
        &self.memory.as_ref().map_or(&self.circuits, |memory| &memory.circuits)[index]
    }

    /// `Circuits::change`
    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut Circuit)) {
        let index = NAMES.iter().position(|other| *other == name).unwrap();
        let circuit = &mut self.memory().circuits[index];
        change(circuit);
        // These fields are only for alerts. They decide nothing here, and would multiply the states.
        (circuit.failing_since, circuit.failures, circuit.how) = (None, 0, None);
        let stored = circuit.stored();
        self.circuits[index] = stored;
    }

    /// `Circuits::access`
    pub(super) fn access(&self, setup: &Setup, name: &str) -> Option<Access> {
        setup.configured(self).contains(&name).then(|| self.circuit(name).access(self.now))
    }

    /// `Inbox::open`
    pub(super) fn open(&mut self, setup: &Setup) -> Vec<&'static str> {
        let names = setup.configured(self).iter().copied();
        let is_open = |name: &&str| match self.access(setup, name) {
            Some(Access::All) => true,
            Some(Access::Probe) => self.flights().iter().all(|flight| flight.destination != *name),
            _ => false,
        };
        names.filter(is_open).collect()
    }

    /// Returns the time of the next work on a send. `None` means that it waits for a change of the configuration or the
    /// end of a pause.
    pub(super) fn due_at(&self, setup: &Setup, send: &Send) -> Option<u64> {
        let Progress::Pending { due } = send.progress else { return None };
        match self.access(setup, &send.destination) {
            None => Some(self.expires(setup, &send.destination, due)),
            Some(Access::Paused) => None,
            Some(Access::After(time)) => Some(due.max(time)),
            Some(Access::All | Access::Probe) => Some(due),
        }
    }

    fn expires(&self, setup: &Setup, name: &str, due: u64) -> u64 {
        due + setup.limits.max_age_ms + self.circuit(name).paused(self.now) + 1
    }

    /// `Inbox::expire`
    pub(super) fn expire(&mut self, setup: &Setup) {
        for destination in NAMES {
            let reason = match self.access(setup, destination) {
                None => Reason::DestinationRemoved,
                Some(Access::After(_) | Access::Probe) => Reason::MaxAge,
                Some(Access::All | Access::Paused) => continue,
            };
            let is_late = |send: &Send| match send.progress {
                Progress::Pending { due } if send.destination == destination => {
                    self.expires(setup, destination, due) <= self.now
                }
                _ => false,
            };
            let rows = self.stored().filter(|(_, row)| row.life.sends.iter().any(is_late));
            for row_id in rows.map(|(row_id, _)| row_id).collect::<Vec<RowId>>() {
                self.apply(setup, row_id, &Event::Waited { destination, reason });
                let sends = &self.row(row_id).life.sends;
                let ended = sends.iter().all(|send| !is_pending_to(send, destination));
                self.check(ended, "only a delivery that is too old ends because of its age");
            }
        }
    }

    /// Returns whether a pending send waits for a destination that is paused or not configured.
    pub(super) fn waits_for_change(&self, setup: &Setup) -> bool {
        let waits = |send: &Send| {
            matches!(send.progress, Progress::Pending { .. })
                && matches!(self.access(setup, &send.destination), None | Some(Access::Paused))
        };
        self.stored().any(|(_, row)| row.life.sends.iter().any(waits))
    }

    /// `Inbox::note_outcome`
    pub(super) fn note_outcome(&mut self, name: &str, answer: Answer, is_probe: bool) {
        let now = self.now;
        self.budget.holds -= u8::from(answer == Answer::Later);
        self.change(name, |circuit| match answer {
            Answer::Accepted => circuit.accepted(now),
            Answer::Failed => {
                let how = "500".to_owned();
                circuit.failed(answered(None, how), is_probe, now);
            }
            Answer::Later => {
                let how = "429".to_owned();
                let trouble = answered(Some(SLOW_MS), how);
                circuit.failed(trouble, is_probe, now);
            }
        });
    }

    /// `Inbox::set_paused`, and `Inbox::hasten` for all waiting deliveries.
    pub(super) fn set_paused(&mut self, setup: &Setup, destination: &str, is_paused: bool) {
        let now = self.now;
        self.change(
            destination,
            |circuit| {
                if is_paused { circuit.pause(now) } else { circuit.resume(now) }
            },
        );
        if !is_paused {
            let waits = |send: &Send| is_pending_to(send, destination);
            let rows = self.stored().filter(|(_, row)| row.life.sends.iter().any(waits));
            for row_id in rows.map(|(row_id, _)| row_id).collect::<Vec<RowId>>() {
                self.apply(setup, row_id, &Event::Resumed { destination });
            }
        }
    }
}

fn is_pending_to(send: &Send, destination: &str) -> bool {
    send.destination == destination && matches!(send.progress, Progress::Pending { .. })
}

/// Makes the trouble that a failing answer reports for its destination.
fn answered(asked_ms: Option<u64>, how: String) -> Trouble {
    Trouble { is_unreachable: false, asked_ms, is_new: true, last_success: None, how }
}
