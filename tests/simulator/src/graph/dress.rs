//! What Graph's gateway adds to every answer.

use super::serve::Ids;
use crate::http::Response;

/// Adds the fields of the gateway.
pub(super) fn dress(mut response: Response, ids: &Ids) -> Response {
    let headers = &mut response.headers;
    if headers.value("cache-control").is_none() {
        headers.push("Cache-Control", "no-cache");
    }
    headers.push("Vary", "Accept-Encoding");
    headers.push("Strict-Transport-Security", "max-age=31536000");
    headers.push("request-id", ids.request.as_str());
    headers.push("client-request-id", ids.client.as_str());
    headers.push(
        "x-ms-ags-diagnostic",
        r#"{"ServerInfo":{"DataCenter":"Example","Slice":"E","Ring":"1","ScaleUnit":"001","RoleInstance":"EX1PEPF00000001"}}"#,
    );
    headers.push("OData-Version", "4.0");
    response
}
