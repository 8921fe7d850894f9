//! Wires a look at everything, and what mends it.

use std::{collections::BTreeSet, io::Write, sync::Arc};

use futures::StreamExt;

use super::{Tuning, Unready, exchange, named, pipeline, stores};
use crate::{
    cli::{VerifyArgs, verify::Report},
    config::{Config, Env},
    exchange::Exchange,
    outcome::Outcome,
    pipeline::Mended,
    verify::{Repair, Settings, Verifier},
    watch::Events,
};

/// Mailboxes looked at at the same time.
const MAILBOXES: usize = 4;

/// Once so many messages are held for mending, mailboxes with more of them are looked at again when these are mended.
const HELD: u64 = 20_000;

/// Compares Exchange, catalog and sink, tells what it finds as it finds it, and mends it where that was asked for.
pub async fn verify(args: &VerifyArgs, config: &Config, env: &Env, out: &mut (dyn Write + Send)) -> Result<Outcome, Unready> {
    let events = Events::new();
    let exchange = exchange(config, &events)?;
    let (records, inspect) = stores::records(&args.run, env)?;
    let subscriptions = named(&args.run, config, &args.mailboxes)?;
    let settings = Settings { deep: args.deep, sample: args.sample, settle: args.settle, mailboxes: MAILBOXES, repair: args.repair };
    let verifier = Verifier::new(exchange.clone(), records, inspect, settings);

    let mut report = Report::new(args.json, args.run.mask);
    let mut left = subscriptions;
    // What more would come of mending once more is nothing.
    let mut settled = BTreeSet::new();
    loop {
        let (mut repairs, mut later, mut held) = (Vec::new(), Vec::new(), 0);
        let mut mailboxes = std::pin::pin!(verifier.verify(std::mem::take(&mut left)));
        while let Some((mailbox, repair)) = mailboxes.next().await {
            report.mailbox(&mailbox, out);
            if !args.repair || !repair.is_needed() || settled.contains(&mailbox.mailbox) {
                continue;
            }
            match held >= HELD {
                true => later.push(repair.subscription),
                false => {
                    held += repair.held;
                    repairs.push(repair);
                }
            }
        }
        if repairs.is_empty() {
            return Ok(report.verdict(out));
        }
        report.repairing(repairs.len(), out);
        for (repair, mended) in repairs.iter().zip(mend(args, config, env, &events, &exchange, &repairs).await?) {
            let address = &repair.subscription.mailbox.address;
            let more = repair.left > 0 && mended.stored > 0;
            if let Some(trouble) = mended.trouble {
                report.not_mended(address, &trouble, out);
            }
            if !more {
                settled.insert(address.clone());
            }
        }
        // What was sound stays counted; what was not is looked at again.
        left = repairs.into_iter().map(|repair| repair.subscription).chain(later).collect();
    }
}

/// Fetches what is to be fetched; tells of each mailbox what came of it.
async fn mend(
    args: &VerifyArgs,
    config: &Config,
    env: &Env,
    events: &Events,
    exchange: &Arc<dyn Exchange>,
    repairs: &[Repair],
) -> Result<Vec<Mended>, Unready> {
    let stores = stores::open(&args.run, &Tuning::of(config), env, events).await?;
    let pipeline = pipeline(&args.run, config, exchange.clone(), &stores, events);
    let mut mended = Vec::with_capacity(repairs.len());
    for repair in repairs {
        mended.push(pipeline.clone().mend(&repair.subscription, repair.home.clone(), repair.errands.clone(), None).await);
    }
    stores.flush().await;
    Ok(mended)
}
