//! One folder: what Exchange lists against what the ledger knows.

use super::{FolderReport, Verifier};
use crate::{
    catalog::{Census, Standing},
    exchange::{self, patiently},
    mail::{Change, Cursor, Folder, Listed},
    pipeline::{PAGE, Standstill, Subscription, Trouble, standing_still},
};

impl Verifier {
    /// Lists a folder, and sets aside what seems to be missing; a cursor that dies on the way begins the listing anew, once.
    pub(super) async fn folder(&self, subscription: &Subscription, census: &Census, folder: &Folder) -> Result<FolderReport, Trouble> {
        match self.listing(subscription, census, folder).await {
            Err(Trouble::Exchange(error)) if error.verdict == exchange::Verdict::Resync => self.listing(subscription, census, folder).await,
            listing => listing,
        }
    }

    async fn listing(&self, subscription: &Subscription, census: &Census, folder: &Folder) -> Result<FolderReport, Trouble> {
        let mut report = FolderReport { path: folder.path.clone(), ..FolderReport::default() };
        let mut cursor: Option<Cursor> = None;
        let mut standstill = Standstill::default();
        census.listing_begins(&folder.id).await?;
        loop {
            let page = match patiently(|| self.exchange.page(&subscription.mailbox, folder, cursor.as_ref(), PAGE)).await {
                // Deleted since it was listed.
                Err(error) if error.verdict == exchange::Verdict::FolderGone => break,
                page => page?,
            };
            if let Some(cause) = standstill.notice(cursor.as_ref(), &page) {
                return Err(standing_still(&subscription.mailbox, folder, cause).into());
            }
            let ends = page.ends();
            let listed = census.first_shown(page.changes.into_iter().filter_map(listed).collect()).await?;
            // Also of what the filters leave out: it did not leave the folder.
            let standings = census.standings(&folder.id, listed.clone(), false).await?;
            let mut doubtful = Vec::new();
            for (standing, listed) in standings.into_iter().zip(listed) {
                if !subscription.filters.admits_date(listed.dated()) {
                    continue;
                }
                report.server += 1;
                match standing {
                    Standing::Stored => {}
                    Standing::Quarantined => report.quarantined += 1,
                    // Whether it moved is seen once all folders are listed.
                    Standing::Moved | Standing::Missing => doubtful.push(listed),
                }
            }
            census.doubt(&folder.id, doubtful).await?;
            cursor = Some(page.cursor);
            if ends {
                break;
            }
        }
        (report.catalog, report.departed) = census.unseen(&folder.id).await?;
        Ok(report)
    }
}

fn listed(change: Change) -> Option<Listed> {
    match change {
        Change::Created(listed) | Change::Updated(listed) => Some(listed),
        Change::ReadChanged { id, .. } => Some(Listed::bare(id)),
        Change::Deleted(_) => None,
    }
}
