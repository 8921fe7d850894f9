//! Logs: to standard error, and to daily files if wanted.

use std::{fmt, io::IsTerminal as _};

use tracing::Subscriber;
use tracing_appender::{
    non_blocking::{NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

use super::{LogArgs, LogFormat, mask::Masked};
use crate::config::Env;

/// How many daily files are kept; older ones are deleted.
const FILES_KEPT: usize = 30;

/// Lines that wait for a slow disk; when they are full, new ones are dropped rather than mail held up.
const LINES_WAITING: usize = 4_096;

/// Logs that cannot be started.
#[derive(Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Starts logging for the whole process, to `writer` (standard error, or something that keeps progress bars whole) and, where a folder is
/// named, to `exchange-sync.YYYY-MM-DD.log` in it (days in UTC). Keep what it returns until the end: dropping it writes out what is waiting.
///
/// With `mask`, mail addresses in it are replaced by pseudonyms.
///
/// Fails where RUST_LOG is wrong, the folder cannot be written to, or logging was started before.
pub fn start<W>(args: &LogArgs, env: &Env, mask: bool, writer: W) -> Result<Option<WorkerGuard>, Error>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (subscriber, guard) = assemble(args, env, mask, writer)?;
    subscriber.try_init().map_err(|_| Error("starting the logs failed: they were started before".into()))?;
    Ok(guard)
}

/// All of it but the start.
fn assemble<W>(
    args: &LogArgs,
    env: &Env,
    mask: bool,
    writer: W,
) -> Result<(impl Subscriber + Send + Sync + use<W>, Option<WorkerGuard>), Error>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let colours = env.var("NO_COLOR").is_none() && std::io::stderr().is_terminal();
    let mut layers = vec![lines(args.log_format, Masked::new(writer, mask), colours)];
    let mut guard = None;
    if let Some(folder) = &args.log_dir {
        // Made here, since the appender complains of a folder that it is about to make.
        let _ = std::fs::create_dir_all(folder);
        let files = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("exchange-sync")
            .filename_suffix("log")
            .max_log_files(FILES_KEPT)
            .build(folder)
            .map_err(|error| Error(format!("writing logs to {} failed: {}; check --log-dir", folder.display(), cause(&error))))?;
        let (files, keep) = NonBlockingBuilder::default().buffered_lines_limit(LINES_WAITING).finish(files);
        layers.push(lines(args.log_format, Masked::new(files, mask), false));
        guard = Some(keep);
    }
    Ok((Registry::default().with(layers).with(filter(args.debug_level, env)?), guard))
}

/// What is logged: RUST_LOG if set, else by level.
fn filter(level: u8, env: &Env) -> Result<EnvFilter, Error> {
    // What the verifier of certificates has to say is in our own errors, with what helps.
    let by_level = match level {
        0 => "warn,rustls_platform_verifier=off",
        1 => "warn,rustls_platform_verifier=off,exchange_sync=info",
        _ => "debug,exchange_sync=trace",
    };
    let text = env.var("RUST_LOG").unwrap_or(by_level);
    EnvFilter::try_new(text)
        .map_err(|error| Error(format!("RUST_LOG {text:?} is not a log filter: {error}; write it like info or exchange_sync=debug")))
}

fn lines<W>(format: LogFormat, writer: W, colours: bool) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
    }
}

/// The innermost cause, because the outer ones only repeat that it failed.
fn cause(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// Lines kept in memory.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is logged at a level, as a list of messages.
    fn heard(level: u8, env: &Env) -> Vec<String> {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber =
            Registry::default().with(vec![lines(LogFormat::Json, move || writer.clone(), false)]).with(filter(level, env).unwrap());
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "other", "other warns");
            tracing::debug!(target: "other", "other debugs");
            tracing::warn!(target: "exchange_sync::run", "we warn");
            tracing::info!(target: "exchange_sync::run", "we inform");
            tracing::trace!(target: "exchange_sync::run", "we trace");
        });
        let bytes = kept.0.lock().unwrap().clone();
        let objects = serde_json::Deserializer::from_slice(&bytes).into_iter::<serde_json::Value>();
        objects.map(|object| object.unwrap()["message"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn levels_say_more_and_more() {
        let none = Env::default();
        assert_eq!(heard(0, &none), ["other warns", "we warn"]);
        assert_eq!(heard(1, &none), ["other warns", "we warn", "we inform"]);
        assert_eq!(heard(2, &none), ["other warns", "other debugs", "we warn", "we inform", "we trace"]);
    }

    #[test]
    fn rust_log_wins_over_the_level() {
        assert_eq!(heard(2, &Env::from_iter([("RUST_LOG", "other=debug")])), ["other warns", "other debugs"]);
        let wrong = filter(1, &Env::from_iter([("RUST_LOG", "exchange_sync=loud")])).unwrap_err();
        assert!(wrong.to_string().starts_with("RUST_LOG \"exchange_sync=loud\" is not a log filter: "), "{wrong}");
    }

    #[test]
    fn a_folder_receives_what_is_logged() {
        let folder = tempfile::tempdir().unwrap();
        let args = LogArgs { debug_level: 1, log_format: LogFormat::Json, log_dir: Some(folder.path().join("logs")) };
        let (subscriber, guard) = assemble(&args, &Env::default(), false, std::io::sink).unwrap();
        tracing::subscriber::with_default(subscriber, || tracing::warn!(target: "exchange_sync::run", mailbox = "a@example.com", "slow"));
        drop(guard);
        let [file] = &std::fs::read_dir(folder.path().join("logs")).unwrap().map(|entry| entry.unwrap()).collect::<Vec<_>>()[..] else {
            panic!()
        };
        let name = file.file_name().into_string().unwrap();
        assert!(name.starts_with("exchange-sync.2") && name.ends_with(".log"), "{name}");
        let line: serde_json::Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
        assert_eq!((&line["message"], &line["mailbox"], &line["level"]), (&"slow".into(), &"a@example.com".into(), &"WARN".into()));
    }

    #[test]
    fn masked_logs_hold_no_address() {
        let folder = tempfile::tempdir().unwrap();
        let args = LogArgs { debug_level: 1, log_format: LogFormat::Text, log_dir: Some(folder.path().into()) };
        let kept = Kept::default();
        let console = kept.clone();
        let (subscriber, guard) = assemble(&args, &Env::default(), true, move || console.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || tracing::warn!(target: "exchange_sync::run", mailbox = "ann@example.com", "slow"));
        drop(guard);
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        for text in [kept.0.lock().unwrap().clone(), std::fs::read(file).unwrap()] {
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("slow") && text.contains("masked-") && !text.contains("example.com"), "{text}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let args = LogArgs { debug_level: 1, log_format: LogFormat::Text, log_dir: Some(file) };
        let error = start(&args, &Env::default(), false, std::io::stderr).unwrap_err().to_string();
        assert!(error.starts_with("writing logs to ") && error.ends_with("; check --log-dir"), "{error}");
    }
}
