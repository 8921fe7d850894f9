//! A server with people at work on it, copied for as long as somebody watches.

use std::{future::Future, path::Path, time::Duration};

use exchange_simulator::{
    Launch, Simulator, World,
    fault::{EwsFault, Rule, Shape},
    world::{Latency, MailboxSpec, Rates},
};
use tokio::time::sleep;

use super::{Failure, Tell, mailboxes, on_premises, pass, write_config};
use crate::{
    cli::{DemoArgs, Exit, console::Console},
    config::Env,
};

/// Mailboxes beside those of the built-in world, and messages in each of them: enough for a minute or two.
const CROWD: (u64, u64) = (24, 600);

/// Copies until `shutdown`, until the time is over, or until somebody leaves the dashboard.
pub(super) async fn watch(
    args: &DemoArgs,
    env: &Env,
    folder: &Path,
    world: World,
    console: &Console,
    tell: Tell,
    shutdown: impl Future<Output = ()>,
) -> Result<u8, Failure> {
    let built_in = args.mailboxes.is_none() && args.messages.is_none();
    let server = Simulator::start(Launch::from(lively(world, built_in))).await.map_err(Exit::failed)?;
    let mailboxes = mailboxes(&server);
    let config = write_config(folder, "ews", &on_premises(&server.ews_url()), &mailboxes, true)?;
    tell.say(format_args!("A test Exchange server with {} mailboxes is copied by EWS into {}", mailboxes.len(), folder.display()));
    let over = async {
        match args.duration {
            Some(duration) => sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let ends = async {
        tokio::select! {
            () = shutdown => {}
            () = over => {}
        }
    };
    let outcome = pass(args, env, folder, config, false, console, ends).await?;
    tell.say(format_args!("\nLook around: ls {0}/data, or read the catalog: head -n 3 {0}/data/*/*/*/catalog/*.jsonl", folder.display()));
    tell.say(format_args!("For mailboxes of your own: exchange-sync config sample > config.json, and see exchange-sync run --help"));
    server.shutdown().await;
    Ok(outcome.code())
}

/// The world as it is by day: it takes its time, mail comes and goes, and now and then the server has had enough.
fn lively(mut world: World, crowded: bool) -> World {
    if crowded {
        let crowd = World::uniform(CROWD.0, CROWD.1).mailboxes;
        world.mailboxes.extend(crowd.into_iter().map(|one| MailboxSpec { address: "desk{n}@example.com".into(), ..one }));
    }
    world.latency_ms = Latency::Range([20, 150]);
    world.rates = Rates { arrivals_per_minute: 8.0, moves_per_minute: 2.0, deletions_per_minute: 1.0, reads_per_minute: 4.0 };
    for (code, wait, probability) in
        [("ErrorServerBusy", Duration::from_secs(12), 0.006), ("ErrorExceededConnectionCount", Duration::from_secs(4), 0.004)]
    {
        let back_off_ms = u64::try_from(wait.as_millis()).ok();
        let fault = EwsFault::ResponseError { code: code.to_owned(), message: None, back_off_ms, shape: Shape::Policy };
        world.faults.push(Rule { probability: Some(probability), ..Rule::always(fault) });
    }
    world
}
