//! For tests: a store in memory whose answers are lost, or refused, as a script says.

use std::{
    collections::VecDeque,
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
    client::{HttpError, HttpErrorKind},
    memory::InMemory,
    path::Path,
};

use super::service::Unreached;

/// What becomes of a request.
pub(crate) enum Fate {
    /// It is carried out, and its answer arrives.
    Good,
    /// It never arrives.
    Lost,
    /// It is carried out, but nobody hears of it.
    Unheard,
    /// Something else happens before it is carried out.
    After(Box<dyn FnOnce(&InMemory) + Send>),
}

/// The store.
#[derive(Default)]
pub(crate) struct Faulty {
    pub(crate) memory: Arc<InMemory>,
    puts: Mutex<VecDeque<Fate>>,
    gets: Mutex<VecDeque<Fate>>,
    reads: AtomicUsize,
}

impl Faulty {
    pub(crate) fn over(memory: Arc<InMemory>) -> Arc<Self> {
        Arc::new(Self { memory, ..Self::default() })
    }

    /// The fates of the next writes; those after them are good.
    pub(crate) fn next_puts(&self, fates: impl IntoIterator<Item = Fate>) {
        self.puts.lock().unwrap().extend(fates);
    }

    /// How many blobs were read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// What was still to come does not.
    pub(crate) fn good(&self) {
        self.puts.lock().unwrap().clear();
        self.gets.lock().unwrap().clear();
    }

    /// The fates of the next reads.
    pub(crate) fn next_gets(&self, fates: impl IntoIterator<Item = Fate>) {
        self.gets.lock().unwrap().extend(fates);
    }
}

fn lost() -> object_store::Error {
    let source = Box::new(HttpError::new(HttpErrorKind::Timeout, Unreached("the line is dead".into())));
    object_store::Error::Generic { store: "faulty", source }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let fate = self.puts.lock().unwrap().pop_front().unwrap_or(Fate::Good);
        match fate {
            Fate::Good => self.memory.put_opts(location, payload, opts).await,
            Fate::Lost => Err(lost()),
            Fate::Unheard => self.memory.put_opts(location, payload, opts).await.and(Err(lost())),
            Fate::After(what) => {
                what(&self.memory);
                self.memory.put_opts(location, payload, opts).await
            }
        }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.memory.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let fate = self.gets.lock().unwrap().pop_front().unwrap_or(Fate::Good);
        match fate {
            Fate::Good => {}
            Fate::Lost | Fate::Unheard => return Err(lost()),
            Fate::After(what) => what(&self.memory),
        }
        self.memory.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.memory.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.memory.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.memory.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.memory.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.memory.copy_opts(from, to, options).await
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}
