//! Real mail and generated mail through the real program: everything once, byte for byte, and afterwards only what changed. Over every way to log in.

mod common;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use common::{
    DELEGATE, SERVICE, Server, Setup,
    azurite::Azurite,
    bodies, compare, server,
    shared::shared,
    sink,
    truth::{self, Form, Real},
};
use exchange_simulator::{
    Launch, World,
    options::{ExtendedProtection, Options},
    world::AppSpec,
};
use openssl::{asn1::Asn1Time, bn::BigNum, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::X509};
use serde_json::{Value, json};
use tempfile::TempDir;

const MAILBOX: &str = "corpus@example.com";
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const SECRET: &str = "a secret~+/=&";
const MESSAGES: usize = 210;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Login {
    Ntlm,
    Basic,
    Secret,
    Certificate,
}

#[derive(Clone, Copy, Debug)]
struct Way {
    login: Login,
    tls: bool,
    impersonation: bool,
    graph: bool,
}

const fn way(login: Login, tls: bool, impersonation: bool) -> Way {
    Way { login, tls, impersonation, graph: false }
}

const fn graph(login: Login) -> Way {
    Way { login, tls: true, impersonation: false, graph: true }
}

/// Every way in; with TLS a login by NTLM must be bound to the connection. An application has no mailbox, so it must impersonate.
const WAYS: [Way; 10] = [
    way(Login::Ntlm, false, true),
    way(Login::Ntlm, false, false),
    way(Login::Ntlm, true, true),
    way(Login::Ntlm, true, false),
    way(Login::Basic, true, true),
    way(Login::Basic, false, false),
    way(Login::Secret, true, true),
    way(Login::Certificate, true, true),
    graph(Login::Secret),
    graph(Login::Certificate),
];

#[tokio::test(flavor = "multi_thread")]
async fn real_mail_by_every_login() {
    let Some(corpus) = shared("mail-corpus", "the corpus of real mail") else { return };
    for way in WAYS {
        eprintln!("{way:?}");
        life_of_a_copy(way, Launch { eml_trees: vec![(MAILBOX.into(), corpus.clone())], ..Launch::from(server::world(vec![])) }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_mail_by_every_login() {
    for way in WAYS {
        eprintln!("{way:?}");
        // A quarter of the inbox's number lies in the folder below it.
        life_of_a_copy(way, Launch::from(server::world(vec![server::mailbox(MAILBOX, 168)]))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_mail_into_a_container() {
    let Some(corpus) = shared("mail-corpus", "the corpus of real mail") else { return };
    for (https, way) in [(false, WAYS[2]), (true, WAYS[0]), (false, WAYS[8])] {
        let Some(azurite) = Azurite::start(https) else { return };
        eprintln!("{way:?}, https {https}");
        let launch = Launch { eml_trees: vec![(MAILBOX.into(), corpus.clone())], ..Launch::from(server::world(vec![])) };
        life_of_a_copy_in(way, launch, Some(azurite)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_mail_into_a_container() {
    for (https, way) in [(false, WAYS[4]), (true, WAYS[5]), (false, WAYS[9])] {
        let Some(azurite) = Azurite::start(https) else { return };
        eprintln!("{way:?}, https {https}");
        life_of_a_copy_in(way, Launch::from(server::world(vec![server::mailbox(MAILBOX, 168)])), Some(azurite)).await;
    }
}

/// Into a folder.
async fn life_of_a_copy(way: Way, launch: Launch) {
    life_of_a_copy_in(way, launch, None).await;
}

/// A first pass, a second one, one after many changes, one more; then a look at what was said on the wire.
async fn life_of_a_copy_in(way: Way, mut launch: Launch, azurite: Option<Azurite>) {
    let files = tempfile::tempdir().unwrap();
    register(&mut launch.world, &files);
    let record = files.path().join("record");
    let any = Options::default().listen;
    launch.options = Options {
        tls_listen: way.tls.then_some(any),
        cert_dir: way.tls.then(|| files.path().to_owned()),
        extended_protection: ExtendedProtection::Required,
        record: Some(record.clone()),
        ..Options::default()
    };
    let server = Server::start(launch).await;
    let mut setup = setup(way, &server, &files);
    if let Some(azurite) = &azurite {
        setup.goes_to_azure(azurite, "mail").await;
    }

    let first = setup.pass().await;
    let tally = compare(&server, &setup).await;
    tally.sound();
    assert_eq!((tally.real, tally.stored, tally.composed), (MESSAGES, MESSAGES, 0));
    let before = sink::lines(&setup.data(MAILBOX));
    assert_eq!((before.len(), server.downloads().await), (MESSAGES, MESSAGES as u64), "{first}");

    let second = setup.pass().await;
    setup.look().await;
    assert_eq!((sink::lines(&setup.data(MAILBOX)).len(), server.downloads().await), (MESSAGES, MESSAGES as u64), "{second}");

    let expected = stir(&server, setup.form, &before).await;
    let third = setup.pass().await;
    compare(&server, &setup).await.sound();
    let after = sink::lines(&setup.data(MAILBOX));
    assert_eq!(server.downloads().await, MESSAGES as u64 + 50, "{third}");
    let new = &after[MESSAGES..];
    for event in ["moved", "read"] {
        assert_eq!(keys_of(new, event), expected[event], "{event}");
    }
    assert_eq!(keys_of(new, "stored").len(), 50);
    // Whichever folder is read first, a message on its way may be told to have left the one before it is told to be in the other.
    let (on_their_way, deleted): (Vec<String>, Vec<String>) =
        keys_of(new, "deleted").into_iter().partition(|key| expected["moved"].contains(key));
    assert_eq!(deleted, expected["deleted"]);
    for key in &on_their_way {
        let events: Vec<&str> = new.iter().filter(|line| line["key"] == key.as_str()).map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["deleted", "moved"], "{key}");
    }
    assert_eq!(new.len(), 50 + 20 + 10 + 30 + on_their_way.len(), "{:?}", sink::events(new));

    let last = setup.pass().await;
    setup.look().await;
    assert_eq!((sink::lines(&setup.data(MAILBOX)).len(), server.downloads().await), (after.len(), MESSAGES as u64 + 50), "{last}");
    server.simulator.shutdown().await;
    match way.graph {
        true => bodies::validate(&record),
        false => validate(&record),
    }
}

fn setup(way: Way, server: &Server, files: &TempDir) -> Setup {
    let mut setup = Setup::new(server);
    let (user, password) = if way.impersonation { SERVICE } else { DELEGATE };
    setup.set(
        json!({"access_type": if way.impersonation { "impersonation" } else { "delegate" }, "auth_user": user, "auth_password": password}),
    );
    if way.tls {
        let url = server.simulator.tls_url().unwrap();
        setup.set(json!({"ews_endpoint": format!("{url}/EWS/Exchange.asmx")}));
        setup.env.push(("SSL_CERT_FILE".into(), files.path().join("ca.pem").into()));
    }
    match way.login {
        Login::Ntlm if !way.impersonation => setup.set(json!({"auth_user": "EXAMPLE\\Delegate"})),
        Login::Ntlm => {}
        Login::Basic => setup.set(json!({"auth_type": "basic"})),
        Login::Secret | Login::Certificate => {
            if way.graph {
                setup.by_graph(server);
                setup.set(json!({"graph_endpoint": server.simulator.tls_url().unwrap()}));
            }
            let authority = server.simulator.tls_url().unwrap() + "/example.com/";
            setup.config.as_object_mut().unwrap().retain(|key, _| !key.starts_with("auth_"));
            setup.set(json!({"auth_type": "oauth2", "auth_oauth_authority": authority, "auth_oauth_client_id": CLIENT}));
            setup.set(match way.login {
                Login::Secret => json!({"auth_oauth_client_secret": SECRET}),
                _ => json!({"auth_oauth_client_credential_private_key": files.path().join("app-both.pem")}),
            });
        }
    }
    setup
}

/// Makes the application known, with a secret and with a certificate whose private key lies beside it.
fn register(world: &mut World, files: &TempDir) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = builder.build().to_pem().unwrap();
    let both = [key.private_key_to_pem_pkcs8().unwrap(), certificate.clone()].concat();
    std::fs::write(files.path().join("app.pem"), certificate).unwrap();
    std::fs::write(files.path().join("app-both.pem"), both).unwrap();
    world.apps = vec![AppSpec {
        client_id: CLIENT.into(),
        tenant: "example.com".into(),
        secrets: vec![SECRET.into()],
        certificates: vec![files.path().join("app.pem")],
        ..AppSpec::default()
    }];
}

/// 50 arrivals, 20 moves, 10 deletions and 30 changes of read flags, each on other messages. Gives the keys that are to have a line of each event.
async fn stir(server: &Server, form: Form, known: &[Value]) -> BTreeMap<&'static str, Vec<String>> {
    let real = truth::truth_in(form, server, MAILBOX, false).await;
    let keys = sink::fold(known);
    let key_of: BTreeMap<&str, &str> = keys.iter().map(|(key, kept)| (kept.item.as_str(), key.as_str())).collect();
    let all: Vec<&Real> = real.values().collect();
    let (moved, deleted, marked) = (&all[..20], &all[20..30], &all[30..60]);
    let ids = |of: &[&Real]| of.iter().map(|real| real.id()).collect::<Vec<_>>();
    server.admin("/create-folder", json!({"mailbox": MAILBOX, "name": "Moved here"})).await;
    server.deliver(MAILBOX, json!("inbox"), 50).await;
    server.admin("/move", json!({"mailbox": MAILBOX, "ids": ids(moved), "to": ["Moved here"]})).await;
    server.admin("/delete", json!({"mailbox": MAILBOX, "ids": ids(deleted), "how": "hard"})).await;
    for read in [true, false] {
        let turned: Vec<&Real> = marked.iter().copied().filter(|real| real.item.read != read).collect();
        server.admin("/read", json!({"mailbox": MAILBOX, "ids": ids(&turned), "read": read})).await;
    }
    let keys = |of: &[&Real]| {
        let mut keys: Vec<String> = of.iter().map(|real| key_of[real.name.as_str()].to_owned()).collect();
        keys.sort();
        keys
    };
    BTreeMap::from([("moved", keys(moved)), ("deleted", keys(deleted)), ("read", keys(marked))])
}

fn keys_of(lines: &[Value], event: &str) -> Vec<String> {
    let mut keys: Vec<String> =
        lines.iter().filter(|line| line["event"] == event).map(|line| line["key"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    keys
}

/// Every recorded request and response must fit Microsoft's schemas. One process for all: the schemas are read once.
fn validate(record: &Path) {
    let Some(schema) = shared("ews-schema/envelope.xsd", "the validation of recorded envelopes") else { return };
    let documents: Vec<PathBuf> = sink::files(record).into_iter().filter(|path| path.extension().is_some_and(|end| end == "xml")).collect();
    assert!(documents.len() > 100, "{} envelopes were recorded", documents.len());
    let output = match Command::new("xmllint").args(["--huge", "--noout", "--schema"]).arg(schema).args(documents).output() {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: the validation of recorded envelopes: xmllint: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stderr);
    let wrong: Vec<&str> = text.lines().filter(|line| !line.ends_with(" validates")).take(12).collect();
    assert!(output.status.success(), "{}", wrong.join("\n"));
}
