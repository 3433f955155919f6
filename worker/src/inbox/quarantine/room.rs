//! Decides which requests the quarantine keeps, drops, verifies again and admits. It does no I/O.
//! `worker/model/quarantine.rs` checks it.

use crate::ids::RowId;
use crate::keys::KeySlot;

/// The most bodies and bytes that are kept at once.
pub(crate) const MOST: u64 = 1000;
pub(crate) const MOST_BYTES: u64 = 8 << 20;

/// The most bodies that are kept within a day. Each costs two row writes: its own, and its removal.
pub(crate) const MOST_A_DAY: u64 = 1200;

/// How long a body is kept, in milliseconds.
pub(crate) const KEPT_MS: u64 = 48 * 60 * 60 * 1000;

/// How long a network counts as known after its last genuine event, in milliseconds.
pub(crate) const KNOWN_MS: u64 = 30 * DAY_MS;

/// The shortest time between two saves of a network's last event, in milliseconds.
const KNOWN_EVERY_MS: u64 = 60 * 60 * 1000;

/// The most known networks: those with the latest events.
pub(crate) const MOST_NETWORKS: usize = 200;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The part of the room for unknown networks, and the part for each of them, as divisors.
const UNKNOWN: u64 = 2;
const EACH_UNKNOWN: u64 = 10;

/// How many times work on a request may trap before the request is no longer verified.
pub(crate) const MOST_TRAPS: u64 = 2;

/// A request that is kept, or was kept within the last day.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) row: RowId,
    pub(crate) received: u64,
    /// `None`, if it was delivered or erased.
    pub(crate) held: Option<Held>,
}

/// The part of an entry that uses room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) size: u64,
    /// The hash of the sender's network.
    pub(crate) network: String,
    /// A digest of the signature and the body.
    pub(crate) digest: String,
}

/// The decision about a new request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    /// An equal request is kept already.
    Copy,
    /// The room is full.
    Full,
}

/// The key with which the kept requests were last verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum VerifiedWith {
    /// The inbox has never had a key.
    #[default]
    NeverAKey,
    /// Some kept requests were not verified with the last key.
    Nothing,
    /// All kept requests were verified with the key that has this fingerprint.
    Key(String),
}

impl VerifiedWith {
    /// Returns whether the kept requests have to be verified again: the current key has changed.
    pub(crate) fn is_due(&self, current: Option<&str>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Key(last), Some(current)) => last != current,
            (Self::NeverAKey | Self::Nothing, Some(_)) => true,
        }
    }

    /// Returns the value after another request was kept. It is unchanged if the last key is the current one and rejects the
    /// request.
    #[must_use]
    pub(crate) fn after_keeping(&self, slot: Option<KeySlot>, current: Option<&str>) -> Self {
        match self {
            Self::NeverAKey => Self::NeverAKey,
            Self::Key(last) if current == Some(last) && !is_admitted(slot) => self.clone(),
            Self::Key(_) | Self::Nothing => Self::Nothing,
        }
    }
}

/// Returns whether a kept request becomes a delivery automatically: only if the current key verifies it, because others
/// may know a previous key. An operator can deliver any request that a key verifies.
pub(crate) fn is_admitted(slot: Option<KeySlot>) -> bool {
    slot == Some(KeySlot::Current)
}

/// The kept requests, and the known networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Room {
    /// In the order in which they arrived.
    pub(crate) entries: Vec<Entry>,
    /// Each hash of a network, with the time of its last genuine event; in the order of the hashes.
    known: Vec<(String, u64)>,
}

impl Room {
    /// `known` must be in the order of the hashes.
    pub(crate) fn new(entries: Vec<Entry>, known: Vec<(String, u64)>) -> Self {
        Self { entries, known }
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = (&Entry, &Held)> {
        self.entries.iter().filter_map(|entry| Some((entry, entry.held.as_ref()?)))
    }

    fn find(&self, network: &str) -> Result<usize, usize> {
        self.known.binary_search_by(|(hash, _)| hash.as_str().cmp(network))
    }

    fn is_known(&self, network: &str, now: u64) -> bool {
        let known = self.find(network).ok().and_then(|index| self.known.get(index));
        known.is_some_and(|(_, time)| is_recent(*time, now))
    }

    /// Decides whether a request is kept.
    pub(crate) fn verdict(&self, new: &Held, now: u64) -> Verdict {
        let network = new.network.as_str();
        if self.held().any(|(_, held)| held.digest == new.digest) {
            return Verdict::Copy;
        }
        let fits = self.has_room(|_| true, 1, new.size, now)
            && (self.is_known(network, now)
                || self.has_room(|other| !self.is_known(other, now), UNKNOWN, new.size, now)
                    && self.has_room(|other| other == network, EACH_UNKNOWN, new.size, now));
        if fits { Verdict::Keep } else { Verdict::Full }
    }

    /// Returns whether the networks that `includes` selects have room for one more body of `size` bytes. Together, they may
    /// use the whole room divided by `part`.
    fn has_room(&self, includes: impl Fn(&str) -> bool, part: u64, size: u64, now: u64) -> bool {
        let (mut count, mut bytes, mut today) = (1_u64, size, 1_u64);
        for entry in &self.entries {
            let is_new = now.saturating_sub(entry.received) < DAY_MS;
            let counts = match &entry.held {
                Some(held) if includes(&held.network) => {
                    count = count.saturating_add(1);
                    bytes = bytes.saturating_add(held.size);
                    true
                }
                Some(_) => false,
                // Its network was removed, so it counts for all networks and for the unknown ones.
                None => part <= UNKNOWN,
            };
            today = today.saturating_add(u64::from(counts && is_new));
        }
        count.saturating_mul(part) <= MOST
            && bytes.saturating_mul(part) <= MOST_BYTES
            && today.saturating_mul(part.min(UNKNOWN)) <= MOST_A_DAY
    }

    /// Returns the networks that still have room, after a request was not kept. `None` means that only the part of the
    /// request's own network is used up.
    pub(crate) fn open_to(&self, now: u64) -> Option<Vec<String>> {
        if !self.has_room(|_| true, 1, 0, now) {
            return Some(Vec::new());
        }
        if self.has_room(|other| !self.is_known(other, now), UNKNOWN, 0, now) {
            return None;
        }
        let known = self.known.iter().filter(|(_, time)| is_recent(*time, now));
        Some(known.map(|(hash, _)| hash.clone()).collect())
    }

    /// Notes a genuine event of a network, and returns whether it has to be saved.
    pub(crate) fn note(&mut self, network: &str, now: u64) -> bool {
        match self.find(network) {
            Ok(index) => match self.known.get_mut(index) {
                Some((_, time)) if now.saturating_sub(*time) >= KNOWN_EVERY_MS => *time = now,
                _ => return false,
            },
            Err(index) => self.known.insert(index, (network.to_owned(), now)),
        }
        true
    }

    /// Removes and returns a network that is no longer known, or the oldest one beyond the limit. Returns `None` if there
    /// is none.
    pub(crate) fn forget_network(&mut self, now: u64) -> Option<String> {
        let times = self.known.iter().map(|(_, time)| *time).enumerate();
        let (oldest, time) = times.min_by_key(|(_, time)| *time)?;
        let is_over = !is_recent(time, now) || self.known.len() > MOST_NETWORKS;
        is_over.then(|| self.known.remove(oldest).0)
    }

    /// Removes entries that are too old, and returns whether there were any.
    pub(crate) fn expire(&mut self, now: u64) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !is_over(entry.received, now));
        self.entries.len() < before
    }

    /// Marks an entry as delivered or erased.
    pub(crate) fn empty(&mut self, row: RowId) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.row == row) {
            entry.held = None;
        }
    }
}

/// Returns whether the retention of a request is over.
pub(crate) fn is_over(received: u64, now: u64) -> bool {
    now.saturating_sub(received) >= KEPT_MS
}

/// Returns whether a network is still known, given the time of its last genuine event. That time is saved only from time
/// to time, so the true one can be a little later.
fn is_recent(time: u64, now: u64) -> bool {
    now.saturating_sub(time) < KNOWN_MS.saturating_add(KNOWN_EVERY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 100 * DAY_MS;

    fn held(network: &str, size: u64, digest: &str) -> Held {
        Held { size, network: network.to_owned(), digest: digest.to_owned() }
    }

    /// Makes a room with the known network "known", and with a number of bodies of each network in `kept`.
    fn room(kept: &[(&str, usize)], size: u64, received: u64) -> Room {
        let mut room = Room::new(Vec::new(), vec![("known".to_owned(), NOW)]);
        for (network, count) in kept {
            for _ in 0..*count {
                let row = RowId(u64::try_from(room.entries.len()).unwrap());
                let held = Some(held(network, size, &row.to_string()));
                room.entries.push(Entry { row, received, held });
            }
        }
        room
    }

    fn verdict(room: &Room, network: &str, size: u64) -> Verdict {
        room.verdict(&held(network, size, "new"), NOW)
    }

    /// Lists ten unknown networks with the same number of bodies.
    fn unknown(each: usize) -> Vec<(&'static str, usize)> {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        names.into_iter().map(|name| (name, each)).collect()
    }

    #[test]
    fn an_unknown_network_gets_a_tenth_and_all_of_them_half() {
        assert_eq!(verdict(&room(&[("a", 99)], 1, NOW), "a", 1), Verdict::Keep);
        let tenth = room(&[("a", 100)], 1, NOW);
        assert_eq!(verdict(&tenth, "a", 1), Verdict::Full);
        assert_eq!(verdict(&tenth, "b", 1), Verdict::Keep);
        assert_eq!(tenth.open_to(NOW), None);
        let mut half = room(&unknown(49), 1, NOW);
        half.entries.extend(room(&[("k", 9)], 1, NOW).entries);
        assert_eq!(verdict(&half, "z", 1), Verdict::Keep);
        half.entries.extend(room(&[("l", 1)], 1, NOW).entries);
        assert_eq!(verdict(&half, "z", 1), Verdict::Full);
        assert_eq!(verdict(&half, "known", 1), Verdict::Keep);
        assert_eq!(half.open_to(NOW), Some(vec!["known".to_owned()]));
    }

    #[test]
    fn bytes_are_limited_as_bodies_are() {
        let size = 64 << 10;
        let tenth = MOST_BYTES / 10;
        let one = room(&[("a", 12)], size, NOW);
        assert_eq!(verdict(&one, "a", tenth - 12 * size), Verdict::Keep);
        assert_eq!(verdict(&one, "a", tenth - 12 * size + 1), Verdict::Full);
        let half = room(
            &[("known", 64), ("a", 12), ("b", 12), ("c", 12), ("d", 12), ("e", 12)],
            size,
            NOW,
        );
        assert_eq!(verdict(&half, "f", 4 * size), Verdict::Keep);
        assert_eq!(verdict(&half, "f", 4 * size + 1), Verdict::Full);
        let all = room(&[("known", 127)], size, NOW);
        assert_eq!(verdict(&all, "known", size), Verdict::Keep);
        assert_eq!(verdict(&all, "known", size + 1), Verdict::Full);
    }

    #[test]
    fn a_known_network_may_use_all_remaining_room() {
        assert_eq!(verdict(&room(&[("known", 999)], 1, NOW), "known", 1), Verdict::Keep);
        let full = room(&[("known", 1000)], 1, NOW);
        assert_eq!(verdict(&full, "known", 1), Verdict::Full);
        assert_eq!(full.open_to(NOW), Some(Vec::new()));
    }

    #[test]
    fn a_delivered_request_counts_for_its_day() {
        let gone = |count: usize, received| {
            let mut room = room(&[("known", count)], 1, received);
            room.entries.iter_mut().for_each(|entry| entry.held = None);
            room
        };
        assert_eq!(verdict(&gone(1199, NOW), "known", 1), Verdict::Keep);
        assert_eq!(verdict(&gone(1200, NOW), "known", 1), Verdict::Full);
        assert_eq!(verdict(&gone(1200, NOW), "a", 1), Verdict::Full);
        assert_eq!(verdict(&gone(1200, NOW - DAY_MS + 1), "known", 1), Verdict::Full);
        assert_eq!(verdict(&gone(1200, NOW - DAY_MS), "known", 1), Verdict::Keep);
    }

    #[test]
    fn an_equal_request_is_kept_once_until_it_is_gone() {
        let mut room = room(&[("a", 1)], 1, NOW);
        assert_eq!(room.verdict(&held("b", 1, "0"), NOW), Verdict::Copy);
        room.empty(RowId(0));
        assert_eq!(room.verdict(&held("b", 1, "0"), NOW), Verdict::Keep);
    }

    #[test]
    fn a_request_is_kept_for_48_hours() {
        let mut room = room(&[("a", 1)], 1, NOW);
        assert!(!room.expire(NOW + KEPT_MS - 1));
        assert!(room.expire(NOW + KEPT_MS));
        assert_eq!(room.held().count(), 0);
    }

    #[test]
    fn a_network_is_known_for_30_days_and_at_most_200_are() {
        let mut room = room(&[], 1, NOW);
        assert!(!room.note("known", NOW + KNOWN_EVERY_MS - 1));
        assert!(room.note("known", NOW + KNOWN_EVERY_MS));
        let last = NOW + KNOWN_EVERY_MS;
        assert!(room.is_known("known", last + KNOWN_MS));
        assert!(!room.is_known("known", last + KNOWN_MS + KNOWN_EVERY_MS));
        for n in 1..MOST_NETWORKS {
            assert!(room.note(&n.to_string(), last + 1));
        }
        assert_eq!(room.forget_network(last + 1), None);
        assert!(room.note("one more", last + 2));
        assert_eq!(room.forget_network(last + 2).as_deref(), Some("known"));
        assert_eq!(room.forget_network(last + 2), None);
        assert_eq!(room.known.len(), MOST_NETWORKS);
        while room.forget_network(last + 2 * KNOWN_MS).is_some() {}
        assert_eq!(room.known, []);
    }
}
