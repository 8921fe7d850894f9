//! The verb `config`: a sample, the schema, and the values in force.

use std::{io::Write as _, process::ExitCode};

use super::{ConfigCommand, ShowArgs, check::findings};
use crate::config::{Api, Env, Purpose, SAMPLE, SAMPLE_GRAPH, inspect, schema};

/// Prints what was asked for to standard output. The code is 2 where the configuration to show is not good, else 0.
pub fn run(command: &ConfigCommand, env: &Env) -> ExitCode {
    let (code, text) = answer(command, env);
    // A closed pipe is not worth a panic.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(code)
}

/// The exit code and the text of it.
pub(super) fn answer(command: &ConfigCommand, env: &Env) -> (u8, String) {
    match command {
        ConfigCommand::Sample { graph: false } => (0, SAMPLE.into()),
        ConfigCommand::Sample { graph: true } => (0, SAMPLE_GRAPH.into()),
        ConfigCommand::Schema => (0, format!("{:#}\n", schema())),
        ConfigCommand::Show(args) => show(args, env),
    }
}

/// One line a value: who set it, its key, and itself as JSON.
fn show(args: &ShowArgs, env: &Env) -> (u8, String) {
    let (file, examination) = match inspect(&args.source, env, Purpose::Run) {
        Ok(inspected) => inspected,
        Err(fault) => return (2, format!("fault: {fault}\n")),
    };
    let line = |origin: &str, key: &str, value: &str| format!("{origin:<7}  {key} = {value}\n");
    let mut text = line(args.source.origin(env).as_str(), "configuration file", &file.display().to_string());
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
