//! The verb `check`: everything there is to say about a configuration, and whether it is good.

use std::{fmt::Write as _, io::Write as _, process::ExitCode, time::Duration};

use super::CheckArgs;
use crate::config::{Access, Api, Config, Env, Fault, Purpose, inspect};

/// So long passing trouble of whoever keeps a configuration is waited out, where a person waits for the answer.
pub(super) const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));

/// Prints the judgement to standard output. The code is 0 where the configuration is good, else 2.
pub async fn run(args: &CheckArgs, env: &Env) -> ExitCode {
    let (code, text) = judgement(args, env).await;
    // A closed pipe is not worth a panic.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(code)
}

/// The exit code and the text of it.
pub(super) async fn judgement(args: &CheckArgs, env: &Env) -> (u8, String) {
    let shelf = match args.source.shelf(env) {
        Ok(shelf) => shelf,
        Err(fault) => return (2, format!("fault: {fault}\n")),
    };
    let examination = match inspect(&*shelf, env, Purpose::Check, PATIENCE).await {
        Ok(examination) => examination,
        Err(unread) => return (unread.code(), format!("fault: {unread}\n")),
    };
    let mut text = format!("{}\n{}", shelf.location(), findings(&examination.faults, &examination.warnings));
    match examination.config {
        Some(config) => {
            let _ = writeln!(text, "configuration is good: {}", summary(&config));
            (0, text)
        }
        None => {
            let _ = writeln!(text, "configuration is not good: {}", count(examination.faults.len(), "fault"));
            (2, text)
        }
    }
}

/// One line a finding, faults first.
pub(super) fn findings(faults: &[Fault], warnings: &[Fault]) -> String {
    let faults = faults.iter().map(|fault| format!("fault: {fault}\n"));
    faults.chain(warnings.iter().map(|fault| format!("warning: {fault}\n"))).collect()
}

fn summary(config: &Config) -> String {
    let disabled = config.mailboxes.iter().filter(|mailbox| !mailbox.enabled).count();
    let mut text = count(config.mailboxes.len(), "mailbox");
    if disabled > 0 {
        let _ = write!(text, " ({disabled} disabled)");
    }
    let (name, who) = (config.auth.name(), config.auth.who());
    let _ = match &config.api {
        Api::Graph(graph) => write!(text, ", Microsoft Graph at {}, {name} as {who}", graph.endpoint),
        Api::Ews(url) => {
            let access = match config.access {
                Access::Delegate => "delegate",
                Access::Impersonation => "impersonation",
            };
            write!(text, ", EWS at {url}, {name} as {who}, {access}")
        }
    };
    text
}

fn count(number: usize, word: &str) -> String {
    match (number, word) {
        (1, _) => format!("1 {word}"),
        (_, "mailbox") => format!("{number} mailboxes"),
        _ => format!("{number} {word}s"),
    }
}
