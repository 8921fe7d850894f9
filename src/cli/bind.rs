//! An address and a port as people write them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`; port 0 for any that is free.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.trim().parse().map_err(|_| {
        let example =
            SocketAddr::from((IpAddr::V4(Ipv4Addr::LOCALHOST), text.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(8080)));
        format!("write an IP address and a port, such as {example} for this machine alone, or 0.0.0.0:{} for everybody", example.port())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port() {
        for text in ["127.0.0.1:8080", "0.0.0.0:0", "[::]:8080", " [fe80::1%3]:1"] {
            assert!(address(text).is_ok(), "{text}");
        }
        for text in ["", "8080", ":8080", "localhost:8080", "127.0.0.1", "127.0.0.1:65536", "::1:8080x"] {
            assert!(address(text).unwrap_err().contains("such as 127.0.0.1:"), "{text}");
        }
        assert!(address(":9090").unwrap_err().contains("0.0.0.0:9090"));
    }
}
