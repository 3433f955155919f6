/// Joins texts. The standard library's `concat` would panic if their length overflowed: it can't, but the
/// check would be shipped.
pub(crate) fn joined(texts: &[&str]) -> String {
    texts.iter().copied().collect()
}
