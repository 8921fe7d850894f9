//! The verb `config`: a sample, the schema, and the values in force.

use std::{io::Write as _, process::ExitCode};

use super::{
    ConfigCommand, ShowArgs,
    check::{PATIENCE, findings},
    upload::upload,
};
use crate::config::{Api, Env, Location, Origin, Purpose, SAMPLE, SAMPLE_GRAPH, inspect, schema};

/// Prints what was asked for to standard output. The code is 0 where it is good and all went well.
pub async fn run(command: &ConfigCommand, env: &Env) -> ExitCode {
    let (code, text) = answer(command, env).await;
    // A closed pipe is not worth a panic.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(code)
}

/// The exit code and the text of it.
pub(super) async fn answer(command: &ConfigCommand, env: &Env) -> (u8, String) {
    match command {
        ConfigCommand::Sample { graph: false } => (0, SAMPLE.into()),
        ConfigCommand::Sample { graph: true } => (0, SAMPLE_GRAPH.into()),
        ConfigCommand::Schema => (0, format!("{:#}\n", schema())),
        ConfigCommand::Show(args) => show(args, env).await,
        ConfigCommand::Upload(args) => upload(args, env).await,
    }
}

/// One line a value: who set it, its key, and itself as JSON.
async fn show(args: &ShowArgs, env: &Env) -> (u8, String) {
    let shelf = if args.remote { args.source.remote_shelf(env) } else { args.source.shelf(env) };
    let shelf = match shelf {
        Ok(shelf) => shelf,
        Err(fault) => return (2, format!("fault: {fault}\n")),
    };
    let examination = match inspect(&*shelf, env, Purpose::Run, PATIENCE).await {
        Ok(examination) => examination,
        Err(unread) => return (unread.code(), format!("fault: {unread}\n")),
    };
    let line = |origin: &str, key: &str, value: &str| format!("{origin:<7}  {key} = {value}\n");
    let origin = if args.remote { Origin::Flag } else { args.source.origin(env) };
    let kind = match shelf.location() {
        Location::File(_) => "configuration file",
        Location::Api(_) => "configuration URL",
    };
    let mut text = line(origin.as_str(), kind, &shelf.location().to_string());
    for setting in &examination.settings {
        let key = setting.key.strip_prefix("$.").unwrap_or(&setting.key);
        text += &line(setting.origin.as_str(), key, &setting.value.to_string());
    }
    match examination.config.as_ref().map(|config| &config.api) {
        Some(Api::Ews(url)) => text += &line("result", "EWS URL", url.as_str()),
        Some(Api::Graph(graph)) => text += &line("result", "Graph URL", graph.endpoint.as_str()),
        None => {}
    }
    text += &findings(&examination.faults, &examination.warnings);
    (if examination.faults.is_empty() { 0 } else { 2 }, text)
}
