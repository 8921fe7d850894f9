//! A front with very little behind it.

use super::{Front, Gate, Rooms};
use crate::accounts::{Account, Accounts, App};
use crate::auth::{Doors, Identity};
use crate::counters::Counters;
use crate::fault::{Faults, Rule};
use crate::http::tls::Certificate;
use crate::http::{Intake, Request, Response, Server, ServerHandle};
use crate::limits::Limits;
use crate::options::Options;
use crate::quirks::Quirks;
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::sync::Arc;

pub(crate) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const APP: &str = "99999999-8888-7777-6666-555555555555";
pub(crate) const SECRET: &str = "s3cret~+/=";
pub(crate) const APP_PEM: &str = include_str!("../oauth/testdata/app.pem");

/// One account, one application, and an operation that says who asked.
pub(crate) struct Lobby {
    pub(crate) accounts: Accounts,
    pub(crate) options: Options,
    pub(crate) quirks: Quirks,
    pub(crate) counters: Counters,
    pub(crate) gate: Gate,
    pub(crate) faults: Faults,
}

impl Lobby {
    pub(crate) fn new(options: Options, quirks: &[&str], limits: Limits, rules: Vec<Rule>) -> Self {
        let account = Account {
            user: "ada".into(),
            domain: "CORP".into(),
            password: "pässword".into(),
            address: "ada@example.com".into(),
            impersonate: true,
            full_access: Vec::new(),
        };
        let app = App {
            client_id: APP.into(),
            tenant: TENANT.into(),
            secrets: vec![SECRET.into()],
            certificates: vec![APP_PEM.into()],
            mailboxes: Vec::new(),
            graph_permissions: vec!["Mail.ReadWrite".into()],
        };
        Self {
            accounts: Accounts::new(vec![account], vec![app]),
            gate: Gate::new(limits, options.record.as_deref()).unwrap(),
            options,
            quirks: Quirks::new(quirks).unwrap(),
            counters: Counters::default(),
            faults: Faults::new(rules, 1),
        }
    }

    pub(crate) fn plain() -> Self {
        Self::new(Options::default(), &[], Limits::default(), Vec::new())
    }

    pub(crate) fn with_faults(rules: Vec<Rule>) -> Self {
        Self::new(Options::default(), &[], Limits::default(), rules)
    }

    pub(crate) fn with_quirks(quirks: &[&str]) -> Self {
        Self::new(Options::default(), quirks, Limits::default(), Vec::new())
    }

    pub(crate) async fn serve(self) -> (Arc<Self>, ServerHandle) {
        let rooms = Arc::new(self);
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let server = server.start(Arc::new(Front::new(rooms.clone())));
        (rooms, server)
    }

    pub(crate) async fn serve_tls(self, certificate: Arc<Certificate>) -> (Arc<Self>, ServerHandle) {
        let rooms = Arc::new(self);
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap().with_tls(certificate);
        let server = server.start(Arc::new(Front::new(rooms.clone())));
        (rooms, server)
    }
}

/// What every operation answers; the stream stays open after its first item where one is asked for.
pub(crate) fn answer_of(who: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="x"><s:Body><m:R xmlns:m="y" xmlns:t="z"><t:Subject>Hello</t:Subject><t:Who a="s:m">{who}</t:Who></m:R></s:Body></s:Envelope>"#
    )
}

impl Rooms for Lobby {
    fn doors(&self) -> Doors<'_> {
        Doors { accounts: &self.accounts, options: &self.options, quirks: &self.quirks, counters: &self.counters, gate: &self.gate }
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn has_mailbox(&self, address: &str) -> bool {
        address == "ada@example.com"
    }

    fn intake(&self, _head: &Request) -> Intake {
        Intake::default()
    }

    async fn ews<'a>(&'a self, request: &'a Request, identity: &'a Identity) -> Response {
        let who = match identity {
            Identity::User { account } => account,
            Identity::App { client_id, .. } => client_id,
        };
        let text = request.text();
        if text.contains("Fault") {
            return Response::xml(500, answer_of("fault"));
        }
        if text.contains("GetStreamingEvents") || text.contains("Sync") {
            let first = stream::iter([Ok(Bytes::from(answer_of(who)))]);
            return Response::xml_stream(200, first.chain(stream::pending()).boxed());
        }
        Response::xml(200, answer_of(who))
    }

    async fn graph<'a>(&'a self, _request: &'a Request) -> Response {
        Response::new(404)
    }
    async fn reinfer<'a>(&'a self, _request: &'a Request) -> Response {
        Response::new(404)
    }
}
