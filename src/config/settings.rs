//! A configuration that was judged good.

use std::{num::NonZeroUsize, time::Duration};

use chrono::{DateTime, Utc};
use url::Url;

use super::{Secret, cloud::Graph};
use crate::mail::{Address, Mailbox};

/// Everything a run needs to know, valid and complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The interface to read mailboxes by.
    pub api: Api,
    /// How to log in.
    pub auth: Auth,
    /// On whose behalf EWS reads.
    pub access: Access,
    /// How far a server's TLS is trusted.
    pub tls: Tls,
    /// How fast, and how much at once.
    pub pace: Pace,
    /// The mailboxes, disabled ones included, in the order of the file; no two have the same address.
    pub mailboxes: Vec<MailboxSettings>,
    /// Kept and shown; the Communications Mining API writes to it when it stores a new configuration.
    pub audit_email: Option<String>,
}

/// The interface to read mailboxes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Api {
    /// Exchange Web Services at this URL.
    Ews(Url),
    /// Microsoft Graph.
    Graph(Graph),
}

/// How to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// NTLM.
    Ntlm(Login),
    /// HTTP Basic.
    Basic(Login),
    /// OAuth 2.0 client credentials: the application itself, without a user.
    OAuth(OAuth),
}

impl Auth {
    /// Its name as the configuration writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ntlm(_) => "ntlm",
            Self::Basic(_) => "basic",
            Self::OAuth(_) => "oauth2",
        }
    }

    /// Who logs in: the user, or the application's client id.
    pub fn who(&self) -> &str {
        match self {
            Self::Ntlm(login) | Self::Basic(login) => &login.user,
            Self::OAuth(application) => &application.client_id,
        }
    }
}

/// A user and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// `DOMAIN\user` or a user principal name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// An application registered with an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth {
    /// The tenant's authority, such as `https://login.microsoftonline.com/TENANT/`; always ends with a slash.
    pub authority: Url,
    /// The application's client id.
    pub client_id: String,
    /// What proves the application to the provider.
    pub credential: Credential,
}

/// What proves an application to the identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A client secret.
    Secret(Secret),
    /// A private key whose certificate the provider knows.
    Certificate {
        /// PEM text: the private key, not encrypted, and the certificate where the file held one.
        pem: Secret,
        /// SHA-1 of the certificate as 40 upper-case hexadecimal digits. Absent only where `pem` holds the certificate.
        thumbprint: Option<String>,
    },
}

/// On whose behalf EWS reads a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// As the service user, who was given full access to the mailbox.
    #[default]
    Delegate,
    /// As the mailbox's owner, by the role ApplicationImpersonation.
    Impersonation,
}

/// How far a server's TLS is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Whether certificates are verified.
    pub verify: bool,
    /// An OpenSSL cipher list in place of the default one.
    pub ciphers: Option<String>,
}

/// How fast, and how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The pause between two rounds.
    pub between_rounds: Duration,
    /// The pause between two messages of one mailbox; zero for none.
    pub between_messages: Duration,
    /// Messages written to the sink at once. A configured 0 means one at a time and is 1 here.
    pub concurrent_writes: NonZeroUsize,
    /// At most so many messages from one folder each round.
    pub messages_per_folder: NonZeroUsize,
    /// Messages fetched together.
    pub batch: NonZeroUsize,
}

/// One mailbox and what is wanted of it.
#[derive(Clone, Debug, PartialEq)]
pub struct MailboxSettings {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Whether it is read at all.
    pub enabled: bool,
    /// Where reading starts.
    pub start_from: StartFrom,
    /// Messages received before this time are left out; absent: everything.
    pub start: Option<DateTime<Utc>>,
    /// Only these folders and what lies below them; `None`: all. Never an empty list.
    pub folder_allowlist: Option<Vec<FolderPath>>,
    /// Not these folders, nor what lies below them; stronger than the allow-list.
    pub folder_denylist: Vec<FolderPath>,
    /// Only messages of which a participant is here; `None`: all.
    pub participant_allowlist: Option<Participants>,
    /// No message of which a participant is here; stronger than the allow-list.
    pub participant_denylist: Participants,
}

/// Where reading a mailbox starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartFrom {
    /// At the last stored cursor.
    #[default]
    Stored,
    /// At `start`, whatever cursors are stored: every start of the program lists the mailbox anew.
    Configured,
}

/// A folder, named in one of two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderPath {
    /// By a well-known id in lower case, such as `inbox`, whatever the language of the mailbox.
    WellKnown(String),
    /// By display names from below the mailbox's root down, at least one.
    Names(Vec<String>),
}

/// People who write or receive messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participants {
    /// By address.
    pub addresses: Vec<Address>,
    /// By the part of the address after the `@`, in lower case; a subdomain is another domain.
    pub domains: Vec<String>,
}

impl Participants {
    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.domains.is_empty()
    }
}
