//! Hides addresses from logs (`--mask`).

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

pub use crate::words::shown;

/// Log writers that mask what they write.
#[derive(Clone, Debug)]
pub struct Masked<M> {
    inner: M,
    mask: bool,
}

impl<M> Masked<M> {
    /// Masks what `inner`'s writers write, if `mask`.
    pub fn new(inner: M, mask: bool) -> Self {
        Self { inner, mask }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Masked<M> {
    type Writer = MaskedWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        MaskedWriter { inner: self.inner.make_writer(), mask: self.mask }
    }
}

/// A writer that is given one whole event at a time, as tracing does, and passes it on masked.
#[derive(Debug)]
pub struct MaskedWriter<W> {
    inner: W,
    mask: bool,
}

impl<W: Write> Write for MaskedWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        match self.mask {
            true => self.inner.write_all(shown(&String::from_utf8_lossy(event), true).as_bytes())?,
            false => self.inner.write_all(event)?,
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
