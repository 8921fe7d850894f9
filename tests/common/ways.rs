//! The ways into a mailbox, as the program has them, against a test server.

use std::sync::Arc;

use exchange_simulator::world::AppSpec;
use exchange_sync::{
    auth::{Login, Secret, oauth},
    exchange::{
        Exchange,
        ews::{self, Ews, transport},
        graph::{self, Graph},
    },
    mail::{Address, Bucket, Mailbox},
    watch::Events,
};
use url::Url;

use super::{SERVICE, Server};

/// The application that may read every mailbox by Graph.
pub const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
/// Its secret.
pub const SECRET: &str = "a secret~+/=&";
/// Its tenant.
pub const TENANT: &str = "example.com";

/// A way into a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// EWS, impersonating.
    Ews,
    /// Graph, by what changed.
    Graph,
    /// Graph where nobody tells what changed, as in the cloud of China.
    GraphListing,
}

/// All of them.
pub const WAYS: [Way; 3] = [Way::Ews, Way::Graph, Way::GraphListing];

/// The application, as a world knows it.
pub fn app() -> AppSpec {
    AppSpec { client_id: CLIENT.into(), tenant: TENANT.into(), secrets: vec![SECRET.into()], ..AppSpec::default() }
}

impl Way {
    /// Opens this way to the server.
    pub fn open(self, server: &Server) -> Arc<dyn Exchange> {
        match self {
            Self::Ews => {
                let endpoint = Url::parse(&server.simulator.ews_url()).unwrap();
                let login = Login { user: SERVICE.0.into(), password: Secret::new(SERVICE.1) };
                let transport =
                    transport::Transport::new(transport::Settings::new(endpoint), transport::Credentials::Basic(login)).unwrap();
                let settings = ews::Settings { access: ews::Access::Impersonation, ..ews::Settings::default() };
                Arc::new(Ews::new(settings, Arc::new(transport), Events::new()))
            }
            Self::Graph | Self::GraphListing => {
                let base = server.simulator.url();
                let tokens = oauth::Tokens::new(oauth::Settings {
                    authority: format!("{base}/{TENANT}/"),
                    client_id: CLIENT.into(),
                    proof: oauth::Proof::Secret(Secret::new(SECRET)),
                    scope: "https://graph.microsoft.com/.default".into(),
                });
                let settings = graph::Settings { endpoint: base, delta: self == Self::Graph };
                Arc::new(Graph::new(settings, Arc::new(tokens.unwrap()), Events::new()).unwrap())
            }
        }
    }
}

/// A mailbox of the server, to be read.
pub fn mailbox(address: &str) -> Mailbox {
    Mailbox { address: Address::new(address), bucket: Bucket { owner: "acme".into(), name: "mail".into() }, archive: false }
}
