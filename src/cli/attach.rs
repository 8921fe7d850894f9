//! `attach`: running instances, or a recording, on one dashboard; without a terminal in lines.

mod lines;
mod record;

use std::{fs::File, future::Future, io::BufReader, path::Path, process::ExitCode};

use exchange_sync_tui::{Source, recording, show};

use super::{
    AttachArgs,
    console::{Console, is_interactive},
};
use crate::attach;

/// Watches until a person leaves it or `shutdown` is ready. What is watched goes on.
pub async fn run(args: &AttachArgs, console: &Console, shutdown: impl Future<Output = ()>) -> ExitCode {
    match watch(args, console, shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn watch(args: &AttachArgs, console: &Console, shutdown: impl Future<Output = ()>) -> Result<(), String> {
    let settings = args.screen.settings(false, args.mask)?;
    let mut sources = match &args.replay {
        Some(file) => vec![replay(file)?],
        None => args.addresses.iter().map(|address| attach::connect(address.clone(), args.token.clone())).collect::<Result<_, _>>()?,
    };
    let mut recording = None;
    if let Some(file) = &args.record {
        let (recorded, task) = record::record(file, sources.remove(0))?;
        sources.push(recorded);
        recording = Some((file, task));
    }
    if is_interactive() {
        let _lent = console.lend();
        show(sources, settings, shutdown).await.map_err(|error| format!("drawing the dashboard failed: {error}"))?;
    } else {
        lines::lines(sources, args.mask, shutdown).await;
    }
    match recording {
        Some((file, task)) => match task.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("writing the recording {} failed: {error}", file.display())),
            Err(_) => Err(format!("writing the recording {} broke off", file.display())),
        },
        None => Ok(()),
    }
}

fn replay(file: &Path) -> Result<Source, String> {
    let failed = |cause: String| format!("reading the recording {} failed: {cause}", file.display());
    let from = File::open(file).map_err(|error| failed(error.to_string()))?;
    recording::play(file.display().to_string(), BufReader::new(from), 1.0).map_err(failed)
}
