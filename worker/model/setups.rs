//! The setups: each has one inbox and limits for how often each event may happen.

use super::seen::{
    AGE, ATTEMPTS, CUT_OFF, DELIVERED, ERASED_IN_FLIGHT, HELD, HELD_ERASED, HELD_LOST, LOST, OLDER,
    PAUSED, PROBED, REMOVED, Seen, TRAPPED, TWO_IN_FLIGHT, WAITS,
};
use super::{Budget, CRON_MS, Setup};
use crate::life::Limits;

const LIMITS: Limits = Limits { max_attempts: 2, max_age_ms: 2000 };

fn setup(deliveries: u64, destinations: usize, budget: Budget, seen: &'static [Seen]) -> Setup {
    Setup { deliveries, destinations, limits: LIMITS, budget, seen }
}

/// Lists the setups with their names.
pub(super) fn all() -> Vec<(&'static str, Setup)> {
    let mut all = crashes();
    all.extend(circuits());
    all.extend(mistakes());
    all
}

/// Crashes, traps, lost alarms, and an operator.
fn crashes() -> Vec<(&'static str, Setup)> {
    let none = Budget { arrivals: 1, ..Budget::default() };
    vec![
        (
            "one delivery to two destinations, crashes, lost and late alarms",
            setup(
                1,
                2,
                Budget { kills: 1, traps: 1, losses: 1, slow: 1, timeouts: 1, ..none },
                &[DELIVERED, ATTEMPTS, CUT_OFF, LOST],
            ),
        ),
        (
            "one delivery to two destinations, redelivered and erased by an operator",
            setup(
                1,
                2,
                Budget { arrivals: 2, kills: 1, early: 1, redeliveries: 1, erasures: 1, ..none },
                &[ERASED_IN_FLIGHT, CUT_OFF],
            ),
        ),
        (
            "two deliveries to one destination",
            setup(
                2,
                1,
                Budget { kills: 1, redeliveries: 1, erasures: 1, ..none },
                &[TWO_IN_FLIGHT, ERASED_IN_FLIGHT],
            ),
        ),
        (
            "one delivery that traps repeatedly",
            setup(1, 2, Budget { traps: 3, redeliveries: 1, ..none }, &[TRAPPED]),
        ),
    ]
}

/// Destinations that ask for a wait, are paused or are removed.
fn circuits() -> Vec<(&'static str, Setup)> {
    let none = Budget { arrivals: 1, ..Budget::default() };
    vec![
        (
            "one delivery to two destinations, which ask for a wait",
            setup(
                1,
                2,
                Budget { kills: 1, losses: 1, slow: 1, holds: 2, ..none },
                &[DELIVERED, AGE, PROBED, LOST],
            ),
        ),
        (
            "two deliveries to one destination, which asks for a wait and is paused",
            setup(2, 1, Budget { kills: 1, holds: 2, pauses: 1, ..none }, &[PAUSED, PROBED]),
        ),
        (
            "a paused destination, whose deliveries are redelivered and erased by an operator",
            setup(
                1,
                1,
                Budget {
                    kills: 1,
                    slow: 2,
                    holds: 1,
                    redeliveries: 1,
                    erasures: 1,
                    pauses: 2,
                    ..none
                },
                &[PAUSED, OLDER],
            ),
        ),
        (
            "a destination that is removed and added again",
            Setup {
                limits: Limits { max_attempts: 2, max_age_ms: 2 * CRON_MS },
                ..setup(
                    1,
                    2,
                    Budget { kills: 1, holds: 1, changes: 2, redeliveries: 1, ..none },
                    &[REMOVED],
                )
            },
        ),
    ]
}

/// Mistakes in the configuration.
fn mistakes() -> Vec<(&'static str, Setup)> {
    let none = Budget { arrivals: 1, ..Budget::default() };
    vec![
        (
            "one delivery to two destinations, while the configuration has a mistake",
            setup(
                1,
                2,
                Budget { kills: 1, losses: 1, mistakes: 1, tries: 1, ..none },
                &[HELD, HELD_LOST, WAITS],
            ),
        ),
        (
            "two deliveries to one destination, while the configuration has a mistake, redelivered and erased by an operator",
            setup(
                2,
                1,
                Budget { mistakes: 1, tries: 1, redeliveries: 1, erasures: 1, ..none },
                &[HELD, HELD_ERASED, WAITS, TWO_IN_FLIGHT],
            ),
        ),
    ]
}
