/// Names what [`explain`](crate::explain) found.
///
/// Each cause was checked by calculation: once the mistake is undone, the signature is right. The
/// exceptions are those that say *likely*, which are told by the body's content, and those that say
/// that nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The signature is right.
    Genuine,
    /// The signature is right, but not the first key made it.
    PreviousKey,

    /// There is no signature header.
    MissingSignature,
    /// There is no signature header, but another one holds the signature.
    OtherHeader,

    /// The header has uppercase digits.
    SignatureUppercase,
    /// The header is in base64.
    SignatureBase64,
    /// The header came more than once, or its value was doubled.
    SignatureRepeated,
    /// The header has more than the digits, such as blanks, quotes or `sha256=`.
    SignatureExtraText,
    /// The header was cut: at least 32 digits are left.
    SignatureCut,
    /// The header is malformed, and no known way leads to a right one.
    MalformedSignature,

    /// A key is empty, or there are none, or more than [`MAX_KEYS`](crate::MAX_KEYS).
    InvalidKey,
    /// The key has whitespace around it.
    KeyWhitespace,
    /// The key has quotes around it.
    KeyQuoted,
    /// The key was decoded from hex or base64.
    KeyDecoded,
    /// The key was encoded in hex or base64.
    KeyEncoded,

    /// The body's end lost or won a newline, or whitespace around it was added.
    BodyWhitespace,
    /// The body's line endings were changed.
    BodyLineEndings,
    /// The body lost or won a byte order mark.
    BodyByteOrderMark,
    /// The body is in base64.
    BodyBase64,
    /// The body's JSON was written anew, with other whitespace or other escapes.
    BodyReformatted,
    /// *Likely:* the body was read before, so that nothing is left of it.
    BodyEmpty,
    /// *Likely:* the body is an object that was turned into text.
    BodyObjectText,
    /// *Likely:* the body was decoded wrongly, and characters were lost.
    BodyReplacementCharacters,
    /// Neither the header nor a key explains it, and the body is longer than
    /// [`MAX_EXPLAINED_BODY_BYTES`](crate::MAX_EXPLAINED_BODY_BYTES).
    BodyTooLargeToExplain,

    /// Nothing that was tried explains it.
    Unknown,
}

impl Cause {
    /// Returns the stable word for the cause, such as `key_whitespace`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Genuine => "genuine",
            Self::PreviousKey => "previous_key",
            Self::MissingSignature => "missing_signature",
            Self::OtherHeader => "other_header",
            Self::SignatureUppercase => "signature_uppercase",
            Self::SignatureBase64 => "signature_base64",
            Self::SignatureRepeated => "signature_repeated",
            Self::SignatureExtraText => "signature_extra_text",
            Self::SignatureCut => "signature_cut",
            Self::MalformedSignature => "malformed_signature",
            Self::InvalidKey => "invalid_key",
            Self::KeyWhitespace => "key_whitespace",
            Self::KeyQuoted => "key_quoted",
            Self::KeyDecoded => "key_decoded",
            Self::KeyEncoded => "key_encoded",
            Self::BodyWhitespace => "body_whitespace",
            Self::BodyLineEndings => "body_line_endings",
            Self::BodyByteOrderMark => "body_byte_order_mark",
            Self::BodyBase64 => "body_base64",
            Self::BodyReformatted => "body_reformatted",
            Self::BodyEmpty => "body_empty",
            Self::BodyObjectText => "body_object_text",
            Self::BodyReplacementCharacters => "body_replacement_characters",
            Self::BodyTooLargeToExplain => "body_too_large_to_explain",
            Self::Unknown => "unknown",
        }
    }

    /// Returns what is the matter; nothing where an error's message says it.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Genuine => "the signature is right",
            Self::PreviousKey => "the signature is right, but a previous key made it",
            Self::OtherHeader => "the signature is not in X-Walnut-Signature",
            Self::SignatureUppercase => "the header has uppercase digits",
            Self::SignatureBase64 => "the header is in base64",
            Self::SignatureRepeated => "the header has several values",
            Self::SignatureExtraText => {
                "the header has blanks, quotes or a prefix around its digits"
            }
            Self::SignatureCut => "the header was cut short",
            Self::KeyWhitespace => "the key has a newline or blanks around it",
            Self::KeyQuoted => "the key has quotes around it",
            Self::KeyDecoded => "the key was decoded from hex or base64",
            Self::KeyEncoded => "the key was encoded in hex or base64",
            Self::BodyWhitespace => "whitespace at the body's start or end was added or removed",
            Self::BodyLineEndings => "the body's line endings were changed",
            Self::BodyByteOrderMark => "the body's byte order mark was added or removed",
            Self::BodyBase64 => "the body is in base64",
            Self::BodyReformatted => "the body's JSON was parsed and written anew",
            Self::BodyEmpty => "nothing is left of the body",
            Self::BodyObjectText => "the body is an object that was turned into text",
            Self::BodyReplacementCharacters => {
                "the body has U+FFFD, which stands for bytes that a decoder failed on"
            }
            Self::BodyTooLargeToExplain => {
                "header and key have no known mistake, and a body over 64 KiB is not looked into"
            }
            Self::MissingSignature
            | Self::MalformedSignature
            | Self::InvalidKey
            | Self::Unknown => "",
        }
    }

    /// Returns what to do.
    pub(super) const fn fix(self) -> &'static str {
        match self {
            Self::PreviousKey => {
                "; put the one that Walnut's settings show first, and remove the other once it is unused"
            }
            Self::OtherHeader => "; read it from, or stop what renames it to, ",
            Self::SignatureUppercase
            | Self::SignatureBase64
            | Self::SignatureRepeated
            | Self::SignatureExtraText
            | Self::SignatureCut => "; hand over what Walnut sends: 64 lowercase hex digits",
            Self::KeyWhitespace | Self::KeyQuoted | Self::KeyDecoded | Self::KeyEncoded => {
                "; configure it exactly as Walnut's settings show it"
            }
            Self::BodyBase64 => "; decode it before it is checked",
            Self::BodyTooLargeToExplain => "; try a smaller event",
            Self::BodyWhitespace
            | Self::BodyLineEndings
            | Self::BodyByteOrderMark
            | Self::BodyReformatted
            | Self::BodyEmpty
            | Self::BodyObjectText
            | Self::BodyReplacementCharacters => {
                "; hand over the bytes as received, before anything parses or decodes them"
            }
            Self::Genuine
            | Self::MissingSignature
            | Self::MalformedSignature
            | Self::InvalidKey
            | Self::Unknown => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_states_the_limit_as_it_is() {
        let limit = format!(" {} KiB ", crate::MAX_EXPLAINED_BODY_BYTES >> 10);
        let hint = Cause::BodyTooLargeToExplain.what();
        assert!(hint.contains(&limit), "{hint}");
    }
}
