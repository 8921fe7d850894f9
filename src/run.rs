//! The composition root: the only room that names every other and wires it.

mod actions;
mod identity;
mod quarantine;
mod reload;
mod restarts;
mod scratch;
mod stores;
mod verify;

use std::{
    future::Future,
    io::{self, Write},
    sync::Arc,
};

use chrono::Utc;
use exchange_sync_tui::{mask, text};
use futures::StreamExt;
use tokio::sync::watch;
use url::Url;

use crate::{
    auth::{Login, Secret, oauth},
    cli::{
        Destination, Place, Progress, RunArgs,
        console::{Console, columns, say_in_time, settle},
        progress::{self, Record},
        summary,
    },
    config::{self, Access, Api, Auth, Config, Credential, Env, FolderPath, Lookout, MailboxSettings, StartFrom},
    event::Event,
    exchange::{
        Exchange,
        ews::{self, Ews, transport},
        graph::{self, Graph},
    },
    mail::{Address, Mailbox},
    outcome::Outcome,
    pipeline::{FilterSet, Filters, FolderName, Limits, Mode, Participants, Pipeline, Reconcile, Schedule, Subscription, roster},
    server,
    watch::Events,
};

use self::{
    actions::{Actions, Present},
    reload::InForce,
    stores::{Stores, Tuning},
};

pub use self::{quarantine::quarantine, restarts::Restarts, verify::verify};

/// Mailboxes read at the same time by EWS: all of them lean on the customer's own server.
const MAILBOXES: usize = 16;

/// Mailboxes read at the same time by Graph, which grants each mailbox a rate of its own: together they are as fast as there are many.
const GRAPH_MAILBOXES: usize = 64;

/// Folders of one mailbox read at the same time.
const FOLDERS: usize = 2;

/// Batches of one folder downloaded at the same time. With [`FOLDERS`] this stays within what Exchange grants one mailbox.
const BATCHES: usize = 2;

/// What a token for EWS is asked for (Microsoft identity platform; EWS "Authenticate an EWS application by using OAuth").
const EWS_SCOPE: &str = "https://outlook.office365.com/.default";

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Unready {
    /// The configuration asks for something that this version or this machine cannot do.
    #[error("{0}")]
    Configuration(String),
    /// The place to copy into, or that of cursors and catalog, cannot be used.
    #[error("{0}")]
    Place(String),
}

impl Unready {
    /// The process's exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Configuration(_) => 2,
            Self::Place(_) => 4,
        }
    }
}

/// Copies mailboxes until they are read to their end (`once`), or until `shutdown` is ready. What is under way then is given the grace to be stored; what
/// remains is dropped: it was not yet recorded, so the next run fetches it again. What `lookout` finds takes the place of `config` meanwhile.
pub async fn run(
    args: &RunArgs,
    config: Config,
    lookout: Option<Lookout>,
    env: &Env,
    console: &Console,
    shutdown: impl Future<Output = ()>,
) -> Result<Outcome, Unready> {
    let progress = args.progress.here().map_err(Unready::Configuration)?;
    let screen = args.screen.settings(true, args.mask, console).map_err(Unready::Configuration)?;
    if let Some(recording) = &args.record {
        recording.ready().map_err(Unready::Configuration)?;
    }
    // A port that is taken is told before anything is touched.
    let listening = match args.bind {
        Some(address) => Some(server::bind(address).await.map_err(|unbound| Unready::Configuration(unbound.to_string()))?),
        None => None,
    };
    let events = Events::new();
    events.status().introduce(identity::identity(args, &config), args.mask);
    let serving = listening.map(|listening| {
        tracing::info!(address = %listening.address(), "serving health, metrics and status");
        let token = env.var(server::TOKEN).map(Secret::new);
        events.status().takes_actions(token.is_some());
        listening.serve(server::Settings { events: events.clone(), token, mask: args.mask })
    });
    let exchange = exchange(&config, &events)?;
    let tuning = Tuning::of(&config);
    let stores = stores::open(args, &tuning, env, &events).await?;
    let pipeline = pipeline(args, &config, exchange, &stores, &events);
    let record = args.record.as_ref().map(Record::begin).transpose().map_err(Unready::Configuration)?;
    let interface = match &config.api {
        Api::Ews(url) => url.as_str(),
        Api::Graph(graph) => graph.endpoint.as_str(),
    };
    tracing::info!(interface, mailboxes = subscriptions(args, &config).len(), to = %args.destination, once = args.once, "starting");

    let started = std::time::Instant::now();
    let end = pipeline.end();
    let present = watch::Sender::new(Present { config: Arc::new(config), pipeline });
    let hands = Arc::new(Actions::new(args, env, &events, present.subscribe()));
    let wanted = progress::Wanted { progress, screen, record, console, hands: hands.clone() };
    let mut view = progress::start(&events, wanted).map_err(Unready::Configuration)?;
    if let Some(serving) = &serving {
        serving.begun(hands.clone());
    }
    let in_force = InForce { args: args.clone(), present, tuning, events: events.clone() };
    let finished = {
        let mut rounds = std::pin::pin!(roster(reload::assignments(in_force, lookout)));
        let drain = async { while rounds.next().await.is_some() {} };
        let stop = async {
            tokio::select! {
                () = shutdown => {}
                () = view.attend() => {}
            }
        };
        tokio::select! {
            () = drain => true,
            () = stop => {
                events.tell(Event::StopBegun);
                let left = end.under_way();
                if left > 0 && tokio::time::timeout(args.grace, end.drain()).await.is_err() {
                    tracing::warn!(batches = end.under_way(), "what was still under way is dropped; it is fetched again by the next run");
                }
                false
            }
        }
    };
    hands.end();
    stores.flush().await;
    events.status().end();
    if let Some(serving) = serving {
        serving.stop().await;
    }
    let left = view.stop().await;
    let outcome = outcome(&events, mode(args), finished);
    if args.progress != Progress::None {
        let (messages, resume) = places(args);
        let status = &mask::masked(events.status().overview(Utc::now()), console.hides());
        let report = summary::Summary { status, elapsed: started.elapsed(), messages, resume, finished, outcome };
        let mut out = Vec::new();
        if left.nothing {
            out.extend(text::table(status, columns().unwrap_or(100).max(60)).into_bytes());
        }
        report.print(args.progress, &mut out);
        if !left.stalled && settle() {
            // That nobody is there to read it is not worth a failure.
            let _ = io::stdout().write_all(&out);
        } else {
            say_in_time(out);
        }
    }
    Ok(outcome)
}

fn pipeline(args: &RunArgs, config: &Config, exchange: Arc<dyn Exchange>, stores: &Stores, events: &Events) -> Arc<Pipeline> {
    let (sink, catalog, checkpoints) = (stores.sink.clone(), stores.catalog.clone(), stores.checkpoints.clone());
    Pipeline::new(exchange, sink, catalog, checkpoints, events.clone(), limits(args, config))
}

/// Those of this instance's mailboxes that were named; all where none was.
fn named(args: &RunArgs, config: &Config, names: &[Address]) -> Result<Vec<Subscription>, Unready> {
    let mut subscriptions = subscriptions(args, config);
    if let Some(unknown) = names.iter().find(|name| !subscriptions.iter().any(|one| one.mailbox.address == **name)) {
        return Err(Unready::Configuration(format!(
            "--mailbox {unknown}: no such mailbox is configured, enabled and of this instance's share"
        )));
    }
    subscriptions.retain(|one| names.is_empty() || names.contains(&one.mailbox.address));
    Ok(subscriptions)
}

/// Where messages and catalog are, and where to resume, as the summary tells it.
fn places(args: &RunArgs) -> (String, String) {
    let resume = |place: &Place| format!("{place}/state");
    match (&args.destination, &args.state) {
        (Destination::Files(place), None) => (format!("{place}/data"), resume(place)),
        (Destination::Files(place), Some(state)) => (format!("{place}/data, catalog in {state}/data"), resume(state)),
        (Destination::Api { endpoint, .. }, Some(state)) => (format!("{endpoint}, catalog in {state}/data"), resume(state)),
        (Destination::Api { endpoint, .. }, None) => (endpoint.to_string(), "sync states kept by the API".to_owned()),
    }
}

/// What the final status amounts to. Stopping a continuous run is its ordinary end; stopping a single pass leaves it unfinished.
fn outcome(events: &Events, mode: Mode, finished: bool) -> Outcome {
    let status = events.status();
    let mailboxes = || status.mailboxes().map(|(_, mailbox)| mailbox);
    if mailboxes().any(|mailbox| mailbox.refused) {
        Outcome::Refused
    } else if (mode == Mode::Once && !finished) || (finished && mailboxes().any(|mailbox| !mailbox.complete)) {
        Outcome::Failed
    } else if mailboxes().any(|mailbox| mailbox.quarantined > 0) {
        Outcome::Gaps
    } else {
        Outcome::Done
    }
}

fn exchange(config: &Config, events: &Events) -> Result<Arc<dyn Exchange>, Unready> {
    match &config.api {
        Api::Ews(endpoint) => ews(endpoint, config, events),
        Api::Graph(settings) => graph(settings, config, events),
    }
}

fn ews(endpoint: &Url, config: &Config, events: &Events) -> Result<Arc<dyn Exchange>, Unready> {
    let mut settings = transport::Settings::new(endpoint.clone());
    settings.verify = config.tls.verify;
    settings.ciphers = config.tls.ciphers.clone();
    let login = |login: &config::Login| Login { user: login.user.clone(), password: login.password.clone() };
    let credentials = match &config.auth {
        Auth::Ntlm(user) => transport::Credentials::Ntlm(login(user)),
        Auth::Basic(user) => transport::Credentials::Basic(login(user)),
        Auth::OAuth(app) => transport::Credentials::OAuth(tokens(app, EWS_SCOPE, events)?),
    };
    let transport = transport::Transport::new(settings, credentials).map_err(|error| Unready::Configuration(error.to_string()))?;
    let access = match config.access {
        Access::Delegate => ews::Access::Delegate,
        Access::Impersonation => ews::Access::Impersonation,
    };
    Ok(Arc::new(Ews::new(ews::Settings { access, ..ews::Settings::default() }, Arc::new(transport), events.clone())))
}

fn graph(settings: &config::Graph, config: &Config, events: &Events) -> Result<Arc<dyn Exchange>, Unready> {
    let Auth::OAuth(app) = &config.auth else {
        return Err(Unready::Configuration("Microsoft Graph knows oauth2 only".to_owned()));
    };
    let tokens = tokens(app, &settings.scope, events)?;
    let settings = graph::Settings { endpoint: settings.endpoint.to_string(), delta: settings.delta };
    Ok(Arc::new(Graph::new(settings, tokens, events.clone()).map_err(Unready::Configuration)?))
}

fn tokens(app: &config::OAuth, scope: &str, events: &Events) -> Result<Arc<oauth::Tokens>, Unready> {
    let proof = match &app.credential {
        Credential::Secret(secret) => oauth::Proof::Secret(secret.clone()),
        Credential::Certificate { pem, thumbprint } => {
            oauth::Proof::Certificate(oauth::Certificate::new(pem, thumbprint.as_deref()).map_err(Unready::Configuration)?)
        }
    };
    let settings =
        oauth::Settings { authority: app.authority.to_string(), client_id: app.client_id.clone(), proof, scope: scope.to_owned() };
    let events = events.clone();
    let tokens = oauth::Tokens::new(settings).map_err(Unready::Configuration)?;
    Ok(Arc::new(tokens.telling(move |expires| events.tell(Event::TokenIssued { expires }))))
}

fn mode(args: &RunArgs) -> Mode {
    if args.once { Mode::Once } else { Mode::Continuous }
}

fn schedule(args: &RunArgs, config: &Config) -> Schedule {
    Schedule { mode: mode(args), frequency: config.pace.between_rounds, reconcile: reconcile(args) }
}

fn reconcile(args: &RunArgs) -> Reconcile {
    match args.reconcile_every {
        None => Reconcile::AsNeeded,
        Some(period) if period.is_zero() => Reconcile::Never,
        Some(period) => Reconcile::Every(period),
    }
}

fn limits(args: &RunArgs, config: &Config) -> Limits {
    let pace = &config.pace;
    Limits {
        mailboxes: match config.api {
            Api::Ews(_) => MAILBOXES,
            Api::Graph(_) => GRAPH_MAILBOXES,
        },
        folders: FOLDERS,
        batches: BATCHES,
        batch_size: pace.batch.get(),
        messages_per_folder: pace.messages_per_folder.get(),
        message_interval: pace.between_messages,
        memory: usize::try_from(args.memory_budget).unwrap_or(usize::MAX),
    }
}

/// The mailboxes that are enabled and of this instance's share.
fn subscriptions(args: &RunArgs, config: &Config) -> Vec<Subscription> {
    let ours = |settings: &&MailboxSettings| args.shard.as_ref().is_none_or(|shard| shard.owns(&settings.mailbox.address));
    config.mailboxes.iter().filter(|settings| settings.enabled).filter(ours).map(subscription).collect()
}

fn subscription(settings: &MailboxSettings) -> Subscription {
    let names = |paths: &[FolderPath]| {
        let name = |path: &FolderPath| match path {
            FolderPath::WellKnown(id) => FolderName::WellKnown(id.clone()),
            FolderPath::Names(names) => FolderName::Path(names.clone()),
        };
        paths.iter().map(name).collect()
    };
    let wanted = settings.participant_allowlist.clone().unwrap_or_default();
    Subscription {
        mailbox: Mailbox { ..settings.mailbox.clone() },
        filters: Filters {
            start: settings.start,
            folders: FilterSet {
                allow: names(settings.folder_allowlist.as_deref().unwrap_or_default()),
                deny: names(&settings.folder_denylist),
            },
            participants: Participants {
                allow: wanted.addresses,
                allow_domains: wanted.domains,
                deny: settings.participant_denylist.addresses.clone(),
                deny_domains: settings.participant_denylist.domains.clone(),
            },
        },
        from_start: settings.start_from == StartFrom::Configured,
    }
}
