//! The differences of genuine events from their documented shapes. They are counted in memory. A new difference is saved at
//! once, and a known one at most every 15 minutes. Counts after the last save are lost with the object. Only the first
//! shard counts them.

use super::db::Db;
use crate::js::{Result, number};
use crate::json::{self, Item};
use crate::protocol::Count;

/// The shortest time between two saves of a known difference, in milliseconds.
const SAVE_MS: u64 = 15 * 60 * 1000;

/// How many differences are kept. Later ones are not counted.
const MOST_ROWS: usize = 200;

/// How many undocumented fields are kept. The rest of the room is for differences that change the type of an event.
const MOST_ADDED: usize = 150;

/// A difference. Times are in milliseconds since the Unix epoch.
struct Known {
    /// In the form of [`crate::protocol::Report`].
    name: String,
    times: u64,
    first: u64,
    last: u64,
    /// The last time that is saved; 0 if none is.
    saved: u64,
}

/// The differences in the order of their first times; `None` until they are needed.
#[derive(Default)]
pub(super) struct Drift(Option<Vec<Known>>);

impl Drift {
    fn load(&mut self, db: &Db) -> Result<&mut Vec<Known>> {
        if self.0.is_none() {
            let rows = db.rows(
                "SELECT event || ' ' || path || ' ' || kind, times, first, last FROM drift ORDER BY first",
                &[],
            )?;
            let mut all = Vec::new();
            for row in rows {
                let last = row.number(3)?;
                let (name, times, first) = (row.text(0)?, row.number(1)?, row.number(2)?);
                all.push(Known { name, times, first, last, saved: last });
            }
            self.0 = Some(all);
        }
        Ok(self.0.get_or_insert_default())
    }

    /// Counts the differences that an isolate reports, and saves those that are due. Returns a new difference, if there is
    /// one.
    pub(super) fn note(&mut self, db: &Db, reported: &[Count], now: u64) -> Result<Option<String>> {
        if reported.is_empty() && self.0.is_none() {
            return Ok(None);
        }
        let all = self.load(db)?;
        let mut new = None;
        for Count { name, count } in reported {
            if let Some(known) = all.iter_mut().find(|it| it.name == *name) {
                known.times = known.times.saturating_add(*count);
                known.last = now;
            } else if all.len() < if name.ends_with(" added") { MOST_ADDED } else { MOST_ROWS } {
                let name = name.clone();
                new.get_or_insert_with(|| name.clone());
                all.push(Known { name, times: *count, first: now, last: now, saved: 0 });
            }
        }
        for known in all {
            if known.last != known.saved && now.abs_diff(known.saved) >= SAVE_MS {
                known.save(db)?;
            }
        }
        Ok(new)
    }

    /// Lists the differences as JSON, the newest first.
    pub(super) fn list(&mut self, db: &Db) -> Result<String> {
        let all = self.load(db)?.iter().rev();
        Ok(json::list(all.map(|known| Item::Json(known.json()))))
    }

    /// Returns how many differences were seen.
    pub(super) fn count(&mut self, db: &Db) -> Result<u64> {
        Ok(u64::try_from(self.load(db)?.len()).unwrap_or(u64::MAX))
    }
}

impl Known {
    fn save(&mut self, db: &Db) -> Result<()> {
        let [event, path, kind] = self.parts();
        db.run(
            "INSERT OR REPLACE INTO drift (event, path, kind, times, first, last) VALUES (?, ?, ?, ?, ?, ?)",
            &[
                event.into(),
                path.into(),
                kind.into(),
                number(self.times),
                number(self.first),
                number(self.last),
            ],
        )?;
        self.saved = self.last;
        Ok(())
    }

    fn json(&self) -> String {
        let [event, path, kind] = self.parts();
        json::object(&[
            ("event", event.into()),
            ("path", path.into()),
            ("kind", kind.into()),
            ("times", self.times.into()),
            ("first", self.first.into()),
            ("last", self.last.into()),
        ])
    }

    /// Returns the event, the path and the kind. Only the path can have spaces in it.
    fn parts(&self) -> [&str; 3] {
        let (event, rest) = self.name.split_once(' ').unwrap_or_default();
        let (path, kind) = rest.rsplit_once(' ').unwrap_or_default();
        [event, path, kind]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_contain_spaces() {
        let name = r#"demo_session_finished data["a b"]  added"#.to_owned();
        let known = Known { name, times: 1, first: 2, last: 3, saved: 0 };
        assert_eq!(known.parts(), ["demo_session_finished", r#"data["a b"] "#, "added"]);
    }
}
