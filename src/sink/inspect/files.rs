//! Messages that are files.

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    path::Path,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{Found, Inspect, of_digest, of_length};
use crate::{
    mail::{Key, Mailbox},
    sink::{Error, Stored, layout::Layout, write_behind::blocking},
};

/// A folder that messages were copied into. It is only read.
#[derive(Clone, Debug)]
pub struct Files {
    layout: Layout,
}

impl Files {
    /// The messages under `DIR/data`.
    pub fn new(dir: &Path) -> Self {
        Self { layout: Layout::new(dir) }
    }
}

#[async_trait]
impl Inspect for Files {
    async fn inspect(&self, mailbox: &Mailbox, _key: &Key, stored: &Stored, whole: bool) -> Result<Found, Error> {
        let path = self.layout.messages(mailbox).join(&stored.object);
        let stored = stored.clone();
        let found = blocking(move || look(&path, &stored, whole)).await;
        // One file that cannot be read is damaged, and the others are looked at.
        Ok(found.unwrap_or_else(|error| Found::Differs(format!("it cannot be read: {error}"))))
    }
}

fn look(path: &Path, stored: &Stored, whole: bool) -> io::Result<Found> {
    let mut file = match File::open(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Found::Missing),
        file => file?,
    };
    let length = of_length(file.metadata()?.len(), stored);
    if !whole || length != Found::Sound {
        return Ok(length);
    }
    let (mut digest, mut block) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(of_digest(&hex::encode(digest.finalize()), stored)),
            read => digest.update(&block[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::testing::envelope;

    #[tokio::test]
    async fn what_is_there_is_told_from_what_should_be() {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = envelope("a").mailbox;
        let folder = Layout::new(dir.path()).messages(&mailbox);
        std::fs::create_dir_all(&folder).unwrap();
        let files = Files::new(dir.path());
        let stored = Stored { object: "a.eml".into(), bytes: 3, sha256: hex::encode(Sha256::digest("abc")) };
        let look = async |whole| files.inspect(&mailbox, &Key("a".into()), &stored, whole).await.unwrap();
        assert_eq!(look(true).await, Found::Missing);
        std::fs::write(folder.join("a.eml"), "abc").unwrap();
        assert_eq!((look(false).await, look(true).await), (Found::Sound, Found::Sound));
        std::fs::write(folder.join("a.eml"), "abd").unwrap();
        assert_eq!(look(false).await, Found::Sound);
        assert!(matches!(look(true).await, Found::Differs(why) if why.contains("SHA-256")));
        std::fs::write(folder.join("a.eml"), "ab").unwrap();
        assert!(matches!(look(false).await, Found::Differs(why) if why.contains("2 bytes")));
    }
}
