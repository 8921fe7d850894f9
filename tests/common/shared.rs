//! Things that lie beside the checkout, where they lie there: a corpus of real mail, a validator of envelopes.

use std::path::PathBuf;

/// A path in the shared folder, which the environment variable `EXCHANGE_SYNC_SHARED` names, else `../shared`. Says aloud what is skipped without it.
pub fn shared(path: &str, skipped: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("EXCHANGE_SYNC_SHARED").map_or_else(beside, PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: {skipped}, since there is no {}", found.display());
    None
}
