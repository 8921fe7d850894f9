//! The requests as they go out.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body_util::Full;
use url::Url;

use super::{SetupError, cookies::Cookies};

/// What is the same in every request to an endpoint.
pub struct Template {
    path: String,
    headers: HeaderMap,
}

/// What differs.
pub struct Details<'a> {
    pub anchor: Option<&'a str>,
    pub id: &'a str,
    pub cookies: &'a Cookies,
}

impl Template {
    pub fn new(endpoint: &Url) -> Result<Self, SetupError> {
        let host = endpoint.host_str().unwrap_or_default();
        // Url knows no port where it is the scheme's own.
        let host = endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let host = HeaderValue::try_from(host).map_err(|_| SetupError::new("ews_endpoint", "its host cannot stand in a header"))?;
        let path = match endpoint.query() {
            Some(query) => format!("{}?{query}", endpoint.path()),
            None => endpoint.path().to_owned(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, HeaderValue::from_static(crate::http::USER_AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        headers.insert("return-client-request-id", HeaderValue::from_static("true"));
        Ok(Self { path, headers })
    }

    /// A request with this body. Its length is always declared: servers refuse chunked requests.
    pub fn request(&self, details: &Details<'_>, body: Bytes, authorization: Option<HeaderValue>) -> Request<Full<Bytes>> {
        let length = body.len();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        if let Ok(path) = self.path.parse() {
            *request.uri_mut() = path;
        }
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        if let Ok(id) = HeaderValue::try_from(details.id) {
            headers.insert("client-request-id", id);
        }
        // An address that cannot stand in a header only loses the shorter way to its server.
        if let Some(anchor) = details.anchor.and_then(|anchor| HeaderValue::try_from(anchor).ok()) {
            headers.insert("x-anchormailbox", anchor);
        }
        headers.extend(details.cookies.header(details.anchor));
        headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
        request
    }
}
