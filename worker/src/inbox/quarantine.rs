//! The quarantine keeps requests that no key verifies, until a new key verifies them. Only the first shard has one.
//! `room.rs` makes the decisions, and this module carries them out.

pub(super) mod recover;
pub(crate) mod room;

use js_sys::Uint8Array;
use sha2::{Digest, Sha256};
use wasm_bindgen::JsValue;

use super::db::{Db, from_row};
use super::erase;
use crate::config::Settings;
use crate::host;
use crate::ids::RowId;
use crate::js::{Result, number, or_null};
use crate::network::{self, hex};
use crate::protocol::{
    Full, Keep, Kept, ListRejected, QuarantineStatus, Rejected, RejectedDetails, RemoveRejected,
    Report,
};
use crate::quarantine::{Cause, verify};
use room::{Entry, Held, KEPT_MS, MOST_TRAPS, Room, Verdict, VerifiedWith, is_over};

/// How many bytes the key of the hashes has.
const SECRET_BYTES: u32 = 32;

/// The columns of [`Rejected`] that are stored.
const COLUMNS: &str =
    "key, received, traps, code, name, size, signature, content_type AS contentType, body";

/// The quarantine in memory: everything except the bodies.
pub(super) struct Quarantine {
    room: Room,
    secret: String,
    verified_with: VerifiedWith,
    recovered: u64,
    dropped: u64,
}

impl Quarantine {
    /// Loads the quarantine, if this shard has one.
    pub(super) fn load(db: &Db) -> Result<Option<Self>> {
        let Some(row) =
            db.row("SELECT secret, verified_with, recovered, dropped FROM quarantine", &[])?
        else {
            return Ok(None);
        };
        let verified_with = match row.maybe_text(1)? {
            None => VerifiedWith::NeverAKey,
            Some(text) if text.is_empty() => VerifiedWith::Nothing,
            Some(text) => VerifiedWith::Key(text),
        };
        let mut entries = Vec::new();
        for row in
            db.rows("SELECT key, received, size, network, digest FROM kept ORDER BY key", &[])?
        {
            let held = match row.maybe_text(4)? {
                None => None,
                Some(digest) => Some(Held { size: row.number(2)?, network: row.text(3)?, digest }),
            };
            entries.push(Entry { row: row.row_id(0)?, received: row.number(1)?, held });
        }
        let known = db.rows("SELECT network, last FROM networks ORDER BY network", &[])?;
        let known = known.iter().map(|row| Ok((row.text(0)?, row.number(1)?)));
        Ok(Some(Self {
            room: Room::new(entries, known.collect::<Result<_>>()?),
            secret: row.text(0)?,
            verified_with,
            recovered: row.number(2)?,
            dropped: row.number(3)?,
        }))
    }

    /// Makes the quarantine of a shard that has none yet.
    pub(super) fn make(db: &Db) -> Result<Self> {
        let secret = hex(host::random(SECRET_BYTES).to_vec().iter());
        db.run("INSERT INTO quarantine (only, secret) VALUES (1, ?)", &[secret.as_str().into()])?;
        Ok(Self {
            room: Room::default(),
            secret,
            verified_with: VerifiedWith::NeverAKey,
            recovered: 0,
            dropped: 0,
        })
    }

    /// Notes that there was a key, because an older version has stored deliveries.
    pub(super) fn note_earlier_key(&mut self, db: &Db) -> Result<()> {
        self.save_verified_with(db, VerifiedWith::Nothing)
    }

    /// Returns a fingerprint of the key and the limit of age. It is the hash of a signature, so it can't be used to sign.
    fn fingerprint(&self, settings: &Settings) -> Option<String> {
        let signature = settings.verifier.as_ref()?.current_key()?.sign(&self.secret);
        let age = settings.max_event_age_ms;
        Some(hex(Sha256::digest(format!("{signature}{age:?}")).iter().take(16)))
    }

    fn save_verified_with(&mut self, db: &Db, verified_with: VerifiedWith) -> Result<()> {
        if verified_with != self.verified_with {
            let text = match &verified_with {
                VerifiedWith::NeverAKey => None,
                VerifiedWith::Nothing => Some(""),
                VerifiedWith::Key(fingerprint) => Some(fingerprint.as_str()),
            };
            db.run("UPDATE quarantine SET verified_with = ?", &[or_null(text)])?;
            self.verified_with = verified_with;
        }
        Ok(())
    }

    /// Returns whether the inbox has ever had a key.
    pub(super) fn had_key(&self) -> bool {
        self.verified_with != VerifiedWith::NeverAKey
    }

    /// Returns whether the kept requests have to be verified again.
    pub(super) fn is_due(&self, settings: &Settings) -> bool {
        self.verified_with.is_due(self.fingerprint(settings).as_deref())
    }

    /// Notes the key. If nothing is kept, no verification is needed. Returns whether the key may have changed.
    pub(super) fn notice_key(&mut self, db: &Db, settings: &Settings) -> Result<bool> {
        let Some(fingerprint) = self.fingerprint(settings) else {
            return Ok(false);
        };
        let is_new = self.verified_with.is_due(Some(&fingerprint));
        let is_empty = self.room.held().next().is_none();
        if is_empty {
            self.save_verified_with(db, VerifiedWith::Key(fingerprint))?;
        } else if !self.had_key() {
            self.save_verified_with(db, VerifiedWith::Nothing)?;
        }
        Ok(is_new)
    }

    /// Keeps a request, if there is room for it.
    pub(super) fn keep(
        &mut self,
        db: &Db,
        settings: &Settings,
        keep: &Keep,
        now: u64,
    ) -> Result<Kept> {
        self.expire(db, now)?;
        let body = Uint8Array::new(&keep.body).to_vec();
        let mut digest = Sha256::new();
        digest.update(&keep.signature);
        digest.update(&body);
        let held = Held {
            size: u64::try_from(body.len()).unwrap_or(u64::MAX),
            network: network::hash(&self.secret, &keep.network),
            digest: hex(digest.finalize().iter().take(16)),
        };
        let verdict = self.room.verdict(&held, now);
        let full = (verdict == Verdict::Full)
            .then(|| Full { key: self.secret.clone(), open_to: self.room.open_to(now) });
        if verdict == Verdict::Keep {
            // Worker and inbox may have different keys during a deployment.
            let finding = verify(settings, &body, &keep.signature, now);
            let current = self.fingerprint(settings);
            let verified_with =
                self.verified_with.after_keeping(finding.slot(), current.as_deref());
            let row = db.transaction(|| {
                self.save_verified_with(db, verified_with)?;
                self.insert(db, keep, &held, now)
            })?;
            self.room.entries.push(Entry { row, received: now, held: Some(held) });
        }
        Ok(Kept { is_new: verdict == Verdict::Keep, had_key: self.had_key(), full })
    }

    fn insert(&self, db: &Db, keep: &Keep, held: &Held, now: u64) -> Result<RowId> {
        let newest = self.room.entries.last().map_or(RowId::FIRST, |entry| entry.row);
        let row = RowId::at(now).max(newest.next());
        db.run(
            "INSERT INTO kept (key, received, code, size, name, network, digest, signature, content_type, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                row.into(),
                number(now),
                keep.code.as_str().into(),
                number(held.size),
                keep.name.as_str().into(),
                held.network.as_str().into(),
                held.digest.as_str().into(),
                keep.signature.as_str().into(),
                keep.content_type.as_str().into(),
                keep.body.clone(),
            ],
        )?;
        Ok(row)
    }

    /// Removes expired requests and networks.
    pub(super) fn expire(&mut self, db: &Db, now: u64) -> Result<()> {
        if self.room.expire(now) {
            let received = number(now.saturating_sub(KEPT_MS));
            db.run("DELETE FROM kept WHERE received <= ?", &[received])?;
        }
        while let Some(network) = self.room.forget_network(now) {
            db.run("DELETE FROM networks WHERE network = ?", &[network.into()])?;
        }
        Ok(())
    }

    /// Notes the report of an isolate: the networks that sent a new genuine event, and how many requests were not
    /// kept. That number is written with the next save of the rejections.
    pub(super) fn note_report(&mut self, db: &Db, report: &Report, now: u64) -> Result<()> {
        for network in &report.networks {
            self.note_network(db, &network::hash(&self.secret, network), now)?;
        }
        self.dropped = self.dropped.saturating_add(report.dropped.unwrap_or(0));
        Ok(())
    }

    fn note_network(&mut self, db: &Db, hash: &str, now: u64) -> Result<()> {
        if self.room.note(hash, now) {
            let values = [hash.into(), number(now)];
            db.run("INSERT OR REPLACE INTO networks (network, last) VALUES (?, ?)", &values)?;
        }
        Ok(())
    }

    /// Notes that the sender of a kept request is genuine.
    fn note_sender(&mut self, db: &Db, row: RowId, now: u64) -> Result<()> {
        let sender = self.room.held().find(|(entry, _)| entry.row == row);
        match sender.map(|(_, held)| held.network.clone()) {
            Some(network) => self.note_network(db, &network, now),
            None => Ok(()),
        }
    }

    pub(super) fn save_dropped(&self, db: &Db) -> Result<()> {
        db.run("UPDATE quarantine SET dropped = ?1 WHERE dropped <> ?1", &[number(self.dropped)])
    }

    /// Removes the content of a request that was delivered or is to be erased. Returns how many were removed, 0 or 1.
    pub(super) fn remove(&mut self, db: &Db, question: &RemoveRejected) -> Result<u32> {
        let RemoveRejected { row, is_delivered } = *question;
        let removed = db.transaction(|| {
            let removed = db.row(
                "UPDATE kept SET name = NULL, network = NULL, digest = NULL, signature = NULL, content_type = NULL,
                    body = NULL
                WHERE key = ? AND digest IS NOT NULL RETURNING key",
                &[row.into()],
            )?;
            if removed.is_some() && is_delivered {
                db.run("UPDATE quarantine SET recovered = recovered + 1", &[])?;
            }
            Ok(removed.is_some())
        })?;
        self.room.empty(row);
        if removed && is_delivered {
            self.recovered = self.recovered.saturating_add(1);
        }
        Ok(removed.into())
    }

    /// Erases the requests that contain an e-mail address, and returns how many.
    pub(super) fn erase_email(&mut self, db: &Db, email: &str) -> Result<u64> {
        let rows: Vec<RowId> = self.room.held().map(|(entry, _)| entry.row).collect();
        let mut erased: u64 = 0;
        for row in rows {
            let body = db.row("SELECT body FROM kept WHERE key = ?", &[row.into()])?;
            let body = body.map_or(Ok(None), |row| row.maybe_bytes(0))?.unwrap_or_default();
            if erase::body_contains(&body, email) {
                let removed = self.remove(db, &RemoveRejected { row, is_delivered: false })?;
                erased = erased.saturating_add(removed.into());
            }
        }
        Ok(erased)
    }

    pub(super) fn status(&self) -> QuarantineStatus {
        let mut status = QuarantineStatus {
            recovered: self.recovered,
            dropped: self.dropped,
            ..QuarantineStatus::default()
        };
        for (_, held) in self.room.held() {
            status.kept = status.kept.saturating_add(1);
            status.bytes = status.bytes.saturating_add(held.size);
        }
        status
    }
}

/// Lists the kept requests, the newest first.
pub(super) fn list(
    db: &Db,
    settings: &Settings,
    list: &ListRejected,
    now: u64,
) -> Result<Vec<Rejected>> {
    let rows = db.objects(
        &format!(
            "SELECT {COLUMNS} FROM kept WHERE digest IS NOT NULL AND key < ?1 AND received > ?2
                AND (?3 IS NULL OR name = ?3) AND (?4 IS NULL OR received >= ?4) AND (?5 IS NULL OR received < ?5)
            ORDER BY key DESC LIMIT ?6"
        ),
        &[
            list.before.into(),
            number(now.saturating_sub(KEPT_MS)),
            or_null(list.name.as_deref()),
            or_null(list.since.map(number)),
            or_null(list.until.map(number)),
            number(list.limit),
        ],
    )?;
    rows.iter().map(|row| rejected(&row, settings)).collect()
}

/// Returns everything about a kept request.
pub(super) fn show(
    db: &Db,
    settings: &Settings,
    row: RowId,
    now: u64,
) -> Result<Option<RejectedDetails>> {
    let query = format!("SELECT {COLUMNS} FROM kept WHERE key = ? AND digest IS NOT NULL");
    let object = db.objects(&query, &[row.into()])?.get(0);
    if object.is_undefined() {
        return Ok(None);
    }
    let details =
        RejectedDetails { rejected: rejected(&object, settings)?, payload: from_row(&object)? };
    Ok(Some(details).filter(|it| !is_over(it.rejected.received, now)))
}

/// Reads a row with [`COLUMNS`], and verifies the request again.
fn rejected(row: &JsValue, settings: &Settings) -> Result<Rejected> {
    let stored: KeptRow = from_row(row)?;
    let body = Uint8Array::new(&stored.body).to_vec();
    let cause = match verify(settings, &body, &stored.signature, stored.received).cause {
        Cause::CurrentKey if stored.traps >= MOST_TRAPS => Cause::Trapped,
        cause => cause,
    };
    Ok(Rejected {
        id: stored.key.to_string(),
        code: stored.code,
        cause: cause.as_str().to_owned(),
        fix: cause.fix().to_owned(),
        name: stored.name,
        size: stored.size,
        received: stored.received,
        expires: stored.received.saturating_add(KEPT_MS),
    })
}

/// A kept request as it is stored.
struct KeptRow {
    key: RowId,
    received: u64,
    traps: u64,
    code: String,
    name: String,
    size: u64,
    signature: String,
    content_type: String,
    body: JsValue,
}

crate::js::from_js! {
    KeptRow {
        key: "key",
        received: "received",
        traps: "traps",
        code: "code",
        name: "name",
        size: "size",
        signature: "signature",
        content_type: "contentType",
        body: "body",
    }
}
