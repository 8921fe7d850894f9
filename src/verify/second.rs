//! A second look at what seemed to be missing, once a copy that is running has had time to store it.

use tokio::time::sleep;

use super::{FolderReport, Gap, MailboxReport, Repair, Verifier, by_id, folder::Candidates, look::Suspects, patience::patiently};
use crate::{
    catalog::{Census, Mark, Standing},
    mail::{Folder, Listed, Lookup},
    pipeline::{Errand, Subscription, Trouble},
    sink::inspect::Found,
};

/// Items looked up at once.
const AT_ONCE: usize = 100;

impl Verifier {
    pub(super) async fn second_look(
        &self,
        subscription: &Subscription,
        census: &Census,
        candidates: Vec<(Folder, Candidates)>,
        suspects: Suspects,
        report: &mut MailboxReport,
        repair: &mut Repair,
    ) -> Result<(), Trouble> {
        let doubtful = !suspects.is_empty() || candidates.iter().any(|(_, items)| !items.is_empty());
        if doubtful {
            sleep(self.settings.settle).await;
            census.catch_up().await?;
        }
        repair.errands =
            candidates.iter().map(|(folder, _)| Errand { folder: folder.clone(), listed: Vec::new(), again: Vec::new() }).collect();
        self.suspects(subscription, census, suspects, &candidates, report, repair).await?;
        self.quarantined(census, &candidates, report, repair).await?;
        for (at, (folder, items)) in candidates.into_iter().enumerate() {
            let Some(told) = report.folders.get_mut(at) else { continue };
            let missing = self.still_missing(subscription, census, &folder, items, told).await?;
            for (listed, why) in &missing {
                report.gaps.push(Gap::missing(&folder, listed, why.clone()));
            }
            repair.errands[at].listed = missing.into_iter().map(|(listed, _)| listed).collect();
        }
        Ok(())
    }

    /// What is neither stored now nor gone from the mailbox.
    async fn still_missing(
        &self,
        subscription: &Subscription,
        census: &Census,
        folder: &Folder,
        items: Candidates,
        told: &mut FolderReport,
    ) -> Result<Vec<(Listed, Option<String>)>, Trouble> {
        let mut missing = Vec::new();
        for items in items.chunks(AT_ONCE) {
            let standings = census.standings(&folder.id, items.to_vec(), true).await?;
            told.moved += standings.iter().filter(|standing| **standing == Standing::Moved).count() as u64;
            told.quarantined += standings.iter().filter(|standing| **standing == Standing::Quarantined).count() as u64;
            let left: Vec<Listed> =
                items.iter().zip(standings).filter(|(_, standing)| *standing == Standing::Missing).map(|(item, _)| item.clone()).collect();
            if left.is_empty() {
                continue;
            }
            let found = patiently(|| self.exchange.lookup(&subscription.mailbox, folder, &left)).await?;
            for (listed, found) in left.into_iter().zip(found) {
                match found {
                    // Deleted or moved since: not in this folder any more, so it was not to be stored from here.
                    Lookup::Gone => told.server = told.server.saturating_sub(1),
                    Lookup::Unreadable(failure) => missing.push((listed, Some(format!("{}: {}", failure.code, failure.text)))),
                    Lookup::Found(properties) => {
                        let dated = listed.dated().or(properties.received).or(properties.created);
                        let wanted = subscription.filters.admits_date(dated)
                            && (!subscription.filters.participants.any()
                                || subscription.filters.participants.admit(properties.participants()));
                        match wanted {
                            true => missing.push((listed, None)),
                            false => told.server = told.server.saturating_sub(1),
                        }
                    }
                }
            }
        }
        told.missing += missing.len() as u64;
        Ok(missing)
    }

    /// Messages that are not in the sink as they were stored. A draft may have been stored anew since.
    async fn suspects(
        &self,
        subscription: &Subscription,
        census: &Census,
        suspects: Suspects,
        candidates: &[(Folder, Candidates)],
        report: &mut MailboxReport,
        repair: &mut Repair,
    ) -> Result<(), Trouble> {
        let folders = by_id(candidates);
        for suspects in suspects.chunks(AT_ONCE) {
            let keys = suspects.iter().map(|kept| kept.key.clone()).collect();
            for kept in census.kept_now(keys).await? {
                let why = match self.inspect.inspect(&subscription.mailbox, &kept.key, &kept.stored, true).await? {
                    Found::Sound => continue,
                    Found::Missing => {
                        report.sink.missing += 1;
                        "it is not in the sink".to_owned()
                    }
                    Found::Differs(why) => {
                        report.sink.differs += 1;
                        why
                    }
                };
                report.gaps.push(Gap::lost(&kept, why));
                let place = kept.live.then(|| folders.get(kept.folder.0.as_str())).flatten();
                match place.and_then(|folder| repair.errands.iter_mut().find(|errand| errand.folder.id == folder.id)) {
                    Some(errand) => errand.again.push((kept.key, kept.listed)),
                    None => repair.beyond += 1,
                }
            }
        }
        Ok(())
    }

    async fn quarantined(
        &self,
        census: &Census,
        candidates: &[(Folder, Candidates)],
        report: &mut MailboxReport,
        repair: &mut Repair,
    ) -> Result<(), Trouble> {
        let folders = by_id(candidates);
        let mut after = Mark::default();
        loop {
            let set_aside = census.set_aside(after, AT_ONCE).await?;
            let Some((last, _)) = set_aside.last() else { return Ok(()) };
            after = *last;
            for (_, one) in set_aside {
                // Of folders that are not read any more nothing is asked for.
                if !folders.contains_key(one.folder.0.as_str()) {
                    continue;
                }
                report.gaps.push(Gap::quarantined(&one));
                if let Some(errand) = repair.errands.iter_mut().find(|errand| errand.folder.id == one.folder) {
                    errand.again.push((one.key, one.listed));
                }
            }
        }
    }
}
