//! `status`: what a running instance does, once.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use exchange_sync_tui::{Status, text};

use super::{
    StatusArgs,
    console::{columns, complain, say},
    tables::WIDTH,
};
use crate::attach::Client;

/// Asks and prints; code 1 where there is no answer, or it is not ready and that was the question.
pub async fn run(args: &StatusArgs) -> ExitCode {
    if args.ready {
        return ready(args).await;
    }
    let asked = async {
        let client = Client::new(args.address.clone(), None)?;
        client.status(args.folders).await.map_err(|trouble| trouble.to_string())
    };
    match asked.await {
        Ok(status) => {
            // A closed pipe is not worth a failure.
            let _ = io::stdout().lock().write_all(told(&status, args.json).as_bytes());
            ExitCode::SUCCESS
        }
        Err(cause) => {
            complain(format_args!("error: asking {} for its status failed: {cause}", args.address));
            ExitCode::FAILURE
        }
    }
}

async fn ready(args: &StatusArgs) -> ExitCode {
    let asked = async { Client::new(args.address.clone(), None)?.ready().await.map_err(|trouble| trouble.to_string()) };
    match asked.await {
        Ok(()) => {
            say("ready");
            ExitCode::SUCCESS
        }
        Err(cause) => {
            complain(format_args!("error: {} is not ready: {cause}", args.address));
            ExitCode::FAILURE
        }
    }
}

fn told(status: &Status, json: bool) -> String {
    if json {
        // Our own types, with text for keys.
        return serde_json::to_string(status).unwrap_or_default() + "\n";
    }
    let head = &status.head;
    let shard = head.shard.map(|shard| format!(", shard {} of {}", shard.index, shard.total)).unwrap_or_default();
    let who = format!("{}{shard}, version {}: {} to {}\n", head.instance, head.version, head.api, head.sink);
    format!("{}{}\n{}", crate::words::visible(who.trim_end()) + "\n", text::line(status), text::table(status, columns().unwrap_or(WIDTH)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Head, Mailbox};

    #[test]
    fn it_is_a_table_or_json() {
        let head = Head { instance: "pod\u{1b}".into(), version: "1".into(), api: "EWS".into(), sink: "/data".into(), ..Head::default() };
        let status = Status { head, mailboxes: [("ann@example.com".to_owned(), Mailbox::default())].into(), ..Status::default() };
        let table = told(&status, false);
        assert!(table.starts_with("pod\\u{1b}, version 1: EWS to /data\n") && table.contains("ann@example.com"), "{table}");
        assert_eq!(serde_json::from_str::<Status>(&told(&status, true)).unwrap(), status);
    }
}
