//! How a body is taken, decided by the head of its request: how much of it, where it is kept, and whether the connection is cut meanwhile.

use super::Response;
use super::read::Unreadable;
use bytes::{Bytes, BytesMut};
use std::any::Any;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// How a body is taken. The default is the usual way: whole, in memory, up to the server's own limit.
#[derive(Default)]
pub struct Intake {
    /// Bytes that are taken at most; the server's own limit when absent.
    pub limit: Option<usize>,
    /// Makes the answer to a body that is larger; a line of text when absent.
    pub too_large: Option<Box<dyn FnOnce() -> Response + Send>>,
    /// A body of more bytes goes to a file that has no name.
    pub spool_above: Option<usize>,
    /// The connection ends once so many bytes of the body have come, or the body as a whole.
    pub cut_after: Option<u64>,
    /// Kept until the answer is made.
    pub held: Option<Box<dyn Any + Send>>,
}

impl fmt::Debug for Intake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Intake(at most {:?}, to a file above {:?}, cut after {:?})", self.limit, self.spool_above, self.cut_after)
    }
}

impl Intake {
    /// Whether nothing is to be done but to keep the body in memory.
    pub(super) fn is_plain(&self) -> bool {
        self.spool_above.is_none() && self.cut_after.is_none()
    }

    /// The refusal of a body that is too large.
    pub(super) fn refuse(&mut self) -> Unreadable {
        match self.too_large.take() {
            Some(answer) => Unreadable::Answered(Box::new(answer())),
            None => Unreadable::Refused(413, "the request body is too large"),
        }
    }

    /// Where the body goes.
    pub(super) fn sink(&self) -> Sink {
        Sink { spool_above: self.spool_above, cut_after: self.cut_after, taken: 0, memory: BytesMut::new(), file: None }
    }
}

/// A body on its way.
pub(super) struct Sink {
    spool_above: Option<usize>,
    cut_after: Option<u64>,
    taken: u64,
    memory: BytesMut,
    file: Option<File>,
}

/// A body as it was taken.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) bytes: Bytes,
    pub(super) spooled: Option<Spooled>,
}

impl Taken {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { bytes, spooled: None }
    }
}

impl Sink {
    pub(super) fn put(&mut self, piece: &[u8]) -> Result<(), Unreadable> {
        self.taken += piece.len() as u64;
        if self.cut_after.is_some_and(|after| self.taken > after) {
            return Err(Unreadable::Gone);
        }
        if let Some(file) = &mut self.file {
            return file.write_all(piece).map_err(no_room);
        }
        self.memory.extend_from_slice(piece);
        if self.spool_above.is_some_and(|above| self.memory.len() > above) {
            let mut file = tempfile::tempfile().map_err(no_room)?;
            file.write_all(&self.memory).map_err(no_room)?;
            self.memory = BytesMut::new();
            self.file = Some(file);
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<Taken, Unreadable> {
        if self.cut_after.is_some() {
            return Err(Unreadable::Gone);
        }
        let spooled = self.file.map(|file| Spooled { file: Arc::new(file), length: self.taken });
        Ok(Taken { bytes: self.memory.freeze(), spooled })
    }
}

fn no_room(error: io::Error) -> Unreadable {
    tracing::warn!(%error, "cannot keep a request body in a file");
    Unreadable::Refused(507, "there is no room for the request body")
}

/// A body in a file that has no name and ends with the last of its handles.
#[derive(Clone, Debug)]
pub struct Spooled {
    file: Arc<File>,
    length: u64,
}

impl Spooled {
    /// Its bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there is nothing in it; never so, since small bodies stay in memory.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Reads it from its beginning.
    pub fn reader(&self) -> impl Read + Send + use<> {
        Reader { file: self.file.clone(), at: 0 }
    }
}

struct Reader {
    file: Arc<File>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
