//! JavaScript values: numbers, texts, fields, structs and errors.

use std::fmt;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// The reason why an operation failed: a sentence for the log.
#[derive(Debug)]
pub(crate) struct Problem(String);

pub(crate) type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// JavaScript throws an `Error` with a message, unless it has a bug.
impl From<JsValue> for Problem {
    fn from(thrown: JsValue) -> Self {
        let message = text(&get(&thrown, "message"));
        Self(message.unwrap_or_else(|| "JavaScript threw a value without a message".to_owned()))
    }
}

impl From<Problem> for JsValue {
    fn from(problem: Problem) -> Self {
        js_sys::Error::new(&problem.0).into()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns a field of an object, or `undefined`.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or_default()
}

/// Returns the names of an object's own fields.
pub(crate) fn keys(object: &JsValue) -> impl Iterator<Item = String> + use<> {
    items(&Object::keys(object.unchecked_ref::<Object>())).filter_map(|name| text(&name))
}

/// Returns the items of an array; any other value has none.
pub(crate) fn items(array: &JsValue) -> impl Iterator<Item = JsValue> + use<> {
    array.dyn_ref::<Array>().map(Array::to_vec).unwrap_or_default().into_iter()
}

pub(crate) fn text(value: &JsValue) -> Option<String> {
    value.as_string()
}

/// The largest integer up to which JavaScript's numbers are exact: 2^53 - 1.
pub(crate) const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;

/// Reads a non-negative integer up to [`MAX_SAFE_INTEGER`].
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
pub(crate) fn whole(value: &JsValue) -> Option<u64> {
    let number = value.as_f64()?;
    let is_in_range = (0.0..=float(MAX_SAFE_INTEGER)).contains(&number);
    (number.trunc().total_cmp(&number).is_eq() && is_in_range).then_some(number as u64)
}

/// Converts a time, a count or a row number to a double.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "all of these are far below 2^53"
)]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// Makes a JavaScript number.
pub(crate) fn number(number: impl TryInto<u64>) -> JsValue {
    JsValue::from_f64(float(number.try_into().unwrap_or(u64::MAX)))
}

/// Makes a JavaScript value; `null` for `None`.
pub(crate) fn or_null(value: Option<impl Into<JsValue>>) -> JsValue {
    value.map_or(JsValue::NULL, Into::into)
}

/// Returns the time, in milliseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    whole(&JsValue::from_f64(js_sys::Date::now())).unwrap_or(0)
}

/// Writes a time, in milliseconds since the Unix epoch, as RFC 3339.
pub(crate) fn iso(time: u64) -> String {
    js_sys::Date::new(&number(time)).to_iso_string().into()
}

/// A value that can be read from JavaScript. Deserializing with serde would make the Worker a tenth larger.
pub(crate) trait FromJs: Sized {
    /// Converts a value; returns `None` if it has another form.
    fn from_js(value: &JsValue) -> Option<Self>;
}

/// Reads a field of an object.
pub(crate) fn field<T: FromJs>(object: &JsValue, name: &str) -> Option<T> {
    T::from_js(&get(object, name))
}

/// Implements [`FromJs`] for structs. Each field has its name in JavaScript; other fields there are ignored.
macro_rules! from_js {
    ($($name:ident { $($field:ident: $key:literal),* $(,)? })*) => {$(
        impl $crate::js::FromJs for $name {
            fn from_js(value: &wasm_bindgen::JsValue) -> Option<Self> {
                $(let $field = $crate::js::field(value, $key);)*
                // All fields are converted before any is checked. Otherwise, a third of the code would drop the
                // earlier fields at each wrong one.
                match ($($field,)*) {
                    ($(Some($field),)*) => Some(Self { $($field,)* }),
                    _ => None,
                }
            }
        }
    )*};
}
pub(crate) use from_js;

impl FromJs for () {
    fn from_js(_: &JsValue) -> Option<Self> {
        Some(())
    }
}

impl FromJs for JsValue {
    fn from_js(value: &JsValue) -> Option<Self> {
        Some(value.clone())
    }
}

impl FromJs for String {
    fn from_js(value: &JsValue) -> Option<Self> {
        text(value)
    }
}

impl FromJs for bool {
    fn from_js(value: &JsValue) -> Option<Self> {
        value.as_bool()
    }
}

impl FromJs for u16 {
    fn from_js(value: &JsValue) -> Option<Self> {
        whole(value)?.try_into().ok()
    }
}

impl FromJs for u32 {
    fn from_js(value: &JsValue) -> Option<Self> {
        whole(value)?.try_into().ok()
    }
}

impl FromJs for u64 {
    fn from_js(value: &JsValue) -> Option<Self> {
        whole(value)
    }
}

/// A missing field is `None`, as `null` is.
impl<T: FromJs> FromJs for Option<T> {
    fn from_js(value: &JsValue) -> Option<Self> {
        if value.is_null() || value.is_undefined() {
            Some(None)
        } else {
            T::from_js(value).map(Some)
        }
    }
}

/// A missing field is empty.
impl<T: FromJs> FromJs for Vec<T> {
    fn from_js(value: &JsValue) -> Option<Self> {
        let is_list = value.is_undefined() || Array::is_array(value);
        is_list.then(|| items(value).map(|item| T::from_js(&item)).collect())?
    }
}

/// Reads a variant of an enum as serde writes it: its name, or an object with a field of that name. Returns the name and
/// the value of the field.
pub(crate) fn variant(value: &JsValue) -> Option<(String, JsValue)> {
    let Some(object) = value.dyn_ref::<Object>() else {
        return Some((text(value)?, JsValue::UNDEFINED));
    };
    let entry = Object::entries(object).get(0);
    let mut parts = items(&entry);
    Some((text(&parts.next()?)?, parts.next()?))
}
