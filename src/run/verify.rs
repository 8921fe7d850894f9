//! Wires a look at everything, and what mends it.

use std::{io::Write, sync::Arc};

use futures::StreamExt;

use super::{Tuning, Unready, exchange, named, pipeline, stores};
use crate::{
    cli::{VerifyArgs, verify::Report},
    config::{Config, Env},
    exchange::Exchange,
    outcome::Outcome,
    verify::{Repair, Settings, Verifier},
    watch::Events,
};

/// Mailboxes looked at at the same time.
const MAILBOXES: usize = 4;

/// Compares Exchange, catalog and sink, tells what it finds as it finds it, and mends it where that was asked for.
pub async fn verify(args: &VerifyArgs, config: &Config, env: &Env, out: &mut (dyn Write + Send)) -> Result<Outcome, Unready> {
    let events = Events::new();
    let exchange = exchange(config, &events)?;
    let (records, inspect) = stores::records(&args.run, env)?;
    let subscriptions = named(&args.run, config, &args.mailboxes)?;
    let settings = Settings { deep: args.deep, sample: args.sample, settle: args.settle, mailboxes: MAILBOXES };
    let verifier = Verifier::new(exchange.clone(), records, inspect, settings);

    let mut report = Report::new(args.json, args.run.mask);
    let mut repairs = Vec::new();
    let mut mailboxes = std::pin::pin!(verifier.verify(subscriptions));
    while let Some((mailbox, repair)) = mailboxes.next().await {
        report.mailbox(&mailbox, out);
        if args.repair && repair.is_needed() {
            repairs.push(repair);
        }
    }
    if repairs.is_empty() {
        return Ok(report.verdict(out));
    }
    report.repairing(repairs.len(), out);
    for (address, trouble) in mend(args, config, env, &events, exchange, &repairs).await? {
        report.trouble(&address, &trouble, out);
    }
    // What was sound stays counted; what was not is looked at again.
    let mut mailboxes = std::pin::pin!(verifier.verify(repairs.into_iter().map(|repair| repair.subscription).collect()));
    while let Some((mailbox, _)) = mailboxes.next().await {
        report.mailbox(&mailbox, out);
    }
    Ok(report.verdict(out))
}

/// Fetches what is to be fetched; gives what went wrong.
async fn mend(
    args: &VerifyArgs,
    config: &Config,
    env: &Env,
    events: &Events,
    exchange: Arc<dyn Exchange>,
    repairs: &[Repair],
) -> Result<Vec<(String, String)>, Unready> {
    let stores = stores::open(&args.run, &Tuning::of(config), env, events).await?;
    let pipeline = pipeline(&args.run, config, exchange, &stores, events);
    let mut troubles = Vec::new();
    for repair in repairs {
        if let Err(trouble) = pipeline.clone().mend(&repair.subscription, repair.home.clone(), repair.errands.clone()).await {
            troubles.push((repair.subscription.mailbox.address.to_string(), trouble.to_string()));
        }
    }
    stores.flush().await;
    Ok(troubles)
}
