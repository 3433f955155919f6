//! Chooses the destination of the next request: within the platform's limits, round robin, and so that a slow
//! destination never blocks another.

use crate::ids::RowId;

/// The most requests in flight. The platform allows an object six at a time.
pub(crate) const MOST_IN_FLIGHT: usize = 4;

/// The most requests in flight to one destination.
pub(crate) const MOST_TO_ONE: usize = 2;

/// The most requests in flight to destinations that are not known to be prompt, one for each. So one slot is left for
/// prompt destinations.
const MOST_UNPROVEN: usize = 3;

/// The most of these requests that may go to destinations known to be slow. The rest is for new destinations, which do
/// not have to wait for slow ones.
const MOST_SLOW: usize = 2;

/// The most bytes of bodies in flight.
pub(crate) const MOST_BYTES: usize = 4 << 20;

/// The longest last attempt of a prompt destination, in milliseconds, whether it failed or not.
const PROMPT_MS: u64 = 5000;

/// A request in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flight {
    pub(crate) delivery: RowId,
    pub(crate) destination: String,
    /// The length of the body.
    pub(crate) bytes: usize,
}

/// The requests in flight, and which destinations are prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Slots {
    flights: Vec<Flight>,
    /// For each destination, whether its last attempt ended promptly, in the order of their names.
    speeds: Vec<(String, bool)>,
    /// The destination of the last request.
    last: Option<String>,
}

impl Slots {
    /// Orders destinations round robin, starting after the last one. Leaves out destinations that may not receive a
    /// request now.
    pub(crate) fn next<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        let first = names
            .iter()
            .position(|name| Some(*name) == self.last.as_deref())
            .map_or(0, |last| last.saturating_add(1));
        let (before, after) = names.split_at(first.min(names.len()));
        after.iter().chain(before).copied().filter(|name| self.may_start(name)).collect()
    }

    fn may_start(&self, destination: &str) -> bool {
        let to_it = self.deliveries_to(destination).count();
        let fits = self.flights.len() < MOST_IN_FLIGHT && to_it < MOST_TO_ONE;
        if self.is_prompt(destination) == Some(true) {
            return fits;
        }
        let count = |is_it: fn(Option<bool>) -> bool| {
            let flights = self.flights.iter();
            flights.filter(|flight| is_it(self.is_prompt(&flight.destination))).count()
        };
        let is_slow = self.is_prompt(destination) == Some(false);
        fits && to_it == 0
            && count(|prompt| prompt != Some(true)) < MOST_UNPROVEN
            && (!is_slow || count(|prompt| prompt == Some(false)) < MOST_SLOW)
    }

    /// Returns whether the last attempt to a destination ended promptly; `None` without an attempt.
    fn is_prompt(&self, destination: &str) -> Option<bool> {
        let index = self.find_speed(destination).ok()?;
        self.speeds.get(index).map(|(_, is_prompt)| *is_prompt)
    }

    /// Returns the deliveries that are in flight to a destination.
    pub(crate) fn deliveries_to(&self, destination: &str) -> impl Iterator<Item = RowId> {
        self.flights
            .iter()
            .filter(move |flight| flight.destination == destination)
            .map(|flight| flight.delivery)
    }

    /// Returns whether a body of `bytes` bytes fits.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let all = self.flights.iter().fold(bytes, |sum, flight| sum.saturating_add(flight.bytes));
        all <= MOST_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    pub(crate) fn begin(&mut self, flight: Flight) {
        self.last = Some(flight.destination.clone());
        self.flights.push(flight);
    }

    /// Ends a request that took `ms` milliseconds.
    pub(crate) fn end(&mut self, flight: &Flight, ms: u64) {
        self.flights.retain(|other| other != flight);
        self.note_attempt(&flight.destination, ms);
    }

    /// Notes the duration of the last attempt to a destination, in milliseconds.
    pub(crate) fn note_attempt(&mut self, destination: &str, ms: u64) {
        self.note_speed(destination, ms <= PROMPT_MS);
    }

    /// Notes whether a destination is prompt.
    pub(crate) fn note_speed(&mut self, destination: &str, is_prompt: bool) {
        match self.find_speed(destination) {
            Ok(index) => {
                if let Some(speed) = self.speeds.get_mut(index) {
                    speed.1 = is_prompt;
                }
            }
            Err(index) => self.speeds.insert(index, (destination.to_owned(), is_prompt)),
        }
    }

    /// Returns the index of a destination with a known speed, or the index at which to insert it.
    fn find_speed(&self, destination: &str) -> Result<usize, usize> {
        self.speeds.binary_search_by(|(name, _)| name.as_str().cmp(destination))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(delivery: u64, destination: &str) -> Flight {
        Flight { delivery: RowId(delivery), destination: destination.to_owned(), bytes: 1 << 20 }
    }

    /// Makes slots that know these destinations to be prompt.
    fn proven(destinations: &[&str]) -> Slots {
        let mut slots = Slots::default();
        for destination in destinations {
            slots.begin(flight(0, destination));
            slots.end(&flight(0, destination), PROMPT_MS);
        }
        slots
    }

    #[test]
    fn a_prompt_destination_gets_two_slots_of_four() {
        let mut slots = proven(&["a", "b", "c"]);
        for (delivery, name) in (1..).zip(["a", "a", "b", "b"]) {
            assert!(slots.next(&["a", "b", "c"]).contains(&name));
            slots.begin(flight(delivery, name));
        }
        assert_eq!(slots.deliveries_to("a").collect::<Vec<_>>(), [RowId(1), RowId(2)]);
        assert!(slots.next(&["a", "b", "c"]).is_empty());
        slots.end(&flight(1, "a"), 1);
        assert_eq!(slots.next(&["a", "b", "c"]), ["c", "a"]);
    }

    #[test]
    fn destinations_without_an_attempt_leave_one_slot_to_prompt_ones() {
        let mut slots = proven(&["good"]);
        let all = ["w", "x", "y", "z", "good"];
        for (delivery, name) in (1..).zip(["w", "x", "y"]) {
            slots.begin(flight(delivery, name));
        }
        assert_eq!(slots.next(&all), ["good"]);
        slots.end(&flight(1, "w"), PROMPT_MS);
        assert_eq!(slots.next(&all), ["z", "good", "w"]);
    }

    #[test]
    fn slow_destinations_leave_one_slot_to_those_without_an_attempt() {
        let mut slots = Slots::default();
        let all = ["v", "w", "x", "new"];
        for (delivery, name) in (1..).zip(["v", "w", "x"]) {
            slots.begin(flight(delivery, name));
            slots.end(&flight(delivery, name), PROMPT_MS + 1);
        }
        slots.begin(flight(4, "v"));
        slots.begin(flight(5, "w"));
        assert_eq!(slots.next(&all), ["new"]);
        slots.end(&flight(4, "v"), PROMPT_MS + 1);
        assert_eq!(slots.next(&all), ["x", "new", "v"]);
    }

    #[test]
    fn destinations_are_chosen_round_robin() {
        let mut slots = proven(&["a", "b", "c"]);
        for (name, next) in [("a", ["b", "c", "a"]), ("b", ["c", "a", "b"]), ("c", ["a", "b", "c"])]
        {
            slots.begin(flight(1, name));
            assert_eq!(slots.next(&["a", "b", "c"]), next);
            slots.end(&flight(1, name), 1);
        }
        assert_eq!(slots.next(&["b"]), ["b"]);
    }

    #[test]
    fn bodies_in_flight_have_at_most_four_mebibytes() {
        let mut slots = proven(&["a"]);
        assert!(slots.is_empty());
        assert!(slots.has_room(MOST_BYTES));
        assert!(!slots.has_room(MOST_BYTES + 1));
        slots.begin(flight(1, "a"));
        assert!(slots.has_room(MOST_BYTES - (1 << 20)));
        assert!(!slots.has_room(MOST_BYTES - (1 << 20) + 1));
    }
}
