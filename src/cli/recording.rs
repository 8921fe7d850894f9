//! The file that recordings go into.

use std::{
    ffi::OsString,
    fmt,
    fs::{File, Metadata, OpenOptions},
    io::{self, BufWriter, Read, Seek},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use exchange_sync_tui::recording::Recorder;

/// A recording's most bytes. The fuller it is, the rarer its lines, so that it holds the whole of any run.
const LIMIT: u64 = 100 << 20;

/// A file into which this process records what it does. A run that begins anew in the same process goes on in it; what others left is never touched.
#[derive(Clone, Debug)]
pub struct Recording {
    file: PathBuf,
    /// The device and the number of the file that this process made.
    made: Arc<Mutex<Option<(u64, u64)>>>,
}

impl Recording {
    /// Fails where it could not be begun since the file is there already: to be asked before anything else begins.
    pub fn ready(&self) -> Result<(), String> {
        match self.file.symlink_metadata() {
            Ok(there) if !self.is_made(&there) => Err(self.failed(&io::ErrorKind::AlreadyExists.into())),
            _ => Ok(()),
        }
    }

    /// Begins it, or goes on with it. It holds addresses, so nobody else may read it.
    pub fn begin(&self) -> Result<Recorder<BufWriter<File>>, String> {
        let failed = |error: io::Error| self.failed(&error);
        if self.file.symlink_metadata().is_ok_and(|there| self.is_made(&there)) {
            let mut out = OpenOptions::new().read(true).write(true).open(&self.file).map_err(failed)?;
            let written = whole(&mut out).map_err(failed)?;
            return Ok(Recorder::new(BufWriter::new(out), LIMIT.saturating_sub(written)));
        }
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.file).map_err(failed)?;
        let there = out.metadata().map_err(failed)?;
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some((there.dev(), there.ino()));
        Ok(Recorder::new(BufWriter::new(out), LIMIT))
    }

    fn is_made(&self, there: &Metadata) -> bool {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) == Some((there.dev(), there.ino()))
    }

    fn failed(&self, error: &io::Error) -> String {
        let hint = if error.kind() == io::ErrorKind::AlreadyExists { "; give it another name" } else { "" };
        format!("making the recording {self} failed: {error}{hint}")
    }
}

/// Cuts off a last line that is not whole, as a full disk leaves it, and gives how many bytes are left, behind which it goes on.
fn whole(file: &mut File) -> io::Result<u64> {
    const BLOCK: u64 = 64 << 10;
    let mut end = file.seek(io::SeekFrom::End(0))?;
    let mut block = Vec::new();
    while end > 0 {
        let from = end.saturating_sub(BLOCK);
        block.clear();
        file.seek(io::SeekFrom::Start(from))?;
        file.take(end - from).read_to_end(&mut block)?;
        if let Some(last) = block.iter().rposition(|byte| *byte == b'\n') {
            end = from + last as u64 + 1;
            break;
        }
        end = from;
    }
    file.set_len(end)?;
    file.seek(io::SeekFrom::Start(end))
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.display().fmt(f)
    }
}

impl From<OsString> for Recording {
    fn from(file: OsString) -> Self {
        Self { file: file.into(), made: Arc::default() }
    }
}

impl From<&Path> for Recording {
    fn from(file: &Path) -> Self {
        file.as_os_str().to_owned().into()
    }
}

impl PartialEq for Recording {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
    }
}

impl Eq for Recording {}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use chrono::Utc;
    use exchange_sync_tui::{Frame, recording::read};

    use super::*;

    #[test]
    fn a_run_that_begins_anew_goes_on_in_its_recording_and_nobody_elses_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seen.jsonl");
        let ours = Recording::from(&*file);
        for _ in 0..2 {
            ours.ready().unwrap();
            let mut recorder = ours.begin().unwrap();
            recorder.take(Utc::now(), Frame::Status(Box::default())).unwrap();
            recorder.finish(Utc::now()).unwrap();
        }
        assert_eq!(read(BufReader::new(File::open(&file).unwrap())).filter(Result::is_ok).count(), 2);
        // A line that a full disk cut off, however long.
        let torn = format!("{{\"at\":\"{}", "x".repeat(200_000));
        OpenOptions::new().append(true).open(&file).unwrap().write_all(torn.as_bytes()).unwrap();
        let mut recorder = ours.begin().unwrap();
        recorder.take(Utc::now(), Frame::Status(Box::default())).unwrap();
        recorder.finish(Utc::now()).unwrap();
        let entries: Vec<_> = read(BufReader::new(File::open(&file).unwrap())).collect();
        assert!(entries.len() == 3 && entries.iter().all(Result::is_ok), "{entries:?}");
        let other = Recording::from(&*file);
        assert!(other.ready().unwrap_err().contains("give it another name"));
        assert!(other.begin().is_err());
        std::fs::remove_file(&file).unwrap();
        assert!(ours.ready().is_ok() && ours.begin().is_ok(), "one that was taken away begins anew");
        std::fs::write(folder.path().join("theirs"), "theirs").unwrap();
        std::fs::rename(folder.path().join("theirs"), &file).unwrap();
        assert!(ours.ready().is_err() && ours.begin().is_err(), "what somebody else put there is not touched");
        assert_eq!(std::fs::read(&file).unwrap(), b"theirs");
    }
}
