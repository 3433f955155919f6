//! The actions of operators: through the admin API, and with a new configuration.

use super::action::Action;
use super::world::World;
use super::{NAMES, Setup};
use crate::life::Event;

impl World {
    pub(super) fn operate(&mut self, setup: &Setup, action: &Action) {
        match *action {
            Action::Redelivered(row_id, destination) => {
                self.budget.redeliveries -= 1;
                self.row(row_id).traps = 0;
                if self.row(row_id).held {
                    self.route(row_id, setup.configured(self));
                }
                let destination = NAMES[destination];
                self.apply(setup, row_id, &Event::Redelivered { destination });
                self.wake(self.now);
            }
            Action::Erased(row_id) => {
                self.budget.erasures -= 1;
                let now = self.now;
                self.row(row_id).empty();
                self.row(row_id).ended = Some(now);
            }
            Action::Changes => {
                self.budget.changes -= 1;
                self.removed = !self.removed;
                self.crash();
            }
            Action::Paused | Action::Resumed => {
                let is_paused = *action == Action::Paused;
                self.budget.pauses -= u8::from(is_paused);
                self.set_paused(setup, NAMES[0], is_paused);
                if let Some(time) = self.next_work(setup) {
                    self.wake(time);
                }
            }
            Action::Breaks | Action::Corrected => {
                self.mistaken = *action == Action::Breaks;
                self.budget.mistakes -= u8::from(self.mistaken);
                self.crash();
            }
            // The other actions are not actions of operators.
            _ => {}
        }
    }
}
