//! Runs the real transitions, and checks that each follows the rules.

use super::Setup;
use super::world::{Known, World};
use crate::ids::RowId;
use crate::inbox::slots::Flight;
use crate::life::{Effect, Event, Life, Progress, Send, State};

impl World {
    /// Applies an event with the real transition.
    pub(super) fn apply(&mut self, setup: &Setup, row_id: RowId, event: &Event<'_>) {
        let before = self.row(row_id).life.clone();
        let paused = event.destination().map_or(0, |name| self.circuit(name).paused(self.now));
        let (after, effects) = before.clone().after(event, self.now, paused, setup.limits);
        self.check_transition(setup, event, &before, &after);
        self.store(row_id, &after, &effects);
        match *event {
            Event::Accepted { destination }
                if before.sends.iter().any(|send| send.destination == destination) =>
            {
                self.row(row_id).known(destination).accepted = true;
            }
            Event::Redelivered { destination } => {
                // A request in flight to the destination counts as the first of the new attempts.
                let probes = self.memory().probes.clone();
                let is_it = |it: &&Flight| {
                    it.delivery == row_id && it.destination == destination && !probes.contains(it)
                };
                let requests = u32::try_from(self.flights().iter().filter(is_it).count()).unwrap();
                *self.row(row_id).known(destination) = Known { requests, ..Known::default() };
            }
            _ => {}
        }
    }

    /// Checks that a transition follows the rules.
    fn check_transition(&mut self, setup: &Setup, event: &Event<'_>, before: &Life, after: &Life) {
        let to = event.destination();
        let accepted = matches!(event, Event::Accepted { .. });
        let is_redelivered = matches!(event, Event::Redelivered { .. });
        let is_resumed = matches!(event, Event::Resumed { .. });
        for (old, new) in before.sends.iter().zip(&after.sends) {
            let own = to.is_none_or(|to| old.destination == to);
            self.check(
                own || old == new,
                "an event of one destination changes no other destination",
            );
            let stays = match (old.progress, new.progress) {
                (Progress::Pending { .. }, _) => true,
                (Progress::Dead(_), Progress::Delivered) => accepted,
                (old, new) => old == new,
            };
            self.check(stays || is_redelivered, "an ended send stays ended, or becomes delivered");
            let planned = match new.progress {
                // A wait is not a planned attempt, and a resumed delivery is tried once at any age.
                Progress::Pending { due } if old != new && !is_resumed => {
                    let paused = self.circuit(&new.destination).paused(self.now);
                    due.saturating_sub(paused - new.paused_ms).saturating_sub(new.began)
                }
                _ => 0,
            };
            let most = setup.limits.max_age_ms;
            self.check(
                planned <= most,
                "no attempt is planned for a time when the delivery is too old",
            );
        }
        let added = after.sends.len() - before.sends.len();
        self.check(added == 0 || is_redelivered, "a send is added only by a redelivery");
    }

    /// `lives::write`: only the parts that an effect names are written.
    pub(super) fn store(&mut self, row_id: RowId, after: &Life, effects: &[Effect]) {
        let now = self.now;
        let row = self.row(row_id);
        let before = row.life.clone();
        for effect in effects {
            match *effect {
                Effect::Save(index) if index < row.life.sends.len() => {
                    row.life.sends[index] = after.sends[index].clone();
                }
                Effect::Save(index) => {
                    row.life.sends.push(after.sends[index].clone());
                    row.known.push(Known::default());
                }
                Effect::Died(_) | Effect::Dropped(_) => {}
                Effect::Became(state) => {
                    row.state = state;
                    row.ended = (state != State::Pending).then_some(now);
                }
            }
        }
        let is_stored = row.life == *after && (!row.body || row.state == after.state());
        let is_dead = |send: &Send| matches!(send.progress, Progress::Dead(_));
        let is_reported = (0..).zip(&after.sends).all(|(index, send)| {
            let died = is_dead(send) && !before.sends.get(index).is_some_and(is_dead);
            died == effects.contains(&Effect::Died(index))
        });
        self.check(is_stored, "every change is stored");
        self.check(is_reported, "each death is reported once");
    }
}
