//! The command line of `exchange-simulator`.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::options::{AuthScheme, ExtendedProtection, Options};
use crate::reinfer::{Bucket, is_name};
use crate::simulator::{Launch, Simulator};
use crate::world::{BucketSpec, TokenSpec, World};

const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A test Exchange server: EWS and Microsoft Graph over real sockets, worlds as data.
///
/// Without a world it serves the built-in demonstration.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    door: DoorArgs,
    /// Print one line of JSON with all addresses and accounts once it serves; else the same for people.
    #[arg(long)]
    print_json: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "World")]
struct WorldArgs {
    /// A world file (TOML).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["demo", "mailboxes"])]
    world: Option<PathBuf>,
    /// The built-in demonstration; what is served when nothing else is asked for.
    #[arg(long, conflicts_with = "mailboxes")]
    demo: bool,
    /// So many equal mailboxes user1@example.com, user2@example.com ..., password `password`.
    #[arg(long, value_name = "N")]
    mailboxes: Option<u64>,
    /// So many messages in each of them.
    #[arg(long, value_name = "M", default_value_t = 100, requires = "mailboxes")]
    messages: u64,
    /// A folder of .eml files as a mailbox (repeatable); alone, it is the whole world.
    #[arg(long, value_name = "ADDRESS=DIR", value_parser = eml_tree)]
    eml_tree: Vec<(String, PathBuf)>,
    /// Another seed than the world's: other messages, other ids.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Odd habits to switch on besides the world's, or the profile `lenient`; with `-` before its name one is switched off again.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    quirks: Vec<String>,
    /// A token for the Communications Mining API that may do everything, instead of the world's (repeatable).
    #[arg(long, value_name = "TOKEN")]
    reinfer_token: Vec<String>,
    /// A bucket of that API, instead of the world's (repeatable).
    #[arg(long, value_name = "OWNER/NAME", value_parser = bucket)]
    reinfer_bucket: Vec<BucketSpec>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Listening and logging in")]
struct DoorArgs {
    /// The plain address; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value_t = ANY)]
    listen: SocketAddr,
    /// Serve TLS too, on a free port of the loopback unless --tls-listen says otherwise.
    #[arg(long)]
    tls: bool,
    /// The TLS address; implies --tls.
    #[arg(long, value_name = "ADDR:PORT")]
    tls_listen: Option<SocketAddr>,
    /// Further names for the certificate, beside localhost, 127.0.0.1 and ::1.
    #[arg(long, value_name = "HOST,...", value_delimiter = ',')]
    names: Vec<String>,
    /// Write ca.pem, server.pem and server.key there; needs TLS.
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// Serve the admin API there; port 0 takes a free one. It asks for no password: keep it on the loopback.
    #[arg(long, value_name = "ADDR:PORT")]
    admin: Option<SocketAddr>,
    /// Write every request and response into a folder.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Ways to log in, in the order they are offered.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_enum, default_values_t = [AuthScheme::Negotiate, AuthScheme::Ntlm, AuthScheme::Basic, AuthScheme::Bearer])]
    auth: Vec<AuthScheme>,
    /// Extended Protection for Authentication over TLS.
    #[arg(long, value_enum, default_value_t = ExtendedProtection::Allowed)]
    epa: ExtendedProtection,
    /// Seconds between two heartbeats of a streaming connection.
    #[arg(long, value_name = "SECONDS", default_value_t = 45, value_parser = clap::value_parser!(u64).range(1..))]
    heartbeat: u64,
    /// Seconds an access token lives.
    #[arg(long, value_name = "SECONDS", default_value_t = 3599)]
    token_life: u64,
}

fn eml_tree(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((address, folder)) if address.contains('@') && !folder.is_empty() => Ok((address.to_owned(), PathBuf::from(folder))),
        _ => Err("expected ADDRESS=DIR, as in files@example.com=/var/mail/export".to_owned()),
    }
}

fn bucket(text: &str) -> Result<BucketSpec, String> {
    match text.split_once('/') {
        Some((owner, name)) if is_name(owner) && is_name(name) => {
            Ok(BucketSpec { owner: owner.to_owned(), name: name.to_owned(), title: None })
        }
        _ => Err("expected OWNER/NAME of letters, digits, - and _, as in acme/mail".to_owned()),
    }
}

impl Cli {
    /// What the command line asks for.
    ///
    /// # Errors
    /// When the world file cannot be read or a folder for certificates is named without TLS.
    pub fn launch(self) -> Result<Launch, String> {
        let WorldArgs { world: file, demo, mailboxes, messages, eml_tree, seed, quirks, reinfer_token, reinfer_bucket } = self.world;
        let mut world = match (file, mailboxes) {
            (Some(file), _) => World::from_file(&file)?,
            (None, Some(count)) => World::uniform(count, messages),
            (None, None) if eml_tree.is_empty() || demo => World::demo()?,
            (None, None) => World::default(),
        };
        world.seed = seed.unwrap_or(world.seed);
        world.quirks.extend(quirks);
        if !reinfer_token.is_empty() {
            world.reinfer.tokens = reinfer_token.into_iter().map(|token| TokenSpec { token, ..TokenSpec::default() }).collect();
        }
        if !reinfer_bucket.is_empty() {
            world.reinfer.buckets = reinfer_bucket;
        }
        let door = self.door;
        let tls_listen = door.tls_listen.or(door.tls.then_some(ANY));
        if door.cert_dir.is_some() && tls_listen.is_none() {
            return Err("--cert-dir has nothing to write: add --tls".to_owned());
        }
        let options = Options {
            listen: door.listen,
            tls_listen,
            names: door.names,
            cert_dir: door.cert_dir,
            admin: door.admin,
            record: door.record,
            extended_protection: door.epa,
            auth: door.auth,
            heartbeat: Duration::from_secs(door.heartbeat),
            token_life: Duration::from_secs(door.token_life),
            ..Options::default()
        };
        Ok(Launch { world, eml_trees: eml_tree, options })
    }
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// What [`Simulator::start`] says, and when the address line cannot be printed.
pub async fn run(cli: Cli) -> Result<(), String> {
    let print_json = cli.print_json;
    // Asked for before serving: a signal that comes at once must not kill without clean-up.
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| format!("cannot wait for SIGTERM: {error}"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| format!("cannot wait for SIGINT: {error}"))?;
    let simulator = Simulator::start(cli.launch()?).await?;
    let text = if print_json { card(&simulator).to_string() } else { people(&simulator) };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| format!("cannot print the addresses: {error}"))?;
    drop(out);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    simulator.shutdown().await;
    Ok(())
}

/// Where everything is, for programs. The passwords are those of a test server and meant to be read.
fn card(simulator: &Simulator) -> serde_json::Value {
    let state = simulator.state();
    let reinfer = simulator.reinfer();
    let tls = simulator.tls_url();
    let accounts: Vec<_> = state
        .accounts
        .people()
        .iter()
        .map(|account| {
            json!({
                "address": account.address, "user": account.user, "domain": account.domain, "password": account.password,
                "impersonate": account.impersonate, "mailbox": state.store.mailbox(&account.address).is_some(),
            })
        })
        .collect();
    let apps: Vec<_> = state
        .accounts
        .apps()
        .iter()
        .map(|app| json!({ "client_id": app.client_id, "tenant": app.tenant, "secrets": app.secrets }))
        .collect();
    json!({
        "url": simulator.url(),
        "ews_url": simulator.ews_url(),
        "graph_url": simulator.graph_url(),
        "reinfer_url": simulator.reinfer_url(),
        "reinfer_tokens": reinfer.tokens().iter().map(|known| json!({
            "token": known.token, "email": known.email, "permissions": known.permissions, "owners": known.owners,
        })).collect::<Vec<_>>(),
        "reinfer_buckets": reinfer.buckets().iter().map(|bucket| json!({
            "id": bucket.id, "owner": bucket.owner, "name": bucket.name,
        })).collect::<Vec<_>>(),
        "tls_url": tls,
        "tls_ews_url": tls.as_ref().map(|url| format!("{url}{}", crate::front::EWS)),
        "ca": state.options.cert_dir.as_ref().filter(|_| tls.is_some()).map(|folder| folder.join("ca.pem")),
        "admin_url": simulator.admin_url(),
        "record": state.options.record,
        "accounts": accounts,
        "apps": apps,
    })
}

fn people(simulator: &Simulator) -> String {
    let state = simulator.state();
    let mut lines = vec![format!("EWS    {}", simulator.ews_url())];
    lines.push(format!("Graph  {}", simulator.graph_url()));
    let bucket = |bucket: &Bucket| format!(", bucket {}/{}", bucket.owner, bucket.name);
    let buckets: String = simulator.reinfer().buckets().iter().map(bucket).collect();
    lines.extend(simulator.reinfer_token().map(|token| format!("mining {}  token {token}{buckets}", simulator.reinfer_url())));
    lines.extend(simulator.tls_url().map(|url| format!("TLS    {url}{}", crate::front::EWS)));
    lines.extend(simulator.admin_url().map(|url| format!("admin  {url}")));
    let people = state.accounts.people();
    lines.push(format!("{} mailboxes, {} accounts", state.store.mailboxes().len(), people.len()));
    lines.extend(people.iter().take(5).map(|account| {
        let right = if account.impersonate { "  may impersonate" } else { "" };
        format!("  {}  password {}{right}", account.address, account.password)
    }));
    if people.len() > 5 {
        lines.push("  ... (--print-json lists all)".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Launch, String> {
        Cli::try_parse_from([&["exchange-simulator"], arguments].concat()).map_err(|error| error.to_string()).and_then(Cli::launch)
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_arrives() {
        let launch = parse(&[
            "--mailboxes",
            "3",
            "--messages",
            "7",
            "--seed",
            "9",
            "--quirks",
            "control-references",
            "--tls",
            "--cert-dir",
            "/tmp/certs",
            "--names",
            "mail.example.com",
            "--admin",
            "127.0.0.1:0",
            "--record",
            "/tmp/record",
            "--epa",
            "required",
            "--auth",
            "ntlm,basic",
            "--heartbeat",
            "5",
            "--token-life",
            "60",
            "--eml-tree",
            "files@example.com=/tmp/files",
            "--listen",
            "127.0.0.1:8080",
            "--reinfer-token",
            "t0ken",
            "--reinfer-bucket",
            "globex/post",
        ])
        .unwrap();
        assert_eq!((launch.world.seed, launch.world.mailboxes[0].count, launch.eml_trees.len()), (9, Some(3), 1));
        assert_eq!(launch.world.quirks, ["control-references"]);
        let reinfer = &launch.world.reinfer;
        assert_eq!((reinfer.tokens[0].token.as_str(), reinfer.buckets[0].owner.as_str(), reinfer.buckets.len()), ("t0ken", "globex", 1));
        let options = launch.options;
        assert_eq!((options.extended_protection, options.auth.len(), options.listen.port()), (ExtendedProtection::Required, 2, 8080));
        assert_eq!((options.heartbeat, options.token_life), (Duration::from_secs(5), Duration::from_secs(60)));
        assert!(options.tls_listen.is_some() && options.admin.is_some() && options.record.is_some() && options.cert_dir.is_some());
        assert_eq!(options.names, ["mail.example.com"]);
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(parse(&["--world", "x.toml", "--demo"]).is_err());
        assert!(parse(&["--world", "/no/such/world.toml"]).unwrap_err().contains("/no/such/world.toml"));
        assert!(parse(&["--cert-dir", "/tmp/certs"]).unwrap_err().contains("--tls"));
        assert!(parse(&["--eml-tree", "nonsense"]).unwrap_err().contains("ADDRESS=DIR"));
        assert!(parse(&["--messages", "5"]).is_err());
        assert!(parse(&["--reinfer-bucket", "mail"]).unwrap_err().contains("OWNER/NAME"));
        assert!(parse(&[]).unwrap().world.mailboxes.len() > 3);
    }
}
