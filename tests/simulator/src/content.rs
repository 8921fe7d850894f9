//! Message content: how long it is, and its bytes made or read as they are sent.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::io::AsyncReadExt as _;

mod batch;
mod kind;
mod mail;
mod parse;
mod recipe;
mod rng;
mod words;

pub use batch::{Batch, Role, SizeShare};
pub use kind::Kind;
pub use parse::{Attachment, AttachmentBody, Facts, attachments, facts};
pub use recipe::{Fill, Recipe, Segment};
pub use rng::Rng;

/// The largest piece given out at once, in bytes.
pub const PIECE: usize = 64 << 10;

/// The bytes of a message. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Content(Source);

#[derive(Clone, Debug)]
enum Source {
    Bytes(Bytes),
    File { path: Arc<PathBuf>, length: u64 },
    Recipe(Arc<Recipe>),
}

impl Content {
    /// Content held in memory.
    pub fn bytes_of(bytes: Bytes) -> Self {
        Self(Source::Bytes(bytes))
    }

    /// A file, read when sent. `length` is its length now; should the file shrink or grow later, sending fails.
    pub fn file(path: PathBuf, length: u64) -> Self {
        Self(Source::File { path: Arc::new(path), length })
    }

    /// Content made when sent.
    pub fn recipe(recipe: Recipe) -> Self {
        Self(Source::Recipe(Arc::new(recipe)))
    }

    /// Length in bytes, known without making or reading it.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::File { length, .. } => *length,
            Source::Recipe(recipe) => recipe.len(),
        }
    }

    /// Whether there is not one byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, in pieces of at most [`PIECE`].
    pub fn chunks(&self) -> BoxStream<'static, io::Result<Bytes>> {
        match &self.0 {
            Source::Bytes(bytes) => {
                let mut rest = bytes.clone();
                stream::iter(std::iter::from_fn(move || (!rest.is_empty()).then(|| Ok(rest.split_to(rest.len().min(PIECE)))))).boxed()
            }
            Source::Recipe(recipe) => stream::iter(Recipe::pieces(recipe.clone()).map(Ok)).boxed(),
            Source::File { path, length } => stream::try_unfold(FileState::Closed(path.clone(), *length), FileState::next).boxed(),
        }
    }

    /// All bytes at once, for content of at most `max` bytes.
    ///
    /// # Errors
    /// When it is longer, or the file cannot be read.
    pub async fn bytes(&self, max: u64) -> io::Result<Bytes> {
        if self.len() > max {
            return Err(io::Error::other(format!("the message has {} bytes, more than the {max} asked for", self.len())));
        }
        if let Source::Bytes(bytes) = &self.0 {
            return Ok(bytes.clone());
        }
        let mut all = BytesMut::new();
        let mut chunks = self.chunks();
        while let Some(chunk) = chunks.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.freeze())
    }
}

enum FileState {
    Closed(Arc<PathBuf>, u64),
    Open(tokio::fs::File, Arc<PathBuf>, u64),
}

impl FileState {
    async fn next(self) -> io::Result<Option<(Bytes, Self)>> {
        let (mut file, path, left) = match self {
            Self::Closed(path, left) => {
                let file = tokio::fs::File::open(path.as_path())
                    .await
                    .map_err(|error| io::Error::new(error.kind(), format!("open {}: {error}", path.display())))?;
                (file, path, left)
            }
            Self::Open(file, path, left) => (file, path, left),
        };
        if left == 0 {
            return Ok(None);
        }
        let mut buffer = BytesMut::with_capacity(PIECE.min(usize::try_from(left).unwrap_or(PIECE)));
        let mut limited = (&mut file).take(left.min(PIECE as u64));
        let read = limited.read_buf(&mut buffer).await?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{} became shorter while it was served", path.display())));
        }
        Ok(Some((buffer.freeze(), Self::Open(file, path, left.saturating_sub(read as u64)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_kind_gives_exactly_its_length() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0usize, 1, 77, PIECE - 1, PIECE, PIECE + 1, 300_000] {
            let data: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let path = folder.path().join(format!("{length}.eml"));
            std::fs::write(&path, &data).unwrap();
            let content = Content::file(path, length as u64);
            assert_eq!(content.bytes(1 << 20).await.unwrap(), data);
            let content = Content::bytes_of(Bytes::from(data.clone()));
            let pieces: Vec<_> = content.chunks().map(Result::unwrap).collect().await;
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
            assert_eq!(pieces.concat(), data);
        }
    }

    #[tokio::test]
    async fn a_file_cut_short_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.eml");
        std::fs::write(&path, b"short").unwrap();
        assert!(Content::file(path, 50).bytes(100).await.is_err());
        assert!(Content::file(folder.path().join("absent.eml"), 5).bytes(100).await.is_err());
        assert!(Content::bytes_of(Bytes::from_static(b"too long")).bytes(3).await.is_err());
    }
}
