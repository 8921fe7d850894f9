//! Bodies of bounded size.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, pin_mut};

/// Why a capped body was not read.
#[derive(Debug)]
pub enum TooLarge<E> {
    /// It has more bytes than allowed.
    Over(usize),
    /// Reading it failed.
    Read(E),
}

impl<E: fmt::Display> fmt::Display for TooLarge<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(cap) => write!(f, "the answer is larger than {cap} bytes"),
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Display + fmt::Debug> std::error::Error for TooLarge<E> {}

/// Reads a body whole, unless it exceeds `cap` bytes: then reading stops there.
pub async fn capped<E>(body: impl Stream<Item = Result<Bytes, E>>, cap: usize) -> Result<Bytes, TooLarge<E>> {
    pin_mut!(body);
    let mut whole = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(TooLarge::Read)?;
        if piece.len() > cap - whole.len() {
            return Err(TooLarge::Over(cap));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn pieces() -> impl Stream<Item = Result<Bytes, std::io::Error>> {
        stream::iter([Ok(Bytes::from_static(b"abc")), Ok(Bytes::from_static(b"de"))])
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_cap_passes_and_one_byte_more_does_not() {
        assert_eq!(capped(pieces(), 5).await.unwrap(), "abcde");
        assert!(matches!(capped(pieces(), 4).await, Err(TooLarge::Over(4))));
    }

    #[tokio::test]
    async fn an_error_of_the_source_comes_through() {
        let broken = pieces().chain(stream::iter([Err(std::io::Error::other("cut"))]));
        assert_eq!(capped(broken, 100).await.unwrap_err().to_string(), "cut");
    }
}
