//! Why a request got no answer.

use std::error::Error;

/// The error with its sources, and without its URL: queries hold what is asked for, paths hold people's names, and whoever asked knows both.
pub fn cause(error: reqwest::Error) -> String {
    let connecting = error.is_connect();
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        // Where there was no connection the innermost cause says all: the others say in three ways that there was none.
        text = if connecting { inner.to_string() } else { format!("{text}: {inner}") };
        source = inner.source();
    }
    text
}

/// What helps where [`distrusted`] holds.
pub const DISTRUSTED: &str =
    "the server's certificate is of an authority this system does not know: name the authority's PEM file in SSL_CERT_FILE";

/// Whether a cause says that the server's certificate was not accepted: no other attempt mends that.
pub fn distrusted(cause: &str) -> bool {
    cause.contains("invalid peer certificate")
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn sources_are_told_and_addresses_are_not() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let client = super::super::client().unwrap();
        let error = client.get(format!("http://127.0.0.1:{port}/users/ann@example.com?token=x")).send().await.unwrap_err();
        let text = super::cause(error);
        assert!(text.contains("refused"), "{text}");
        assert!(!text.contains("ann@") && !text.contains("token"), "{text}");
    }
}
