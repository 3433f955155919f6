//! The inbox's database: `SQLite` in the Durable Object. Statements that run before the next await are
//! written together by the platform; those of a transaction are also undone together.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};

use crate::js::{Problem, Result, text, whole};

#[wasm_bindgen]
extern "C" {
    /// <https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/>
    pub type Storage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Storage,
        work: &mut dyn FnMut() -> std::result::Result<JsValue, JsValue>,
    ) -> std::result::Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn sql(this: &Storage) -> Sql;

    type Sql;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Sql, query: &str, values: &Array) -> std::result::Result<Cursor, JsValue>;

    #[wasm_bindgen(method, getter, js_name = databaseSize)]
    fn database_size(this: &Sql) -> f64;

    type Cursor;

    /// The rows as objects, by the names of the columns.
    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &Cursor) -> std::result::Result<Array, JsValue>;

    /// The rows as lists of values.
    #[wasm_bindgen(method)]
    fn raw(this: &Cursor) -> Cursor;
}

/// The inbox's database.
pub(crate) struct Db {
    storage: Storage,
    sql: Sql,
}

impl Db {
    pub(crate) fn new(storage: Storage) -> Self {
        Self { sql: storage.sql(), storage }
    }

    fn exec(&self, query: &str, values: &[JsValue]) -> Result<Cursor> {
        Ok(self.sql.exec(query, &values.iter().collect())?)
    }

    /// Runs a query and returns its rows.
    pub(crate) fn rows(&self, query: &str, values: &[JsValue]) -> Result<Vec<Row>> {
        let rows = self.exec(query, values)?.raw().to_array()?;
        Ok(rows.iter().map(|row| Row(row.unchecked_into())).collect())
    }

    /// Runs a query and returns its first row.
    pub(crate) fn row(&self, query: &str, values: &[JsValue]) -> Result<Option<Row>> {
        Ok(self.rows(query, values)?.into_iter().next())
    }

    /// Runs a query of one row at most, and returns the number in its first column, if there is one.
    pub(crate) fn number(&self, query: &str, values: &[JsValue]) -> Result<Option<u64>> {
        self.row(query, values)?.map_or(Ok(None), |row| row.maybe_number(0))
    }

    /// Runs a query and returns its rows as objects, by the names of the columns.
    pub(crate) fn objects(&self, query: &str, values: &[JsValue]) -> Result<Array> {
        Ok(self.exec(query, values)?.to_array()?)
    }

    /// Runs a statement that returns no rows.
    pub(crate) fn run(&self, query: &str, values: &[JsValue]) -> Result<()> {
        self.exec(query, values).map(drop)
    }

    /// Returns the size of the database in bytes.
    pub(crate) fn size(&self) -> JsValue {
        self.sql.database_size().into()
    }

    /// Does work of which all is written, or if it fails, nothing.
    pub(crate) fn transaction<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut work = Some(work);
        let mut done = None;
        self.storage.transaction_sync(&mut || {
            if let Some(work) = work.take() {
                done = Some(work()?);
            }
            Ok(JsValue::UNDEFINED)
        })?;
        done.ok_or_else(|| Problem::new("the transaction did not run"))
    }
}

/// A row. Its columns are counted from 0; one that is not there, or of another type, is an error, since
/// the query that is wrong stands beside it.
pub(crate) struct Row(Array);

impl Row {
    /// Returns a column as it is.
    pub(crate) fn value(&self, column: u32) -> JsValue {
        self.0.get(column)
    }

    pub(crate) fn number(&self, column: u32) -> Result<u64> {
        self.maybe_number(column)?.ok_or_else(|| wrong(column))
    }

    pub(crate) fn maybe_number(&self, column: u32) -> Result<Option<u64>> {
        self.maybe(column, whole)
    }

    pub(crate) fn text(&self, column: u32) -> Result<String> {
        self.maybe_text(column)?.ok_or_else(|| wrong(column))
    }

    pub(crate) fn maybe_text(&self, column: u32) -> Result<Option<String>> {
        self.maybe(column, text)
    }

    pub(crate) fn maybe_bytes(&self, column: u32) -> Result<Option<Vec<u8>>> {
        self.maybe(column, |value| value.is_object().then(|| Uint8Array::new(value).to_vec()))
    }

    fn maybe<T>(&self, column: u32, read: impl Fn(&JsValue) -> Option<T>) -> Result<Option<T>> {
        let value = self.value(column);
        if value.is_null() {
            return Ok(None);
        }
        read(&value).map(Some).ok_or_else(|| wrong(column))
    }
}

fn wrong(column: u32) -> Problem {
    Problem::new(format!("column {column} is not what it should be"))
}
