//! The file that a recording goes into.

use std::{
    fs::{File, OpenOptions},
    io::BufWriter,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use exchange_sync_tui::recording::Recorder;

/// A recording's most bytes. The fuller it is, the rarer its lines, so that it holds the whole of any run.
const LIMIT: u64 = 100 << 20;

/// Begins a recording; one that is there is not replaced. It holds addresses, so nobody else may read it.
pub(super) fn begin(file: &Path) -> Result<Recorder<BufWriter<File>>, String> {
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let out = out.map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::AlreadyExists { "; give it another name" } else { "" };
        format!("making the recording {} failed: {error}{hint}", file.display())
    })?;
    Ok(Recorder::new(BufWriter::new(out), LIMIT))
}
