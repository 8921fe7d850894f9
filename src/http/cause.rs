//! Why a request got no answer.

use std::error::Error;

/// The error with its sources, and without its URL: queries hold what is asked for, paths hold people's names, and whoever asked knows both.
pub fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
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
