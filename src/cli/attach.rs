//! `attach`: running instances, or a recording, on one dashboard; without a terminal in lines.

mod lines;
mod record;
mod seen;

use std::{fs::File, future::Future, io::BufReader, path::Path, process::ExitCode};

use exchange_sync_tui::{Left, Source, recording, show};

use self::seen::Seen;
use super::{
    AttachArgs, Exit,
    console::{Console, columns, is_interactive, say, say_in_time},
    tables::{WIDTH, tables},
};
use crate::attach;

/// Watches until a person leaves it or `shutdown` is ready. What is watched goes on.
pub async fn run(args: &AttachArgs, console: &Console, shutdown: impl Future<Output = ()>) -> ExitCode {
    match watch(args, console, shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.report(),
    }
}

async fn watch(args: &AttachArgs, console: &Console, shutdown: impl Future<Output = ()>) -> Result<(), Exit> {
    let settings = args.screen.settings(false, args.mask, console).map_err(Exit::usage)?;
    let connect = |address: &attach::Address| attach::connect(address.clone(), args.token.clone());
    let mut sources: Vec<Source> = match &args.replay {
        Some(file) => vec![replay(file, args.speed).map_err(Exit::usage)?],
        None => args.addresses.iter().map(connect).collect::<Result<_, _>>().map_err(Exit::usage)?,
    };
    let mut recording = None;
    if let Some(file) = &args.record {
        let (recorded, task) = record::record(file, sources.remove(0)).map_err(Exit::usage)?;
        sources.push(recorded);
        recording = Some((file, task));
    }
    let (sources, seen): (Vec<_>, Vec<_>) = sources.into_iter().map(seen::seen).unzip();
    let told = |columns| {
        let names: Vec<_> = seen.iter().map(Seen::own_name).collect();
        let alone = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
        let tables = seen.iter().zip(&names).map(|(one, name)| one.table(alone(name), columns, console.hides()));
        // A blank line between two.
        tables.collect::<Vec<_>>().join("\n")
    };
    let tables = tables(console.clone(), || told(WIDTH)).map_err(Exit::failed)?;
    let person = is_interactive();
    let watched = async {
        if person {
            let _lent = console.lend();
            let left =
                show(sources, settings, shutdown).await.map_err(|error| Exit::failed(format!("drawing the dashboard failed: {error}")))?;
            Ok(Some(left))
        } else {
            lines::lines(sources, args.mask, shutdown).await;
            Ok(None)
        }
    };
    let left = tokio::select! {
        watched = watched => watched?,
        () = tables => None,
    };
    // What was on the screen has gone with it.
    let last = || told(columns().unwrap_or(WIDTH));
    match left {
        Some(Left::Stalled) => say_in_time(last().into_bytes()),
        Some(_) => say(last().trim_end()),
        None => {}
    }
    match recording {
        Some((file, task)) => match task.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Exit::failed(format!("writing the recording {file} failed: {error}"))),
            Err(_) => Err(Exit::failed(format!("writing the recording {file} broke off"))),
        },
        None => Ok(()),
    }
}

fn replay(file: &Path, speed: f64) -> Result<Source, String> {
    let failed = |cause: String| format!("reading the recording {} failed: {cause}", file.display());
    let from = File::open(file).map_err(|error| failed(error.to_string()))?;
    recording::play(file.display().to_string(), BufReader::new(from), speed).map_err(failed)
}
