//! The configuration as written: every key, with the words that `config schema` shows.

use super::{
    json,
    object::{Entries, List, Member, Object, Record, record},
    written::{Folder, Seconds, Truth, Whole, choice},
};

choice! {
    /// The interface to read mailboxes by
    ApiName { Ews = "ews", Graph = "graph" }
}

choice! {
    /// How to log in
    AuthName { Ntlm = "ntlm", Basic = "basic", Oauth2 = "oauth2" }
}

choice! {
    /// On whose behalf mailboxes are read
    AccessName { Delegate = "delegate", Impersonation = "impersonation" }
}

choice! {
    /// Where reading a mailbox starts
    StartName { Bucket = "bucket", Config = "config" }
}

pub(super) type Port = Whole<1, 65_535>;

record! {
    /// The configuration of exchange-sync
    RawConfig {
        /// The interface to read mailboxes by
        #[schemars(extend("default" = "ews"))]
        microsoft_api: ApiName,
        /// EWS: the full URL of the service; wins over host and port
        ews_endpoint: String,
        /// EWS: the server, optionally with a scheme and a path; REINFER_EWS_HOST wins over it
        host: String,
        /// EWS: the server's port; REINFER_EWS_PORT wins over it
        #[schemars(extend("default" = 80))]
        port: Port,
        /// Graph: its root, such as `https://graph.microsoft.us`; without it the one of the cloud that auth_oauth_authority belongs to
        graph_endpoint: String,
        /// How to log in; without it ntlm for EWS and oauth2 for Graph
        auth_type: AuthName,
        /// ntlm and basic: DOMAIN\user or a user principal name; REINFER_EWS_AUTH_USER wins over it
        auth_user: String,
        /// ntlm and basic: the password; better set by REINFER_EWS_AUTH_PASS, which wins over it
        auth_password: String,
        /// oauth2: the tenant's authority, such as `https://login.microsoftonline.com/TENANT/`
        auth_oauth_authority: String,
        /// oauth2: the application's client id
        auth_oauth_client_id: String,
        /// oauth2: the application's secret; excludes the private key
        auth_oauth_client_secret: String,
        /// oauth2: the application's private key as PEM text or the path of a PEM file, best with its certificate; excludes the secret
        auth_oauth_client_credential_private_key: String,
        /// oauth2: the certificate's SHA-1 thumbprint in hexadecimal; not needed where the PEM holds the certificate
        auth_oauth_client_credential_thumbprint: String,
        /// EWS: on whose behalf mailboxes are read; oauth2 needs impersonation; REINFER_EWS_ACCESS_TYPE wins over it
        #[schemars(extend("default" = "delegate"))]
        access_type: AccessName,
        /// EWS: whether the server's certificate is verified
        #[schemars(extend("default" = true))]
        ews_ssl_verify: Truth,
        /// EWS: an OpenSSL cipher list in place of the default one
        ews_ssl_ciphers: String,
        /// Seconds between two rounds over the mailboxes
        #[schemars(extend("default" = 15))]
        poll_frequency: Seconds<86_400>,
        /// Seconds between two messages of one mailbox; 0 for none
        #[schemars(extend("default" = 0.1))]
        poll_message_sleep: Seconds<3_600>,
        /// Messages written at once; 0 means one at a time
        #[schemars(extend("default" = 8))]
        max_concurrent_uploads: Whole<0, 32>,
        /// At most so many messages from one folder each round
        #[schemars(extend("default" = 2520))]
        emails_per_folder: Whole<1, 100_000>,
        /// Messages fetched together
        #[schemars(extend("default" = 80))]
        reinfer_batch_size: Whole<1, 1_000>,
        /// The mailboxes by address
        #[schemars(required)]
        mailboxes: Entries<RawMailbox>,
        /// Whom the Communications Mining API tells of a new configuration
        audit_email: String,
    }
}

record! {
    /// One mailbox and what is wanted of it
    #[schemars(rename = "Mailbox")]
    RawMailbox {
        /// Where its messages belong
        #[schemars(required)]
        bucket: RawBucket,
        /// bucket: go on from the last stored state; config: ignore it at every start and begin at start_timestamp
        #[schemars(extend("default" = "bucket"))]
        start_from: StartName,
        /// Leave out what was received before this RFC 3339 time; without it everything is copied
        start_timestamp: String,
        /// Whether the mailbox is read at all
        #[schemars(extend("default" = true))]
        enabled: bool,
        /// Only these folders and what lies below them
        folder_allowlist: List<Folder>,
        /// Not these folders, nor what lies below them; stronger than the allow-list
        folder_denylist: List<Folder>,
        /// Only messages with one of these addresses as sender or recipient
        participant_allowlist: List<String>,
        /// No message with one of these addresses; stronger than the allow-lists
        participant_denylist: List<String>,
        /// Only messages with an address of one of these domains
        participant_domain_allowlist: List<String>,
        /// No message with an address of one of these domains; stronger than the allow-lists
        participant_domain_denylist: List<String>,
        /// EWS: whether the online archive is copied too
        #[schemars(extend("default" = false))]
        archive: bool,
    }
}

record! {
    /// Where a mailbox's messages belong
    #[schemars(rename = "Bucket")]
    RawBucket {
        /// The project
        #[schemars(required)]
        owner: String,
        /// The bucket's name
        #[schemars(required)]
        name: String,
    }
}

impl Member for RawBucket {
    fn take(object: &Object<'_>, key: &'static str) -> Option<Self> {
        Record::member(object, key)
    }
}

impl Member for Entries<RawMailbox> {
    fn take(object: &Object<'_>, key: &'static str) -> Option<Self> {
        Entries::member(object, key)
    }
}

/// The path of a key of the document itself.
pub(super) fn top(key: &str) -> String {
    json::member("$", key)
}
