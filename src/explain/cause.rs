const KEY: &str = " Configure the key exactly as Walnut's settings show it.";
const HEADER: &str = " Hand its value over as Walnut sends it: 64 lowercase hex digits.";
const BODY: &str =
    " Hand over the bytes as received, before anything parses, decodes or trims them.";

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
    /// The header has whitespace around its digits.
    SignatureWhitespace,
    /// The header has quotes around its digits.
    SignatureQuoted,
    /// The header came more than once, or its value was doubled.
    SignatureRepeated,
    /// The header has more than the digits, such as `sha256=`.
    SignatureExtraText,
    /// The header was cut: at least 32 digits are left.
    SignatureCut,
    /// The header is malformed, and no known way leads to a right one.
    MalformedSignature,

    /// A key is empty, or there are none, or more than [`MAX_KEYS`](crate::MAX_KEYS).
    InvalidKey,
    /// The key has whitespace around it.
    KeyWhitespace,
    /// The key ends in a backslash and an `n`, meant as a newline.
    KeyEscapedNewline,
    /// The key has quotes around it.
    KeyQuoted,
    /// The key has the name of its variable in front.
    KeyAssignment,
    /// The key has the prefix `whsec_` that it should not have, or lacks it.
    KeyPrefix,
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
    /// The body was decoded in one character encoding and encoded in another.
    BodyEncoding,
    /// The body is in base64.
    BodyBase64,
    /// The body was encoded as a form.
    BodyFormEncoded,
    /// The body was turned into a JSON string.
    BodyJsonString,
    /// The body's JSON was written anew with other whitespace.
    BodyReformatted,
    /// The body's JSON was written anew with other escapes in its strings.
    BodyReescaped,
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

    /// Returns what is the matter, and what to do: two pieces of one text.
    pub(super) fn hint(self) -> [&'static str; 2] {
        let (_, what, fix) = self.words();
        [what, fix]
    }

    #[rustfmt::skip] // A table.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Genuine => ("genuine", "The signature is right.", " There is nothing to do."),
            Self::PreviousKey => ("previous_key", "The signature is right, but a previous key made it.",
                " Finish the rotation: if this key is the one in Walnut's settings, put it first; \
                 once nothing uses it any more, remove it."),
            Self::MissingSignature => ("missing_signature", "The request has no X-Walnut-Signature.",
                " Switch signature verification on for this webhook in Walnut's settings, or find the \
                 proxy that drops the header."),
            Self::OtherHeader => ("other_header",
                "X-Walnut-Signature is missing, but another header holds the signature: ",
                ". Read it from there, or stop what renames it."),
            Self::SignatureUppercase => ("signature_uppercase",
                "Something made the header's digits uppercase.", HEADER),
            Self::SignatureBase64 => ("signature_base64",
                "Something turned the header's digits into base64.", HEADER),
            Self::SignatureWhitespace => ("signature_whitespace",
                "The header has whitespace around its digits.", HEADER),
            Self::SignatureQuoted => ("signature_quoted", "The header has quotes around its digits.", HEADER),
            Self::SignatureRepeated => ("signature_repeated",
                "The header came more than once, or something joined several values.", HEADER),
            Self::SignatureExtraText => ("signature_extra_text",
                "The header has more than its digits, such as a prefix.", HEADER),
            Self::SignatureCut => ("signature_cut", "Something cut the header's digits short.", HEADER),
            Self::MalformedSignature => ("malformed_signature",
                "X-Walnut-Signature must be 64 lowercase hex digits, but ",
                ". It is not what Walnut sends: find what else sends to this address, or what changes the header."),
            Self::InvalidKey => ("invalid_key", "A key is empty, or there are none, or more than four.", KEY),
            Self::KeyWhitespace => ("key_whitespace", "The key has a newline or blanks around it.", KEY),
            Self::KeyEscapedNewline => ("key_escaped_newline",
                "The key ends in a newline that is spelled \\n.", KEY),
            Self::KeyQuoted => ("key_quoted", "The key has quotes around it.", KEY),
            Self::KeyAssignment => ("key_assignment", "The key has the name of its variable in front of it.", KEY),
            Self::KeyPrefix => ("key_prefix", "The prefix whsec_ was added to the key, or taken from it.", KEY),
            Self::KeyDecoded => ("key_decoded",
                "The key was decoded from hex or base64, but is meant as text.", KEY),
            Self::KeyEncoded => ("key_encoded", "The key was encoded in hex or base64.", KEY),
            Self::BodyWhitespace => ("body_whitespace",
                "Whitespace at the body's start or end was added or removed.", BODY),
            Self::BodyLineEndings => ("body_line_endings", "The body's line endings were changed.", BODY),
            Self::BodyByteOrderMark => ("body_byte_order_mark",
                "A byte order mark was added to the body, or removed.", BODY),
            Self::BodyEncoding => ("body_encoding",
                "The body was decoded in one character encoding, and encoded in another.", BODY),
            Self::BodyBase64 => ("body_base64", "The body is in base64.", " Decode it before it is checked."),
            Self::BodyFormEncoded => ("body_form_encoded", "The body was encoded as a form.", BODY),
            Self::BodyJsonString => ("body_json_string", "The body was turned into a JSON string.", BODY),
            Self::BodyReformatted => ("body_reformatted",
                "The body's JSON was parsed and written anew, with other whitespace.", BODY),
            Self::BodyReescaped => ("body_reescaped",
                "The body's JSON was parsed and written anew, with other escapes in its strings.", BODY),
            Self::BodyEmpty => ("body_empty", "Nothing is left of the body: something has read it before.", BODY),
            Self::BodyObjectText => ("body_object_text", "The body is an object that was turned into text.", BODY),
            Self::BodyReplacementCharacters => ("body_replacement_characters",
                "The body has the characters U+FFFD, which stand for bytes that a decoder failed on.", BODY),
            Self::BodyTooLargeToExplain => ("body_too_large_to_explain",
                "Neither the header nor the key has a known mistake, and a body over 64 KiB is not looked into.",
                " Try a smaller event; else check the key, and that the body is byte for byte what came."),
            Self::Unknown => ("unknown",
                "No known mistake explains it: wrong key, changed body, or not sent by Walnut.",
                " Check in this order: that the key is the one that Walnut's settings show now; that \
                 the body is byte for byte what came; who sent it."),
        }
    }
}
