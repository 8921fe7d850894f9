//! Wires a look into the quarantine, and another attempt at what is in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    sync::Arc,
};

use futures::StreamExt;
use tokio::sync::Semaphore;

use super::{Tuning, Unready, exchange, named, pipeline, stores};
use crate::{
    catalog::{Mark, Records, SetAside},
    cli::{QuarantineArgs, quarantine::List},
    config::{Config, Env},
    exchange::patiently,
    mail::{Folder, FolderId, Hierarchy},
    outcome::Outcome,
    pipeline::{Errand, Pipeline, Sought, Subscription, Trouble},
    watch::Events,
};

/// Messages tried again before more of them are taken out of the ledger.
const AT_ONCE: usize = 10_000;

/// Lists what is in quarantine, or tries it again and lists what is left.
pub async fn quarantine(args: &QuarantineArgs, config: &Config, env: &Env, out: &mut (dyn Write + Send)) -> Result<Outcome, Unready> {
    let (records, _) = stores::records(&args.run, env)?;
    let subscriptions = named(&args.run, config, &args.mailboxes)?;
    let mut list = List::new(args.json, args.run.mask);
    let mut unknown: BTreeSet<&String> = args.ids.iter().collect();
    if args.retry {
        let found = retry(args, config, env, &records, &subscriptions, &mut list, out).await?;
        unknown.retain(|id| !found.contains(*id));
    }
    for subscription in &subscriptions {
        match records.census(&subscription.mailbox).await {
            Ok(census) => {
                let mut quarantine = census.quarantine();
                while let Some(one) = quarantine.next().await {
                    match one {
                        Ok(one) if wanted(&args.ids, &one) => {
                            unknown.retain(|id| **id != one.key.0 && **id != one.listed.id.0);
                            list.message(&subscription.mailbox.address, &one, out);
                        }
                        Ok(_) => list.other(),
                        Err(error) => list.trouble(&subscription.mailbox.address, &error.to_string(), out),
                    }
                }
            }
            Err(error) => list.trouble(&subscription.mailbox.address, &error.to_string(), out),
        }
    }
    unknown.into_iter().for_each(|id| list.unknown(id, out));
    Ok(list.end(out))
}

async fn retry(
    args: &QuarantineArgs,
    config: &Config,
    env: &Env,
    records: &Records,
    subscriptions: &[Subscription],
    list: &mut List,
    out: &mut (dyn Write + Send),
) -> Result<BTreeSet<String>, Unready> {
    let mut found = BTreeSet::new();
    let events = Events::new();
    let exchange = exchange(config, &events)?;
    let stores = stores::open(&args.run, &Tuning::of(config), env, &events).await?;
    let pipeline = pipeline(&args.run, config, exchange, &stores, &events);
    for subscription in subscriptions {
        let mut retried = Retried::default();
        let outcome = retry_one(&args.ids, &pipeline, records, subscription, None, &mut retried).await;
        list.tried(retried.tried, retried.stored);
        found.append(&mut retried.found);
        if let Err(trouble) = outcome {
            list.refused(&subscription.mailbox.address, &trouble, out);
        }
    }
    stores.flush().await;
    Ok(found)
}

/// What came of trying messages again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Retried {
    /// Those of the keys and item ids asked for that were in quarantine.
    pub(super) found: BTreeSet<String>,
    /// How many were tried.
    pub(super) tried: u64,
    /// How many of them are stored now.
    pub(super) stored: u64,
    /// Whether a person paused the mailbox before the end.
    pub(super) paused: bool,
}

/// Tries a mailbox's messages again, all or these, some at a time, and counts them.
pub(super) async fn retry_one(
    ids: &[String],
    pipeline: &Arc<Pipeline>,
    records: &Records,
    subscription: &Subscription,
    places: Option<&Arc<Semaphore>>,
    retried: &mut Retried,
) -> Result<(), Trouble> {
    let (exchange, mailbox) = (pipeline.exchange(), &subscription.mailbox);
    let (mut after, mut trouble) = (Mark::default(), None);
    let mut census = Some(records.census(mailbox).await?);
    // Told by the server: which form of ids it gives, and where folders are now.
    let mut told: Option<Hierarchy> = None;
    while let Some(open) = census.take() {
        let some = open.set_aside(after, AT_ONCE).await?;
        // Mending may take hours, and what was read of the ledger takes room: it is kept only as long as it is needed.
        if let Some((last, _)) = some.last().filter(|_| some.len() == AT_ONCE) {
            after = *last;
            census = Some(open);
        }
        let mut folders: BTreeMap<FolderId, Errand> = BTreeMap::new();
        for (_, one) in some.into_iter().filter(|(_, one)| wanted(ids, one)) {
            let SetAside { key, listed, folder, path, .. } = one;
            retried.found.extend(ids.iter().filter(|id| **id == key.0 || **id == listed.id.0).cloned());
            let errand =
                folders.entry(folder).or_insert_with_key(|id| Errand { folder: Folder::bare(id.clone(), path), sought: Vec::new() });
            errand.sought.push(Sought::Quarantined(key, listed));
        }
        if folders.is_empty() {
            continue;
        }
        let now = match told.take() {
            Some(now) => now,
            None => {
                let known = Hierarchy::default();
                patiently(|| exchange.folders(mailbox, &known)).await?
            }
        };
        for folder in &now.folders {
            if let Some(errand) = folders.get_mut(&folder.id) {
                errand.folder = folder.clone();
            }
        }
        let mended = pipeline.clone().mend(subscription, now.home.clone(), folders.into_values().collect(), places.cloned()).await;
        told = Some(now);
        (retried.tried, retried.stored) = (retried.tried + mended.tried, retried.stored + mended.stored);
        if mended.paused {
            retried.paused = true;
            break;
        }
        match mended.trouble {
            Some(stops) if stops.stops_mailbox() => return Err(stops),
            other => trouble = trouble.or(other),
        }
    }
    trouble.map_or(Ok(()), Err)
}

fn wanted(ids: &[String], one: &SetAside) -> bool {
    ids.is_empty() || ids.iter().any(|id| *id == one.key.0 || *id == one.listed.id.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::LocalCatalog, exchange::Verdict, pipeline::tests::bench::Bench};

    #[tokio::test(start_paused = true)]
    async fn a_quarantine_larger_than_what_is_held_is_tried_whole_and_each_message_once() {
        let mut bench = Bench::new(&["Inbox"]);
        bench.limits.batch_size = 512;
        let broken: Vec<String> = (0..AT_ONCE + 600).map(|n| bench.server.deliver("Inbox", format!("broken {n}"))).collect();
        bench.server.0.lock().unwrap().unreadable = broken;
        bench.pass().await;
        // The last of them can be read by now.
        bench.server.0.lock().unwrap().unreadable.truncate(AT_ONCE + 90);
        bench.server.fail("folders", Verdict::WaitFor(std::time::Duration::from_secs(900)));
        let pipeline = Pipeline::new(
            Arc::new(bench.server.clone()),
            Arc::new(bench.sink.clone()),
            Arc::new(LocalCatalog::open(bench.folder.path()).unwrap()),
            Arc::new(bench.checkpoints()),
            bench.events.clone(),
            bench.limits,
        );
        let records = Records::Folder(bench.folder.path().to_owned());
        let subscription = Subscription { mailbox: Bench::mailbox(), filters: bench.filters.clone(), from_start: false };
        let mut retried = Retried::default();
        retry_one(&[], &pipeline, &records, &subscription, None, &mut retried).await.unwrap();
        assert_eq!(retried, Retried { tried: AT_ONCE as u64 + 600, stored: 510, ..Retried::default() });
        assert_eq!(bench.server.downloads(), 510);
    }
}
