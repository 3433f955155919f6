//! Values of JavaScript's: what the platform gives and takes, and what the Worker and its inbox hand to each
//! other.

use std::fmt;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// Why something could not be done: a sentence for the log.
#[derive(Debug)]
pub(crate) struct Problem(String);

pub(crate) type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// What JavaScript throws is an error with a message, or else says nothing.
impl From<JsValue> for Problem {
    fn from(thrown: JsValue) -> Self {
        let message = text(&get(&thrown, "message"));
        Self(message.unwrap_or_else(|| "an error without a message".to_owned()))
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

/// Makes an object.
pub(crate) fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = JsValue::from(Object::new());
    for (name, value) in fields {
        set(&object, name, &value);
    }
    object
}

/// Makes a list.
pub(crate) fn list(items: impl IntoIterator<Item = JsValue>) -> JsValue {
    items.into_iter().collect::<Array>().into()
}

/// Sets a field of an object; what is none has no fields.
pub(crate) fn set(object: &JsValue, name: &str, value: &JsValue) {
    let _is_object: std::result::Result<bool, JsValue> =
        Reflect::set(object, &JsValue::from_str(name), value);
}

/// Returns a field; `undefined` where there is none.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or_default()
}

/// Returns the items of a list; of what is none there are none.
pub(crate) fn items(list: &JsValue) -> impl Iterator<Item = JsValue> + use<> {
    list.dyn_ref::<Array>().map(Array::to_vec).unwrap_or_default().into_iter()
}

pub(crate) fn text(value: &JsValue) -> Option<String> {
    value.as_string()
}

/// Reads a whole number from 0 on.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is within the range"
)]
pub(crate) fn whole(value: &JsValue) -> Option<u64> {
    /// The last whole number that a double tells from the next.
    const MOST: f64 = 9_007_199_254_740_991.0;
    let number = value.as_f64()?;
    (number.trunc().total_cmp(&number).is_eq() && (0.0..=MOST).contains(&number))
        .then_some(number as u64)
}

/// A number of milliseconds, a count or a key: all are far below 2^53.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "far below 2^53")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// The same as a value.
pub(crate) fn number(number: impl TryInto<u64>) -> JsValue {
    JsValue::from_f64(float(number.try_into().unwrap_or(u64::MAX)))
}

/// What there may not be: `null` then.
pub(crate) fn or_null(value: Option<impl Into<JsValue>>) -> JsValue {
    value.map_or(JsValue::NULL, Into::into)
}

/// The time, in milliseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    whole(&JsValue::from_f64(js_sys::Date::now())).unwrap_or(0)
}
