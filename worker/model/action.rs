//! What can happen in the model.

use super::world::Answer;
use crate::ids::RowId;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    Arrives(RowId),
    ArrivesAndTraps(RowId),
    AlarmFires,
    AlarmFiresEarly,
    AlarmIsTired,
    AlarmIsLost,
    /// The alarm that is at work looks for what is due: something has come, or come due.
    Looks,
    Answers(usize, Answer),
    /// Time goes by until the alarm, since there is nothing to do before.
    Waits,
    Slow,
    /// The platform wakes every inbox now and then.
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
    /// Whether it must happen in the end. All else happens or not.
    pub(super) fn is_bound(&self) -> bool {
        matches!(
            self,
            Self::AlarmFires
                | Self::Looks
                | Self::Answers(..)
                | Self::Waits
                | Self::Cron
                | Self::Corrected
                | Self::Resumed
        )
    }
}
