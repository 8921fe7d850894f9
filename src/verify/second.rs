//! A second look at what seemed to be missing, once a copy that is running has had time to store it.

use futures::TryStreamExt;
use tokio::time::sleep;

use super::{Gap, MailboxReport, Repair, Verifier};
use crate::{
    catalog::{Census, Kept, Mark, SetAside, Standing},
    exchange::patiently,
    mail::{Folder, FolderId, Listed, Lookup, Properties},
    pipeline::{Sought, Subscription, Trouble},
    sink::inspect::Found,
};

/// Items looked up at once.
const AT_ONCE: usize = 100;

/// One mailbox's second look.
pub(super) struct Second<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) subscription: &'a Subscription,
    pub(super) census: &'a Census,
    /// All folders of the mailbox.
    pub(super) folders: &'a [Folder],
    /// Those that were listed, in the order of the report.
    pub(super) listed: &'a [&'a Folder],
    pub(super) report: &'a mut MailboxReport,
    pub(super) repair: &'a mut Repair,
}

impl<'a> Second<'a> {
    pub(super) async fn look(mut self) -> Result<(), Trouble> {
        if self.census.doubts().await? {
            sleep(self.verifier.settings.settle).await;
            self.census.catch_up().await?;
        }
        // The most promising first: so many gaps are named and mended at once, and what is in quarantine may stay there however often it is tried.
        for (at, folder) in self.listed.iter().enumerate() {
            self.doubts(at, folder).await?;
        }
        self.suspects().await?;
        let mut quarantine = self.census.quarantine();
        while let Some(one) = quarantine.try_next().await? {
            self.set_aside(one).await?;
        }
        Ok(())
    }

    /// Items that are neither stored now nor gone from the folder.
    async fn doubts(&mut self, at: usize, folder: &Folder) -> Result<(), Trouble> {
        let mut after = Mark::default();
        loop {
            let doubted = self.census.doubted(&folder.id, after, AT_ONCE).await?;
            let Some((last, _)) = doubted.last() else { return Ok(()) };
            after = *last;
            let left = self.not_known(at, folder, doubted.into_iter().map(|(_, listed)| listed).collect()).await?;
            // Those beyond what is named and mended are merely counted, unless the server must be asked whether they are wanted.
            if !left.is_empty() && !self.report.names_more() && !self.subscription.filters.participants.any() {
                let more = left.len() as u64;
                self.count(at, more);
                self.report.unnamed += more;
                left.into_iter().for_each(|listed| self.repair.seek(folder, Sought::Missing(listed)));
                continue;
            }
            self.ask(at, folder, left).await?;
        }
    }

    /// Those items of a folder that the ledger does not know.
    async fn not_known(&mut self, at: usize, folder: &Folder, items: Vec<Listed>) -> Result<Vec<Listed>, Trouble> {
        let standings = self.census.standings(&folder.id, items.clone(), true).await?;
        if let Some(told) = self.report.folders.get_mut(at) {
            let count = |of| standings.iter().filter(|standing| **standing == of).count() as u64;
            told.moved += count(Standing::Moved);
            told.quarantined += count(Standing::Quarantined);
        }
        Ok(items.into_iter().zip(standings).filter(|(_, standing)| *standing == Standing::Missing).map(|(item, _)| item).collect())
    }

    /// Asks Exchange for items that the ledger does not know.
    async fn ask(&mut self, at: usize, folder: &Folder, items: Vec<Listed>) -> Result<(), Trouble> {
        if items.is_empty() {
            return Ok(());
        }
        let found = self.lookup(folder, &items).await?;
        let (mut there, mut described) = (Vec::new(), Vec::new());
        for (listed, found) in items.into_iter().zip(found) {
            match found {
                // Deleted or moved since: not in this folder any more, so it was not to be stored from here.
                Lookup::Gone => self.left(at),
                Lookup::Unreadable(failure) => self.missing(at, folder, listed, Some(format!("{}: {}", failure.code, failure.text))),
                Lookup::Found(properties) if self.is_elsewhere(folder, &properties) => self.left(at),
                Lookup::Found(properties) if !self.wants(&listed, &properties) => self.left(at),
                // A listing that told no search key could not be recognised by it.
                Lookup::Found(properties) if listed.search_key.is_none() && properties.search_key.is_some() => {
                    described.push(describe(listed, *properties));
                }
                Lookup::Found(_) => there.push(listed),
            }
        }
        if !described.is_empty() {
            there.extend(self.not_known(at, folder, described).await?);
        }
        there.into_iter().for_each(|listed| self.missing(at, folder, listed, None));
        Ok(())
    }

    /// Whether an item whose id outlasts moves is in another folder now.
    fn is_elsewhere(&self, folder: &Folder, properties: &Properties) -> bool {
        properties.folder.as_ref().is_some_and(|at| *at != folder.id && self.folder(at).is_some())
    }

    fn wants(&self, listed: &Listed, properties: &Properties) -> bool {
        let filters = &self.subscription.filters;
        filters.admits_date(listed.dated().or(properties.received).or(properties.created))
            && (!filters.participants.any() || filters.participants.admit(properties.participants()))
    }

    fn left(&mut self, at: usize) {
        if let Some(told) = self.report.folders.get_mut(at) {
            told.server = told.server.saturating_sub(1);
        }
    }

    fn count(&mut self, at: usize, missing: u64) {
        if let Some(told) = self.report.folders.get_mut(at) {
            told.missing += missing;
        }
    }

    fn missing(&mut self, at: usize, folder: &Folder, listed: Listed, why: Option<String>) {
        self.count(at, 1);
        self.report.gap(Gap::missing(folder, &listed, why));
        self.repair.seek(folder, Sought::Missing(listed));
    }

    /// Messages that are not in the sink as they were stored. A draft may have been stored anew since.
    async fn suspects(&mut self) -> Result<(), Trouble> {
        let mut after = Mark::default();
        loop {
            let suspected = self.census.suspected(after, AT_ONCE).await?;
            let Some((last, _)) = suspected.last() else { return Ok(()) };
            after = *last;
            let mut lost: Vec<(Kept, String)> = Vec::new();
            for (_, kept) in suspected {
                let found = self.verifier.inspect.inspect(&self.subscription.mailbox, &kept.key, &kept.stored, true).await?;
                match found {
                    Found::Sound => {}
                    Found::Missing => {
                        self.report.sink.missing += 1;
                        lost.push((kept, "it is not in the sink".to_owned()));
                    }
                    Found::Differs(why) => {
                        self.report.sink.differs += 1;
                        lost.push((kept, why));
                    }
                }
            }
            self.lost(lost).await?;
        }
    }

    /// Tells of lost messages, and whether Exchange still has them: it knows better than the ledger, which is told nothing of folders that are not read.
    async fn lost(&mut self, mut lost: Vec<(Kept, String)>) -> Result<(), Trouble> {
        lost.sort_by(|(a, _), (b, _)| a.folder.cmp(&b.folder));
        for of_folder in lost.chunk_by(|(a, _), (b, _)| a.folder == b.folder) {
            let Some((first, _)) = of_folder.first() else { continue };
            let place = self.folder(&first.folder).cloned().unwrap_or_else(|| Folder::bare(first.folder.clone(), first.path.clone()));
            let items: Vec<Listed> = of_folder.iter().map(|(kept, _)| kept.listed.clone()).collect();
            let found = self.lookup(&place, &items).await?;
            for ((kept, why), found) in of_folder.iter().zip(found) {
                let there = found != Lookup::Gone;
                let elsewhere = matches!(&found, Lookup::Found(properties) if self.is_elsewhere(&place, properties));
                let read = there && kept.present && !elsewhere && self.is_read(&kept.folder);
                self.report.gap(Gap::lost(kept, why.clone(), there, read));
                if read {
                    self.repair.seek(&place, Sought::Lost(kept.key.clone(), kept.listed.clone()));
                }
            }
        }
        Ok(())
    }

    /// A message in quarantine. One in a folder that is not read counts as well, as long as it is there.
    async fn set_aside(&mut self, one: SetAside) -> Result<(), Trouble> {
        let Some(folder) = self.folder(&one.folder).cloned() else { return Ok(()) };
        if !self.is_read(&folder.id) && self.lookup(&folder, std::slice::from_ref(&one.listed)).await?.contains(&Lookup::Gone) {
            return Ok(());
        }
        self.report.quarantined += 1;
        self.report.gap(Gap::quarantined(&one));
        self.repair.seek(&folder, Sought::Quarantined(one.key, one.listed));
        Ok(())
    }

    fn folder(&self, id: &FolderId) -> Option<&'a Folder> {
        self.folders.iter().find(|folder| folder.id == *id)
    }

    fn is_read(&self, id: &FolderId) -> bool {
        self.listed.iter().any(|folder| folder.id == *id)
    }

    async fn lookup(&self, folder: &Folder, items: &[Listed]) -> Result<Vec<Lookup>, Trouble> {
        Ok(patiently(|| self.verifier.exchange.lookup(&self.subscription.mailbox, folder, items)).await?)
    }
}

/// A listed item with what Exchange told of it when it was asked for.
fn describe(listed: Listed, properties: Properties) -> Listed {
    Listed {
        received: listed.received.or(properties.received),
        created: listed.created.or(properties.created),
        size: listed.size.or(properties.size),
        class: listed.class.or(properties.class),
        search_key: properties.search_key,
        flags: properties.flags.or(listed.flags),
        ..listed
    }
}
