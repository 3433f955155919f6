//! The life of a delivery, as a pure function: it takes a state, an event and the time, and returns the new state and
//! effects. It does no I/O; the inbox carries out the effects.

/// The longest wait between two attempts, in milliseconds.
pub(crate) const MOST_WAIT_MS: u64 = 60 * 60 * 1000;

/// The longest wait after the first failed attempt, in milliseconds; it doubles with each further one.
const FIRST_WAIT_MS: u64 = 1000;

/// How often work on a delivery may trap before the delivery is dead.
pub(crate) const MOST_TRAPS: u32 = 2;

/// When a delivery to a destination is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) max_attempts: u32,
    /// Milliseconds since the delivery was received, or was last redelivered by hand.
    pub(crate) max_age_ms: u64,
}

/// Why a destination will not receive a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    MaxAttempts,
    MaxAge,
    /// Work on it trapped too often.
    Trapped,
    /// No destination of that name was configured for too long.
    DestinationRemoved,
    /// Another version of the edge has stored a reason, or a state, that this one does not know.
    Unknown,
}

impl Reason {
    const ALL: [Self; 4] =
        [Self::MaxAttempts, Self::MaxAge, Self::Trapped, Self::DestinationRemoved];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::MaxAttempts => "max_attempts",
            Self::MaxAge => "max_age",
            Self::Trapped => "trapped",
            Self::DestinationRemoved => "destination_removed",
            Self::Unknown => "unknown",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub(crate) fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).unwrap_or(Self::Unknown)
    }
}

/// The progress of a delivery to one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Progress {
    /// The next attempt is at `due`.
    Pending {
        due: u64,
    },
    Delivered,
    Dead(Reason),
}

/// A delivery on its way to one destination. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Send {
    pub(crate) destination: String,
    pub(crate) attempts: u32,
    /// When it was received, or was last redelivered by hand: its age counts from then.
    pub(crate) began: u64,
    pub(crate) progress: Progress,
}

impl Send {
    /// Begins a send: the first attempt is due at once.
    pub(crate) fn new(destination: &str, now: u64) -> Self {
        Self {
            destination: destination.to_owned(),
            attempts: 0,
            began: now,
            progress: Progress::Pending { due: now },
        }
    }

    fn is_pending(&self) -> bool {
        matches!(self.progress, Progress::Pending { .. })
    }
}

/// The state of a delivery to all its destinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// A destination may still accept it.
    Pending,
    /// Each destination has accepted it.
    Delivered,
    /// A destination will not receive it, and no send is pending.
    Dead,
    /// No destination wants it.
    Unrouted,
}

/// A delivery on its way to all its destinations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Life {
    pub(crate) sends: Vec<Send>,
}

/// What happens to a delivery.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// The destination accepted it.
    Accepted { destination: &'a str },
    /// The attempt failed. The destination may have asked for a wait, in milliseconds; `chance` is a random number from 0
    /// to 1.
    Failed { destination: &'a str, retry_after_ms: Option<u64>, chance: f64 },
    /// An attempt is due, but no destination of that name is configured any more.
    Removed { destination: &'a str },
    /// Work on it has trapped too often.
    Trapped,
    /// An operator sends it to one destination again.
    Redelivered { destination: &'a str },
    /// An operator sends what waits for one destination, or is dead there, to another one.
    Moved { from: &'a str, to: &'a str },
}

/// What the inbox has to do after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Save the send with this index: it has changed, or is new.
    Save(usize),
    /// Report that the send with this index is dead.
    Died(usize),
    /// The send that had this index is no longer there.
    Dropped(usize),
    /// Save the state of the delivery: it has changed.
    Became(State),
}

impl Life {
    /// Begins a delivery's life with the destinations that want it.
    pub(crate) fn new<'a>(destinations: impl Iterator<Item = &'a str>, now: u64) -> Self {
        Self { sends: destinations.map(|name| Send::new(name, now)).collect() }
    }

    /// Tells whether it is, or was, sent to a destination.
    pub(crate) fn is_sent_to(&self, destination: &str) -> bool {
        self.sends.iter().any(|send| send.destination == destination)
    }

    /// Tells whether it waits for a destination.
    pub(crate) fn is_pending_to(&self, destination: &str) -> bool {
        self.sends.iter().any(|send| send.destination == destination && send.is_pending())
    }

    /// Lists the destinations that will not receive it.
    pub(crate) fn dead(&self) -> impl Iterator<Item = &str> {
        let dead = |send: &&Send| matches!(send.progress, Progress::Dead(_));
        self.sends.iter().filter(dead).map(|send| send.destination.as_str())
    }

    /// Returns the state of the delivery.
    pub(crate) fn state(&self) -> State {
        if self.sends.is_empty() {
            State::Unrouted
        } else if self.sends.iter().any(Send::is_pending) {
            State::Pending
        } else if self.sends.iter().any(|send| matches!(send.progress, Progress::Dead(_))) {
            State::Dead
        } else {
            State::Delivered
        }
    }

    /// Returns the life after an event, and the effects.
    pub(crate) fn after(
        mut self,
        event: &Event<'_>,
        now: u64,
        limits: Limits,
    ) -> (Self, Vec<Effect>) {
        let before = self.state();
        let mut effects = Vec::new();
        match *event {
            Event::Redelivered { destination } if !self.is_sent_to(destination) => {
                self.sends.push(Send {
                    progress: Progress::Delivered, // replaced by the loop below
                    ..Send::new(destination, now)
                });
            }
            Event::Moved { from, to } if self.is_sent_to(to) => {
                let is_moved =
                    |send: &Send| send.destination == from && send.progress != Progress::Delivered;
                if let Some(index) = self.sends.iter().position(is_moved) {
                    self.sends.remove(index);
                    effects.push(Effect::Dropped(index));
                }
            }
            _ => {}
        }
        for (index, send) in self.sends.iter_mut().enumerate() {
            let next = apply(send, event, now, limits);
            if next != *send {
                *send = next;
                effects.push(Effect::Save(index));
                if matches!(send.progress, Progress::Dead(_)) {
                    effects.push(Effect::Died(index));
                }
            }
        }
        let state = self.state();
        if state != before {
            effects.push(Effect::Became(state));
        }
        (self, effects)
    }
}

/// Applies an event to one send. If the send has ended, a late failure is ignored, and a late success marks it as
/// delivered.
fn apply(send: &Send, event: &Event<'_>, now: u64, limits: Limits) -> Send {
    let mut next = send.clone();
    match *event {
        Event::Accepted { destination } if destination == send.destination => {
            next.attempts = send.attempts.saturating_add(1);
            next.progress = Progress::Delivered;
        }
        Event::Failed { destination, retry_after_ms, chance }
            if destination == send.destination && send.is_pending() =>
        {
            next.attempts = send.attempts.saturating_add(1);
            let due = now.saturating_add(retry_delay_ms(next.attempts, retry_after_ms, chance));
            next.progress = if next.attempts >= limits.max_attempts {
                Progress::Dead(Reason::MaxAttempts)
            } else if due.saturating_sub(send.began) > limits.max_age_ms {
                Progress::Dead(Reason::MaxAge)
            } else {
                Progress::Pending { due }
            };
        }
        Event::Removed { destination } if destination == send.destination && send.is_pending() => {
            let due = now.saturating_add(MOST_WAIT_MS);
            next.progress = if due.saturating_sub(send.began) > limits.max_age_ms {
                Progress::Dead(Reason::DestinationRemoved)
            } else {
                Progress::Pending { due }
            };
        }
        Event::Trapped if send.is_pending() => next.progress = Progress::Dead(Reason::Trapped),
        Event::Redelivered { destination } if destination == send.destination => {
            next = Send::new(destination, now);
        }
        Event::Moved { from, to }
            if from == send.destination && send.progress != Progress::Delivered =>
        {
            next = Send::new(to, now);
        }
        _ => {}
    }
    next
}

/// Returns the delay of a retry: exponential backoff with full jitter, or what the destination asked for if that is longer.
fn retry_delay_ms(attempts: u32, retry_after_ms: Option<u64>, chance: f64) -> u64 {
    let most = FIRST_WAIT_MS
        .checked_shl(attempts.saturating_sub(1).min(32))
        .unwrap_or(MOST_WAIT_MS)
        .min(MOST_WAIT_MS);
    retry_after_ms.unwrap_or(0).min(MOST_WAIT_MS).max(fraction(most, chance))
}

/// Multiplies a number by a fraction from 0 to 1.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "delays are far below 2^53, and the fraction is at most 1"
)]
fn fraction(delay: u64, chance: f64) -> u64 {
    (delay as f64 * chance.clamp(0.0, 1.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_attempts: 3, max_age_ms: 10_000 };

    fn failed(destination: &str) -> Event<'_> {
        Event::Failed { destination, retry_after_ms: None, chance: 1.0 }
    }

    /// Applies events, each with its time.
    fn lived(mut life: Life, events: &[(Event<'_>, u64)]) -> Life {
        for (event, now) in events {
            life = life.after(event, *now, LIMITS).0;
        }
        life
    }

    #[test]
    fn is_dead_when_one_destination_gives_up_after_another_accepts() {
        let life = Life::new(["crm", "mail"].into_iter(), 0);
        let (life, effects) = life.after(&Event::Accepted { destination: "crm" }, 5, LIMITS);
        assert_eq!(effects, [Effect::Save(0)]);
        let (life, effects) = life.after(&failed("mail"), 5, LIMITS);
        assert_eq!(effects, [Effect::Save(1)]);
        assert_eq!(life.sends[1].progress, Progress::Pending { due: 1005 });
        let (life, _) = life.after(&failed("mail"), 1005, LIMITS);
        let (life, effects) = life.after(&failed("mail"), 3005, LIMITS);
        assert_eq!(life.sends[1].progress, Progress::Dead(Reason::MaxAttempts));
        assert_eq!(effects, [Effect::Save(1), Effect::Died(1), Effect::Became(State::Dead)]);
        let (life, effects) = life.after(&Event::Redelivered { destination: "mail" }, 9000, LIMITS);
        assert_eq!(effects, [Effect::Save(1), Effect::Became(State::Pending)]);
        assert_eq!(life.sends[1], Send::new("mail", 9000));
        let (_, effects) = life.after(&Event::Accepted { destination: "mail" }, 9001, LIMITS);
        assert_eq!(effects, [Effect::Save(1), Effect::Became(State::Delivered)]);
    }

    #[test]
    fn is_dead_when_the_next_attempt_would_exceed_the_age() {
        let most = Limits { max_attempts: 100, max_age_ms: 2000 };
        let at = |now| Life::new(["a"].into_iter(), 0).after(&failed("a"), now, most).0;
        assert_eq!(at(1000).sends[0].progress, Progress::Pending { due: 2000 });
        assert_eq!(at(1001).sends[0].progress, Progress::Dead(Reason::MaxAge));
    }

    #[test]
    fn delays_double_up_to_an_hour_with_full_jitter() {
        for (attempts, most) in [(1, 1000), (2, 2000), (12, 2_048_000), (13, MOST_WAIT_MS)] {
            assert_eq!(retry_delay_ms(attempts, None, 1.0), most, "{attempts}");
            assert_eq!(retry_delay_ms(attempts, None, 0.5), most / 2, "{attempts}");
            assert_eq!(retry_delay_ms(attempts, None, 0.0), 0, "{attempts}");
        }
        assert_eq!(retry_delay_ms(u32::MAX, None, 1.0), MOST_WAIT_MS);
    }

    #[test]
    fn a_destination_may_ask_for_a_delay_of_up_to_an_hour() {
        assert_eq!(retry_delay_ms(1, Some(5000), 1.0), 5000);
        assert_eq!(retry_delay_ms(4, Some(5000), 1.0), 8000);
        assert_eq!(retry_delay_ms(1, Some(MOST_WAIT_MS + 1), 0.0), MOST_WAIT_MS);
    }

    #[test]
    fn a_late_success_counts_and_a_late_failure_does_not() {
        let life = Life::new(["a"].into_iter(), 0);
        let delivered = lived(life.clone(), &[(Event::Accepted { destination: "a" }, 1)]);
        let (same, effects) = delivered.clone().after(&failed("a"), 2, LIMITS);
        assert_eq!((same, effects), (delivered, vec![]));
        let dead = lived(life, &[(Event::Trapped, 1)]);
        assert_eq!(dead.sends[0].progress, Progress::Dead(Reason::Trapped));
        let late = lived(dead, &[(Event::Accepted { destination: "a" }, 2)]);
        assert_eq!(late.state(), State::Delivered);
    }

    #[test]
    fn a_removed_destination_may_be_configured_again_in_time() {
        let long = Limits { max_attempts: 1, max_age_ms: MOST_WAIT_MS };
        let removed = Event::Removed { destination: "a" };
        let life = Life::new(["a"].into_iter(), 0);
        let (waiting, _) = life.clone().after(&removed, 0, long);
        assert_eq!(waiting.sends[0].progress, Progress::Pending { due: MOST_WAIT_MS });
        assert_eq!(waiting.sends[0].attempts, 0);
        let (dead, _) = life.after(&removed, 1, long);
        assert_eq!(dead.sends[0].progress, Progress::Dead(Reason::DestinationRemoved));
    }

    #[test]
    fn what_waits_for_or_is_dead_at_an_old_name_moves_to_the_new_one() {
        let moved = Event::Moved { from: "old", to: "new" };
        let life = Life::new(["old"].into_iter(), 0);
        let (waiting, effects) = life.clone().after(&moved, 7, LIMITS);
        assert_eq!((waiting.sends, effects), (vec![Send::new("new", 7)], vec![Effect::Save(0)]));
        let dead = lived(life.clone(), &[(Event::Trapped, 1)]);
        let (revived, effects) = dead.after(&moved, 7, LIMITS);
        assert_eq!(revived.sends, [Send::new("new", 7)]);
        assert_eq!(effects, [Effect::Save(0), Effect::Became(State::Pending)]);
        let accepted = lived(life, &[(Event::Accepted { destination: "old" }, 1)]);
        assert_eq!(accepted.clone().after(&moved, 7, LIMITS), (accepted, vec![]));
    }

    #[test]
    fn what_moves_to_a_name_that_it_is_sent_to_is_dropped() {
        let moved = Event::Moved { from: "old", to: "new" };
        let both = Life::new(["old", "new"].into_iter(), 0);
        let both = lived(both, &[(Event::Accepted { destination: "new" }, 1)]);
        let (one, effects) = both.after(&moved, 7, LIMITS);
        assert_eq!((one.sends.len(), one.state()), (1, State::Delivered));
        assert_eq!(effects, [Effect::Dropped(0), Effect::Became(State::Delivered)]);
    }

    #[test]
    fn a_delivery_without_a_destination_is_unrouted_until_redelivered() {
        let life = Life::new(std::iter::empty(), 0);
        assert_eq!(life.state(), State::Unrouted);
        let (life, effects) = life.after(&Event::Redelivered { destination: "a" }, 7, LIMITS);
        assert_eq!(effects, [Effect::Save(0), Effect::Became(State::Pending)]);
        assert_eq!(life.sends, [Send::new("a", 7)]);
    }
}
