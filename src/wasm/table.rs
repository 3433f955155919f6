use core::mem::replace;

/// What is held between calls, each thing by its number. A number is free again once its thing is removed.
///
/// It is our own, since it must have no panic: a place that is not as it should be leads to another one.
pub(super) struct Table<T> {
    places: Vec<Place<T>>,
    /// The place for the next thing; if it is not free, a new one is made.
    next: usize,
}

enum Place<T> {
    Held(T),
    /// The place that was free before this one was.
    Free(usize),
}

impl<T> Table<T> {
    pub(super) const NEW: Self = Self { places: Vec::new(), next: 0 };

    pub(super) fn get(&self, number: usize) -> Option<&T> {
        match self.places.get(number)? {
            Place::Held(thing) => Some(thing),
            Place::Free(_) => None,
        }
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        match self.places.get_mut(number)? {
            Place::Held(thing) => Some(thing),
            Place::Free(_) => None,
        }
    }

    pub(super) fn insert(&mut self, thing: T) -> usize {
        let number = self.next;
        if let Some(place) = self.places.get_mut(number)
            && let Place::Free(next) = *place
        {
            *place = Place::Held(thing);
            self.next = next;
            return number;
        }
        let number = self.places.len();
        self.places.push(Place::Held(thing));
        self.next = self.places.len();
        number
    }

    pub(super) fn remove(&mut self, number: usize) -> Option<T> {
        let place = self.places.get_mut(number)?;
        match replace(place, Place::Free(self.next)) {
            Place::Held(thing) => {
                self.next = number;
                Some(thing)
            }
            free @ Place::Free(_) => {
                *place = free;
                None
            }
        }
    }
}
