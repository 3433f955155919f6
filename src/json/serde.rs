//! serde for [`Value`]: whole numbers are visited as integers, all others as doubles.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{
    BorrowedStrDeserializer, Error, MapAccessDeserializer, MapDeserializer, SeqAccessDeserializer,
    SeqDeserializer,
};
use serde::de::{Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Number, Value};

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.as_u64(), self.as_i64()) {
            (Some(unsigned), _) => serializer.serialize_u64(unsigned),
            (None, Some(signed)) => serializer.serialize_i64(signed),
            (None, None) => serializer.serialize_f64(self.as_f64()),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(Number(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(Number(value.to_string())))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(Number(if value.is_finite() {
            format!("{value:?}")
        } else if value.is_nan() {
            return Err(E::invalid_value(Unexpected::Float(value), &self));
        } else {
            // JSON has no infinity, but it has numbers beyond the range of a double.
            (if value > 0.0 { "1e999" } else { "-1e999" }).to_owned()
        })))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items)).map(Value::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(members)).map(Value::Object)
    }
}

impl<'de> IntoDeserializer<'de> for &'de Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(unsigned), _) => visitor.visit_u64(unsigned),
                (None, Some(signed)) => visitor.visit_i64(signed),
                (None, None) => visitor.visit_f64(number.as_f64()),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => SeqDeserializer::new(items.iter()).deserialize_any(visitor),
            Value::Object(members) => object(members).deserialize_any(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            // An integer would lose the sign of -0.0.
            Value::Number(number) => visitor.visit_f64(number.as_f64()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Reads a variant as serde represents it by default: its name, or an object with that name and the content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Value::String(name) => visitor.visit_enum(BorrowedStrDeserializer::new(name)),
            Value::Object(members) if members.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(object(members)))
            }
            _ => Err(Error::custom("expected the name of a variant, or an object with one member")),
        }
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'de>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

type Members<'de> =
    std::iter::Map<std::collections::btree_map::Iter<'de, String, Value>, Member<'de>>;
type Member<'de> = fn((&'de String, &'de Value)) -> (Name<'de>, &'de Value);

fn object(members: &BTreeMap<String, Value>) -> MapDeserializer<'_, Members<'_>, Error> {
    MapDeserializer::new(members.iter().map(|(name, value)| (Name(name), value)))
}

/// The name of a member, as the key of a map: a text, or a number or boolean parsed from it.
#[derive(Clone, Copy)]
struct Name<'de>(&'de str);

impl<'de> IntoDeserializer<'de> for Name<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.0))
    }

    parsed! {
        deserialize_bool visit_bool
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'de>>
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn value(json: &str) -> Value {
        parse(json.as_bytes()).unwrap()
    }

    fn read<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T, String> {
        T::deserialize(value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_struct_with_fields_of_each_kind_is_read() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Id(u32);

        #[derive(Debug, PartialEq, Deserialize)]
        struct Mine<'v> {
            small: u8,
            count: u32,
            offset: i64,
            ratio: f64,
            whole: f64,
            id: Id,
            note: Option<String>,
            absent: Option<u32>,
            null: Option<u32>,
            unit: (),
            flags: Vec<bool>,
            pair: (u8, char),
            name: &'v str,
            by_name: BTreeMap<&'v str, u16>,
            payload: Value,
        }

        let json = value(
            r#"{"small":4.0,"count":1e3,"offset":-9007199254740993,"ratio":0.5,"whole":7,"id":5,"note":"n",
            "null":null,"unit":null,"flags":[true,false],"pair":[1,"x"],"name":"n","by_name":{"a":1,"b":2},
            "payload":{"a":[null,-1,2.5]},"unread":1}"#,
        );
        let expected = Mine {
            small: 4,
            count: 1000,
            offset: -9_007_199_254_740_993,
            ratio: 0.5,
            whole: 7.0,
            id: Id(5),
            note: Some("n".to_owned()),
            absent: None,
            null: None,
            unit: (),
            flags: vec![true, false],
            pair: (1, 'x'),
            name: "n",
            by_name: BTreeMap::from([("a", 1), ("b", 2)]),
            payload: value(r#"{"a":[null,-1,2.5]}"#),
        };
        assert_eq!(read(&json), Ok(expected));
    }

    #[test]
    fn a_number_must_fit_its_field() {
        for json in ["-1", "256", "0.5", "1e999", "\"1\""] {
            assert!(read::<u8>(&value(json)).is_err(), "{json}");
        }
        let error = read::<u32>(&value("0.5")).unwrap_err();
        assert_eq!(error, "invalid type: floating point `0.5`, expected u32");
        assert_eq!(read(&value("-1e999")), Ok(f64::NEG_INFINITY));
        assert!(read::<f64>(&value("-0")).unwrap().is_sign_negative());
        assert_eq!(read(&value("0.25")), Ok(0.25_f32));
    }

    #[test]
    fn a_name_is_read_as_the_key_of_a_map() {
        #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        struct Id(String);
        #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Side {
            Left,
        }

        let json = value(r#"{"1":2}"#);
        assert_eq!(read(&json), Ok(BTreeMap::from([(Id("1".to_owned()), 2)])));
        assert_eq!(read(&json), Ok(BTreeMap::from([(1_u64, 2)])));
        assert_eq!(read(&json), Ok(BTreeMap::from([(Some("1".to_owned()), 2)])));
        assert_eq!(read(&value(r#"{"-7":2}"#)), Ok(BTreeMap::from([(-7_i8, 2)])));
        assert_eq!(read(&value(r#"{"true":2}"#)), Ok(BTreeMap::from([(true, 2)])));
        assert_eq!(read(&value(r#"{"left":2}"#)), Ok(BTreeMap::from([(Side::Left, 2)])));
        assert!(read::<BTreeMap<u8, i32>>(&value(r#"{"256":2}"#)).is_err());
    }

    #[test]
    fn an_enum_is_read_in_each_representation() {
        #[derive(Debug, PartialEq, Deserialize)]
        enum Outer {
            Unit,
            Newtype(u32),
            Tuple(u8, String),
            Struct { clicks: u32, email: Option<String> },
        }

        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(tag = "type", rename_all = "lowercase")]
        enum Tagged {
            Click { count: u32 },
        }

        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(untagged)]
        enum Untagged {
            Number(i32),
            Text(String),
        }

        assert_eq!(read(&value(r#""Unit""#)), Ok(Outer::Unit));
        assert_eq!(read(&value(r#"{"Unit":null}"#)), Ok(Outer::Unit));
        assert_eq!(read(&value(r#"{"Newtype":3}"#)), Ok(Outer::Newtype(3)));
        assert_eq!(read(&value(r#"{"Tuple":[1,"t"]}"#)), Ok(Outer::Tuple(1, "t".to_owned())));
        let clicks = Outer::Struct { clicks: 3, email: None };
        assert_eq!(read(&value(r#"{"Struct":{"clicks":3,"email":null}}"#)), Ok(clicks));
        for json in [r#""Other""#, r#""Newtype""#, "{}", r#"{"Unit":null,"Newtype":3}"#, "1"] {
            assert!(read::<Outer>(&value(json)).is_err(), "{json}");
        }

        let click = Tagged::Click { count: 2 };
        assert_eq!(read(&value(r#"{"type":"click","count":2}"#)), Ok(click));
        assert_eq!(read(&value("-4")), Ok(Untagged::Number(-4)));
        assert_eq!(read(&value(r#""t""#)), Ok(Untagged::Text("t".to_owned())));
    }

    #[test]
    fn a_value_is_the_same_in_serde_json_and_back() {
        let json =
            r#"{"a":[null,true,"é",4,-4,18446744073709551615,0.5,1e300],"b":{"c":[],"d":{}}}"#;
        let text = serde_json::to_string(&value(json)).unwrap();
        let theirs: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), theirs);
        assert_eq!(serde_json::from_str::<Value>(json).unwrap(), value(json));
        assert_eq!(read::<Value>(&value(json)), Ok(value(json)));
    }

    #[test]
    fn a_number_beyond_a_double_stays_beyond_one() {
        for json in ["1e999", "-1e999"] {
            assert_eq!(read::<Value>(&value(json)), Ok(value(json)));
        }
        let nan = IntoDeserializer::<Error>::into_deserializer(f64::NAN);
        assert!(Value::deserialize(nan).is_err());
    }
}
