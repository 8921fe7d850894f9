//! Messages.

use super::{Answer, Call, GraphError};

/// Answers what concerns messages: below `messages`, `mailFolders/{id}/messages`, and `translateExchangeIds`.
pub(crate) async fn handle(_call: &Call<'_>) -> Answer {
    Err(GraphError::new(501, "notSupported", "Messages are not served."))
}
