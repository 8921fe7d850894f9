//! How a call names a folder.

use serde::Deserialize;

use super::Refusal;
use crate::store::{FolderId, Mailbox};

/// A folder: `"inbox"`, `["Projects", "2024"]` from the top of the mailbox, both, or an id.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Place {
    /// A well-known name.
    WellKnown(String),
    /// Names from the top down.
    Path(Vec<String>),
    /// Names from a well-known folder down.
    Below {
        /// Where the path starts.
        well_known: String,
        /// Names from there down.
        #[serde(default)]
        path: Vec<String>,
    },
    /// An id as clients see it.
    Id {
        /// The id.
        id: String,
    },
}

impl Place {
    pub(super) fn find(&self, mailbox: &Mailbox) -> Result<FolderId, Refusal> {
        let (start, path) = match self {
            Self::WellKnown(name) => (name.as_str(), &[][..]),
            Self::Path(path) => ("msgfolderroot", path.as_slice()),
            Self::Below { well_known, path } => (well_known.as_str(), path.as_slice()),
            Self::Id { id } => {
                let id = FolderId::parse(id).map_err(|_| super::bad("that is no folder's id"))?;
                return Ok(mailbox.folder(id)?.id);
            }
        };
        let missing = |what: &str| Refusal { status: 404, text: format!("the mailbox {} has no folder {what:?}", mailbox.address()) };
        let mut at = mailbox.root_folder(start).ok_or_else(|| missing(start))?;
        for name in path {
            at = mailbox.child(at, name).ok_or_else(|| missing(name))?;
        }
        Ok(at)
    }
}
