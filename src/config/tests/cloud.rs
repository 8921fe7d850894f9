//! Where Graph is, and what it is asked for.

use serde_json::{Value, json};

use super::{Env, Purpose, judged, oauth, with};
use crate::config::{Api, Graph};

fn graph_of(authority: &str, endpoint: Value) -> (Option<Graph>, Vec<String>) {
    let document = with(with(oauth(), "/microsoft_api", json!("graph")), "/ews_endpoint", json!(null));
    let document = with(with(document, "/access_type", json!(null)), "/auth_oauth_authority", json!(authority));
    let examination = judged(&with(document, "/graph_endpoint", endpoint), &Env::default(), Purpose::Run);
    let told = examination.faults.iter().chain(&examination.warnings).map(ToString::to_string).collect();
    let graph = examination.config.and_then(|config| match config.api {
        Api::Graph(graph) => Some(graph),
        Api::Ews(_) => None,
    });
    (graph, told)
}

#[test]
fn the_cloud_follows_from_the_authority() {
    let cases = [
        ("https://login.microsoftonline.com/t/", "https://graph.microsoft.com", true),
        ("https://login.microsoftonline.us/t/", "https://graph.microsoft.us", true),
        ("https://login.chinacloudapi.cn/t/", "https://microsoftgraph.chinacloudapi.cn", false),
        ("https://login.partner.microsoftonline.cn/t/", "https://microsoftgraph.chinacloudapi.cn", false),
        ("https://login.example.com/t/", "https://graph.microsoft.com", true),
    ];
    for (authority, root, delta) in cases {
        let (graph, told) = graph_of(authority, json!(null));
        let graph = graph.unwrap();
        assert_eq!((graph.endpoint.as_str(), graph.delta), (format!("{root}/v1.0").as_str(), delta), "{authority}");
        assert_eq!((graph.scope, told.len()), (format!("{root}/.default"), usize::from(authority.contains("example.com"))), "{told:?}");
    }
}

#[test]
fn a_written_endpoint_wins_and_keeps_its_cloud() {
    let (login, us) = ("https://login.microsoftonline.com/t/", "https://login.microsoftonline.us/t/");
    let cases = [
        (us, "https://dod-graph.microsoft.us", "https://dod-graph.microsoft.us/v1.0", "https://dod-graph.microsoft.us/.default"),
        (login, "https://graph.microsoft.com/v1.0/", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/.default"),
        (us, "https://gateway.example.com/graph", "https://gateway.example.com/graph/v1.0", "https://graph.microsoft.us/.default"),
    ];
    for (authority, written, endpoint, scope) in cases {
        let (graph, told) = graph_of(authority, json!(written));
        let graph = graph.unwrap();
        assert_eq!((graph.endpoint.as_str(), graph.scope.as_str(), told), (endpoint, scope, vec![]), "{written}");
    }
}

#[test]
fn what_cannot_work_is_told() {
    let login = "https://login.microsoftonline.com/t/";
    for (written, words) in [
        ("graph.microsoft.com", "is not a URL"),
        ("https://graph.microsoft.com/beta", "is the beta version"),
        ("https://graph.microsoft.com/v1.0?x=1", "has a ?"),
        ("https://graph.microsoft.com/v1.0/users", "goes on after the root"),
        ("https://u:p@graph.microsoft.com", "holds a user or a password (not shown)"),
    ] {
        let (graph, told) = graph_of(login, json!(written));
        assert!(graph.is_none() && told.iter().any(|line| line.contains(words)), "{written}: {told:?}");
    }
    let (graph, told) = graph_of(login, json!("https://graph.microsoft.us"));
    assert!(graph.is_some() && told[0].contains("does not take tokens of login.microsoftonline.com"), "{told:?}");
    let (_, told) = graph_of(login, json!("http://graph.example.com"));
    assert!(told[0].contains("readable over http"), "{told:?}");
}
