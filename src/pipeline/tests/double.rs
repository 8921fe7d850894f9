//! A mailbox in memory that keeps a log, and a sink in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};

use crate::{
    exchange::{Error, Exchange, Verdict},
    mail::*,
    sink::{self, Body, Envelope, Sink, Stored},
};

/// A message of the double.
#[derive(Clone)]
pub struct Item {
    pub folder: String,
    pub body: Vec<u8>,
    pub search_key: Vec<u8>,
    pub read: bool,
}

#[derive(Default)]
pub struct Server {
    pub folders: Vec<String>,
    pub items: BTreeMap<String, Item>,
    /// Folder → log of changes; a cursor is `epoch:position`.
    log: HashMap<String, Vec<Logged>>,
    pub epoch: u32,
    next: u64,
    pub downloads: Vec<String>,
    pub listings: usize,
    pub lookups: usize,
    /// Listings answered from the start.
    pub beginnings: usize,
    /// Errors to give, oldest first, by method name.
    pub errors: HashMap<&'static str, Vec<Verdict>>,
    /// Bytes after which the next download of an item breaks, is announced as restarted and comes again.
    pub restarts: HashMap<String, usize>,
    /// Items that cannot be read.
    pub unreadable: Vec<String>,
    /// A folder that is listed but cannot be found.
    pub closed: Option<String>,
    /// The page, counted from 1 over all listings, that is refused.
    pub refuse_page: Option<usize>,
    /// Every cursor is refused, also a new one.
    pub cursors_die: bool,
    /// Every page is the first one again, with one and the same cursor.
    pub stands_still: bool,
}

#[derive(Clone)]
enum Logged {
    Created(String),
    Deleted(String),
    Read(String),
}

/// The double: a handle on a [`Server`].
#[derive(Clone, Default)]
pub struct Double(pub Arc<Mutex<Server>>);

impl Double {
    pub fn with_folders(names: &[&str]) -> Self {
        let double = Self::default();
        double.0.lock().unwrap().folders = names.iter().map(ToString::to_string).collect();
        double
    }

    pub fn deliver(&self, folder: &str, body: impl Into<Vec<u8>>) -> String {
        let mut server = self.0.lock().unwrap();
        server.next += 1;
        let id = format!("item-{}", server.next);
        let search_key = format!("key-{}", server.next).into_bytes();
        server.put(id.clone(), Item { folder: folder.into(), body: body.into(), search_key, read: false });
        id
    }

    pub fn relocate(&self, id: &str, folder: &str) -> String {
        let mut server = self.0.lock().unwrap();
        let item = server.take(id);
        server.next += 1;
        let id = format!("item-{}", server.next);
        server.put(id.clone(), Item { folder: folder.into(), ..item });
        id
    }

    pub fn copy(&self, id: &str, folder: &str) -> String {
        let mut server = self.0.lock().unwrap();
        let item = server.items[id].clone();
        server.next += 1;
        let id = format!("item-{}", server.next);
        server.put(id.clone(), Item { folder: folder.into(), ..item });
        id
    }

    pub fn delete(&self, id: &str) {
        self.0.lock().unwrap().take(id);
    }

    pub fn read(&self, id: &str) {
        let mut server = self.0.lock().unwrap();
        let item = server.items.get_mut(id).unwrap();
        item.read = true;
        let folder = item.folder.clone();
        server.log.entry(folder).or_default().push(Logged::Read(id.into()));
    }

    /// All cursors die.
    pub fn forget_cursors(&self) {
        self.0.lock().unwrap().epoch += 1;
    }

    pub fn fail(&self, method: &'static str, verdict: Verdict) {
        self.0.lock().unwrap().errors.entry(method).or_default().push(verdict);
    }

    pub fn downloads(&self) -> usize {
        self.0.lock().unwrap().downloads.len()
    }
}

impl Server {
    fn put(&mut self, id: String, item: Item) {
        self.log.entry(item.folder.clone()).or_default().push(Logged::Created(id.clone()));
        self.items.insert(id, item);
    }

    fn take(&mut self, id: &str) -> Item {
        let item = self.items.remove(id).unwrap();
        self.log.entry(item.folder.clone()).or_default().push(Logged::Deleted(id.into()));
        item
    }

    fn error(&mut self, method: &'static str) -> Result<(), Error> {
        match self.errors.get_mut(method).and_then(|errors| (!errors.is_empty()).then(|| errors.remove(0))) {
            Some(verdict) => Err(error(verdict)),
            None => Ok(()),
        }
    }

    fn listed(&self, id: &str) -> Option<Listed> {
        let item = self.items.get(id)?;
        Some(Listed {
            received: "2026-01-02T03:04:05Z".parse().ok(),
            size: Some(item.body.len() as u64),
            class: Some("IPM.Note".into()),
            search_key: Some(item.search_key.clone()),
            flags: Some(u32::from(item.read)),
            ..Listed::bare(ItemId(id.into()))
        })
    }
}

pub fn error(verdict: Verdict) -> Error {
    Error { verdict, attempt: "trying".into(), code: Some("ErrorTest".into()), cause: "the test said so".into(), hint: None }
}

#[async_trait]
impl Exchange for Double {
    async fn folders(&self, _: &Mailbox, _: &Hierarchy) -> Result<Hierarchy, Error> {
        let mut server = self.0.lock().unwrap();
        server.error("folders")?;
        let folders = server
            .folders
            .iter()
            .map(|name| Folder {
                id: FolderId(name.clone()),
                path: vec![name.clone()],
                class: None,
                well_known: None,
                archive: false,
                hidden: false,
                total: None,
                stamp: Some(server.log.get(name).map_or(0, Vec::len).to_string()),
            })
            .collect();
        Ok(Hierarchy { folders, ..Hierarchy::default() })
    }

    async fn page(&self, _: &Mailbox, folder: &Folder, cursor: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        tokio::task::yield_now().await;
        let mut server = self.0.lock().unwrap();
        server.listings += 1;
        if server.refuse_page == Some(server.listings) {
            return Err(error(Verdict::Later));
        }
        server.error("page")?;
        if server.closed.as_ref() == Some(&folder.id.0) {
            return Err(error(Verdict::FolderGone));
        }
        assert!(server.listings < 200, "the listing never ends");
        if server.cursors_die && cursor.is_some() {
            return Err(error(Verdict::Resync));
        }
        if server.stands_still {
            let changes = server.items.keys().filter_map(|id| server.listed(id)).map(Change::Created).collect();
            return Ok(Page { changes, cursor: Cursor("0:0".into()), last: false, certain: false });
        }
        server.beginnings += usize::from(cursor.is_none());
        let epoch = server.epoch;
        let position = match cursor {
            Some(cursor) => {
                let (at, position) = cursor.0.split_once(':').unwrap();
                if at.parse() != Ok(epoch) {
                    return Err(error(Verdict::Resync));
                }
                position.parse::<usize>().unwrap()
            }
            None => 0,
        };
        let log = server.log.get(&folder.id.0).cloned().unwrap_or_default();
        let slice: Vec<Logged> = log.iter().skip(position).take(limit).cloned().collect();
        let end = position + slice.len();
        // A net result: what is gone by now was never created, as far as a fresh listing can see.
        let changes = slice
            .into_iter()
            .filter_map(|logged| match logged {
                Logged::Created(id) => server.listed(&id).map(Change::Created),
                Logged::Deleted(id) => cursor.is_some().then_some(Change::Deleted(ItemId(id))),
                Logged::Read(id) => server.items.get(&id).map(|item| Change::ReadChanged { id: ItemId(id.clone()), read: item.read }),
            })
            .collect();
        Ok(Page { changes, cursor: Cursor(format!("{epoch}:{end}")), last: end >= log.len(), certain: false })
    }

    fn fetch(&self, _: &Mailbox, _: &Folder, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>> {
        let mut parts = Vec::new();
        let mut server = self.0.lock().unwrap();
        if let Err(error) = server.error("fetch") {
            return stream::iter([Err(error)]).boxed();
        }
        for (index, listed) in messages.iter().enumerate() {
            let id = listed.id.0.clone();
            let Some(item) = server.items.get(&id).cloned() else {
                parts.push(Ok(Part::Gone { index }));
                continue;
            };
            if server.unreadable.contains(&id) {
                let failure = Failure { code: "ErrorItemCorrupt".into(), text: "corrupt".into() };
                parts.push(Ok(Part::Unreadable { index, failure }));
                continue;
            }
            server.downloads.push(id.clone());
            let chunks = |body: &[u8]| {
                body.chunks(64 << 10).map(|chunk| Ok(Part::Mime { index, chunk: Bytes::copy_from_slice(chunk) })).collect::<Vec<_>>()
            };
            if let Some(bytes) = server.restarts.remove(&id) {
                parts.extend(chunks(&item.body[..bytes]));
                parts.push(Ok(Part::Restarted { index }));
            }
            parts.extend(chunks(&item.body));
            let properties = Box::new(Properties { subject: Some(id), read: Some(item.read), ..Properties::default() });
            parts.push(Ok(Part::Read { index, properties, origin: Origin::Mime }));
        }
        stream::iter(parts).boxed()
    }

    async fn lookup(&self, _: &Mailbox, _: &Folder, items: &[Listed]) -> Result<Vec<Lookup>, Error> {
        let mut server = self.0.lock().unwrap();
        server.lookups += items.len();
        server.error("lookup")?;
        Ok(items
            .iter()
            .map(|listed| match server.items.contains_key(&listed.id.0) {
                true => Lookup::Found(Box::new(Properties { received: "2026-01-02T03:04:05Z".parse().ok(), ..Properties::default() })),
                false => Lookup::Gone,
            })
            .collect())
    }
}

/// A sink in memory: object → bytes. A stream that broke leaves nothing.
#[derive(Clone, Default)]
pub struct MemorySink {
    pub objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    pub writes: Arc<Mutex<usize>>,
    pub failing: Arc<Mutex<bool>>,
}

#[async_trait]
impl Sink for MemorySink {
    async fn write(&self, envelope: &Envelope, body: Body) -> Result<Stored, sink::Error> {
        let failure = |cause: &str, broken| sink::Error {
            attempt: format!("storing {}", envelope.key),
            cause: cause.into(),
            hint: None,
            broken,
            refused: false,
        };
        let mut bytes = Vec::new();
        match body {
            Body::Whole(whole) => bytes.extend_from_slice(&whole),
            Body::Stream(mut stream) => {
                while let Some(chunk) = stream.next().await {
                    bytes.extend_from_slice(&chunk.map_err(|broken| failure(&broken.to_string(), true))?);
                }
            }
        }
        if *self.failing.lock().unwrap() {
            return Err(failure("no space left on device", false));
        }
        *self.writes.lock().unwrap() += 1;
        let object = format!("{}.eml", envelope.key);
        let stored = Stored {
            object: object.clone(),
            bytes: bytes.len() as u64,
            sha256: hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes)),
        };
        self.objects.lock().unwrap().insert(object, bytes);
        Ok(stored)
    }
}
