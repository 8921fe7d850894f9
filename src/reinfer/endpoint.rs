//! Where the API is.

use url::Url;

/// The API's base, without `/api`: it is written with and without that, and with and without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint(Url);

impl Endpoint {
    /// Reads what was configured. `Err` is a setting's fault.
    pub(super) fn new(url: &Url) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("the API's endpoint must be a URL such as https://example.reinfer.io/api/".to_owned());
        }
        let mut base = url.clone();
        base.set_query(None);
        base.set_fragment(None);
        // Whoever writes a login into the URL would find it in logs.
        if !base.username().is_empty() || base.password().is_some() {
            return Err("the API's endpoint must hold no user and no password; the token comes in REINFER_API_TOKEN".to_owned());
        }
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/api").unwrap_or(path).trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self(base))
    }

    /// The URL of a path below the base; each segment is encoded by itself.
    pub(super) fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_it_means_the_same() {
        for (written, expected) in [
            ("https://example.reinfer.io", "https://example.reinfer.io/api/v1/x"),
            ("https://example.reinfer.io/api", "https://example.reinfer.io/api/v1/x"),
            ("https://example.reinfer.io/api//", "https://example.reinfer.io/api/v1/x"),
            ("https://cloud.example.com/org/tenant/reinfer_/api/", "https://cloud.example.com/org/tenant/reinfer_/api/v1/x"),
            ("https://cloud.example.com/org/tenant/reinfer_", "https://cloud.example.com/org/tenant/reinfer_/api/v1/x"),
            ("http://127.0.0.1:8080/api?x=1#y", "http://127.0.0.1:8080/api/v1/x"),
            ("https://example.com/therapi/", "https://example.com/therapi/api/v1/x"),
        ] {
            let endpoint = Endpoint::new(&written.parse().unwrap()).unwrap();
            assert_eq!(endpoint.below(&["api", "v1", "x"]).as_str(), expected, "{written}");
        }
    }

    #[test]
    fn segments_are_encoded_and_ids_keep_their_colon() {
        let endpoint = Endpoint::new(&"https://example.com".parse().unwrap()).unwrap();
        assert_eq!(endpoint.below(&["api", "id:0a", "a/b c?", ""]).as_str(), "https://example.com/api/id:0a/a%2Fb%20c%3F/");
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for written in ["ftp://example.com", "az://account/container", "https://user:secret@example.com/api"] {
            let error = Endpoint::new(&written.parse().unwrap()).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
