//! Whether every message is there: Exchange against the ledger against the sink, mailbox by mailbox.
//!
//! Each folder is listed from its start beside whatever cursor a copy of it has, and each item is looked up in the ledger; each stored message is looked at
//! in the sink, some or all of them byte for byte. What seems to be missing is looked at again after a while, so that mail that a running copy is about to
//! store is no gap. Nothing is written.

mod folder;
mod look;
mod repair;
mod report;
mod second;

use std::{sync::Arc, time::Duration};

use futures::{Stream, stream};

use crate::{
    catalog::Records,
    exchange::{Exchange, patiently},
    mail::{Folder, Hierarchy, IdForm},
    pipeline::{FanOut, Subscription, Trouble},
    sink::inspect::Inspect,
};

use self::second::Second;

pub use repair::Repair;
pub use report::{FolderReport, Gap, MailboxReport, SinkReport, Sum};

/// How closely is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether every message is read back, rather than some.
    pub deep: bool,
    /// How many messages of a mailbox are read back otherwise.
    pub sample: u64,
    /// How long a copy that is running is given to store what seems to be missing.
    pub settle: Duration,
    /// Mailboxes looked at at the same time.
    pub mailboxes: usize,
    /// Whether what would mend them is held.
    pub repair: bool,
}

/// Whoever verifies.
#[derive(Clone)]
pub struct Verifier {
    exchange: Arc<dyn Exchange>,
    records: Records,
    inspect: Arc<dyn Inspect>,
    settings: Settings,
}

impl Verifier {
    /// Compares these three.
    pub fn new(exchange: Arc<dyn Exchange>, records: Records, inspect: Arc<dyn Inspect>, settings: Settings) -> Self {
        Self { exchange, records, inspect, settings }
    }

    /// Looks at mailboxes, each with what is needed to mend it; they come as they are done.
    pub fn verify(&self, subscriptions: Vec<Subscription>) -> impl Stream<Item = (MailboxReport, Repair)> + use<> {
        let this = self.clone();
        stream::iter(subscriptions).fan_out(self.settings.mailboxes, move |subscription| {
            let this = this.clone();
            async move { this.mailbox(subscription).await }
        })
    }

    async fn mailbox(&self, subscription: Subscription) -> (MailboxReport, Repair) {
        let mut report = MailboxReport::new(subscription.mailbox.address.clone());
        let mut repair = Repair::new(subscription.clone(), self.settings.repair);
        if let Err(trouble) = self.compare(&subscription, &mut report, &mut repair).await {
            report.refused = trouble.refused();
            report.trouble = Some(trouble.to_string());
        }
        (report, repair)
    }

    async fn compare(&self, subscription: &Subscription, report: &mut MailboxReport, repair: &mut Repair) -> Result<(), Trouble> {
        let mailbox = &subscription.mailbox;
        let known = Hierarchy::default();
        let hierarchy = patiently(|| self.exchange.folders(mailbox, &known)).await?;
        let census = self.records.census(mailbox).await?;
        repair.home = hierarchy.home.clone();
        let form = hierarchy.home.as_ref().map_or_else(IdForm::default, |home| home.form);
        if hierarchy.home.is_some() && census.is_of_another_form(form).await? {
            report.trouble = Some(
                "what is known of this mailbox was read through another interface; one complete pass (run --once) carries it over"
                    .to_owned(),
            );
            return Ok(());
        }
        let shown = |folder: &&Folder| !folder.archive || form.shows_all();
        let read = hierarchy.folders.iter().filter(shown).filter(|folder| subscription.reads(folder, &hierarchy.folders));
        let mut listed: Vec<&Folder> = Vec::new();
        for folder in read {
            match self.folder(subscription, &census, folder).await {
                Ok(told) => {
                    report.folders.push(told);
                    listed.push(folder);
                }
                // The others can be looked at.
                Err(trouble) if !trouble.stops_mailbox() => report.trouble = Some(trouble.to_string()),
                Err(trouble) => return Err(trouble),
            }
        }
        self.sink(subscription, &census, &mut report.sink).await?;
        Second { verifier: self, subscription, census: &census, folders: &hierarchy.folders, listed: &listed, report, repair }.look().await
    }
}

#[cfg(test)]
mod tests;
