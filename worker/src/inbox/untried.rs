//! The untried sends to each destination, as read from the database: in the order in which their deliveries arrived.
//! With this list, a delivery whose first attempts succeed needs no row with a due time.

use std::collections::VecDeque;

use super::db::{Db, Row};
use super::lives::{self, Course};
use crate::ids::RowId;
use crate::js::{Result, number};

/// How many sends to one destination are kept in memory. Others are queued in the database.
const MOST_TO_ONE: usize = 10_000;

/// How many sends a destination should have in memory, so that no request waits for the database.
const ENOUGH: usize = 10;

/// A stored delivery with untried sends, or a held one.
pub(super) struct Waiting {
    pub(super) row: RowId,
    /// The size of the body in bytes.
    pub(super) size: usize,
    pub(super) course: Course,
    pub(super) is_held: bool,
    /// The name of the event.
    pub(super) name: Option<String>,
}

/// Lists the deliveries after a row that have untried sends or are held, in the order in which they arrived.
pub(super) fn read(db: &Db, after: RowId, most: usize) -> Result<Vec<Waiting>> {
    let rows = db.rows(
        "SELECT key, size, sends, state = 'held', name FROM deliveries
        WHERE untried = 1 AND key > ? ORDER BY key LIMIT ?",
        &[after.into(), number(most)],
    )?;
    let read = |row: Row| {
        Ok(Waiting {
            row: row.row_id(0)?,
            size: lives::size(&row, 1)?,
            course: Course::parse(&row.text(2)?),
            is_held: row.number(3)? != 0,
            name: row.maybe_text(4)?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// The untried sends that wait in memory.
#[derive(Default)]
pub(super) struct Untried {
    /// The last row that was read from the database.
    pub(super) read_to: RowId,
    /// Whether all untried sends are in memory.
    pub(super) is_all: bool,
    /// For each destination, rows and the sizes of their bodies in bytes.
    sends: Vec<(String, VecDeque<(RowId, usize)>)>,
}

impl Untried {
    /// Returns whether a destination has fewer sends than [`ENOUGH`].
    pub(super) fn is_short(&self, destinations: &[&str]) -> bool {
        let length = |name: &&str| self.sends(name).map_or(0, VecDeque::len);
        destinations.iter().any(|name| length(name) < ENOUGH)
    }

    /// Adds the sends of a delivery that was just stored, if all others are in memory, so that they need not be
    /// read.
    pub(super) fn add(&mut self, row: RowId, destinations: &[String], bytes: usize) {
        self.is_all = self.is_all && destinations.iter().all(|name| self.push(name, row, bytes));
        if self.is_all {
            self.read_to = row;
        }
    }

    /// Adds a send if there is room for it, and returns whether it was added.
    pub(super) fn push(&mut self, destination: &str, row: RowId, bytes: usize) -> bool {
        match self.sends.iter_mut().find(|(name, _)| name == destination) {
            Some((_, sends)) if sends.len() >= MOST_TO_ONE => return false,
            Some((_, sends)) => sends.push_back((row, bytes)),
            None => self.sends.push((destination.to_owned(), [(row, bytes)].into())),
        }
        true
    }

    /// Returns the oldest send to a destination.
    pub(super) fn first(&self, destination: &str) -> Option<(RowId, usize)> {
        self.sends(destination)?.front().copied()
    }

    /// Removes the oldest send to a destination.
    pub(super) fn pop(&mut self, destination: &str) {
        if let Some((_, sends)) = self.sends.iter_mut().find(|(name, _)| name == destination) {
            sends.pop_front();
        }
    }

    fn sends(&self, destination: &str) -> Option<&VecDeque<(RowId, usize)>> {
        self.sends.iter().find(|(name, _)| name == destination).map(|(_, sends)| sends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_wait_in_order_up_to_the_limit() {
        let mut untried = Untried::default();
        for row in 1..=10_000 {
            assert!(untried.push("crm", RowId(row), 1));
        }
        assert!(!untried.push("crm", RowId(10_001), 1));
        assert!(untried.push("mail", RowId(10_001), 1));
        assert_eq!(untried.first("crm"), Some((RowId(1), 1)));
        untried.pop("crm");
        assert_eq!(untried.first("crm"), Some((RowId(2), 1)));
        assert!(untried.push("crm", RowId(10_001), 1));
        assert_eq!(untried.first("other"), None);
    }

    #[test]
    fn a_stored_delivery_is_added_while_all_others_are_in_memory() {
        let destinations = ["crm".to_owned(), "mail".to_owned()];
        let mut untried = Untried::default();
        untried.add(RowId(1), &destinations, 1);
        assert_eq!((untried.first("crm"), untried.read_to), (None, RowId::FIRST));
        untried.is_all = true;
        for row in 2..=10_001 {
            untried.add(RowId(row), &destinations, 1);
        }
        assert_eq!((untried.first("mail"), untried.read_to), (Some((RowId(2), 1)), RowId(10_001)));
        assert!(untried.is_all);
        untried.add(RowId(10_002), &destinations, 1);
        assert_eq!((untried.is_all, untried.read_to), (false, RowId(10_001)));
    }

    #[test]
    fn more_is_read_while_a_destination_has_few() {
        let mut untried = Untried::default();
        for row in 1..=9 {
            assert!(untried.push("crm", RowId(row), 1));
        }
        assert!(untried.is_short(&["crm"]));
        assert!(untried.push("crm", RowId(10), 1));
        assert!(!untried.is_short(&["crm"]));
        assert!(untried.is_short(&["crm", "mail"]));
    }
}
