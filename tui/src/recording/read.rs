//! Recordings read back, and played as if they happened now.

use std::{
    io::{BufRead, Read},
    time::Duration,
};

use tokio::{sync::mpsc, time};

use super::Entry;
use crate::{Frame, Signal, Source};

/// Bytes that a line may have: a whole status of very many folders, and not a file of something else.
const LINE: u64 = 256 << 20;

/// How each line begins.
const BEGINNING: &[u8] = br#"{"at":"#;

/// The entries of a recording. Errors name the line. A last line that was cut off, as of a process that was killed, ends the recording.
pub fn read(mut from: impl BufRead) -> impl Iterator<Item = Result<Entry, String>> {
    let (mut number, mut line, mut over) = (0_u64, Vec::new(), false);
    std::iter::from_fn(move || {
        while !over {
            number += 1;
            line.clear();
            if let Err(error) = from.by_ref().take(LINE).read_until(b'\n', &mut line) {
                over = true;
                return Some(Err(format!("line {number}: {error}")));
            }
            let whole = line.ends_with(b"\n");
            over = !whole;
            if line.len() as u64 == LINE && !whole {
                return Some(Err(format!("line {number}: longer than any status is")));
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            return match serde_json::from_slice::<Entry>(&line) {
                Ok(entry) if number == 1 && !matches!(entry.frame, Frame::Status(_)) => {
                    over = true;
                    Some(Err("line 1: the beginning of the recording is missing: its first line is no whole status".into()))
                }
                Ok(entry) => Some(Ok(entry)),
                // The first line must be sound even where it is the last: a file that is no recording has no line end either.
                Err(_) if !whole && number > 1 => None,
                Err(_) if number == 1 && !whole && line.starts_with(BEGINNING) => {
                    Some(Err("line 1: the recording was cut off before its first line was whole, so nothing can be shown".into()))
                }
                Err(_) if number == 1 => {
                    over = true;
                    Some(Err("line 1: this is no recording of a dashboard (run --record FILE, attach --record FILE)".into()))
                }
                Err(error) => {
                    over = true;
                    Some(Err(format!("line {number}: {error}")))
                }
            };
        }
        None
    })
}

/// Plays a recording at so many times its pace. What is wrong with its first line is told at once, what is wrong further on when it comes to it.
/// Must be called inside a runtime.
pub fn play(name: impl Into<String>, from: impl BufRead + Send + 'static, speed: f64) -> Result<Source, String> {
    if !(speed.is_finite() && speed > 0.0) {
        return Err(format!("a recording cannot be played at {speed} times its pace"));
    }
    let mut entries = read(from);
    let first = entries.next().unwrap_or_else(|| Err("the recording is empty".into()))?;
    let (sender, frames) = mpsc::channel(16);
    tokio::spawn(async move {
        let (start, began) = (time::Instant::now(), first.at);
        if sender.send(Signal::Replay { speed }).await.is_err() || sender.send(Signal::Frame(first.frame)).await.is_err() {
            return;
        }
        let mut reason = None;
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    reason = Some(error);
                    break;
                }
            };
            let after = (entry.at - began).to_std().unwrap_or_default().as_secs_f64() / speed;
            // A time that no clock reaches is one that is not waited for.
            if let Some(due) = Duration::try_from_secs_f64(after).ok().and_then(|after| start.checked_add(after)) {
                time::sleep_until(due).await;
            }
            if sender.send(Signal::Frame(entry.frame)).await.is_err() {
                return;
            }
        }
        // Nobody is left to tell where this does not arrive.
        let _ = sender.send(Signal::Closed { reason }).await;
    });
    Ok(Source { name: name.into(), frames, asks: None })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::Update;

    fn recording(last: &str) -> String {
        let line = |second: u32, frame| {
            let at = format!("2026-03-02T08:00:{second:02}Z").parse().unwrap();
            serde_json::to_string(&Entry { at, frame }).unwrap()
        };
        format!("{}\n{}\n{last}", line(0, Frame::Status(Box::default())), line(10, Frame::Update(Box::<Update>::default())))
    }

    #[test]
    fn a_last_line_that_was_cut_off_is_passed_over_and_others_are_not() {
        assert_eq!(read(Cursor::new(recording(r#"{"at":"2026-0"#))).filter_map(Result::ok).count(), 2);
        let error = read(Cursor::new(recording("{\"at\":\"2026-0\"}\n"))).find_map(Result::err).unwrap();
        assert!(error.starts_with("line 3: "), "{error}");
        assert!(play("x", Cursor::new("no recording"), 1.0).unwrap_err().starts_with("line 1: "));
        let cut = play("x", Cursor::new(recording("")[..40].to_owned()), 1.0).unwrap_err();
        assert!(cut.contains("cut off"), "{cut}");
        assert_eq!(play("x", Cursor::new(""), 1.0).unwrap_err(), "the recording is empty");
        assert!(play("x", Cursor::new(""), 0.0).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_played_at_its_pace() {
        let mut source = play("x", Cursor::new(recording("{}\n")), 2.0).unwrap();
        let start = time::Instant::now();
        assert!(matches!(source.frames.recv().await, Some(Signal::Replay { speed: 2.0 })));
        assert!(matches!(source.frames.recv().await, Some(Signal::Frame(Frame::Status(_)))));
        assert!(matches!(source.frames.recv().await, Some(Signal::Frame(Frame::Update(_)))));
        assert_eq!(start.elapsed().as_millis(), 5000);
        let Some(Signal::Closed { reason: Some(reason) }) = source.frames.recv().await else { panic!("it is not over") };
        assert!(reason.starts_with("line 3: "), "{reason}");
    }
}
