//! The events of the model.

use super::world::Answer;
use crate::ids::RowId;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    Arrives(RowId),
    ArrivesAndTraps(RowId),
    AlarmFires,
    AlarmFiresEarly,
    AlarmTimesOut,
    AlarmIsLost,
    /// The running alarm looks for new work: a delivery has arrived or become due.
    LooksForWork,
    Answers(usize, Answer),
    /// Time passes until the alarm, because there is nothing to do before.
    Waits,
    Slow,
    /// The cron trigger wakes every inbox regularly.
    Cron,
    Killed,
    Traps(Option<RowId>),
    Redelivered(RowId, usize),
    Erased(RowId),
    Changes,
    Paused,
    Resumed,
    /// The configuration gets a mistake.
    Breaks,
    Corrected,
}

impl Action {
    /// Whether the action must happen in the end. Other actions may happen or not.
    pub(super) fn must_happen(&self) -> bool {
        matches!(
            self,
            Self::AlarmFires
                | Self::LooksForWork
                | Self::Answers(..)
                | Self::Waits
                | Self::Cron
                | Self::Corrected
                | Self::Resumed
        )
    }
}
