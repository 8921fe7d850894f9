//! What stands in the links of a delta: everything needed to go on, and which generation of the folder's links it is of.
//!
//! The server remembers the last few generations for each application, mailbox and folder. Links of those serve, others are lost, whoever
//! asked for the newer ones. So two walks of one folder by one application end each other.

use super::selection::Selection;
use crate::store::{Folder, Guid, Position};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Generations whose links still serve.
const KEPT: usize = 4;
const MARK: &[u8; 4] = b"DLT1";
const CHECKSUM: usize = 12;

/// The generations of each application's links of each folder.
#[derive(Debug, Default)]
pub(crate) struct Generations(Mutex<HashMap<(String, Guid, u64), Line>>);

/// The generations of one folder's links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The newest there ever was.
    pub(super) newest: u64,
    /// Those that still serve; the one followed or made last stands last.
    pub(super) kept: Vec<u64>,
}

impl Generations {
    /// The generation of the next link, where the one before is `followed` (0 for none).
    pub(super) fn next(&self, app: &str, folder: &Folder, followed: u64) -> u64 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = known.entry((app.to_owned(), folder.id.mailbox, folder.id.number)).or_default();
        line.newest += 1;
        if line.kept.contains(&followed) {
            line.kept.retain(|kept| *kept != followed);
            line.kept.push(followed);
        }
        line.kept.push(line.newest);
        let over = line.kept.len().saturating_sub(KEPT);
        line.kept.drain(..over);
        line.newest
    }

    /// The generations there are.
    pub(super) fn line(&self, app: &str, folder: &Folder) -> Line {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(app.to_owned(), folder.id.mailbox, folder.id.number)).cloned().unwrap_or_default()
    }
}

/// Which changes later rounds tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ChangeType {
    #[default]
    Any,
    Created,
    Updated,
    Deleted,
}

/// Where a walk in the order of dates stands: nanoseconds of the last message told and its number.
pub(super) type After = (i64, u64);

/// A walk's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) generation: u64,
    /// Absent before the first page.
    pub(super) position: Option<Position>,
    pub(super) selection: Selection,
    /// Received at or after.
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) changes: ChangeType,
    /// The first round is under way; messages it may still tell, where there is a cap.
    pub(super) initial: bool,
    pub(super) left: Option<u32>,
    /// The first round goes by date, the latest first: what it told last, absent before its first page.
    pub(super) by_date: Option<Option<After>>,
    /// The page before was left empty on purpose.
    pub(super) paused: bool,
}

/// Why a token does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dead {
    /// Never given out, or altered, or of another folder.
    Invalid,
    /// Of a history that was declared lost.
    Expired,
}

impl Token {
    /// Writes a token of this folder.
    pub(super) fn encode(&self, folder: &Folder) -> String {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&folder.id.mailbox.0);
        bytes.extend_from_slice(&folder.id.number.to_be_bytes());
        bytes.extend_from_slice(&folder.id.generation.to_be_bytes());
        bytes.extend_from_slice(&folder.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.position.map_or([0; Position::LEN], Position::to_bytes));
        bytes.extend_from_slice(&self.selection.bits().to_be_bytes());
        let since = self.since.and_then(|since| since.timestamp_nanos_opt());
        bytes.extend_from_slice(&since.unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(&self.left.unwrap_or(0).to_be_bytes());
        let (nanos, number) = self.by_date.flatten().unwrap_or_default();
        bytes.extend_from_slice(&nanos.to_be_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
        let flags = [
            self.position.is_some(),
            since.is_some(),
            self.left.is_some(),
            self.initial,
            self.by_date.is_some(),
            self.by_date.flatten().is_some(),
            self.paused,
        ];
        bytes.push(flags.iter().rev().fold(0, |mask, flag| mask << 1 | u8::from(*flag)));
        bytes.push(self.changes as u8);
        let sum = Sha256::digest(&bytes);
        bytes.extend(sum.iter().take(CHECKSUM));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token that must be of this folder in its present life.
    pub(super) fn decode(text: &str, folder: &Folder) -> Result<Self, Dead> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| Dead::Invalid)?;
        let (body, sum) = bytes.split_at_checked(bytes.len().saturating_sub(CHECKSUM)).ok_or(Dead::Invalid)?;
        if sum.len() != CHECKSUM || !Sha256::digest(body).iter().take(CHECKSUM).eq(sum.iter()) {
            return Err(Dead::Invalid);
        }
        let mut reader = Reader(body.strip_prefix(MARK).ok_or(Dead::Invalid)?);
        let owner = (Guid(reader.take()?), u64::from_be_bytes(reader.take()?));
        if owner != (folder.id.mailbox, folder.id.number) {
            return Err(Dead::Invalid);
        }
        let life = (u32::from_be_bytes(reader.take()?), u32::from_be_bytes(reader.take()?));
        let generation = u64::from_be_bytes(reader.take()?);
        let position: [u8; Position::LEN] = reader.take()?;
        let selection = Selection::from_bits(u64::from_be_bytes(reader.take()?));
        let since = i64::from_be_bytes(reader.take()?);
        let left = u32::from_be_bytes(reader.take()?);
        let after = (i64::from_be_bytes(reader.take()?), u64::from_be_bytes(reader.take()?));
        let [flags, changes] = reader.take()?;
        let flag = |at: u8| flags >> at & 1 == 1;
        if life != (folder.id.generation, folder.epoch) {
            return Err(Dead::Expired);
        }
        Ok(Self {
            generation,
            position: if flag(0) { Some(Position::from_bytes(&position).ok_or(Dead::Invalid)?) } else { None },
            selection,
            since: flag(1).then(|| DateTime::from_timestamp_nanos(since)),
            left: flag(2).then_some(left),
            initial: flag(3),
            by_date: flag(4).then(|| flag(5).then_some(after)),
            paused: flag(6),
            changes: match changes {
                1 => ChangeType::Created,
                2 => ChangeType::Updated,
                3 => ChangeType::Deleted,
                _ => ChangeType::Any,
            },
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Dead> {
        let (part, rest) = self.0.split_first_chunk().ok_or(Dead::Invalid)?;
        self.0 = rest;
        Ok(*part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{FolderId, FolderKind};

    fn folder(number: u64, epoch: u32) -> Folder {
        Folder {
            id: FolderId { mailbox: Guid([7; 16]), number, generation: 0 },
            change: 1,
            parent: None,
            name: "Inbox".to_owned(),
            class: None,
            well_known: None,
            kind: FolderKind::Plain,
            hidden: false,
            total: 0,
            unread: 0,
            children: 0,
            commit_time: 0,
            deleted_total: 0,
            epoch,
        }
    }

    fn token() -> Token {
        Token {
            generation: 9,
            position: Some(Position { base: 1, cursor: 2, head: 30, below: 4 }),
            selection: Selection::named(&["subject", "isRead"]).unwrap(),
            since: DateTime::from_timestamp(1_700_000_000, 5),
            changes: ChangeType::Updated,
            initial: true,
            left: Some(77),
            by_date: Some(Some((-5, 6))),
            paused: true,
        }
    }

    #[test]
    fn a_token_serves_its_folder_in_its_life() {
        let plain = Token { since: None, left: None, by_date: Some(None), initial: false, paused: false, position: None, ..token() };
        for token in [token(), plain] {
            assert_eq!(Token::decode(&token.encode(&folder(3, 0)), &folder(3, 0)), Ok(token));
        }
        let text = token().encode(&folder(3, 0));
        assert_eq!(Token::decode(&text, &folder(4, 0)), Err(Dead::Invalid));
        assert_eq!(Token::decode(&text, &folder(3, 1)), Err(Dead::Expired));
        for cut in 0..text.len() {
            assert_eq!(Token::decode(&text[..cut], &folder(3, 0)), Err(Dead::Invalid));
        }
        assert_eq!(Token::decode("AAAAnonsense", &folder(3, 0)), Err(Dead::Invalid));
    }

    #[test]
    fn generations_are_counted_for_each_application_and_folder() {
        let generations = Generations::default();
        assert_eq!((generations.next("a", &folder(1, 0), 0), generations.next("a", &folder(1, 0), 1)), (1, 2));
        assert_eq!((generations.next("b", &folder(1, 0), 0), generations.next("a", &folder(2, 0), 0)), (1, 1));
        for _ in 0..9 {
            generations.next("a", &folder(1, 0), 1);
        }
        assert_eq!(generations.line("a", &folder(1, 0)), Line { newest: 11, kept: vec![9, 10, 1, 11] }, "what is followed lives on");
        assert_eq!(generations.next("a", &folder(1, 0), 5), 12);
        assert_eq!(generations.line("a", &folder(1, 0)).kept, [10, 1, 11, 12]);
    }
}
