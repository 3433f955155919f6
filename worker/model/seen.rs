//! What a check must see in some state, or else it has looked at too little.

use super::world::{Known, SLOW_MS, World};
use super::{NAMES, Setup};
use crate::life::{Progress, Reason, Send, State};

/// What is seen in a state, in words.
pub(super) type Seen = (&'static str, fn(&Setup, &World) -> bool);

fn has(world: &World, is_it: impl Fn(&Send) -> bool) -> bool {
    world.stored().any(|(_, row)| row.life.sends.iter().any(&is_it))
}

pub(super) const DELIVERED: Seen = ("delivered to one, dead to another", |_, world| {
    has(world, |send| send.progress == Progress::Delivered)
        && has(world, |send| matches!(send.progress, Progress::Dead(_)))
});
pub(super) const ATTEMPTS: Seen = ("too many attempts", |_, world| {
    has(world, |send| send.progress == Progress::Dead(Reason::MaxAttempts))
});
pub(super) const AGE: Seen =
    ("too old", |_, world| has(world, |send| send.progress == Progress::Dead(Reason::MaxAge)));
pub(super) const TRAPPED: Seen = ("given up after traps", |_, world| {
    has(world, |send| send.progress == Progress::Dead(Reason::Trapped))
});
pub(super) const REMOVED: Seen = ("given up without a destination", |_, world| {
    has(world, |send| send.progress == Progress::Dead(Reason::DestinationRemoved))
});
pub(super) const ERASED_IN_FLIGHT: Seen = ("erased in flight", |_, world| {
    world
        .stored()
        .any(|(row_id, row)| !row.body && world.flights().iter().any(|it| it.delivery == row_id))
});
pub(super) const CUT_OFF: Seen = ("more requests than attempts", |setup, world| {
    let more = |known: &Known| known.requests > setup.limits.max_attempts;
    world.stored().any(|(_, row)| row.known.iter().any(more))
});
pub(super) const LOST: Seen = ("pending, and the alarm lost", |_, world| {
    world.lost && world.stored().any(|(_, row)| row.is_pending())
});
pub(super) const TWO_IN_FLIGHT: Seen = ("two in flight to one", |_, world| {
    world.flights().iter().filter(|flight| flight.destination == NAMES[0]).count() == 2
});
pub(super) const HELD: Seen = ("held, and delivered later", |_, world| {
    world.stored().any(|(_, row)| row.was_held && row.state == State::Delivered)
});
pub(super) const HELD_LOST: Seen =
    ("held, and the alarm lost", |_, world| world.lost && world.stored().any(|(_, row)| row.held));
pub(super) const HELD_ERASED: Seen = ("held and erased", |_, world| {
    world.mistaken && world.stored().any(|(_, row)| row.was_held && !row.body)
});
pub(super) const WAITS: Seen = ("pending, and the configuration mistaken", |_, world| {
    world.mistaken && world.stored().any(|(_, row)| row.is_pending())
});
pub(super) const PAUSED: Seen = ("pending, and the destination paused", |_, world| {
    let is_paused = world.circuit(NAMES[0]).paused_since.is_some();
    is_paused && world.stored().any(|(_, row)| row.is_pending())
});
pub(super) const OLDER: Seen =
    ("delivered later than its age, thanks to a pause", |setup, world| {
        let is_late = world.now > 1_000_000 + setup.limits.max_age_ms + SLOW_MS;
        let is_delivered = |send: &Send| {
            send.destination == NAMES[0]
                && send.progress == Progress::Delivered
                && send.attempts > 0
        };
        is_late && has(world, is_delivered)
    });
pub(super) const PROBED: Seen = ("delivered by a probe", |_, world| {
    // A probe does not count as a request.
    let is_it = |(send, known): (&Send, &Known)| {
        send.progress == Progress::Delivered && send.attempts > known.requests
    };
    world.stored().any(|(_, row)| row.life.sends.iter().zip(&row.known).any(is_it))
});
