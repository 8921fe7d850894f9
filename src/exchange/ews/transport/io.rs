//! What bytes go over, whatever lies below: TCP, TLS, a tunnel through a proxy.

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream of bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Any such.
pub type Io = Box<dyn Stream>;
