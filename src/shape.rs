use serde::Serialize;

/// The most entries in a list of [`Drift`]. Further differences are not listed, but still decide the type.
pub const MAX_DRIFT: usize = 100;

/// A place where a genuine event differs from the documentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The place, such as `data.user.email` or `data.items[2].name`.
    pub path: String,
    /// How it differs.
    pub kind: DriftKind,
    /// The documented type, such as `string` or `string | null`; `None` for an added field.
    pub expected: Option<&'static str>,
    /// The received type: `null`, `boolean`, `number`, `string`, `array` or `object`; `None` for a missing field.
    pub found: Option<&'static str>,
}

/// How an event differs from the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftKind {
    /// A field is not documented. The type is unaffected.
    Added,
    /// A documented field is absent. The event's type is then `unknown`.
    Missing,
    /// A documented field has another type. The event's type is then `unknown`, unless the value is a fraction where an
    /// integer is documented.
    Type,
}

impl DriftKind {
    /// Returns the word that the contract uses: `added`, `missing` or `type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Missing => "missing",
            Self::Type => "type",
        }
    }
}

/// The documented shape of a value.
#[derive(Debug)]
pub(crate) enum Shape {
    Boolean,
    Integer,
    NullableInteger,
    String,
    NullableString,
    Array(&'static Shape),
    Object(&'static [Field]),
}

/// The most documented members of an object.
pub(crate) const MAX_FIELDS: usize = 16;

/// A documented member of an object.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) optional: bool,
    pub(crate) shape: Shape,
}

impl Shape {
    pub(crate) const fn object(fields: &'static [Field]) -> Self {
        assert!(fields.len() <= MAX_FIELDS);
        Self::Object(fields)
    }

    fn expected(&self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::NullableInteger => "integer | null",
            Self::String => "string",
            Self::NullableString => "string | null",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    Boolean(bool),
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    fn found(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// A JSON value that was parsed by this crate or by the JavaScript host.
pub(crate) trait Node: Sized {
    fn kind(&self) -> Kind;
    /// Whether a number is finite and has no fraction.
    fn is_whole(&self) -> bool;
    /// Does the same as [`Node::is_whole`], without parsing the number if possible.
    fn is_written_whole(&self) -> bool {
        self.is_whole()
    }
    /// Returns the text of a string.
    fn text(&self) -> Option<String>;
    /// Returns the members that `fields` name, in that order, with `None` for an absent one; and the number of all
    /// members of the object.
    fn documented(&self, fields: &'static [Field]) -> ([Option<Self>; MAX_FIELDS], usize);
    /// Returns the names and values of an object's members.
    fn members(&self) -> impl Iterator<Item = (String, Self)>;
    /// Returns the items of an array.
    fn items(&self) -> impl Iterator<Item = Self>;
}

/// The result of comparing a value with its documented shape. Numbers are parsed, and paths are exact, only with `EXACT`.
#[derive(Debug, Default)]
pub(crate) struct Comparison<const EXACT: bool> {
    pub(crate) drift: Vec<Drift>,
    /// Whether a documented field is absent or has another type.
    pub(crate) broken: bool,
}

impl<const EXACT: bool> Comparison<EXACT> {
    pub(crate) fn new(value: &impl Node, shape: &Shape) -> Self {
        let mut comparison = Self::default();
        comparison.value(value, shape, Path::Top);
        comparison
    }

    /// Compares only the name of an event: nothing else is known about an undocumented event.
    pub(crate) fn name_only(event: &impl Node) -> Self {
        const NAME: &[Field] = &[Field { name: "event", optional: false, shape: Shape::String }];
        let mut comparison = Self::default();
        comparison.fields(event, NAME, Path::Top);
        comparison
    }

    fn value(&mut self, value: &impl Node, shape: &Shape, path: Path<'_>) {
        let kind = value.kind();
        match (shape, kind) {
            (Shape::Boolean, Kind::Boolean(_))
            | (Shape::String | Shape::NullableString, Kind::String)
            | (Shape::NullableInteger | Shape::NullableString, Kind::Null) => {}
            (Shape::Integer | Shape::NullableInteger, Kind::Number) => {
                let is_whole = if EXACT { value.is_whole() } else { value.is_written_whole() };
                // A fraction is reported, but does not change the type.
                if !is_whole {
                    self.report(path, DriftKind::Type, Some(shape.expected()), Some(kind.found()));
                }
            }
            (Shape::Array(item), Kind::Array) => {
                for (index, value) in value.items().enumerate() {
                    self.value(&value, item, Path::Item(&path, index));
                }
            }
            (Shape::Object(fields), Kind::Object) => self.object(value, fields, path),
            _ => {
                self.broken = true;
                self.report(path, DriftKind::Type, Some(shape.expected()), Some(kind.found()));
            }
        }
    }

    fn object(&mut self, object: &impl Node, fields: &'static [Field], path: Path<'_>) {
        let added = self.fields(object, fields, path);
        // Most objects have no other members, so no name needs to be copied.
        if added == 0 {
            return;
        }
        for (added, value) in object.members() {
            if self.drift.len() >= MAX_DRIFT {
                break;
            }
            if !fields.iter().any(|field| field.name == added) {
                let found = Some(value.kind().found());
                self.report(Path::Member(&path, &added), DriftKind::Added, None, found);
            }
        }
    }

    /// Compares the documented members and returns the number of other members.
    fn fields(&mut self, object: &impl Node, fields: &'static [Field], path: Path<'_>) -> usize {
        let (documented, mut others) = object.documented(fields);
        for (field, member) in fields.iter().zip(documented) {
            let path = Path::Member(&path, field.name);
            if let Some(member) = member {
                others = others.saturating_sub(1);
                self.value(&member, &field.shape, path);
            } else if !field.optional {
                self.broken = true;
                self.report(path, DriftKind::Missing, Some(field.shape.expected()), None);
            }
        }
        others
    }

    #[inline(never)]
    fn report(
        &mut self,
        path: Path<'_>,
        kind: DriftKind,
        expected: Option<&'static str>,
        found: Option<&'static str>,
    ) {
        if self.drift.len() < MAX_DRIFT {
            self.drift.push(Drift { path: path.text::<EXACT>(), kind, expected, found });
        }
    }
}

/// The place of a value. It is written as text only for a difference.
#[derive(Clone, Copy)]
enum Path<'p> {
    Top,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// Writes the path as in JavaScript: `.name`, `["a name"]`, `[0]`. Without `EXACT`, the path has no indexes, and `*`
    /// instead of a name that may be an e-mail address.
    fn text<const EXACT: bool>(self) -> String {
        let (mut path, name) = match self {
            Self::Top => return String::new(),
            Self::Item(parent, index) => {
                let index = if EXACT { index.to_string() } else { String::new() };
                return String::from_iter([&parent.text::<EXACT>(), "[", &index, "]"]);
            }
            Self::Member(parent, name)
                if !EXACT && (name.contains('@') || name.contains("%40")) =>
            {
                (parent.text::<EXACT>(), "*")
            }
            Self::Member(parent, name) => (parent.text::<EXACT>(), name),
        };
        if is_plain(name) {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
            return path;
        }
        path.push_str("[\"");
        for c in name.chars() {
            match u8::try_from(c) {
                // Control characters are escaped, so that they are visible.
                Ok(byte @ (..b' ' | 0x7f..=0x9f)) => {
                    path.push_str("\\u00");
                    path.push_str(&hex::encode([byte]));
                    continue;
                }
                Ok(b'"' | b'\\') => path.push('\\'),
                _ => {}
            }
            path.push(c);
        }
        path.push_str("\"]");
        path
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'$';
    name.bytes().next().is_some_and(|c| !c.is_ascii_digit()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    #[test]
    fn lists_at_most_max_drift_differences() {
        let drift = |items| {
            let value = Value::Array(vec![Value::Null; items]);
            Comparison::<true>::new(&&value, &Shape::Array(&Shape::Integer)).drift.len()
        };
        assert_eq!(drift(MAX_DRIFT), MAX_DRIFT);
        assert_eq!(drift(MAX_DRIFT + 1), MAX_DRIFT);
    }

    #[test]
    fn a_kind_of_drift_has_the_word_of_its_serialized_form() {
        for kind in [DriftKind::Added, DriftKind::Missing, DriftKind::Type] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn writes_a_path_as_in_javascript() {
        let data = Path::Member(&Path::Top, "data");
        assert_eq!(data.text::<true>(), "data");
        assert_eq!(Path::Item(&data, 12).text::<true>(), "data[12]");
        for (name, path) in [
            ("user_2", "data.user_2"),
            ("", r#"data[""]"#),
            ("2nd", r#"data["2nd"]"#),
            ("a-b", r#"data["a-b"]"#),
            ("é", r#"data["é"]"#),
            ("\"\\\n\u{9f}\u{a0}", "data[\"\\\"\\\\\\u000a\\u009f\u{a0}\"]"),
        ] {
            assert_eq!(Path::Member(&data, name).text::<true>(), path);
            assert_eq!(Path::Member(&data, name).text::<false>(), path);
        }
    }

    #[test]
    fn a_path_that_is_not_exact_has_no_index_and_no_address() {
        let item = Path::Item(&Path::Top, 12);
        let address = Path::Member(&item, "someone@walnut.io");
        let path = Path::Member(&address, "a b");
        assert_eq!(path.text::<true>(), r#"[12]["someone@walnut.io"]["a b"]"#);
        assert_eq!(path.text::<false>(), r#"[]["*"]["a b"]"#);
    }
}
