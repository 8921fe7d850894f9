//! What is seen, kept in a file on its way to the dashboard.

use std::io::{self, Write};

use chrono::Utc;
use exchange_sync_tui::{Signal, Source};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::cli::recording::Recording;

/// The same source, recorded until nobody watches it any more. A recording that cannot be written ends; what is seen goes on.
pub fn record(file: &Recording, mut source: Source) -> Result<(Source, JoinHandle<io::Result<()>>), String> {
    let mut recorder = Some(file.begin()?);
    let (send, frames) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        let mut outcome = Ok(());
        loop {
            let signal = tokio::select! {
                signal = source.frames.recv() => signal,
                () = send.closed() => None,
            };
            let Some(signal) = signal else { break };
            if let (Signal::Frame(frame), Some(writing)) = (&signal, &mut recorder)
                && let Err(error) = writing.take(Utc::now(), frame.clone())
            {
                (outcome, recorder) = (Err(error), None);
            }
            if send.send(signal).await.is_err() {
                break;
            }
        }
        match recorder {
            Some(recorder) => recorder.finish(Utc::now())?.flush(),
            None => outcome,
        }
    });
    Ok((Source { name: source.name, frames, asks: source.asks }, task))
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::BufReader, os::unix::fs::PermissionsExt};

    use exchange_sync_tui::{Frame, recording};

    use super::*;

    #[tokio::test]
    async fn what_was_seen_can_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seen.jsonl");
        let (send, frames) = mpsc::channel(1);
        let (mut recorded, task) = record(&Recording::from(&*file), Source { name: "pod".into(), frames, asks: None }).unwrap();
        for signal in [Signal::Frame(Frame::Status(Box::default())), Signal::Lost { reason: "x".into(), again: Utc::now() }] {
            send.send(signal.clone()).await.unwrap();
            assert_eq!(recorded.frames.recv().await.unwrap(), signal);
        }
        drop(recorded);
        task.await.unwrap().unwrap();
        let entries: Vec<_> = recording::read(BufReader::new(File::open(&file).unwrap())).collect();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "it holds addresses");
        assert!(matches!(&entries[..], [Ok(entry)] if matches!(entry.frame, Frame::Status(_))), "{entries:?}");
        let (_, frames) = mpsc::channel(1);
        assert!(
            record(&Recording::from(&*file), Source { name: "pod".into(), frames, asks: None }).unwrap_err().contains("seen.jsonl"),
            "what exists is kept"
        );
    }
}
