//! The file that a recording goes into.

use std::{fs::File, io::BufWriter, path::Path};

use exchange_sync_tui::recording::Recorder;

/// A recording's most bytes. The fuller it is, the rarer its lines, so that it holds the whole of any run.
const LIMIT: u64 = 100 << 20;

/// Begins a recording; one that is there is not replaced.
pub(super) fn begin(file: &Path) -> Result<Recorder<BufWriter<File>>, String> {
    let out = File::create_new(file).map_err(|error| format!("making the recording {} failed: {error}", file.display()))?;
    Ok(Recorder::new(BufWriter::new(out), LIMIT))
}
