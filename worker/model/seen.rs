//! Situations that must occur in some state of a check. Otherwise, the check has not visited
//! enough states.

use super::world::{Known, SLOW_MS, World};
use super::{NAMES, Setup};
use crate::life::{Progress, Reason, Send, State};

/// A description, and whether a state matches it.
pub(super) type Seen = (&'static str, fn(&Setup, &World) -> bool);

fn has(world: &World, is_it: impl Fn(&Send) -> bool) -> bool {
    world.stored().any(|(_, row)| row.life.sends.iter().any(&is_it))
}

pub(super) const DELIVERED: Seen =
    ("delivered to one destination, dead for another", |_, world| {
        has(world, |send| send.progress == Progress::Delivered)
            && has(world, |send| matches!(send.progress, Progress::Dead(_)))
    });
pub(super) const ATTEMPTS: Seen = ("dead after too many attempts", |_, world| {
    has(world, |send| send.progress == Progress::Dead(Reason::MaxAttempts))
});
pub(super) const AGE: Seen = ("dead because it is too old", |_, world| {
    has(world, |send| send.progress == Progress::Dead(Reason::MaxAge))
});
pub(super) const TRAPPED: Seen = ("dead after traps", |_, world| {
    has(world, |send| send.progress == Progress::Dead(Reason::Trapped))
});
pub(super) const REMOVED: Seen = ("dead because its destination was removed", |_, world| {
    has(world, |send| send.progress == Progress::Dead(Reason::DestinationRemoved))
});
pub(super) const ERASED_IN_FLIGHT: Seen = ("erased in flight", |_, world| {
    world
        .stored()
        .any(|(row_id, row)| !row.body && world.flights().iter().any(|it| it.delivery == row_id))
});
pub(super) const CUT_OFF: Seen = ("more requests than the maximum of attempts", |setup, world| {
    let more = |known: &Known| known.requests > setup.limits.max_attempts;
    world.stored().any(|(_, row)| row.known.iter().any(more))
});
pub(super) const LOST: Seen = ("pending while the alarm is lost", |_, world| {
    world.lost && world.stored().any(|(_, row)| row.is_pending())
});
pub(super) const TWO_IN_FLIGHT: Seen = ("two requests in flight to one destination", |_, world| {
    world.flights().iter().filter(|flight| flight.destination == NAMES[0]).count() == 2
});
pub(super) const HELD: Seen = ("held, and delivered later", |_, world| {
    world.stored().any(|(_, row)| row.was_held && row.state == State::Delivered)
});
pub(super) const HELD_LOST: Seen = ("held while the alarm is lost", |_, world| {
    world.lost && world.stored().any(|(_, row)| row.held)
});
pub(super) const HELD_ERASED: Seen = ("held and erased", |_, world| {
    world.mistaken && world.stored().any(|(_, row)| row.was_held && !row.body)
});
pub(super) const WAITS: Seen = ("pending while the configuration has a mistake", |_, world| {
    world.mistaken && world.stored().any(|(_, row)| row.is_pending())
});
pub(super) const PAUSED: Seen = ("pending while the destination is paused", |_, world| {
    let is_paused = world.circuit(NAMES[0]).paused_since.is_some();
    is_paused && world.stored().any(|(_, row)| row.is_pending())
});
pub(super) const OLDER: Seen =
    ("delivered after its maximum age, because of a pause", |setup, world| {
        let is_late = world.now > 1_000_000 + setup.limits.max_age_ms + SLOW_MS;
        let is_delivered = |send: &Send| {
            send.destination == NAMES[0]
                && send.progress == Progress::Delivered
                && send.attempts > 0
        };
        is_late && has(world, is_delivered)
    });
pub(super) const PROBED: Seen = ("delivered by a probe", |_, world| {
    // A probe is not counted as a request.
    let is_it = |(send, known): (&Send, &Known)| {
        send.progress == Progress::Delivered && send.attempts > known.requests
    };
    world.stored().any(|(_, row)| row.life.sends.iter().zip(&row.known).any(is_it))
});
