//! Wires a look into the quarantine, and another attempt at what is in it.

use std::{collections::BTreeMap, io::Write};

use futures::{StreamExt, TryStreamExt};

use super::{Tuning, Unready, exchange, named, pipeline, stores};
use crate::{
    catalog::{Records, SetAside},
    cli::{QuarantineArgs, quarantine::List},
    config::{Config, Env},
    mail::{Folder, FolderId, Hierarchy},
    outcome::Outcome,
    pipeline::{Errand, Pipeline, Subscription, Trouble},
    watch::Events,
};

/// Lists what is in quarantine, or tries it again and lists what is left.
pub async fn quarantine(args: &QuarantineArgs, config: &Config, env: &Env, out: &mut (dyn Write + Send)) -> Result<Outcome, Unready> {
    let (records, _) = stores::records(&args.run, env)?;
    let subscriptions = named(&args.run, config, &args.mailboxes)?;
    let mut list = List::new(args.json, args.run.mask);
    if args.retry {
        retry(args, config, env, &records, &subscriptions, &mut list, out).await?;
    }
    for subscription in &subscriptions {
        match records.census(&subscription.mailbox).await {
            Ok(census) => {
                let mut quarantine = census.quarantine();
                while let Some(one) = quarantine.next().await {
                    match one {
                        Ok(one) if wanted(&args.ids, &one) => list.message(&subscription.mailbox.address, &one, out),
                        Ok(_) => list.other(),
                        Err(error) => list.trouble(&subscription.mailbox.address, &error.to_string(), out),
                    }
                }
            }
            Err(error) => list.trouble(&subscription.mailbox.address, &error.to_string(), out),
        }
    }
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
) -> Result<(), Unready> {
    let events = Events::new();
    let exchange = exchange(config, &events)?;
    let stores = stores::open(&args.run, &Tuning::of(config), env, &events).await?;
    let pipeline = pipeline(&args.run, config, exchange, &stores, &events);
    for subscription in subscriptions {
        match retry_one(&args.ids, &pipeline, records, subscription).await {
            Ok((tried, stored)) => list.tried(tried, stored),
            Err(trouble) => list.refused(&subscription.mailbox.address, &trouble, out),
        }
    }
    stores.flush().await;
    Ok(())
}

/// Tries a mailbox's messages again, all or these; how many, and how many of them are stored now.
pub(super) async fn retry_one(
    ids: &[String],
    pipeline: &std::sync::Arc<Pipeline>,
    records: &Records,
    subscription: &Subscription,
) -> Result<(u64, u64), Trouble> {
    let mut folders: BTreeMap<FolderId, Errand> = BTreeMap::new();
    let mut tried = 0;
    let census = records.census(&subscription.mailbox).await?;
    let mut quarantine = census.quarantine();
    while let Some(one) = quarantine.try_next().await? {
        if wanted(ids, &one) {
            let new = || Errand { folder: Folder::bare(one.folder.clone(), one.path.clone()), listed: Vec::new(), again: Vec::new() };
            folders.entry(one.folder.clone()).or_insert_with(new).again.push((one.key, one.listed));
            tried += 1;
        }
    }
    if tried == 0 {
        return Ok((0, 0));
    }
    // Told by the server: which form of ids it gives, and where folders are now.
    let hierarchy = pipeline.exchange().folders(&subscription.mailbox, &Hierarchy::default()).await?;
    for folder in hierarchy.folders {
        if let Some(errand) = folders.get_mut(&folder.id) {
            errand.folder = folder;
        }
    }
    let stored = pipeline.clone().mend(subscription, hierarchy.home, folders.into_values().collect()).await?;
    Ok((tried, stored))
}

fn wanted(ids: &[String], one: &SetAside) -> bool {
    ids.is_empty() || ids.iter().any(|id| *id == one.key.0 || *id == one.listed.id.0)
}
