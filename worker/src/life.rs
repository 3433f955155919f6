//! The life of a delivery, as a pure function: it takes a state, an event and the time, and returns the new state and
//! effects. It does no I/O; the inbox carries out the effects.

/// The longest wait between two attempts, in milliseconds.
const MOST_WAIT_MS: u64 = 60 * 60 * 1000;

/// The longest wait after the first failed attempt, in milliseconds; it doubles with each further one.
const FIRST_WAIT_MS: u64 = 1000;

/// The same two waits if the destination rejects the delivery, because only a change at the destination can help.
const FIRST_REJECTED_WAIT_MS: u64 = 60 * 1000;
const MOST_REJECTED_WAIT_MS: u64 = 2 * MOST_WAIT_MS;

/// How many times work on a delivery may trap before the delivery is dead.
pub(crate) const MOST_TRAPS: u32 = 2;

/// The limits after which a delivery to a destination is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) max_attempts: u32,
    /// Milliseconds since the delivery was received, or last redelivered by an operator.
    pub(crate) max_age_ms: u64,
}

/// The reason why a destination will not receive a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    MaxAttempts,
    MaxAge,
    /// Work on it trapped too often.
    Trapped,
    /// No destination of that name was configured for too long.
    DestinationRemoved,
    /// The destination answered 410.
    Gone,
    /// Another version of the edge has stored a reason or a state that this version does not know.
    Unknown,
}

impl Reason {
    const ALL: [Self; 5] =
        [Self::MaxAttempts, Self::MaxAge, Self::Trapped, Self::DestinationRemoved, Self::Gone];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::MaxAttempts => "max_attempts",
            Self::MaxAge => "max_age",
            Self::Trapped => "trapped",
            Self::DestinationRemoved => "destination_removed",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }

    /// Parses the output of [`Self::as_str`].
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

/// The delivery to one destination. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Send {
    pub(crate) destination: String,
    /// How many attempts count towards the limit.
    pub(crate) attempts: u32,
    /// When the delivery was received, or last redelivered by an operator. Its age counts from this time.
    pub(crate) began: u64,
    /// The total time of the destination's pauses before `began`, in milliseconds. Later pauses do not count towards the age.
    pub(crate) paused_ms: u64,
    pub(crate) progress: Progress,
}

impl Send {
    /// Begins a send: the first attempt is due at once. `paused_ms` is the total time of the destination's pauses so far.
    pub(crate) fn new(destination: &str, now: u64, paused_ms: u64) -> Self {
        Self {
            destination: destination.to_owned(),
            attempts: 0,
            began: now,
            paused_ms,
            progress: Progress::Pending { due: now },
        }
    }

    fn is_too_old(&self, time: u64, paused_ms: u64, limits: Limits) -> bool {
        let paused = paused_ms.saturating_sub(self.paused_ms);
        time.saturating_sub(self.began).saturating_sub(paused) > limits.max_age_ms
    }

    /// Returns whether no attempt has failed since the send began, or since its destination was resumed.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.progress, Progress::Pending { due } if due <= self.began)
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

/// The delivery to all its destinations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Life {
    pub(crate) sends: Vec<Send>,
}

/// An event in the life of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// The destination accepted it.
    Accepted { destination: &'a str },
    /// The attempt failed.
    Failed { destination: &'a str, failed: Failed },
    /// The destination will never accept it: the answer was 410.
    Gone { destination: &'a str },
    /// No attempt is made because the destination is not configured or is held. The delivery may be too old by now.
    Waited { destination: &'a str, reason: Reason },
    /// Work on it has trapped too often.
    Trapped,
    /// An operator redelivers it to one destination.
    Redelivered { destination: &'a str },
    /// An operator moves a send that is pending or dead for one destination to another destination.
    Moved { from: &'a str, to: &'a str },
    /// An operator has resumed the destination: its pending deliveries are due now.
    Resumed { destination: &'a str },
}

impl Event<'_> {
    /// Returns the destination that the event concerns; `None` if it concerns all of them.
    pub(crate) fn destination(&self) -> Option<&str> {
        match *self {
            Self::Accepted { destination }
            | Self::Failed { destination, .. }
            | Self::Gone { destination }
            | Self::Waited { destination, .. }
            | Self::Redelivered { destination }
            | Self::Moved { to: destination, .. }
            | Self::Resumed { destination } => Some(destination),
            Self::Trapped => None,
        }
    }
}

/// The facts about a failed attempt that decide on the next one. A wait that the destination asks for is not included: it
/// holds all deliveries to the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Failed {
    /// Whether the attempt was a probe of a held destination, which does not count.
    pub(crate) is_probe: bool,
    /// Whether the destination rejects the delivery, so that it is retried more slowly.
    pub(crate) is_rejected: bool,
    /// A random number from 0 to 1.
    pub(crate) chance: f64,
}

/// An action that the inbox has to carry out after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Save the send with this index: it has changed, or is new.
    Save(usize),
    /// Report that the send with this index is dead.
    Died(usize),
    /// The send that had this index was removed.
    Dropped(usize),
    /// Save the state of the delivery: it has changed.
    Became(State),
}

impl Life {
    /// Begins a delivery's life with the destinations that want it, each with the total time of its pauses.
    pub(crate) fn new<'a>(destinations: impl Iterator<Item = (&'a str, u64)>, now: u64) -> Self {
        Self { sends: destinations.map(|(name, paused)| Send::new(name, now, paused)).collect() }
    }

    /// Returns whether the delivery is or was sent to a destination.
    pub(crate) fn is_sent_to(&self, destination: &str) -> bool {
        self.sends.iter().any(|send| send.destination == destination)
    }

    /// Returns whether the delivery waits for a destination.
    pub(crate) fn is_pending_to(&self, destination: &str) -> bool {
        self.sends.iter().any(|send| send.destination == destination && send.is_pending())
    }

    /// Lists the destinations that will not receive the delivery.
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

    /// Returns the life after an event, and the effects. `paused_ms` is the total time of the pauses of the event's
    /// destination so far.
    pub(crate) fn after(
        mut self,
        event: &Event<'_>,
        now: u64,
        paused_ms: u64,
        limits: Limits,
    ) -> (Self, Vec<Effect>) {
        let before = self.state();
        let mut effects = Vec::new();
        let mut event = event;
        let revived;
        match *event {
            Event::Redelivered { destination } if !self.is_sent_to(destination) => {
                self.sends.push(Send {
                    progress: Progress::Delivered, // replaced by the loop below
                    ..Send::new(destination, now, paused_ms)
                });
            }
            Event::Moved { from, to } if self.is_sent_to(to) => {
                let is_moved =
                    |send: &Send| send.destination == from && send.progress != Progress::Delivered;
                if let Some(index) = self.sends.iter().position(is_moved) {
                    self.sends.remove(index);
                    effects.push(Effect::Dropped(index));
                    if self.dead().any(|dead| dead == to) {
                        revived = Event::Redelivered { destination: to };
                        event = &revived;
                    }
                }
            }
            _ => {}
        }
        for (index, send) in self.sends.iter_mut().enumerate() {
            let next = apply(send, event, now, paused_ms, limits);
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
fn apply(send: &Send, event: &Event<'_>, now: u64, paused_ms: u64, limits: Limits) -> Send {
    let mut next = send.clone();
    match *event {
        Event::Accepted { destination } if destination == send.destination => {
            next.attempts = send.attempts.saturating_add(1);
            next.progress = Progress::Delivered;
        }
        Event::Failed { destination, failed }
            if destination == send.destination && send.is_pending() =>
        {
            if !failed.is_probe {
                next.attempts = send.attempts.saturating_add(1);
            }
            let due = now.saturating_add(retry_delay_ms(next.attempts, &failed));
            next.progress = if next.attempts >= limits.max_attempts {
                Progress::Dead(Reason::MaxAttempts)
            } else if send.is_too_old(due, paused_ms, limits) {
                Progress::Dead(Reason::MaxAge)
            } else {
                Progress::Pending { due }
            };
        }
        Event::Gone { destination } if destination == send.destination && send.is_pending() => {
            next.attempts = send.attempts.saturating_add(1);
            next.progress = Progress::Dead(Reason::Gone);
        }
        Event::Waited { destination, reason }
            if destination == send.destination
                && send.is_pending()
                && send.is_too_old(now, paused_ms, limits) =>
        {
            next.progress = Progress::Dead(reason);
        }
        Event::Trapped if send.is_pending() => next.progress = Progress::Dead(Reason::Trapped),
        Event::Redelivered { destination } if destination == send.destination => {
            next = Send::new(destination, now, paused_ms);
        }
        Event::Moved { from, to }
            if from == send.destination && send.progress != Progress::Delivered =>
        {
            next = Send::new(to, now, paused_ms);
        }
        // The send is due since its arrival, so that the oldest delivery is sent first.
        Event::Resumed { destination } if destination == send.destination && send.is_pending() => {
            next.progress = Progress::Pending { due: send.began };
        }
        _ => {}
    }
    next
}

/// Returns the delay of a retry: exponential backoff with jitter.
fn retry_delay_ms(attempts: u32, failed: &Failed) -> u64 {
    let (first, longest) = if failed.is_rejected {
        (FIRST_REJECTED_WAIT_MS, MOST_REJECTED_WAIT_MS)
    } else {
        (FIRST_WAIT_MS, MOST_WAIT_MS)
    };
    let doublings = attempts.saturating_sub(1).min(32);
    let most = first.checked_shl(doublings).unwrap_or(longest).min(longest);
    // A rejected delivery waits for at least half of the time.
    let least = if failed.is_rejected { most / 2 } else { 0 };
    least.saturating_add(fraction(most.saturating_sub(least), failed.chance))
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
mod tests;
