use super::MAX_DEPTH;
use crate::NotJson;

const BYTE_ORDER_MARK: [u8; 3] = *b"\xef\xbb\xbf";

/// Finds the reason why a text is not JSON, in one pass over its pieces.
///
/// This type alone decides the reason, whether this crate or `JSON.parse` parses the text. `Reading` decides whether the
/// JSON is an object.
#[derive(Default)]
pub(crate) struct Scan {
    length: usize,
    start: [u8; BYTE_ORDER_MARK.len()],
    depth: usize,
    too_deep_at: Option<usize>,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    pub(crate) fn update(&mut self, piece: &[u8]) {
        for (to, from) in self.start.iter_mut().skip(self.length).zip(piece) {
            *to = *from;
        }
        for (index, byte) in piece.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' => {
                    self.depth = self.depth.saturating_add(1);
                    if self.depth > MAX_DEPTH {
                        self.too_deep_at.get_or_insert(self.length.saturating_add(index));
                    }
                }
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.length = self.length.saturating_add(piece.len());
    }

    /// Returns the offset of the first bracket that nests deeper than [`MAX_DEPTH`], before or after any syntax error.
    pub(crate) fn too_deep_at(&self) -> Option<usize> {
        self.too_deep_at
    }

    /// Returns the reason why a text is not JSON. The caller already knows that it is not.
    pub(crate) fn reason(&self, is_utf8: bool) -> NotJson {
        if self.length == 0 {
            NotJson::Empty
        } else if !is_utf8 {
            NotJson::Utf8
        } else if self.start == BYTE_ORDER_MARK {
            NotJson::ByteOrderMark
        } else if self.too_deep_at.is_some() {
            NotJson::Depth
        } else {
            NotJson::Syntax
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_split_of_a_text_gives_the_same_facts() {
        let deep = "[".repeat(MAX_DEPTH);
        for text in [
            format!("\u{feff}{deep}"),
            format!("\"[\\\"[\"{deep}["),
            format!("\"\\\\\"{deep}]][[["),
        ] {
            let mut whole = Scan::default();
            whole.update(text.as_bytes());
            for cut in 0..=text.len() {
                let (head, tail) = text.as_bytes().split_at(cut);
                let mut pieces = Scan::default();
                pieces.update(head);
                pieces.update(tail);
                assert_eq!(pieces.reason(true), whole.reason(true), "{text} cut at {cut}");
                assert_eq!(pieces.too_deep_at(), whole.too_deep_at(), "{text} cut at {cut}");
            }
        }
    }

    #[test]
    fn the_first_reason_wins() {
        let reason = |text: &[u8], is_utf8| {
            let mut scan = Scan::default();
            scan.update(text);
            scan.reason(is_utf8)
        };
        let deep = "[".repeat(MAX_DEPTH + 1);
        assert_eq!(reason(b"", false), NotJson::Empty);
        assert_eq!(reason(format!("\u{feff}{deep}").as_bytes(), false), NotJson::Utf8);
        assert_eq!(reason(format!("\u{feff}{deep}").as_bytes(), true), NotJson::ByteOrderMark);
        assert_eq!(reason(deep.as_bytes(), true), NotJson::Depth);
        assert_eq!(reason(&deep.as_bytes()[1..], true), NotJson::Syntax);
    }
}
