//! Autodiscover version 2: where EWS is, as JSON and without authentication (documentation page "Autodiscover for Exchange", [MS-OXDISCO]).

use crate::http::{Request, Response, percent_decode};
use serde_json::json;

/// The path of version 2.
const PATH: &str = "/autodiscover/autodiscover.json";

/// Answers an Autodiscover request; none if the path is not its own. `is_known` says whether an address has a mailbox here.
pub fn handle(request: &Request, is_known: impl Fn(&str) -> bool) -> Option<Response> {
    let path = request.path.as_str();
    let rest = path.get(..PATH.len()).filter(|start| start.eq_ignore_ascii_case(PATH)).and_then(|_| path.get(PATH.len()..))?;
    let in_path = match rest.trim_matches('/') {
        "" => None,
        rest => match rest.split_once('/') {
            Some((version, email)) if version.eq_ignore_ascii_case("v1.0") => Some(percent_decode(email)),
            None if rest.eq_ignore_ascii_case("v1.0") => None,
            _ => return None,
        },
    };
    if request.method != "GET" && request.method != "HEAD" {
        return Some(Response::new(405).header("Allow", "GET, HEAD"));
    }
    let email = in_path.or_else(|| request.query_value("Email")).unwrap_or_default();
    Some(answer(request, &email, is_known))
}

fn answer(request: &Request, email: &str, is_known: impl Fn(&str) -> bool) -> Response {
    if !email.split_once('@').is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty()) {
        return error(400, "MandatoryParameterMissing", "A valid smtp address must be provided");
    }
    let Some(protocol) = request.query_value("Protocol").filter(|protocol| !protocol.is_empty()) else {
        return error(400, "MandatoryParameterMissing", "A valid value must be provided for the query parameter 'Protocol'");
    };
    if !protocol.eq_ignore_ascii_case("Ews") {
        let text = format!("The given protocol value '{protocol}' is invalid. Supported values are 'Ews'");
        return error(400, "ProtocolNotSupported", &text);
    }
    if !is_known(email) {
        return error(404, "UserNotFound", "The given user is not found");
    }
    Response::json(200, &json!({ "Protocol": "Ews", "Url": format!("{}/EWS/Exchange.asmx", request.origin()) }))
}

fn error(status: u16, code: &str, message: &str) -> Response {
    Response::json(status, &json!({ "ErrorCode": code, "ErrorMessage": message }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Body, ConnectionId, Headers};

    fn ask(target: &str) -> Option<(u16, String)> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = Headers::new();
        headers.push("Host", "mail.example.com:8080");
        let request = Request {
            method: "GET".into(),
            path: path.into(),
            query: Some(query.into()),
            headers,
            body: Default::default(),
            spooled: None,
            connection: ConnectionId(1),
            tls: true,
        };
        handle(&request, |email| email == "ada@example.com").map(|response| match response.body {
            Body::Full(bytes) => (response.status, String::from_utf8_lossy(&bytes).into_owned()),
            Body::Stream(_) => panic!("a short answer is whole"),
        })
    }

    #[test]
    fn both_forms_give_the_address_of_ews() {
        let expected = r#"{"Protocol":"Ews","Url":"https://mail.example.com:8080/EWS/Exchange.asmx"}"#;
        for target in [
            "/autodiscover/autodiscover.json/v1.0/ada%40example.com?Protocol=Ews",
            "/Autodiscover/Autodiscover.json?Email=ada@example.com&Protocol=EWS&RedirectCount=1",
        ] {
            assert_eq!(ask(target), Some((200, expected.to_owned())), "{target}");
        }
    }

    #[test]
    fn each_mistake_has_its_code() {
        for (target, status, code) in [
            ("/autodiscover/autodiscover.json?Email=ada@example.com", 400, "MandatoryParameterMissing"),
            ("/autodiscover/autodiscover.json/v1.0/nobody?Protocol=Ews", 400, "MandatoryParameterMissing"),
            ("/autodiscover/autodiscover.json?Email=ada@example.com&Protocol=X", 400, "ProtocolNotSupported"),
            ("/autodiscover/autodiscover.json?Email=bob@example.com&Protocol=Ews", 404, "UserNotFound"),
        ] {
            let (given, body) = ask(target).unwrap();
            assert!(given == status && body.contains(code), "{target}: {given} {body}");
        }
        assert_eq!(ask("/autodiscover/autodiscover.xml"), None);
    }
}
