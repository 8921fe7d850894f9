//! One folder: what Exchange lists against what the ledger knows.

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use super::{FolderReport, Verifier, patience::patiently};
use crate::{
    catalog::{Census, Standing},
    exchange,
    mail::{Change, Cursor, Folder, Listed},
    pipeline::{Subscription, Trouble},
};

/// Items that seem to be missing. Beyond so many of one folder they are counted, and not named.
pub(super) type Candidates = Vec<Listed>;

/// How many of a folder are kept.
pub(super) const CANDIDATES: usize = 20_000;

/// Entries asked for at once.
const PAGE: usize = 512;

impl Verifier {
    /// Lists a folder; a cursor that dies on the way begins the listing anew, once.
    pub(super) async fn folder(
        &self,
        subscription: &Subscription,
        census: &Census,
        folder: &Folder,
    ) -> Result<(FolderReport, Candidates), Trouble> {
        match self.listing(subscription, census, folder).await {
            Err(Trouble::Exchange(error)) if error.verdict == exchange::Verdict::Resync => self.listing(subscription, census, folder).await,
            listing => listing,
        }
    }

    async fn listing(&self, subscription: &Subscription, census: &Census, folder: &Folder) -> Result<(FolderReport, Candidates), Trouble> {
        let mut report = FolderReport { path: folder.path.clone(), ..FolderReport::default() };
        let mut candidates = Vec::new();
        // A listing may show an item several times.
        let mut seen: HashSet<u64> = HashSet::new();
        let mut cursor: Option<Cursor> = None;
        census.listing_begins(&folder.id).await?;
        loop {
            let page = match patiently(|| self.exchange.page(&subscription.mailbox, folder, cursor.as_ref(), PAGE)).await {
                // Deleted since it was listed.
                Err(error) if error.verdict == exchange::Verdict::FolderGone => break,
                page => page?,
            };
            let ends = page.ends();
            if !ends && cursor.as_ref() == Some(&page.cursor) {
                return Err(standing_still(subscription, folder).into());
            }
            let listed: Vec<Listed> = page.changes.into_iter().filter_map(listed).filter(|listed| seen.insert(tag(listed))).collect();
            let listed: Vec<Listed> = listed.into_iter().filter(|listed| subscription.filters.admits_date(listed.dated())).collect();
            report.server += listed.len() as u64;
            for (standing, listed) in census.standings(&folder.id, listed.clone(), false).await?.into_iter().zip(listed) {
                match standing {
                    Standing::Stored => {}
                    Standing::Quarantined => report.quarantined += 1,
                    // Whether it moved is seen once all folders are listed.
                    Standing::Moved | Standing::Missing if candidates.len() < CANDIDATES => candidates.push(listed),
                    Standing::Moved | Standing::Missing => report.missing += 1,
                }
            }
            cursor = Some(page.cursor);
            if ends {
                break;
            }
        }
        (report.catalog, report.departed) = census.unseen(&folder.id).await?;
        Ok((report, candidates))
    }
}

fn listed(change: Change) -> Option<Listed> {
    match change {
        Change::Created(listed) | Change::Updated(listed) => Some(listed),
        Change::ReadChanged { id, .. } => Some(Listed::bare(id)),
        Change::Deleted(_) => None,
    }
}

fn tag(listed: &Listed) -> u64 {
    let mut hasher = DefaultHasher::new();
    listed.id.hash(&mut hasher);
    hasher.finish()
}

fn standing_still(subscription: &Subscription, folder: &Folder) -> exchange::Error {
    exchange::Error {
        verdict: exchange::Verdict::SkipFolder,
        attempt: format!("listing folder {} of {}", folder.path.join("/"), subscription.mailbox.address),
        code: None,
        cause: "the listing does not get on".to_owned(),
        hint: None,
    }
}
