use crate::hex;
use crate::joined::joined;

/// The most entries that a list of [`Drift`] holds; what lies beyond is not listed, but still decides
/// the type.
pub const MAX_DRIFT: usize = 100;

/// A place where an authentic event differs from the documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Where, such as `data.user.email` or `data.items[2].name`.
    pub path: String,
    /// How it differs.
    pub kind: DriftKind,
    /// What the documentation states, such as `string` or `string | null`; `None` when added.
    pub expected: Option<&'static str>,
    /// What came: `null`, `boolean`, `number`, `string`, `array` or `object`; `None` when missing.
    pub found: Option<&'static str>,
}

/// How an event differs from the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriftKind {
    /// A field that the documentation does not have. It leaves the type.
    Added,
    /// A documented field is absent. The type is then `unknown`.
    Missing,
    /// A documented field has another type. The type is then `unknown`, unless it is merely a
    /// fraction where an integer is documented.
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

/// What the documentation states of a value.
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

/// The most documented members that an object may have.
pub(crate) const MAX_FIELDS: usize = 16;

/// What the documentation states of a member of an object.
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
    /// A number, and whether it is a whole one; an infinite one is not.
    Number {
        whole: bool,
    },
    String,
    Array,
    Object,
}

impl Kind {
    fn found(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Number { .. } => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// A JSON value as somebody parsed it: this crate on its own, or the JavaScript host.
pub(crate) trait Node: Sized {
    fn kind(&self) -> Kind;
    /// The text of a string.
    fn text(&self) -> Option<String>;
    /// The members of an object that `fields` name, in their order; `None` where one is absent.
    fn documented(&self, fields: &'static [Field]) -> [Option<Self>; MAX_FIELDS];
    /// How many members an object has.
    fn size(&self) -> usize;
    /// The names of an object's members, and their values.
    fn members(&self) -> impl Iterator<Item = (String, Self)>;
    /// The items of an array.
    fn items(&self) -> impl Iterator<Item = Self>;
}

/// The result of comparing a value with its documented shape.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) drift: Vec<Drift>,
    /// Whether a documented field is absent or has another type.
    pub(crate) broken: bool,
}

impl Comparison {
    pub(crate) fn of(value: &impl Node, shape: &Shape) -> Self {
        let mut comparison = Self::default();
        comparison.value(value, shape, Path::Top);
        comparison
    }

    /// Compares no more than an event's name: all that is known of one that is not documented.
    pub(crate) fn of_name(event: &impl Node) -> Self {
        const NAME: &[Field] = &[Field { name: "event", optional: false, shape: Shape::String }];
        let mut comparison = Self::default();
        comparison.fields(event, NAME, Path::Top);
        comparison
    }

    fn value(&mut self, value: &impl Node, shape: &Shape, path: Path<'_>) {
        let kind = value.kind();
        match (shape, kind) {
            (Shape::Boolean, Kind::Boolean(_))
            | (Shape::Integer | Shape::NullableInteger, Kind::Number { whole: true })
            | (Shape::String | Shape::NullableString, Kind::String)
            | (Shape::NullableInteger | Shape::NullableString, Kind::Null) => {}
            (Shape::Array(item), Kind::Array) => {
                for (index, value) in value.items().enumerate() {
                    self.value(&value, item, Path::Item(&path, index));
                }
            }
            (Shape::Object(fields), Kind::Object) => self.object(value, fields, path),
            _ => {
                // A fraction is worth knowing of, and no reason to doubt the rest.
                let is_fraction = matches!(
                    (shape, kind),
                    (Shape::Integer | Shape::NullableInteger, Kind::Number { .. })
                );
                self.broken |= !is_fraction;
                self.drifted(path, DriftKind::Type, Some(shape.expected()), Some(kind.found()));
            }
        }
    }

    fn object(&mut self, object: &impl Node, fields: &'static [Field], path: Path<'_>) {
        // As a rule there are no others, and then no name need be copied to look at it.
        if object.size() == self.fields(object, fields, path) {
            return;
        }
        for (added, value) in object.members() {
            if self.drift.len() >= MAX_DRIFT {
                break;
            }
            if !fields.iter().any(|field| field.name == added) {
                let found = Some(value.kind().found());
                self.drifted(Path::Member(&path, &added), DriftKind::Added, None, found);
            }
        }
    }

    /// Compares the documented members and says how many are there.
    fn fields(&mut self, object: &impl Node, fields: &'static [Field], path: Path<'_>) -> usize {
        let mut present: usize = 0;
        for (field, member) in fields.iter().zip(object.documented(fields)) {
            let path = Path::Member(&path, field.name);
            if let Some(member) = member {
                present = present.saturating_add(1);
                self.value(&member, &field.shape, path);
            } else if !field.optional {
                self.broken = true;
                self.drifted(path, DriftKind::Missing, Some(field.shape.expected()), None);
            }
        }
        present
    }

    fn drifted(
        &mut self,
        path: Path<'_>,
        kind: DriftKind,
        expected: Option<&'static str>,
        found: Option<&'static str>,
    ) {
        if self.drift.len() < MAX_DRIFT {
            self.drift.push(Drift { path: path.text(), kind, expected, found });
        }
    }
}

/// Where a value is; a text is made of it only where something differs.
#[derive(Clone, Copy)]
enum Path<'p> {
    Top,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// Writes it as JavaScript would: `.name`, `["a name"]`, `[0]`.
    fn text(self) -> String {
        let (mut path, name) = match self {
            Self::Top => return String::new(),
            Self::Item(of, index) => return joined(&[&of.text(), "[", &index.to_string(), "]"]),
            Self::Member(of, name) => (of.text(), name),
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
                // Control characters, so that they can be seen.
                Ok(byte @ (..b' ' | 0x7f..=0x9f)) => {
                    path.push_str("\\u00");
                    path.push_str(&hex::encode(&[byte]));
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
    fn drift_ends_at_its_limit() {
        let drift = |items| {
            let value: Value = Value::Array(vec![Value::Null; items]);
            Comparison::of(&&value, &Shape::Array(&Shape::Integer)).drift.len()
        };
        assert_eq!(drift(MAX_DRIFT), MAX_DRIFT);
        assert_eq!(drift(MAX_DRIFT + 1), MAX_DRIFT);
    }

    #[test]
    fn a_step_is_written_as_in_javascript() {
        let data = Path::Member(&Path::Top, "data");
        assert_eq!(data.text(), "data");
        assert_eq!(Path::Item(&data, 12).text(), "data[12]");
        for (name, path) in [
            ("user_2", "data.user_2"),
            ("", r#"data[""]"#),
            ("2nd", r#"data["2nd"]"#),
            ("a-b", r#"data["a-b"]"#),
            ("é", r#"data["é"]"#),
            ("\"\\\n\u{9f}\u{a0}", "data[\"\\\"\\\\\\u000a\\u009f\u{a0}\"]"),
        ] {
            assert_eq!(Path::Member(&data, name).text(), path);
        }
    }
}
