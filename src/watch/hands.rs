//! What watchers may have done, whether they sit before this terminal or far away.

use async_trait::async_trait;
use exchange_sync_tui::{
    Action,
    status::{Listing, Quarantined},
};

/// So many items of quarantine are shown; whoever wants more asks `quarantine list`.
pub const QUARANTINE_SHOWN: usize = 1000;

/// So many of them as are shown, and whether there are more.
pub fn listing(mut items: Vec<Quarantined>) -> Listing {
    let more = items.len() > QUARANTINE_SHOWN;
    items.truncate(QUARANTINE_SHOWN);
    Listing { items, more }
}

/// Carries actions out.
#[async_trait]
pub trait Hands: Send + Sync {
    /// Does it, or begins it where it takes long, and says in a line what was done; `Err` says why that cannot be done now. Mailboxes are named as
    /// the board shows them. Dropped where whoever asked goes away.
    async fn act(&self, action: Action) -> Result<String, String>;

    /// What is in quarantine, as it may be shown. May end after one more than [`QUARANTINE_SHOWN`], which says that there are more.
    async fn quarantine(&self) -> Result<Vec<Quarantined>, String>;
}
