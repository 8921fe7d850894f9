//! The documents client libraries read before they ask for a token (OpenID Connect Discovery 1.0; MSAL's instance discovery).

use crate::http::{Request, Response};
use serde_json::json;

/// Where the endpoints of a tenant are.
pub(super) fn configuration(request: &Request, tenant: &str) -> Response {
    let origin = request.origin();
    Response::json(
        200,
        &json!({
            "token_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{origin}/{tenant}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{origin}/{tenant}/v2.0"),
            "request_uri_parameter_supported": false,
            "authorization_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/devicecode"),
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "ver", "tid"],
            "tenant_region_scope": null,
            "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": "graph.microsoft.com",
        }),
    )
}

/// Which hosts are the same identity provider: this one alone.
pub(super) fn instance(request: &Request) -> Response {
    let origin = request.origin();
    let host = request.header("host").unwrap_or("localhost").to_owned();
    let tenant = request
        .query_value("authorization_endpoint")
        .and_then(|endpoint| endpoint.split('/').nth(3).map(str::to_owned))
        .unwrap_or_else(|| "common".to_owned());
    Response::json(
        200,
        &json!({
            "tenant_discovery_endpoint": format!("{origin}/{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
        }),
    )
}

/// The keys tokens are signed with. Access tokens are for their audience alone to read, and this provider gives out no id tokens, so there
/// is none to publish.
pub(super) fn keys() -> Response {
    Response::json(200, &json!({ "keys": [] }))
}
