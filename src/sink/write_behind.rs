//! Writes a stream to a disk part by part, each while the next one arrives.

use std::io;

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::Broken;

/// How much of a stream is gathered for one write. Twice that is held: one part on its way to the disk while the next arrives.
pub(super) const PART: usize = 256 * 1024;

/// A message half-way to the disk.
pub(super) trait Draft: Sized + Send + 'static {
    /// Appends a part. Blocks.
    fn write(self, part: &[u8]) -> io::Result<Self>;
}

/// Why a stream was not written to its end.
pub(super) enum Interrupted {
    Source,
    Disk(io::Error),
}

/// Writes a stream to what `open` gives; returns the draft, and what remains to be written. `arrived` is told the bytes of each chunk.
pub(super) async fn write_behind<D: Draft>(
    mut stream: BoxStream<'static, Result<Bytes, Broken>>,
    open: impl FnOnce() -> io::Result<D> + Send + 'static,
    mut arrived: impl FnMut(usize),
) -> Result<(D, Vec<u8>), Interrupted> {
    let mut writing: JoinHandle<io::Result<D>> = spawn_blocking(open);
    let mut part = Vec::new();
    while let Some(chunk) = stream.next().await {
        let mut chunk = chunk.map_err(|Broken| Interrupted::Source)?;
        arrived(chunk.len());
        while !chunk.is_empty() {
            let taken = chunk.split_to(chunk.len().min(PART - part.len()));
            part.extend_from_slice(&taken);
            if part.len() == PART {
                let draft = joined(writing.await).map_err(Interrupted::Disk)?;
                let full = std::mem::replace(&mut part, Vec::with_capacity(PART));
                writing = spawn_blocking(move || draft.write(&full));
            }
        }
    }
    let draft = joined(writing.await).map_err(Interrupted::Disk)?;
    Ok((draft, part))
}

/// Does what blocks on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    joined(spawn_blocking(work).await)
}

fn joined<T>(result: Result<io::Result<T>, JoinError>) -> io::Result<T> {
    result.unwrap_or_else(|error| Err(io::Error::other(error)))
}
