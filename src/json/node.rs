use super::Value;
use crate::shape::{Field, Kind, MAX_FIELDS, Node};

impl Node for &Value {
    fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Boolean(*value),
            Value::Number(_) => Kind::Number,
            Value::String(_) => Kind::String,
            Value::Array(_) => Kind::Array,
            Value::Object(_) => Kind::Object,
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self, Value::Number(number) if number.as_f64().fract() == 0.0)
    }

    // Parsing a double would make the edge 5 % larger. The result differs only for unusual numbers, such as 1e-0
    // or 1e999.
    fn is_written_whole(&self) -> bool {
        let Value::Number(number) = self else { return false };
        match number.as_str().split_once(['e', 'E']) {
            Some((_, exponent)) => !exponent.starts_with('-'),
            None => number
                .as_str()
                .split_once('.')
                .is_none_or(|(_, fraction)| fraction.bytes().all(|c| c == b'0')),
        }
    }

    fn text(&self) -> Option<String> {
        self.as_str().map(str::to_owned)
    }

    fn documented(&self, fields: &'static [Field]) -> ([Option<Self>; MAX_FIELDS], usize) {
        let documented = std::array::from_fn(|index| self.get(fields.get(index)?.name));
        let size = match self {
            Value::Object(members) => members.len(),
            _ => 0,
        };
        (documented, size)
    }

    fn members(&self) -> impl Iterator<Item = (String, Self)> {
        let members = match self {
            Value::Object(members) => Some(members),
            _ => None,
        };
        members.into_iter().flatten().map(|(name, value)| (name.clone(), value))
    }

    fn items(&self) -> impl Iterator<Item = Self> {
        match self {
            Value::Array(items) => items.iter(),
            _ => [].iter(),
        }
    }
}
