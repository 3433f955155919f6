use serde::{Serialize, Serializer};

const FIX_HEADER: &str = "Pass the header's value as Walnut sends it: 64 lowercase hex digits.";
const FIX_KEY: &str = "Configure the key exactly as Walnut's settings show it.";
const FIX_BODY: &str = "Pass the bytes as received, before anything parses or decodes them.";

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident: $word:literal, $problem:expr, $fix:expr;)+) => {
        /// The mistake that [`explain`](crate::explain) found.
        ///
        /// Each cause was checked by calculation: once the mistake is undone, the signature is right. There are
        /// two exceptions: a *likely* cause follows from the content of the body or from the headers, and some
        /// errors have no known explanation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Cause {
            /// Lists every cause.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the stable word for the cause, such as `key_whitespace`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// Names the problem.
            pub(crate) const fn problem(self) -> &'static str {
                match self { $(Self::$name => $problem,)+ }
            }

            /// Names the fix.
            pub(crate) const fn fix(self) -> &'static str {
                match self { $(Self::$name => $fix,)+ }
            }
        }
    };
}

causes! {
    /// The signature is right.
    Genuine: "genuine", "The signature is right.", "Change nothing about the signature. If the request is still rejected, read the error of `verify`.";
    /// The signature is right, but a previous key produced it.
    PreviousKey: "previous_key",
        "The signature is right, but a previous key produced it.",
        "Pass the key that Walnut's settings show as the first one, and remove the other once it is unused.";

    /// The request has no signature header.
    MissingSignature: "missing_signature",
        "The request has no X-Walnut-Signature header.",
        "Switch signature verification on for this webhook in Walnut's settings, or find the proxy that removes the header.";
    /// A header other than the signature header holds the signature.
    OtherHeader: "other_header",
        "The signature is in a header other than X-Walnut-Signature: ",
        "Read the signature from that header, or find the proxy that renames it.";

    /// The header has uppercase digits.
    SignatureUppercase: "signature_uppercase",
        "The X-Walnut-Signature header has uppercase digits.", FIX_HEADER;
    /// The header is in base64.
    SignatureBase64: "signature_base64", "The X-Walnut-Signature header is in base64.", FIX_HEADER;
    /// The header occurs more than once, or its value was doubled.
    SignatureRepeated: "signature_repeated",
        "The X-Walnut-Signature header has several values.", FIX_HEADER;
    /// The header has other characters around its digits, such as blanks, quotes or `sha256=`.
    SignatureExtraText: "signature_extra_text",
        "The X-Walnut-Signature header has blanks, quotes or a prefix around its digits.", FIX_HEADER;
    /// The header was cut: at least 32 digits are left.
    SignatureCut: "signature_cut", "The X-Walnut-Signature header was cut short.", FIX_HEADER;
    /// The header is malformed, and undoing known mistakes does not give a right signature.
    MalformedSignature: "malformed_signature",
        "The X-Walnut-Signature header is not 64 lowercase hex digits.", FIX_HEADER;

    /// A key is empty, no key was given, or more than [`MAX_KEYS`](walnut_webhooks::MAX_KEYS) were given.
    InvalidKey: "invalid_key",
        "A key is empty, no key was given, or more than 4 keys were given.",
        "Pass the key that Walnut's settings show; during a key reset, pass the current key first.";
    /// The key has whitespace around it.
    KeyWhitespace: "key_whitespace", "The key has a newline or blanks around it.", FIX_KEY;
    /// The key has invisible characters, such as a byte order mark, a no-break space or a zero-width space.
    KeyInvisible: "key_invisible",
        "The key has invisible characters, such as a byte order mark, a no-break space or a line break.", FIX_KEY;
    /// The key has quotation marks around it, of any language.
    KeyQuoted: "key_quoted", "The key has quotation marks around it.", FIX_KEY;
    /// The key has a name in front of it, as in `NAME=key`.
    KeyAssignment: "key_assignment",
        "The key has a name in front of it, as in NAME=key.", "Configure only the value after the name.";
    /// The key is escaped for HTML, a URL or JSON.
    KeyEscaped: "key_escaped",
        "The key is escaped for HTML, a URL or JSON.", FIX_KEY;
    /// The key is in UTF-16, as some editors and shells of Windows save a file.
    KeyCharset: "key_charset", "The key is in UTF-16.", "Save the file that holds the key in UTF-8.";
    /// The key was decoded from hex or base64.
    KeyDecoded: "key_decoded", "The key was decoded from hex or base64.", FIX_KEY;
    /// The key was encoded in hex or base64.
    KeyEncoded: "key_encoded", "The key was encoded in hex or base64.", FIX_KEY;

    /// Whitespace at the start or end of the body was added, or a newline at its end removed.
    BodyWhitespace: "body_whitespace",
        "Whitespace at the start or end of the body was added or removed.", FIX_BODY;
    /// The body's line endings were changed.
    BodyLineEndings: "body_line_endings", "The line endings of the body were changed.", FIX_BODY;
    /// The body lost or gained a byte order mark.
    BodyByteOrderMark: "body_byte_order_mark",
        "A byte order mark was added to the body or removed from it.", FIX_BODY;
    /// The body is in base64.
    BodyBase64: "body_base64", "The body is in base64.", "Decode the body before you verify it.";
    /// The body was encoded as JSON once more, so that it is one string; or such a string was decoded.
    BodyEncodedTwice: "body_encoded_twice",
        "The body was encoded as JSON a second time, or a second encoding was removed.", FIX_BODY;
    /// The body is in UTF-16 or Latin-1, or was decoded as Latin-1. *Likely* only for a body in UTF-16 that the signature
    /// does not confirm.
    BodyCharset: "body_charset",
        "The body is not in UTF-8: it is in UTF-16 or Latin-1, or was decoded as Latin-1.",
        "Pass the bytes as received. If they come from a file, save it in UTF-8.";
    /// The body's JSON was parsed and written again, with other whitespace, other escapes or other decimals.
    BodyReformatted: "body_reformatted",
        "The JSON of the body was parsed and written again.", FIX_BODY;
    /// *Likely:* the body is empty because it was read before.
    BodyEmpty: "body_empty", "The body is empty: it was probably read before.", FIX_BODY;
    /// *Likely:* the body is an object that was converted to a string.
    BodyObjectText: "body_object_text",
        "The body is the text [object Object]: an object was converted to a string.", FIX_BODY;
    /// *Likely:* the body was decoded wrongly, and characters were lost.
    BodyReplacementCharacters: "body_replacement_characters",
        "The body has the character U+FFFD, which replaces bytes that a decoder could not read.", FIX_BODY;
    /// *Likely:* the body is compressed. Its first bytes or the header `content-encoding` say so.
    BodyCompressed: "body_compressed",
        "The body is compressed.", "Decompress the body before you verify it, or find the proxy that compresses requests.";
    /// *Likely:* the body was decompressed. The header `content-encoding` says that it was compressed.
    BodyDecompressed: "body_decompressed",
        "The content-encoding header says that the body is compressed, but it is not: it was probably decompressed.",
        "Pass the bytes as received, before anything decompresses them. If this does not help, check the key.";
    /// The body is longer than the limit of the verification.
    BodyTooLarge: "body_too_large",
        "The body is longer than the limit.", "Raise the limit if you expect bodies of this length.";
    /// Neither the header nor a key explains the error, and the body is longer than
    /// [`MAX_EXPLAINED_BODY_BYTES`](crate::MAX_EXPLAINED_BODY_BYTES).
    BodyTooLargeToExplain: "body_too_large_to_explain",
        "The header and the key have no known mistake, and a body over 64 KiB is not examined.",
        "Try again with a smaller event.";

    /// No known mistake explains the error.
    Unknown: "unknown",
        "No key produces this signature for this body, and no known mistake explains it.",
        "Check that the key is the one that Walnut's settings show now, and that the body is byte for byte what Walnut sent.";
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_the_limits_as_they_are() {
        let limit = format!(" {} KiB ", crate::MAX_EXPLAINED_BODY_BYTES >> 10);
        assert!(Cause::BodyTooLargeToExplain.problem().contains(&limit));
        let keys = format!(" {} keys ", walnut_webhooks::MAX_KEYS);
        assert!(Cause::InvalidKey.problem().contains(&keys));
    }

    #[test]
    fn writes_whole_sentences() {
        for cause in Cause::ALL {
            for text in [cause.problem(), cause.fix()] {
                let is_completed = *cause == Cause::OtherHeader && text.ends_with(": ");
                assert!(text.starts_with(char::is_uppercase), "{text}");
                assert!(text.ends_with('.') || is_completed, "{text}");
            }
        }
    }
}
