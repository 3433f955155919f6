//! The inbox's database: `SQLite` in the Durable Object. The platform writes all statements before the next await
//! together. The statements of a transaction are also rolled back together.

use std::borrow::Cow;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};

use crate::ids::RowId;
use crate::js::{FromJs, Problem, Result, text, whole};

#[wasm_bindgen]
extern "C" {
    /// <https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/>
    pub type Storage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Storage,
        work: &mut dyn FnMut() -> std::result::Result<JsValue, JsValue>,
    ) -> std::result::Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn sync(this: &Storage) -> std::result::Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn sql(this: &Storage) -> Sql;

    type Sql;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Sql, query: &str, values: &Array) -> std::result::Result<Cursor, JsValue>;

    #[wasm_bindgen(method, getter, js_name = databaseSize)]
    fn database_size(this: &Sql) -> f64;

    type Cursor;

    /// Returns the rows as objects, with a field for each column.
    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &Cursor) -> std::result::Result<Array, JsValue>;

    /// Makes `to_array` return the rows as arrays of values.
    #[wasm_bindgen(method)]
    fn raw(this: &Cursor) -> Cursor;
}

/// The inbox's database.
pub(crate) struct Db {
    storage: Storage,
    sql: Sql,
}

/// Statements that are run together, all or none of them.
#[derive(Default)]
pub(crate) struct Batch(Vec<(Cow<'static, str>, Vec<JsValue>)>);

impl Batch {
    pub(crate) fn add(&mut self, query: impl Into<Cow<'static, str>>, values: &[JsValue]) {
        self.0.push((query.into(), values.to_vec()));
    }

    /// Runs the statements. A single one needs no transaction, which would take as long as the statement.
    pub(crate) fn run(self, db: &Db) -> Result<()> {
        let run = || self.0.iter().try_for_each(|(query, values)| db.run(query, values));
        if self.0.len() <= 1 { run() } else { db.transaction(run) }
    }
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

    /// Runs a query and returns the number in the first column of its first row, if there is one.
    pub(crate) fn number(&self, query: &str, values: &[JsValue]) -> Result<Option<u64>> {
        self.row(query, values)?.map_or(Ok(None), |row| row.maybe_number(0))
    }

    /// Runs a query and reads each row as a struct, whose fields are the columns.
    pub(crate) fn structs<T: FromJs>(&self, query: &str, values: &[JsValue]) -> Result<Vec<T>> {
        self.objects(query, values)?.iter().map(|row| from_row(&row)).collect()
    }

    /// Runs a query and returns its rows as objects, for [`from_row`].
    pub(crate) fn objects(&self, query: &str, values: &[JsValue]) -> Result<Array> {
        Ok(self.exec(query, values)?.to_array()?)
    }

    /// Runs a statement that returns no rows.
    pub(crate) fn run(&self, query: &str, values: &[JsValue]) -> Result<()> {
        self.exec(query, values).map(drop)
    }

    /// Waits until all writes are stored.
    pub(crate) async fn sync(&self) -> Result<()> {
        self.storage.sync().await?;
        Ok(())
    }

    /// Returns the size of the database in bytes.
    pub(crate) fn size(&self) -> u64 {
        whole(&self.sql.database_size().into()).unwrap_or(0)
    }

    /// Runs work in a transaction, which is rolled back if the work fails.
    pub(crate) fn transaction<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut work = Some(work);
        let mut done = None;
        self.storage.transaction_sync(&mut || {
            if let Some(work) = work.take() {
                done = Some(work()?);
            }
            Ok(JsValue::UNDEFINED)
        })?;
        done.ok_or_else(|| Problem::new("the platform did not run a transaction"))
    }
}

/// Reads a row as a struct, whose fields are the columns. Columns without a field are ignored.
pub(crate) fn from_row<T: FromJs>(row: &JsValue) -> Result<T> {
    T::from_js(row)
        .ok_or_else(|| Problem::new("a row of the database has a column of the wrong type"))
}

/// A row, as an array of columns. A missing column, or one of another type, is an error in the query.
pub(crate) struct Row(Array);

impl Row {
    /// Returns a column as a JavaScript value.
    pub(crate) fn value(&self, column: u32) -> JsValue {
        self.0.get(column)
    }

    pub(crate) fn row_id(&self, column: u32) -> Result<RowId> {
        self.number(column).map(RowId)
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
    Problem::new(format!("column {column} of a row has the wrong type"))
}
