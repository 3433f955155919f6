const KEY: &str = "; configure it exactly as Walnut's settings show it";
const HEADER: &str = "; hand over what Walnut sends: 64 lowercase hex digits";
const BODY: &str = "; hand over the bytes as received, before anything parses or decodes them";

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
    pub fn as_str(self) -> &'static str {
        self.words().0
    }

    /// Returns what is the matter and what to do; nothing where an error's message says it.
    pub(super) fn hint(self) -> [&'static str; 2] {
        let (_, what, fix) = self.words();
        [what, fix]
    }

    #[rustfmt::skip] // A table.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Genuine => ("genuine", "the signature is right", ""),
            Self::PreviousKey => ("previous_key", "the signature is right, but a previous key made it",
                "; put the one that Walnut's settings show first, and remove the other once it is unused"),
            Self::MissingSignature => ("missing_signature", "", ""),
            Self::OtherHeader => ("other_header", "the signature is not in X-Walnut-Signature",
                "; read it from, or stop what renames it to, "),
            Self::SignatureUppercase => ("signature_uppercase", "the header has uppercase digits", HEADER),
            Self::SignatureBase64 => ("signature_base64", "the header is in base64", HEADER),
            Self::SignatureRepeated => ("signature_repeated", "the header has several values", HEADER),
            Self::SignatureExtraText => ("signature_extra_text",
                "the header has blanks, quotes or a prefix around its digits", HEADER),
            Self::SignatureCut => ("signature_cut", "the header was cut short", HEADER),
            Self::MalformedSignature => ("malformed_signature", "", ""),
            Self::InvalidKey => ("invalid_key", "", ""),
            Self::KeyWhitespace => ("key_whitespace", "the key has a newline or blanks around it", KEY),
            Self::KeyQuoted => ("key_quoted", "the key has quotes around it", KEY),
            Self::KeyDecoded => ("key_decoded", "the key was decoded from hex or base64", KEY),
            Self::KeyEncoded => ("key_encoded", "the key was encoded in hex or base64", KEY),
            Self::BodyWhitespace => ("body_whitespace",
                "whitespace at the body's start or end was added or removed", BODY),
            Self::BodyLineEndings => ("body_line_endings", "the body's line endings were changed", BODY),
            Self::BodyByteOrderMark => ("body_byte_order_mark",
                "the body's byte order mark was added or removed", BODY),
            Self::BodyBase64 => ("body_base64", "the body is in base64", "; decode it before it is checked"),
            Self::BodyReformatted => ("body_reformatted", "the body's JSON was parsed and written anew", BODY),
            Self::BodyEmpty => ("body_empty", "nothing is left of the body", BODY),
            Self::BodyObjectText => ("body_object_text", "the body is an object that was turned into text", BODY),
            Self::BodyReplacementCharacters => ("body_replacement_characters",
                "the body has U+FFFD, which stands for bytes that a decoder failed on", BODY),
            Self::BodyTooLargeToExplain => ("body_too_large_to_explain",
                "header and key have no known mistake, and a body over 64 KiB is not looked into",
                "; try a smaller event"),
            Self::Unknown => ("unknown", "", ""),
        }
    }
}
