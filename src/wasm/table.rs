/// Values that live between calls, each under a handle. Removing a value frees its handle.
///
/// No method panics: an unknown handle has no value.
pub(super) struct Table<T>(Vec<Option<T>>);

impl<T> Table<T> {
    pub(super) const NEW: Self = Self(Vec::new());

    pub(super) fn get(&self, handle: usize) -> Option<&T> {
        self.0.get(handle)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, handle: usize) -> Option<&mut T> {
        self.0.get_mut(handle)?.as_mut()
    }

    pub(super) fn insert(&mut self, value: T) -> usize {
        let handle = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        match self.0.get_mut(handle) {
            Some(slot) => *slot = Some(value),
            None => self.0.push(Some(value)),
        }
        handle
    }

    pub(super) fn remove(&mut self, handle: usize) -> Option<T> {
        self.0.get_mut(handle)?.take()
    }
}
