//! A page of a folder's changes.

use super::{
    desk::Set,
    gate::Kind,
    operation::sync_folder_items::{self, FEWEST},
    retry::Failed,
    session::Session,
    trouble::Trouble,
    verdict::{Action, Scope},
};
use crate::{
    exchange::Error,
    mail::{Cursor, Folder, Page},
};

impl Session {
    /// The changes in a folder since `cursor`, at most `limit`.
    pub async fn page(&self, folder: &Folder, cursor: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        let failed =
            |failed: Failed| failed.into_error(Scope::Folder, format!("listing {} of {}", folder.path.join("/"), self.desk.mailbox));
        let mut limit = limit;
        let state = cursor.map(|cursor| cursor.0.as_str());
        let messages = loop {
            let answer = self
                .ask_for(Set::Items, FEWEST, Kind::Sync, &|_, level| sync_folder_items::request(&folder.id.0, level, state, limit))
                .await;
            match answer {
                Err(trouble) if trouble.action == Some(Action::Smaller) && limit > 1 => limit = limit.min(512) / 2,
                // The server breaks down over something on the page: smaller ones get past it, or come close. Each has had its retries.
                Err(trouble) if trouble.action == Some(Action::Suspect) && limit > 1 => limit = (limit.min(512) / 8).max(1),
                other => break other.map_err(failed)?,
            }
        };
        let Some(mut page) = messages.first().and_then(sync_folder_items::read) else {
            let trouble = Trouble::Broken("the page came without a SyncState".into());
            return Err(failed(Failed { trouble, action: Some(Action::Retry) }));
        };
        // A page that brings nothing and leads nowhere is the last, whatever it says.
        page.last |= page.changes.is_empty() && state == Some(page.cursor.0.as_str());
        Ok(page)
    }
}
