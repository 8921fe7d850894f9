//! A running server: started, asked where it is, ended.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::admin::Admin;
use crate::fault::Faults;
use crate::front::{EWS, Front, Gate};
use crate::graph::GRAPH;
use crate::house::House;
use crate::http::tls::Certificate;
use crate::http::{Limits, Server, ServerHandle};
use crate::life;
use crate::options::Options;
use crate::reinfer::Reinfer;
use crate::state::State;
use crate::world::World;

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The world.
    pub world: World,
    /// Mailboxes made of folders of .eml files: address and folder.
    pub eml_trees: Vec<(String, PathBuf)>,
    /// How to listen and whom to let in.
    pub options: Options,
}

impl From<World> for Launch {
    fn from(world: World) -> Self {
        Self { world, ..Self::default() }
    }
}

/// A running server. Dropping it ends it at once; [`Simulator::shutdown`] lets answers under way finish for a moment.
#[derive(Debug)]
pub struct Simulator {
    state: Arc<State>,
    plain: Option<ServerHandle>,
    address: SocketAddr,
    front: Arc<Front<House>>,
    limits: Limits,
    tls: Option<ServerHandle>,
    admin: Option<ServerHandle>,
    certificate: Option<Arc<Certificate>>,
    life: Life,
}

/// The task behind what happens by itself.
#[derive(Debug)]
struct Life(JoinHandle<()>);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Simulator {
    /// Builds the world and begins to serve it.
    ///
    /// # Errors
    /// A text saying which key of the world is wrong, which file cannot be read, or which address cannot be listened on.
    pub async fn start(launch: impl Into<Launch>) -> Result<Self, String> {
        let Launch { world, eml_trees, options } = launch.into();
        let built = world.build(&eml_trees)?;
        let gate = Gate::new(world.limits.clone(), options.record.as_deref()).map_err(|error| format!("the record: {error}"))?;
        let [least, most] = built.latency;
        gate.delay_answers(least, most);
        let state = Arc::new(State {
            store: built.store,
            accounts: built.accounts,
            options,
            quirks: built.quirks,
            faults: Faults::new(world.faults.clone(), world.seed),
            counters: crate::counters::Counters::default(),
            gate,
            subscriptions: crate::ews::Subscriptions::default(),
            graph: crate::graph::Memory::default(),
            reinfer: built.reinfer,
        });
        let options = &state.options;
        let limits = Limits { body: usize::try_from(options.max_request).unwrap_or(usize::MAX), idle: options.idle, ..Limits::default() };
        let text = |error: std::io::Error| error.to_string();
        let front = Arc::new(Front::new(Arc::new(House(state.clone()))));
        let plain = Server::bind(options.listen).await.map_err(text)?.with_limits(limits.clone());
        let (mut tls, mut certificate) = (None, None);
        if let Some(address) = options.tls_listen {
            let made = Arc::new(Certificate::generate(&options.names).map_err(text)?);
            if let Some(folder) = &options.cert_dir {
                made.write(folder).map_err(text)?;
            }
            tls = Some(Server::bind(address).await.map_err(text)?.with_limits(limits.clone()).with_tls(made.clone()));
            certificate = Some(made);
        }
        let admin = match options.admin {
            Some(address) => Some(Server::bind(address).await.map_err(text)?),
            None => None,
        };
        // Every address is bound before any is served: a failure leaves nothing running.
        let life = Life(tokio::spawn(life::live(built.rates, world.seed)));
        Ok(Self {
            address: plain.address(),
            plain: Some(plain.start(front.clone())),
            tls: tls.map(|server| server.start(front.clone())),
            admin: admin.map(|server| server.start(Arc::new(Admin::new(state.clone())))),
            certificate,
            life,
            state,
            front,
            limits,
        })
    }

    /// Ends the plain address at once, with every connection to it: what comes now is refused. What the server holds stays.
    pub async fn go_down(&mut self) {
        if let Some(plain) = self.plain.take() {
            plain.kill().await;
        }
    }

    /// Serves the plain address again, to clients that have to connect and log in anew.
    ///
    /// # Errors
    /// When somebody else took the address meanwhile.
    pub async fn come_up(&mut self) -> Result<(), String> {
        if self.plain.is_none() {
            let server = Server::bind(self.address).await.map_err(|error| error.to_string())?;
            self.plain = Some(server.with_limits(self.limits.clone()).start(self.front.clone()));
        }
        Ok(())
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of EWS.
    pub fn ews_url(&self) -> String {
        self.url() + EWS
    }

    /// The address of Microsoft Graph.
    pub fn graph_url(&self) -> String {
        self.url() + GRAPH
    }

    /// The base of the Communications Mining API, as a user configures it: it ends in `/api/`.
    pub fn reinfer_url(&self) -> String {
        self.url() + "/api/"
    }

    /// A token for it: the first of the world's.
    pub fn reinfer_token(&self) -> Option<String> {
        self.state.reinfer.tokens().into_iter().next().map(|token| token.token)
    }

    /// What was sent to it.
    pub fn reinfer(&self) -> &Reinfer {
        &self.state.reinfer
    }

    /// Where it listens with TLS: `https://localhost:PORT`.
    pub fn tls_url(&self) -> Option<String> {
        self.tls.as_ref().map(|server| format!("https://localhost:{}", server.address().port()))
    }

    /// Where the admin API listens.
    pub fn admin_url(&self) -> Option<String> {
        self.admin.as_ref().map(ServerHandle::url)
    }

    /// The certificate of the authority behind the TLS address, as PEM.
    pub fn ca_pem(&self) -> Option<&str> {
        self.certificate.as_ref().map(|certificate| certificate.ca_pem())
    }

    /// Everything it knows: tests may look, deliver and break things directly.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Ends it, letting answers under way finish for a moment.
    pub async fn shutdown(self) {
        drop(self.life);
        for server in [self.plain, self.tls, self.admin].into_iter().flatten() {
            server.shutdown().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_started_server_says_where_it_is() {
        let options = Options { tls_listen: Some(Options::default().listen), admin: Some(Options::default().listen), ..Options::default() };
        let simulator = Simulator::start(Launch { world: World::uniform(1, 10), options, ..Launch::default() }).await.unwrap();
        assert!(simulator.ews_url().starts_with("http://127.0.0.1:") && simulator.ews_url().ends_with("/EWS/Exchange.asmx"));
        assert_eq!(simulator.graph_url(), simulator.url() + "/v1.0");
        assert_eq!(simulator.reinfer_url(), simulator.url() + "/api/");
        assert_eq!(simulator.reinfer_token().as_deref(), Some("reinfer-token"));
        assert!(simulator.reinfer().bucket("acme/mail").is_some());
        assert!(simulator.tls_url().unwrap().starts_with("https://localhost:"));
        assert!(simulator.ca_pem().unwrap().contains("BEGIN CERTIFICATE"));
        let taken = simulator.address;
        let again = Options { listen: taken, ..Options::default() };
        let error = Simulator::start(Launch { options: again, ..Launch::default() }).await.unwrap_err();
        assert!(error.contains(&taken.to_string()), "{error}");
        simulator.shutdown().await;
    }

    #[tokio::test]
    async fn a_server_that_was_down_is_at_the_same_address_with_the_same_mail() {
        let mut simulator = Simulator::start(World::uniform(1, 10)).await.unwrap();
        let mut open = tokio::net::TcpStream::connect(simulator.address).await.unwrap();
        simulator.go_down().await;
        assert!(tokio::net::TcpStream::connect(simulator.address).await.is_err());
        let mut rest = Vec::new();
        let ended = tokio::io::AsyncReadExt::read_to_end(&mut open, &mut rest).await;
        assert!(ended.is_err() || rest.is_empty(), "the connection ended");
        simulator.come_up().await.unwrap();
        assert!(tokio::net::TcpStream::connect(simulator.address).await.is_ok());
        assert_eq!(simulator.state().store.mailboxes().len(), 1);
        simulator.shutdown().await;
    }
}
