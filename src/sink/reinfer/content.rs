//! A message's bytes, to be read as often as it takes to upload them: from memory or from a file, as they are or made UTF-8.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream, stream::BoxStream};
use tokio::task::spawn_blocking;

use super::spool::Held;
use crate::mime::{Plan, Reencoder};

/// So much is read, made UTF-8 and sent at once.
const PIECE: usize = 64 << 10;

/// The bytes as Exchange gave them.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    /// In memory. Clones share the bytes, and their part of the budget.
    Memory(Bytes),
    /// In a file, and how many.
    File(Arc<InFile>, u64),
}

/// A message's file. It is gone with its last holder, and so is its place among the spooled.
#[derive(Debug)]
pub(super) struct InFile {
    pub file: File,
    pub _held: Held,
}

impl Raw {
    /// How many.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    fn pieces(&self) -> BoxStream<'static, io::Result<Bytes>> {
        match self.clone() {
            Self::Memory(bytes) => {
                let mut rest = bytes;
                stream::iter(std::iter::from_fn(move || (!rest.is_empty()).then(|| Ok(rest.split_to(PIECE.min(rest.len())))))).boxed()
            }
            Self::File(file, length) => stream::try_unfold((file, 0), move |(file, at)| async move {
                if at >= length {
                    return Ok(None);
                }
                let size = usize::try_from(length - at).map_or(PIECE, |left| left.min(PIECE));
                // Read where it stands, not where the file's position is: an earlier attempt may still be reading.
                let read = spawn_blocking(move || {
                    let mut piece = vec![0; size];
                    file.file.read_exact_at(&mut piece, at).map(|()| (piece, file))
                });
                let (piece, file) = read.await.map_err(io::Error::other)??;
                Ok(Some((Bytes::from(piece), (file, at + size as u64))))
            })
            .boxed(),
        }
    }

    /// The bytes as UTF-8: as they are where there is no plan, else by it.
    pub(super) fn utf8(&self, plan: Option<Arc<Plan>>) -> BoxStream<'static, io::Result<Bytes>> {
        let Some(plan) = plan else { return self.pieces() };
        let mut reencoder = Reencoder::new(plan);
        ended(self.pieces())
            .map_ok(move |piece| {
                let mut out = Vec::new();
                match piece {
                    Some(piece) => reencoder.feed(&piece, &mut out),
                    None => reencoder.finish(&mut out),
                }
                Bytes::from(out)
            })
            .try_filter(|piece| std::future::ready(!piece.is_empty()))
            .boxed()
    }
}

/// A stream that tells of its end.
fn ended(pieces: BoxStream<'static, io::Result<Bytes>>) -> impl Stream<Item = io::Result<Option<Bytes>>> + Send + 'static {
    pieces.map_ok(Some).chain(stream::once(async { Ok(None) }))
}
