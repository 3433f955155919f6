//! What each shard keeps a copy of, so that it needs no other shard to accept a delivery. The first shard makes it.

use super::db::Db;
use super::schema::{load_meta, save_meta};
use super::{INSTANCE, SHARDS};
use crate::js::Result;

/// What all shards of an inbox have in common.
pub(super) struct Identity {
    /// The number of shards.
    pub(super) shards: u32,
    /// The id of this edge in the header `walnut-edge`.
    pub(super) instance: String,
}

impl Identity {
    /// Loads it, if this shard has it.
    pub(super) fn load(db: &Db) -> Result<Option<Self>> {
        let row = db.row(
            "SELECT value FROM meta WHERE name = ? AND typeof(value) = 'text'",
            &[INSTANCE.into()],
        )?;
        let (Some(row), Some(shards)) = (row, shards(db)?) else { return Ok(None) };
        Ok(Some(Self { shards, instance: row.text(0)? }))
    }

    pub(super) fn save(self, db: &Db) -> Result<Self> {
        db.transaction(|| {
            save_meta(db, SHARDS, Some(self.shards.into()))?;
            db.run(
                "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
                &[INSTANCE.into(), self.instance.as_str().into()],
            )
        })?;
        Ok(self)
    }
}

/// Returns the stored number of shards. Older versions stored it in the first shard only.
pub(super) fn shards(db: &Db) -> Result<Option<u32>> {
    let stored = load_meta(db, SHARDS)?;
    Ok(stored.map(|shards| u32::try_from(shards).unwrap_or(u32::MAX)))
}
