use core::fmt::Write as _;

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
    String,
    NullableString,
    Array(&'static Shape),
    Object(&'static [Field]),
}

/// What the documentation states of a member of an object.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) optional: bool,
    pub(crate) shape: Shape,
}

impl Shape {
    fn expected(&self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
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
    Number(f64),
    String,
    Array,
    Object,
}

impl Kind {
    fn found(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Number(_) => "number",
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
    /// A member of an object.
    fn member(&self, name: &str) -> Option<Self>;
    /// The names of an object's members.
    fn names(&self) -> Vec<String>;
    /// The items of an array.
    fn items(&self) -> impl Iterator<Item = Self>;
}

/// The result of comparing a value with its documented shape.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) drift: Vec<Drift>,
    /// Whether a documented field is absent or has another type.
    pub(crate) broken: bool,
    path: String,
}

impl Comparison {
    pub(crate) fn of(value: &impl Node, shape: &Shape) -> Self {
        let mut comparison = Self::default();
        comparison.value(value, shape);
        comparison
    }

    /// Compares no more than an event's name: all that is known of one that is not documented.
    pub(crate) fn of_name(event: &impl Node) -> Self {
        let mut comparison = Self::default();
        comparison.field(event, &Field { name: "event", optional: false, shape: Shape::String });
        comparison
    }

    fn value(&mut self, value: &impl Node, shape: &Shape) {
        let kind = value.kind();
        match (shape, kind) {
            (Shape::Boolean, Kind::Boolean(_))
            | (Shape::String | Shape::NullableString, Kind::String)
            | (Shape::NullableString, Kind::Null) => {}
            (Shape::Integer, Kind::Number(number)) => {
                // A fraction is worth knowing of, and no reason to doubt the rest.
                if !is_integer(number) {
                    self.drifted(DriftKind::Type, Some(shape.expected()), Some(kind.found()));
                }
            }
            (Shape::Array(item), Kind::Array) => {
                for (index, value) in value.items().enumerate() {
                    self.at(|path| write!(path, "[{index}]"), |this| this.value(&value, item));
                }
            }
            (Shape::Object(fields), Kind::Object) => self.object(value, fields),
            _ => {
                self.broken = true;
                self.drifted(DriftKind::Type, Some(shape.expected()), Some(kind.found()));
            }
        }
    }

    fn object(&mut self, value: &impl Node, fields: &'static [Field]) {
        for field in fields {
            self.field(value, field);
        }
        for added in value.names() {
            if self.drift.len() >= MAX_DRIFT {
                break;
            }
            if fields.iter().any(|field| field.name == added) {
                continue;
            }
            let found = value.member(&added).map(|member| member.kind().found());
            self.at(|path| name(path, &added), |this| this.drifted(DriftKind::Added, None, found));
        }
    }

    fn field(&mut self, object: &impl Node, field: &Field) {
        let member = object.member(field.name);
        if member.is_none() && field.optional {
            return;
        }
        self.at(
            |path| name(path, field.name),
            |this| {
                if let Some(member) = member {
                    this.value(&member, &field.shape);
                } else {
                    this.broken = true;
                    this.drifted(DriftKind::Missing, Some(field.shape.expected()), None);
                }
            },
        );
    }

    fn at(
        &mut self,
        step: impl FnOnce(&mut String) -> core::fmt::Result,
        then: impl FnOnce(&mut Self),
    ) {
        let length = self.path.len();
        // Writing to a string does not fail.
        if step(&mut self.path).is_ok() {
            then(self);
        }
        self.path.truncate(length);
    }

    fn drifted(
        &mut self,
        kind: DriftKind,
        expected: Option<&'static str>,
        found: Option<&'static str>,
    ) {
        if self.drift.len() < MAX_DRIFT {
            self.drift.push(Drift { path: self.path.clone(), kind, expected, found });
        }
    }
}

/// Writes a step to a member as JavaScript would: `.name`, or `["a name"]`.
fn name(path: &mut String, name: &str) -> core::fmt::Result {
    let mut letters = name.chars();
    let letter = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    let plain = letters.next().is_some_and(letter) && letters.all(|c| letter(c) || c.is_numeric());
    match (plain, path.is_empty()) {
        (true, true) => path.write_str(name),
        (true, false) => write!(path, ".{name}"),
        (false, _) => write!(path, "[{name:?}]"),
    }
}

/// Whether a number has no fraction; an infinite one is no integer either.
fn is_integer(number: f64) -> bool {
    number.fract() == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_written_as_in_javascript() {
        let step = |from: &str, to: &str| {
            let mut path = from.to_owned();
            name(&mut path, to).unwrap();
            path
        };
        assert_eq!(step("", "data"), "data");
        assert_eq!(step("data", "user_2"), "data.user_2");
        assert_eq!(step("data", "$é"), "data.$é");
        for (to, path) in
            [("", r#"data[""]"#), ("2nd", r#"data["2nd"]"#), ("a-b", r#"data["a-b"]"#)]
        {
            assert_eq!(step("data", to), path);
        }
    }
}
