//! Who is asking: authentication as Exchange behind IIS does it.

/// The proven origin of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A person or service account, by its primary address.
    User {
        /// The primary address, in lower case.
        account: String,
    },
    /// An application with permissions of its own (an app-only token).
    App {
        /// The application (client) id.
        client_id: String,
        /// The tenant it is registered in.
        tenant: String,
    },
}
