//! Subscriptions.

use super::{Answer, Call, GraphError};

/// Answers what concerns `/subscriptions`.
pub(crate) async fn handle(_call: &Call<'_>) -> Answer {
    Err(GraphError::new(501, "notSupported", "Subscriptions are not served."))
}
