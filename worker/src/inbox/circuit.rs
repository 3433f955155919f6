//! The circuit breaker of a destination, and its pause. They decide whether the destination may receive requests now.
//! The code is pure, like `life.rs`. Times are in milliseconds since the Unix epoch.

use crate::digits;

/// How many deliveries in a row must fail to reach a destination before it is held. A single failure may be due to its
/// delivery.
const UNREACHABLE_AFTER: u32 = 3;

/// How long a destination is held at first, in milliseconds. The time doubles after each failed probe, up to
/// `MOST_HOLD_MS`. A destination may ask for a longer time, up to `MOST_ASKED_MS`.
const FIRST_HOLD_MS: u64 = 1000;
const MOST_HOLD_MS: u64 = 5 * 60_000;
const MOST_ASKED_MS: u64 = 60 * 60_000;

/// An alert is raised after `FAILING_AFTER` failures without a success, if the first one was at least `FAILING_MS` ago.
const FAILING_AFTER: u32 = 3;
const FAILING_MS: u64 = 5 * 60_000;

/// How often a shard reports to the first shard that a destination is still failing.
const REPORT_MS: u64 = 60 * 60_000;

/// The time after which a pause raises an alert, and the time after which it ends automatically.
pub(crate) const PAUSED_ALERT_MS: u64 = 24 * 60 * 60_000;
pub(crate) const MOST_PAUSE_MS: u64 = 7 * PAUSED_ALERT_MS;

/// The requests that a destination may receive now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    All,
    /// One request at a time, to find out whether the destination accepts deliveries again.
    Probe,
    /// Nothing before this time.
    After(u64),
    Paused,
}

/// The facts about a failed attempt that matter for the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Whether the destination did not answer.
    pub(crate) is_unreachable: bool,
    /// The wait that it asked for, in milliseconds; 0 if it did not say how long.
    pub(crate) asked_ms: Option<u64>,
    /// Whether it is the first failure of its delivery. Only such failures show that the destination is down, because a
    /// delivery may fail repeatedly because of its content.
    pub(crate) is_new: bool,
    /// When the destination last accepted a delivery.
    pub(crate) last_success: Option<u64>,
    /// How the attempt failed: a word such as `timeout`, or the status of the answer.
    pub(crate) how: String,
}

/// Returns whether a status means that the destination rejects the request: only a change at the destination, or of its
/// configuration here, can help. 508 means a forwarding loop.
pub(crate) fn is_rejection(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 404 | 405 | 410 | 413 | 415 | 422 | 508)
}

/// The state of one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Circuit {
    pub(crate) paused_since: Option<u64>,
    /// The length of all pauses that have ended, in milliseconds.
    pub(crate) paused_ms: u64,
    /// The time until which nothing is sent. After it, probes are sent. `None` if the destination is not held.
    pub(crate) held_until: Option<u64>,
    /// How many failures in a row have held it.
    pub(crate) holds: u32,
    /// When the first attempt since the last success failed, how many have failed since then, and how the last one failed.
    pub(crate) failing_since: Option<u64>,
    pub(crate) failures: u32,
    pub(crate) how: Option<String>,
    /// Whether it rejected a delivery at the first attempt, and has accepted none since. A repeated rejection of one delivery
    /// proves nothing about the others.
    pub(crate) rejects: bool,
    /// How many deliveries in a row found it unreachable.
    pub(crate) unreachable: u32,
    /// When it last accepted a delivery, if that matters for the alert.
    pub(crate) last_success: Option<u64>,
    /// When this shard last reported the failure to the first shard. `None` once it has reported the recovery.
    pub(crate) alerted: Option<u64>,
}

impl Circuit {
    pub(crate) fn access(&self, now: u64) -> Access {
        if self.paused_since.is_some() {
            return Access::Paused;
        }
        match self.held_until {
            None => Access::All,
            Some(until) if until > now => Access::After(until),
            Some(_) => Access::Probe,
        }
    }

    /// Notes that the destination has accepted a delivery. Only a successful probe ends a hold: a destination that
    /// asks for a wait may still accept requests that were in flight.
    pub(crate) fn accepted(&mut self, now: u64) {
        if self.held_until.is_none_or(|until| until <= now) {
            (self.held_until, self.holds) = (None, 0);
        }
        (self.failing_since, self.failures, self.how) = (None, 0, None);
        (self.unreachable, self.rejects) = (0, false);
    }

    /// Notes that an attempt has failed. `is_probe` is whether it was made while the destination was held.
    pub(crate) fn failed(&mut self, trouble: Trouble, is_probe: bool, now: u64) {
        self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        self.how = Some(trouble.how);
        self.rejects = self.rejects || (trouble.is_new && self.status().is_some_and(is_rejection));
        self.last_success = trouble.last_success;
        if !trouble.is_unreachable {
            self.unreachable = 0;
        } else if trouble.is_new {
            self.unreachable = self.unreachable.saturating_add(1);
        }
        let is_down = is_probe || self.unreachable >= UNREACHABLE_AFTER;
        if trouble.asked_ms.is_some() || (trouble.is_unreachable && is_down) {
            // Requests that were in flight when the hold began prove nothing new, and neither does a delivery that
            // fails again.
            if self.held_until.is_none()
                || (is_probe && (trouble.is_new || !trouble.is_unreachable))
            {
                self.holds = self.holds.saturating_add(1);
            }
            let doublings = self.holds.saturating_sub(1).min(32);
            let hold = FIRST_HOLD_MS.checked_shl(doublings).unwrap_or(MOST_HOLD_MS);
            let asked = trouble.asked_ms.unwrap_or(0).min(MOST_ASKED_MS);
            let until = now.saturating_add(hold.min(MOST_HOLD_MS).max(asked));
            self.held_until = self.held_until.max(Some(until));
        } else if is_probe && !trouble.is_unreachable {
            // The destination answers again, so only the delivery is retried.
            (self.held_until, self.holds) = (None, 0);
        }
    }

    /// Returns for how long the destination has been paused by now, all pauses together, in milliseconds.
    pub(crate) fn paused(&self, now: u64) -> u64 {
        let current = self.paused_since.map_or(0, |since| now.saturating_sub(since));
        self.paused_ms.saturating_add(current)
    }

    pub(crate) fn pause(&mut self, now: u64) {
        self.paused_since.get_or_insert(now);
    }

    /// Ends a pause. The operator has repaired the destination, so a hold ends too.
    pub(crate) fn resume(&mut self, now: u64) {
        self.paused_ms = self.paused(now);
        (self.paused_since, self.held_until, self.holds) = (None, None, 0);
    }

    /// Returns the time of the next report to the first shard: each hour that the destination is failing, or once that
    /// it has recovered. `None` if the first shard knows the state.
    pub(crate) fn report_at(&self, now: u64) -> Option<u64> {
        match self.alerted {
            Some(_) if self.failing_since.is_none() => Some(now),
            Some(last) => self.failing_at().map(|at| at.max(last.saturating_add(REPORT_MS))),
            None => self.failing_at(),
        }
    }

    fn failing_at(&self) -> Option<u64> {
        let since = self.failing_since?;
        // A rejection raises an alert at once, unless other deliveries were accepted recently.
        if self.rejects {
            let quiet = self.last_success.map_or(0, |time| time.saturating_add(FAILING_MS));
            return Some(since.max(quiet));
        }
        let is_failing = self.failures >= FAILING_AFTER || self.held_until.is_some();
        is_failing.then(|| since.saturating_add(FAILING_MS))
    }

    /// Deletes the failures of a destination that is no longer configured.
    pub(crate) fn forget(&mut self) {
        *self =
            Self { paused_since: self.paused_since, paused_ms: self.paused_ms, ..Self::default() };
    }

    /// Returns the status of the last failing answer, if the last failure was one.
    pub(crate) fn status(&self) -> Option<u16> {
        self.how.as_deref().and_then(digits::parse)
    }

    /// Returns the stored form, without a few failures that need no row.
    pub(crate) fn stored(&self) -> Self {
        let mut stored = self.clone();
        (stored.unreachable, stored.last_success, stored.rejects) = (0, None, false);
        let matters_for_alerts = self.failing_at().is_some() || self.alerted.is_some();
        if !matters_for_alerts && self.held_until.is_none() {
            (stored.failing_since, stored.failures, stored.how) = (None, 0, None);
        }
        stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(is_unreachable: bool) -> Trouble {
        let how = "timeout".to_owned();
        Trouble { is_unreachable, asked_ms: None, is_new: true, last_success: None, how }
    }

    /// A destination that was held after its last failure, at 0.
    fn held() -> Circuit {
        let mut circuit = Circuit::default();
        for _ in 0..UNREACHABLE_AFTER {
            circuit.failed(trouble(true), false, 0);
        }
        circuit
    }

    fn asked(asked_ms: u64) -> Trouble {
        Trouble { asked_ms: Some(asked_ms), how: "429".to_owned(), ..trouble(false) }
    }

    #[test]
    fn a_success_between_failures_prevents_a_hold() {
        let mut circuit = Circuit::default();
        for _ in 0..10 {
            circuit.failed(trouble(true), false, 0);
            circuit.failed(trouble(true), false, 0);
            circuit.accepted(0);
        }
        assert_eq!(circuit.access(0), Access::All);
    }

    #[test]
    fn three_failures_hold_a_destination_which_then_gets_probes() {
        let mut circuit = Circuit::default();
        for _ in 1..UNREACHABLE_AFTER {
            circuit.failed(trouble(true), false, 10);
            assert_eq!(circuit.access(10), Access::All);
        }
        circuit.failed(trouble(true), false, 10);
        assert_eq!(circuit.access(1009), Access::After(1010));
        assert_eq!(circuit.access(1010), Access::Probe);
        circuit.accepted(1010);
        assert_eq!(circuit.access(1010), Access::All);
    }

    #[test]
    fn each_failed_probe_doubles_the_wait_up_to_five_minutes() {
        let mut circuit = held();
        let mut waits = Vec::new();
        for _ in 0..10 {
            let now = circuit.held_until.unwrap();
            circuit.failed(trouble(true), true, now);
            waits.push((circuit.held_until.unwrap() - now) / 1000);
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn requests_in_flight_neither_lengthen_nor_end_a_hold() {
        let mut circuit = held();
        circuit.failed(trouble(true), false, 1);
        assert_eq!((circuit.holds, circuit.held_until), (1, Some(1001)));
        circuit.accepted(2);
        assert_eq!(circuit.access(3), Access::After(1001));
    }

    #[test]
    fn a_destination_may_ask_for_up_to_an_hour() {
        let held = |asked_ms| {
            let mut circuit = Circuit::default();
            circuit.failed(asked(asked_ms), false, 0);
            circuit.held_until
        };
        assert_eq!(held(0), Some(1000));
        assert_eq!(held(30_000), Some(30_000));
        assert_eq!(held(MOST_ASKED_MS + 1), Some(MOST_ASKED_MS));
    }

    #[test]
    fn a_probe_that_is_answered_ends_the_hold() {
        let mut circuit = held();
        circuit.failed(trouble(false), true, 1000);
        assert_eq!((circuit.access(1000), circuit.holds), (Access::All, 0));
    }

    #[test]
    fn is_failing_after_three_failures_and_five_minutes() {
        let mut circuit = Circuit::default();
        for failures in 1..=3 {
            assert_eq!(circuit.report_at(20), None, "{failures}");
            circuit.failed(trouble(false), false, 10);
        }
        assert_eq!(circuit.report_at(20), Some(10 + FAILING_MS));
        circuit.accepted(20);
        assert_eq!(circuit.report_at(20), None);
    }

    #[test]
    fn a_destination_that_asks_for_time_is_failing_after_five_minutes() {
        let mut circuit = Circuit::default();
        circuit.failed(asked(3_600_000), false, 10);
        assert_eq!(circuit.report_at(20), Some(10 + FAILING_MS));
    }

    #[test]
    fn repeated_failures_of_one_delivery_hold_nothing() {
        let repeated = Trouble { is_new: false, ..trouble(true) };
        let mut circuit = Circuit::default();
        circuit.failed(trouble(true), false, 0);
        for _ in 0..10 {
            circuit.failed(repeated.clone(), false, 0);
        }
        assert_eq!(circuit.access(0), Access::All);
        let mut circuit = held();
        let first = circuit.held_until.unwrap();
        circuit.failed(repeated, true, first);
        assert_eq!(circuit.held_until, Some(first + FIRST_HOLD_MS));
    }

    #[test]
    fn a_rejection_soon_after_a_success_is_reported_later() {
        let rejected = Trouble { how: "422".to_owned(), ..trouble(false) };
        let mut circuit = Circuit::default();
        circuit.failed(Trouble { last_success: Some(5), ..rejected }, false, 10);
        assert_eq!(circuit.report_at(20), Some(5 + FAILING_MS));
    }

    #[test]
    fn a_repeated_rejection_of_one_delivery_is_not_reported() {
        let repeated = Trouble { is_new: false, how: "422".to_owned(), ..trouble(false) };
        let mut circuit = Circuit::default();
        circuit.failed(repeated, false, 10);
        assert_eq!(circuit.report_at(20), None);
    }

    #[test]
    fn a_failure_that_was_reported_is_stored_until_a_success() {
        let mut circuit = Circuit::default();
        circuit.failed(Trouble { how: "404".to_owned(), ..trouble(false) }, false, 10);
        circuit.alerted = Some(11);
        circuit.failed(trouble(false), false, 12);
        assert_eq!(circuit.stored().report_at(20), None);
        assert_eq!(circuit.stored().failing_since, Some(10));
    }

    #[test]
    fn a_rejection_is_reported_at_once() {
        let mut circuit = Circuit::default();
        circuit.failed(Trouble { how: "404".to_owned(), ..trouble(false) }, false, 10);
        assert_eq!(circuit.report_at(20), Some(10));
    }

    #[test]
    fn a_failure_is_reported_each_hour_and_then_its_end() {
        let mut circuit = Circuit::default();
        circuit.failed(Trouble { how: "404".to_owned(), ..trouble(false) }, false, 10);
        circuit.alerted = Some(11);
        assert_eq!(circuit.report_at(20), Some(11 + REPORT_MS));
        circuit.accepted(20);
        assert_eq!(circuit.report_at(30), Some(30));
    }

    #[test]
    fn pauses_add_up() {
        let mut circuit = Circuit::default();
        circuit.pause(10);
        circuit.pause(15);
        assert_eq!((circuit.access(20), circuit.paused(20)), (Access::Paused, 10));
        circuit.resume(20);
        assert_eq!((circuit.access(30), circuit.paused(30)), (Access::All, 10));
        circuit.pause(40);
        assert_eq!(circuit.paused(45), 15);
    }

    #[test]
    fn a_resumed_destination_is_not_held() {
        let mut circuit = Circuit::default();
        circuit.failed(asked(60_000), false, 0);
        circuit.pause(1);
        circuit.resume(2);
        assert_eq!(circuit.access(2), Access::All);
    }

    #[test]
    fn a_few_failures_are_not_stored() {
        let mut circuit = Circuit::default();
        for _ in 1..FAILING_AFTER {
            circuit.failed(trouble(false), false, 10);
            assert_eq!(circuit.stored(), Circuit::default());
        }
        circuit.failed(trouble(false), false, 10);
        let stored = circuit.stored();
        assert_eq!((stored.failing_since, stored.failures), (Some(10), FAILING_AFTER));
    }
}
