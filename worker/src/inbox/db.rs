//! The database, as the inbox uses it: queries in, rows out. Statements between which nothing is awaited are
//! written together by the platform; those of a transaction are also undone together.

use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};
use worker::{Error, Result, SqlStorage, SqlStorageValue, Storage};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = js_sys::Object)]
    type Transactions;

    /// <https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/#transactionsync>
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Transactions,
        work: &mut dyn FnMut() -> std::result::Result<JsValue, JsValue>,
    ) -> std::result::Result<JsValue, JsValue>;
}

/// The inbox's database.
pub(crate) struct Db {
    sql: SqlStorage,
    transactions: Transactions,
}

/// What a query is given for its question marks.
pub(crate) type Value = SqlStorageValue;

impl Db {
    pub(crate) fn new(storage: &Storage) -> Self {
        let transactions = JsValue::from(storage.as_raw()).unchecked_into();
        Self { sql: storage.sql(), transactions }
    }

    /// Runs a query and returns its rows.
    pub(crate) fn rows(&self, query: &str, values: Vec<Value>) -> Result<Vec<Row>> {
        self.sql.exec(query, values)?.raw().map(|row| row.map(Row)).collect()
    }

    /// Runs a query and returns its first row.
    pub(crate) fn row(&self, query: &str, values: Vec<Value>) -> Result<Option<Row>> {
        self.sql.exec(query, values)?.raw().next().transpose().map(|row| row.map(Row))
    }

    /// Runs a statement that returns no rows; how many it wrote, indexes included, is returned.
    pub(crate) fn run(&self, query: &str, values: Vec<Value>) -> Result<usize> {
        Ok(self.sql.exec(query, values)?.rows_written())
    }

    /// Returns the size of the database in bytes.
    pub(crate) fn size(&self) -> usize {
        self.sql.database_size()
    }

    /// Does work of which all is written, or if it fails, nothing.
    pub(crate) fn transaction<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut work = Some(work);
        let mut done = None;
        self.transactions.transaction_sync(&mut || {
            if let Some(work) = work.take() {
                done = Some(work()?);
            }
            Ok(JsValue::UNDEFINED)
        })?;
        done.ok_or_else(|| Error::from("the transaction did not run"))
    }
}

/// A row. Its columns are counted from 0; one that is not there, or of another type, is an error, since
/// the query that is wrong stands beside it.
pub(crate) struct Row(Vec<Value>);

impl Row {
    pub(crate) fn number(&self, column: usize) -> Result<u64> {
        self.maybe_number(column)?.ok_or_else(|| wrong(column))
    }

    pub(crate) fn maybe_number(&self, column: usize) -> Result<Option<u64>> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(number)) => {
                u64::try_from(*number).map(Some).map_err(|_| wrong(column))
            }
            _ => Err(wrong(column)),
        }
    }

    pub(crate) fn text(&mut self, column: usize) -> Result<String> {
        self.maybe_text(column)?.ok_or_else(|| wrong(column))
    }

    pub(crate) fn maybe_text(&mut self, column: usize) -> Result<Option<String>> {
        match self.0.get_mut(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(std::mem::take(text))),
            _ => Err(wrong(column)),
        }
    }

    pub(crate) fn maybe_bytes(&mut self, column: usize) -> Result<Option<Vec<u8>>> {
        match self.0.get_mut(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Blob(bytes)) => Ok(Some(std::mem::take(bytes))),
            _ => Err(wrong(column)),
        }
    }
}

fn wrong(column: usize) -> Error {
    Error::from(format!("column {column} is not what it should be"))
}

/// A number of milliseconds, a count or a key: all are far below 2^53.
pub(crate) fn number(number: impl TryInto<i64>) -> Value {
    Value::Integer(number.try_into().unwrap_or(i64::MAX))
}
