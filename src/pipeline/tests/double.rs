//! A mailbox in memory that keeps a log, and a sink in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
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
    pub draft: bool,
    /// What stays the same when it moves: Graph's immutable id.
    pub nature: String,
    pub received: Option<DateTime<Utc>>,
}

/// When messages are received unless a test says otherwise.
pub fn usual() -> Option<DateTime<Utc>> {
    "2026-01-02T03:04:05Z".parse().ok()
}

#[derive(Default)]
pub struct Server {
    pub folders: Vec<String>,
    /// Folders of the archive: EWS alone shows them.
    pub archive: Vec<String>,
    /// How ids are written: items are kept by their EWS ids.
    pub form: IdForm,
    /// Part of every id of this mailbox.
    pub root: String,
    /// Nothing tells whose folders they are.
    pub homeless: bool,
    pub translations: usize,
    pub described: usize,
    /// An item that leaves and comes back between two looks is told as gone and never again.
    pub drops_returned: bool,
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
    /// Each attempt at one of them.
    pub tried: Vec<String>,
    /// The download, counted down to 0, before which the server asks for a rest of ten minutes.
    pub refuse_fetch: Option<usize>,
    /// Messages a download gives before the server asks for a rest.
    pub grants: Option<usize>,
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
    /// Its EWS id and its nature.
    Deleted(String, String),
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
        let id = server.id();
        let (search_key, nature) = (format!("key of {id}").into_bytes(), server.nature());
        let (folder, body, received) = (folder.into(), body.into(), usual());
        server.put(id.clone(), Item { folder, body, search_key, read: false, draft: false, nature, received });
        id
    }

    /// Delivers a message received at another time than usual.
    pub fn deliver_at(&self, received: Option<DateTime<Utc>>, folder: &str, body: &str) -> String {
        let id = self.deliver(folder, body);
        self.0.lock().unwrap().items.get_mut(&id).unwrap().received = received;
        id
    }

    pub fn relocate(&self, id: &str, folder: &str) -> String {
        let mut server = self.0.lock().unwrap();
        let item = server.take(id);
        let id = server.id();
        server.put(id.clone(), Item { folder: folder.into(), ..item });
        id
    }

    pub fn copy(&self, id: &str, folder: &str) -> String {
        let mut server = self.0.lock().unwrap();
        let item = server.items[id].clone();
        let (id, nature) = (server.id(), server.nature());
        server.put(id.clone(), Item { folder: folder.into(), nature, ..item });
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

    /// The last change was that this item was read, and is taken back before anybody asks.
    pub fn unread(&self, id: &str) {
        let mut server = self.0.lock().unwrap();
        let item = server.items.get_mut(id).unwrap();
        item.read = false;
        let folder = item.folder.clone();
        let last = server.log.get_mut(&folder).and_then(Vec::pop);
        assert!(matches!(last, Some(Logged::Read(read)) if read == id));
    }

    /// All cursors die.
    pub fn forget_cursors(&self) {
        self.0.lock().unwrap().epoch += 1;
    }

    /// Reads the mailbox through an interface that writes ids in this form.
    pub fn speak(&self, form: IdForm) {
        self.0.lock().unwrap().form = form;
    }

    /// Changes an item, or takes it away, without telling.
    pub fn tamper(&self, id: &str, change: impl FnOnce(&mut Item) -> bool) {
        let mut server = self.0.lock().unwrap();
        if !change(server.items.get_mut(id).unwrap()) {
            server.items.remove(id);
        }
    }

    pub fn fail(&self, method: &'static str, verdict: Verdict) {
        self.0.lock().unwrap().errors.entry(method).or_default().push(verdict);
    }

    pub fn downloads(&self) -> usize {
        self.0.lock().unwrap().downloads.len()
    }
}

impl Server {
    fn id(&mut self) -> String {
        self.next += 1;
        format!("item-{}{}", self.next, self.root)
    }

    fn nature(&self) -> String {
        format!("nature-{}{}", self.next, self.root)
    }

    /// An item's id as the interface writes it.
    fn shown(&self, id: &str, nature: &str) -> ItemId {
        ItemId(match self.form {
            IdForm::Ews => id.to_owned(),
            IdForm::GraphRest => format!("rest {id}"),
            IdForm::GraphImmutable => nature.to_owned(),
        })
    }

    /// The EWS id of an item that is there.
    fn found(&self, id: &ItemId, form: IdForm) -> Option<String> {
        match form {
            IdForm::Ews => Some(id.0.clone()),
            IdForm::GraphRest => id.0.strip_prefix("rest ").map(str::to_owned),
            IdForm::GraphImmutable => self.items.iter().find(|(_, item)| item.nature == id.0).map(|(id, _)| id.clone()),
        }
        .filter(|id| self.items.contains_key(id))
    }

    /// A folder's id as the interface writes it.
    fn folder(&self, name: &str) -> FolderId {
        let id = format!("{}/{name}+", self.root);
        FolderId(if self.form == IdForm::Ews { id } else { id.replace('/', "-").replace('+', "_") })
    }

    fn put(&mut self, id: String, item: Item) {
        self.log.entry(item.folder.clone()).or_default().push(Logged::Created(id.clone()));
        self.items.insert(id, item);
    }

    fn take(&mut self, id: &str) -> Item {
        let item = self.items.remove(id).unwrap();
        self.log.entry(item.folder.clone()).or_default().push(Logged::Deleted(id.into(), item.nature.clone()));
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
            received: item.received,
            size: Some(item.body.len() as u64),
            class: Some("IPM.Note".into()),
            search_key: Some(item.search_key.clone()),
            flags: Some(u32::from(item.read) | if item.draft { 0x28 } else { 0x20 }),
            ..Listed::bare(self.shown(id, &item.nature))
        })
    }

    /// What a page tells of it: over Graph little.
    fn paged(&self, id: &str) -> Option<Listed> {
        let listed = self.listed(id)?;
        Some(match self.form {
            IdForm::Ews => listed,
            _ => Listed { received: listed.received, flags: listed.flags.map(|flags| flags & 0x9), ..Listed::bare(listed.id) },
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
        let archive = server.archive.iter().filter(|_| server.form == IdForm::Ews).map(|name| (name, true));
        let folders = server
            .folders
            .iter()
            .map(|name| (name, false))
            .chain(archive)
            .map(|(name, archive)| Folder {
                id: server.folder(name),
                path: vec![name.clone()],
                class: None,
                well_known: None,
                archive,
                hidden: false,
                total: None,
                stamp: Some(server.log.get(name).map_or(0, Vec::len).to_string()),
            })
            .collect();
        let home = Home { form: server.form, root: server.folder("root") };
        Ok(Hierarchy { folders, home: Some(home).filter(|_| !server.homeless), ..Hierarchy::default() })
    }

    async fn page(&self, _: &Mailbox, folder: &Folder, cursor: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        tokio::task::yield_now().await;
        let mut server = self.0.lock().unwrap();
        server.listings += 1;
        if server.refuse_page == Some(server.listings) {
            return Err(error(Verdict::Later));
        }
        server.error("page")?;
        let name = folder.path.join("/");
        assert_eq!(folder.id, server.folder(&name));
        if server.closed.as_ref() == Some(&name) {
            return Err(error(Verdict::FolderGone));
        }
        assert!(server.listings < 200, "the listing never ends");
        if server.cursors_die && cursor.is_some() {
            return Err(error(Verdict::Resync));
        }
        if server.stands_still {
            let changes = server.items.keys().filter_map(|id| server.paged(id)).map(Change::Created).collect();
            return Ok(Page { changes, cursor: Cursor("0:0".into()), last: false, certain: false });
        }
        server.beginnings += usize::from(cursor.is_none());
        let epoch = server.epoch;
        let graph = server.form != IdForm::Ews;
        let (position, walking) = match cursor {
            Some(cursor) => {
                let mut parts = cursor.0.split(':');
                if parts.next() != Some(&format!("{:?}", server.form)) || parts.next() != Some(&epoch.to_string()) {
                    return Err(error(Verdict::Resync));
                }
                (parts.next().unwrap().parse::<usize>().unwrap(), parts.next() == Some("walk"))
            }
            None => (0, true),
        };
        let log = server.log.get(&name).cloned().unwrap_or_default();
        let slice: Vec<Logged> = log.iter().skip(position).take(limit).cloned().collect();
        let end = position + slice.len();
        let mut left = Vec::new();
        let came: Vec<String> = slice
            .iter()
            .filter_map(|logged| match logged {
                Logged::Created(id) => Some(id.clone()),
                _ => None,
            })
            .collect();
        // A net result: what is gone by now was never created, as far as a fresh listing can see.
        let changes = slice
            .into_iter()
            .filter_map(|logged| match logged {
                Logged::Created(id) => {
                    let listed = server.paged(&id)?;
                    let dropped = server.drops_returned && !walking && left.contains(&listed.id);
                    (!dropped).then_some(if graph && !walking { Change::Updated(listed) } else { Change::Created(listed) })
                }
                Logged::Deleted(id, nature) => {
                    // Of an item that came and went since the cursor, nothing is told.
                    let told = cursor.is_some() && !came.contains(&id);
                    let id = server.shown(&id, &nature);
                    left.push(id.clone());
                    told.then_some(Change::Deleted(id))
                }
                Logged::Read(id) => {
                    server.items.get(&id).map(|item| Change::ReadChanged { id: server.shown(&id, &item.nature), read: item.read })
                }
            })
            .collect();
        let last = end >= log.len();
        let walk = if walking && !last { ":walk" } else { "" };
        Ok(Page { changes, cursor: Cursor(format!("{:?}:{epoch}:{end}{walk}", server.form)), last, certain: graph })
    }

    fn fetch(&self, _: &Mailbox, _: &Folder, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>> {
        let mut parts = Vec::new();
        let mut server = self.0.lock().unwrap();
        if let Err(error) = server.error("fetch") {
            return stream::iter([Err(error)]).boxed();
        }
        server.refuse_fetch = match server.refuse_fetch {
            Some(0) => {
                server.refuse_fetch = None;
                return stream::iter([Err(error(Verdict::WaitFor(std::time::Duration::from_secs(600))))]).boxed();
            }
            left => left.map(|left| left - 1),
        };
        for (index, listed) in messages.iter().enumerate() {
            let Some(id) = server.found(&listed.id, server.form) else {
                parts.push(Ok(Part::Gone { index }));
                continue;
            };
            let item = server.items[&id].clone();
            let whole = server.listed(&id).filter(|_| server.form != IdForm::Ews);
            if server.unreadable.contains(&id) {
                server.tried.push(id);
                let failure = Failure { code: "ErrorItemCorrupt".into(), text: "corrupt".into() };
                parts.push(Ok(Part::Unreadable { index, failure }));
                continue;
            }
            if server.grants.is_some_and(|most| parts.iter().filter(|part| matches!(part, Ok(Part::Read { .. }))).count() >= most) {
                // In the middle of a message, as it comes.
                parts.push(Ok(Part::Mime { index, chunk: Bytes::from_static(b"the beg") }));
                parts.push(Err(error(Verdict::WaitFor(std::time::Duration::from_millis(1)))));
                break;
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
            let properties = Box::new(Properties {
                subject: Some(id),
                read: Some(item.read),
                received: item.received,
                class: whole.as_ref().and_then(|whole| whole.class.clone()),
                size: whole.as_ref().and_then(|whole| whole.size),
                flags: whole.as_ref().and_then(|whole| whole.flags),
                search_key: whole.and_then(|whole| whole.search_key),
                ..Properties::default()
            });
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
            .map(|listed| match server.found(&listed.id, server.form) {
                Some(id) => {
                    let item = &server.items[&id];
                    let listed = server.listed(&id);
                    let whole = listed.as_ref().filter(|_| server.form != IdForm::Ews);
                    Lookup::Found(Box::new(Properties {
                        subject: Some(id.clone()),
                        read: Some(item.read),
                        received: item.received,
                        size: listed.as_ref().and_then(|listed| listed.size),
                        class: listed.as_ref().and_then(|listed| listed.class.clone()),
                        search_key: whole.and_then(|whole| whole.search_key.clone()),
                        flags: whole.and_then(|whole| whole.flags),
                        folder: Some(server.folder(&item.folder)).filter(|_| server.form != IdForm::Ews),
                        ..Properties::default()
                    }))
                }
                None => Lookup::Gone,
            })
            .collect())
    }

    async fn describe(&self, _: &Mailbox, _: &Folder, listed: Vec<Listed>) -> Result<Vec<Listed>, Error> {
        let mut server = self.0.lock().unwrap();
        server.error("describe")?;
        server.described += listed.len();
        let whole = |listed: Listed| server.found(&listed.id, server.form).and_then(|id| server.listed(&id)).unwrap_or(listed);
        Ok(listed.into_iter().map(whole).collect())
    }

    async fn translate(&self, _: &Mailbox, ids: &[ItemId], from: IdForm) -> Result<Vec<Option<ItemId>>, Error> {
        tokio::task::yield_now().await;
        let mut server = self.0.lock().unwrap();
        assert!(ids.len() <= 1000);
        server.translations += usize::from(!ids.is_empty());
        server.error("translate")?;
        let new = |id: &ItemId| {
            let id = server.found(id, from).filter(|_| server.form != IdForm::Ews)?;
            Some(server.shown(&id, &server.items[&id].nature))
        };
        Ok(ids.iter().map(new).collect())
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
        let failure = |cause: &str, verdict| sink::Error {
            attempt: format!("storing {}", envelope.key),
            code: None,
            cause: cause.into(),
            hint: None,
            verdict,
        };
        let mut bytes = Vec::new();
        match body {
            Body::Whole(whole, _) => bytes.extend_from_slice(&whole),
            Body::Stream(mut stream, properties) => {
                while let Some(chunk) = stream.next().await {
                    bytes.extend_from_slice(&chunk.map_err(|broken| failure(&broken.to_string(), sink::Verdict::Broken))?);
                }
                properties.await.expect("what is known of a whole message follows it");
            }
        }
        if *self.failing.lock().unwrap() {
            return Err(failure("no space left on device", sink::Verdict::Later(None)));
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
