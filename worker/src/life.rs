//! The life of a delivery, as a pure function: state, event and time in, state and effects out. It
//! knows neither storage nor network; the inbox carries out what it says.

/// The longest wait between two attempts, in milliseconds.
pub(crate) const MOST_WAIT_MS: u64 = 60 * 60 * 1000;

/// What a wait is drawn from after the first failed attempt, in milliseconds; it doubles with each.
const FIRST_WAIT_MS: u64 = 1000;

/// How often working on a delivery may trap before it is given up.
pub(crate) const MOST_TRAPS: u32 = 2;

/// When a destination is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) max_attempts: u32,
    /// Milliseconds since the delivery came, or was last redelivered by hand.
    pub(crate) max_age_ms: u64,
}

/// Why a destination will not get a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    MaxAttempts,
    MaxAge,
    /// Working on it trapped, again and again.
    Trapped,
    /// No destination of that name is configured, and none came back in time.
    DestinationRemoved,
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
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// Where a delivery stands with one destination.
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
    /// When it came, or was last redelivered by hand: its age counts from there.
    pub(crate) began: u64,
    pub(crate) progress: Progress,
}

impl Send {
    /// Begins a delivery's way to a destination: the first attempt is due at once.
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

/// Where a delivery stands over all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// A destination has not got it yet.
    Pending,
    /// Each destination has got it.
    Delivered,
    /// A destination will not get it, and no other is still to get it.
    Dead,
    /// No destination wants it.
    Unrouted,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Unrouted => "unrouted",
        }
    }
}

/// A delivery on its way to all its destinations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Life {
    pub(crate) sends: Vec<Send>,
}

/// What happens to a delivery.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// The destination took it.
    Taken { destination: &'a str },
    /// The destination did not take it. It may have said how long to wait, in milliseconds; `chance`
    /// is a random number from 0 to 1.
    Failed { destination: &'a str, retry_after_ms: Option<u64>, chance: f64 },
    /// An attempt is due, and there is no destination of that name any more.
    Removed { destination: &'a str },
    /// Working on it has trapped too often.
    Trapped,
    /// Somebody wants it sent again, to one destination.
    Redelivered { destination: &'a str },
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Store this one of the sends: it has changed, or is new.
    Save(usize),
    /// Say that this one of the sends is dead: its destination will not get the delivery.
    Died(usize),
    /// Store where the delivery stands: it has changed.
    Became(State),
}

impl Life {
    /// Begins a delivery's life with the destinations that want it.
    pub(crate) fn new<'a>(destinations: impl Iterator<Item = &'a str>, now: u64) -> Self {
        Self { sends: destinations.map(|name| Send::new(name, now)).collect() }
    }

    /// Lists the destinations that will not get it.
    pub(crate) fn dead(&self) -> impl Iterator<Item = &str> {
        let dead = |send: &&Send| matches!(send.progress, Progress::Dead(_));
        self.sends.iter().filter(dead).map(|send| send.destination.as_str())
    }

    /// Says where the delivery stands over all.
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

    /// Returns the life after an event, and what is to be done.
    pub(crate) fn after(
        mut self,
        event: &Event<'_>,
        now: u64,
        limits: Limits,
    ) -> (Self, Vec<Effect>) {
        let before = self.state();
        if let Event::Redelivered { destination } = event
            && !self.sends.iter().any(|send| send.destination == *destination)
        {
            self.sends.push(Send {
                progress: Progress::Delivered, // until the next lines
                ..Send::new(destination, now)
            });
        }
        let mut effects = Vec::new();
        for (index, send) in self.sends.iter_mut().enumerate() {
            let next = one(send, event, now, limits);
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

/// What an event makes of one send. An answer that comes late, to a send that has ended, changes
/// nothing but for the better.
fn one(send: &Send, event: &Event<'_>, now: u64, limits: Limits) -> Send {
    let mut next = send.clone();
    match *event {
        Event::Taken { destination } if destination == send.destination => {
            next.attempts = send.attempts.saturating_add(1);
            next.progress = Progress::Delivered;
        }
        Event::Failed { destination, retry_after_ms, chance }
            if destination == send.destination && send.is_pending() =>
        {
            next.attempts = send.attempts.saturating_add(1);
            let due = now.saturating_add(wait_ms(next.attempts, retry_after_ms, chance));
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
        _ => {}
    }
    next
}

/// Exponential backoff with full jitter, and what the destination asked for, whichever is longer.
fn wait_ms(attempts: u32, retry_after_ms: Option<u64>, chance: f64) -> u64 {
    let most = FIRST_WAIT_MS
        .checked_shl(attempts.saturating_sub(1).min(32))
        .unwrap_or(MOST_WAIT_MS)
        .min(MOST_WAIT_MS);
    retry_after_ms.unwrap_or(0).min(MOST_WAIT_MS).max(part(most, chance))
}

/// A part of a number, from 0 to 1.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "waits are far below 2^53, and the part is not above 1"
)]
fn part(whole: u64, chance: f64) -> u64 {
    (whole as f64 * chance.clamp(0.0, 1.0)) as u64
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
    fn one_destination_takes_it_and_another_does_not() {
        let life = Life::new(["crm", "mail"].into_iter(), 0);
        let (life, effects) = life.after(&Event::Taken { destination: "crm" }, 5, LIMITS);
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
        let (_, effects) = life.after(&Event::Taken { destination: "mail" }, 9001, LIMITS);
        assert_eq!(effects, [Effect::Save(1), Effect::Became(State::Delivered)]);
    }

    #[test]
    fn it_is_given_up_where_the_next_attempt_would_be_too_late() {
        let most = Limits { max_attempts: 100, max_age_ms: 2000 };
        let at = |now| Life::new(["a"].into_iter(), 0).after(&failed("a"), now, most).0;
        assert_eq!(at(1000).sends[0].progress, Progress::Pending { due: 2000 });
        assert_eq!(at(1001).sends[0].progress, Progress::Dead(Reason::MaxAge));
    }

    #[test]
    fn waits_double_to_an_hour_and_are_drawn_in_full() {
        for (attempts, most) in [(1, 1000), (2, 2000), (12, 2_048_000), (13, MOST_WAIT_MS)] {
            assert_eq!(wait_ms(attempts, None, 1.0), most, "{attempts}");
            assert_eq!(wait_ms(attempts, None, 0.5), most / 2, "{attempts}");
            assert_eq!(wait_ms(attempts, None, 0.0), 0, "{attempts}");
        }
        assert_eq!(wait_ms(u32::MAX, None, 1.0), MOST_WAIT_MS);
    }

    #[test]
    fn a_destination_may_ask_for_a_longer_wait_up_to_an_hour() {
        assert_eq!(wait_ms(1, Some(5000), 1.0), 5000);
        assert_eq!(wait_ms(4, Some(5000), 1.0), 8000);
        assert_eq!(wait_ms(1, Some(MOST_WAIT_MS + 1), 0.0), MOST_WAIT_MS);
    }

    #[test]
    fn what_has_ended_changes_for_the_better_only() {
        let life = Life::new(["a"].into_iter(), 0);
        let delivered = lived(life.clone(), &[(Event::Taken { destination: "a" }, 1)]);
        let (same, effects) = delivered.clone().after(&failed("a"), 2, LIMITS);
        assert_eq!((same, effects), (delivered, vec![]));
        let dead = lived(life, &[(Event::Trapped, 1)]);
        assert_eq!(dead.sends[0].progress, Progress::Dead(Reason::Trapped));
        let late = lived(dead, &[(Event::Taken { destination: "a" }, 2)]);
        assert_eq!(late.state(), State::Delivered);
    }

    #[test]
    fn a_destination_that_was_removed_may_come_back_in_time() {
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
    fn what_nobody_wants_is_unrouted_until_somebody_sends_it() {
        let life = Life::new(std::iter::empty(), 0);
        assert_eq!(life.state(), State::Unrouted);
        let (life, effects) = life.after(&Event::Redelivered { destination: "a" }, 7, LIMITS);
        assert_eq!(effects, [Effect::Save(0), Effect::Became(State::Pending)]);
        assert_eq!(life.sends, [Send::new("a", 7)]);
    }
}
