//! The data that all shards share. Each shard keeps a copy, so that it can accept a delivery without another shard. The
//! first shard creates the data.

use super::Inbox;
use super::db::Db;
use super::schema::{load_meta, save_meta};
use crate::edges;
use crate::js::Result;
use crate::protocol::{ConfirmShards, Confirmed, Reply};

/// The names under which the number of shards and the ID of this edge are stored.
const SHARDS: &str = "shards";
const INSTANCE: &str = "instance";

/// The data that all shards of an inbox share.
pub(super) struct Identity {
    /// The number of shards.
    pub(super) shards: u32,
    /// The ID of this edge in the header `walnut-edge`.
    pub(super) instance: String,
}

impl Identity {
    /// Loads the data, if this shard has it.
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

impl Inbox {
    /// Checks an arriving delivery against the shared data, which it first stores if this shard has none. Returns the reply
    /// if the delivery must not be stored.
    pub(super) fn check_identity(
        &self,
        shards: Option<u32>,
        instance: Option<String>,
        edges: Option<&str>,
    ) -> Result<Option<Reply>> {
        let mut identity = self.identity.borrow_mut();
        if identity.is_none()
            && let (Some(shards), Some(instance)) = (shards, instance)
        {
            *identity = Some(Identity { shards, instance }.save(&self.db)?);
        }
        let Some(known) = identity.as_ref() else {
            return Ok(shards.map(|_| Reply::Unconfirmed));
        };
        if shards.is_some_and(|shards| shards != known.shards) {
            return Ok(Some(Reply::Shards(known.shards)));
        }
        let is_loop = edges.is_some_and(|list| edges::contains(list, &known.instance));
        Ok(is_loop.then_some(Reply::Loop))
    }

    /// Returns the shared data, and creates it if there is none. A stored number of shards never changes.
    pub(super) fn confirm_shards(&self, question: ConfirmShards) -> Result<Confirmed> {
        let identity = if let Some(identity) = self.identity.take() {
            identity
        } else {
            let shards = shards(&self.db)?.unwrap_or(question.shards);
            Identity { shards, instance: edges::make_id() }.save(&self.db)?
        };
        let confirmed = match question.wants_instance {
            Some(true) => {
                Confirmed::Both { shards: identity.shards, instance: identity.instance.clone() }
            }
            _ => Confirmed::Shards(identity.shards),
        };
        self.identity.replace(Some(identity));
        Ok(confirmed)
    }
}
