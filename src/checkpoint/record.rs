//! A state record as bytes, with a digest of its content, since a cursor that lost a few characters can be taken by a server for another one, or for
//! none, without a word.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The version of the format. A record of another version counts as none.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    version: u32,
    sha256: String,
    #[serde(borrow)]
    content: &'a RawValue,
}

/// The bytes of a record.
pub(super) fn seal<T: Serialize>(content: &T) -> serde_json::Result<Vec<u8>> {
    let content = serde_json::value::to_raw_value(content)?;
    let sha256 = hex::encode(Sha256::digest(content.get()));
    serde_json::to_vec(&Record { version: VERSION, sha256, content: &content })
}

/// What they held; `Err` tells how they are damaged.
pub(super) fn open<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let record: Record<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if record.version != VERSION {
        return Err(format!("it has format {} and this program writes format {VERSION}", record.version));
    }
    if record.sha256 != hex::encode(Sha256::digest(record.content.get())) {
        return Err("its digest does not fit its content".into());
    }
    serde_json::from_str(record.content.get()).map_err(|error| error.to_string())
}
