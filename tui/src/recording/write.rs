//! Frames into a recording that stays within its bounds.

use std::io::{self, Write};

use chrono::{DateTime, Utc};

use crate::{Frame, Update};

/// Updates are gathered for at least so many milliseconds.
const GAP: f64 = 1000.0;

/// Of the limit, one part in so many is kept for the end, and for a whole status after a restart.
const KEPT: u64 = 4;

/// Writes a recording of at most so many bytes, however long the run: the fuller it is, the rarer its lines. What falls between two lines is
/// gathered, so that the end of it is told whatever came before.
#[derive(Debug)]
pub struct Recorder<W> {
    out: W,
    limit: u64,
    written: u64,
    last: Option<DateTime<Utc>>,
    pending: Option<Box<Update>>,
    full: bool,
}

impl<W: Write> Recorder<W> {
    /// Begins a recording.
    pub fn new(out: W, limit: u64) -> Self {
        Self { out, limit, written: 0, last: None, pending: None, full: false }
    }

    /// Takes a frame; updates before the first whole status say nothing and are passed over.
    pub fn take(&mut self, at: DateTime<Utc>, frame: Frame) -> io::Result<()> {
        match frame {
            Frame::Status(status) => {
                self.flush(at)?;
                self.write(at, &Frame::Status(status), self.limit)
            }
            Frame::Update(_) if self.last.is_none() => Ok(()),
            Frame::Update(update) => {
                match &mut self.pending {
                    Some(pending) => pending.absorb(*update),
                    None => self.pending = Some(update),
                }
                let usable = self.limit - self.limit / KEPT;
                let gap = GAP * usable as f64 / usable.saturating_sub(self.written).max(1) as f64;
                match self.last.is_some_and(|last| (at - last).num_milliseconds() as f64 >= gap) {
                    true => self.write_pending(at, usable),
                    false => Ok(()),
                }
            }
        }
    }

    /// Writes what is gathered still. Without this a recording ends with its last line.
    pub fn finish(mut self, at: DateTime<Utc>) -> io::Result<W> {
        self.flush(at)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn flush(&mut self, at: DateTime<Utc>) -> io::Result<()> {
        self.write_pending(at, self.limit)?;
        // Once something is left out, what comes behind it would say what is not so.
        self.full |= self.pending.is_some();
        Ok(())
    }

    /// Writes what is gathered, or goes on gathering where there is no room for it.
    fn write_pending(&mut self, at: DateTime<Utc>, room: u64) -> io::Result<()> {
        let Some(update) = self.pending.take() else { return Ok(()) };
        let frame = Frame::Update(update);
        let before = self.written;
        self.write(at, &frame, room)?;
        if self.written == before
            && let Frame::Update(update) = frame
        {
            self.pending = Some(update);
            // It is not written out again for nothing with each frame.
            self.last = Some(at);
        }
        Ok(())
    }

    fn write(&mut self, at: DateTime<Utc>, frame: &Frame, room: u64) -> io::Result<()> {
        #[derive(serde::Serialize)]
        struct Line<'a> {
            at: DateTime<Utc>,
            frame: &'a Frame,
        }
        let mut line = serde_json::to_vec(&Line { at, frame })?;
        line.push(b'\n');
        if self.full || self.written + line.len() as u64 > room {
            self.full |= matches!(frame, Frame::Status(_));
            return Ok(());
        }
        self.out.write_all(&line)?;
        self.out.flush()?;
        self.written += line.len() as u64;
        self.last = Some(at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{
        frame::Change,
        recording::read,
        status::{Figures, Mailbox, Status},
    };

    fn update(stored: u64) -> Frame {
        let mailbox = Mailbox { figures: Figures { stored, ..Figures::default() }, ..Mailbox::default() };
        let change = Change { mailbox, removed: Vec::new() };
        Frame::Update(Box::new(Update { mailboxes: [("ann@example.com".to_owned(), change)].into(), ..Update::default() }))
    }

    #[test]
    fn twelve_hours_fit_and_the_end_is_told() {
        let start: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().unwrap();
        let mut recorder = Recorder::new(Vec::new(), 200_000);
        recorder.take(start, update(0)).unwrap();
        recorder.take(start, Frame::Status(Box::default())).unwrap();
        for tenth in 1..=86_400 {
            recorder.take(start + TimeDelta::milliseconds(tenth * 500), update(tenth as u64)).unwrap();
        }
        let bytes = recorder.finish(start + TimeDelta::hours(12)).unwrap();
        assert!((100_000..200_000).contains(&bytes.len()), "{}", bytes.len());
        let entries: Vec<_> = read(&bytes[..]).collect::<Result<_, _>>().unwrap();
        assert!(matches!(entries[0].frame, Frame::Status(_)));
        let mut status = Status::default();
        entries.into_iter().for_each(|entry| status.take(entry.frame));
        assert_eq!(status.mailboxes["ann@example.com"].figures.stored, 86_400);
    }
}
