//! Reading and writing one container's blobs.

use std::{
    fmt,
    path::{Component, Path},
    sync::Arc,
};

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions,
    PutOptions, PutPayload, UpdateVersion, path::Path as Name,
};

use super::{Error, Kind as ErrorKind, Location, remover::Remover};
use crate::sink::layout::Layout;

/// What a blob holds, as its content type tells whoever opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Lines,
    Record,
}

/// Under which condition a blob is written.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    /// Whatever is there.
    Replace,
    /// Only where there is none.
    Create,
    /// Only where it is still the one with this tag.
    Update(String),
}

/// A blob that was read.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) bytes: Bytes,
    pub(crate) tag: String,
}

/// A place in a container. Clones share connections and credentials.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    location: Arc<Location>,
    layout: Layout,
    /// How a blob is deleted, where the store has no good way of its own.
    remover: Option<Arc<Remover>>,
}

impl Blobs {
    /// Blobs of a store, such as one in memory.
    pub fn over(store: Arc<dyn ObjectStore>, location: Location) -> Self {
        let layout = Layout::new(&location.prefix);
        Self { store, location: Arc::new(location), layout, remover: None }
    }

    /// The same, with a way of its own to delete.
    pub(super) fn removing(self, remover: Remover) -> Self {
        Self { remover: Some(Arc::new(remover)), ..self }
    }

    /// Where they are.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The names of all that is kept there.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Proves that blobs can be written, read and listed under the prefix, and leaves nothing behind: a block that belongs to no blob yet is taken only
    /// from who may write.
    pub(crate) async fn prove(&self) -> Result<(), Error> {
        let attempt = || format!("opening {}", self.location);
        let name = self.name(&self.layout.data().join(".writable"), attempt)?;
        let mut upload = self.upload(&name, Kind::Record, attempt).await?;
        let written = upload.put_part(PutPayload::from_static(b"x")).await;
        written.map_err(|error| self.failed(attempt(), &error))?;
        // What is never completed is discarded by the service after a week.
        let _ = upload.abort().await;
        match self.get(&self.layout.data().join(".readable"), attempt).await {
            Ok(_) => {}
            Err(error) => return Err(error),
        }
        match self.list(&self.layout.data().join(".listable"), attempt)?.next().await {
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads a blob whole; none where there is none.
    pub(crate) async fn get(&self, path: &Path, attempt: impl Fn() -> String) -> Result<Option<Found>, Error> {
        let Some(result) = self.open(path, None, &attempt).await? else { return Ok(None) };
        let tag = self.tag(result.meta.e_tag.as_ref(), &attempt)?;
        let bytes = result.bytes().await.map_err(|error| self.failed(attempt(), &error))?;
        Ok(Some(Found { bytes, tag }))
    }

    /// Begins to read a blob, or a part of it; none where there is none.
    pub(crate) async fn open(
        &self,
        path: &Path,
        range: Option<GetRange>,
        attempt: impl Fn() -> String,
    ) -> Result<Option<GetResult>, Error> {
        self.ask(path, GetOptions { range, ..GetOptions::default() }, attempt).await
    }

    /// How long a blob is; none where there is none.
    pub(crate) async fn length(&self, path: &Path, attempt: impl Fn() -> String) -> Result<Option<u64>, Error> {
        let head = GetOptions { head: true, ..GetOptions::default() };
        Ok(self.ask(path, head, attempt).await?.map(|found| found.meta.size))
    }

    async fn ask(&self, path: &Path, options: GetOptions, attempt: impl Fn() -> String) -> Result<Option<GetResult>, Error> {
        let name = self.name(path, &attempt)?;
        match self.store.get_opts(&name, options).await {
            Ok(mut result) => {
                result.meta.e_tag = result.meta.e_tag.map(quoted);
                Ok(Some(result))
            }
            Err(error) => match self.failed(attempt(), &error) {
                Error { kind: ErrorKind::Missing, .. } => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Writes a blob whole; returns its tag.
    pub(crate) async fn put(
        &self,
        path: &Path,
        kind: Kind,
        payload: PutPayload,
        mode: Mode,
        attempt: impl Fn() -> String,
    ) -> Result<String, Error> {
        let name = self.name(path, &attempt)?;
        let mode = match mode {
            Mode::Replace => PutMode::Overwrite,
            Mode::Create => PutMode::Create,
            Mode::Update(tag) => PutMode::Update(UpdateVersion { e_tag: Some(tag), version: None }),
        };
        let options = PutOptions { mode, attributes: attributes(kind), ..PutOptions::default() };
        let put = self.store.put_opts(&name, payload, options).await.map_err(|error| self.failed(attempt(), &error))?;
        self.tag(put.e_tag.as_ref(), &attempt)
    }

    /// Begins to write a blob in blocks. Nothing of it can be seen before it is completed.
    pub(crate) async fn upload(
        &self,
        name: &Name,
        kind: Kind,
        attempt: impl Fn() -> String,
    ) -> Result<Box<dyn object_store::MultipartUpload>, Error> {
        let options = PutMultipartOptions { attributes: attributes(kind), ..PutMultipartOptions::default() };
        self.store.put_multipart_opts(name, options).await.map_err(|error| self.failed(attempt(), &error))
    }

    /// Removes a blob; there is no harm in it where there is none.
    pub(crate) async fn delete(&self, path: &Path, attempt: impl Fn() -> String) -> Result<(), Error> {
        let name = self.name(path, &attempt)?;
        let removed = match &self.remover {
            Some(remover) => remover.remove(&name).await,
            None => self.store.delete(&name).await,
        };
        match removed {
            Ok(()) => Ok(()),
            Err(error) => match self.failed(attempt(), &error) {
                Error { kind: ErrorKind::Missing, .. } => Ok(()),
                error => Err(error),
            },
        }
    }

    /// The blobs below a path.
    pub(crate) fn list<'a>(
        &self,
        path: &Path,
        attempt: impl Fn() -> String + Send + 'a,
    ) -> Result<BoxStream<'a, Result<ObjectMeta, Error>>, Error> {
        let name = self.name(path, &attempt)?;
        let this = self.clone();
        let items = self.store.list(Some(&name)).map(move |item| match item {
            Ok(item) => Ok(ObjectMeta { e_tag: item.e_tag.clone().map(quoted), ..item }),
            Err(error) => Err(this.failed(attempt(), &error)),
        });
        Ok(items.boxed())
    }

    /// A path of the layout as a blob's name.
    pub(crate) fn name(&self, path: &Path, attempt: impl Fn() -> String) -> Result<Name, Error> {
        let parts: Option<Vec<&str>> = path
            .components()
            .map(|part| match part {
                Component::Normal(part) => part.to_str(),
                _ => None,
            })
            .collect();
        let name = parts.and_then(|parts| Name::parse(parts.join("/")).ok());
        name.ok_or_else(|| Error::setting(attempt(), format!("{} cannot be the name of a blob", path.display())))
    }

    /// An error of the store, sorted.
    pub(crate) fn failed(&self, attempt: String, error: &object_store::Error) -> Error {
        Error::of(attempt, &self.location, error)
    }

    fn tag(&self, tag: Option<&String>, attempt: impl Fn() -> String) -> Result<String, Error> {
        tag.cloned()
            .ok_or_else(|| Error::setting(attempt(), "the service told no ETag of a blob, without which nothing can be guarded".into()))
    }
}

/// A tag as headers have it: listings of Azure leave out the quotes.
fn quoted(tag: String) -> String {
    if tag.ends_with('"') { tag } else { format!("\"{tag}\"") }
}

fn attributes(kind: Kind) -> Attributes {
    let content_type = match kind {
        Kind::Message => "message/rfc822",
        Kind::Lines => "application/x-ndjson",
        Kind::Record => "application/json",
    };
    Attributes::from_iter([(Attribute::ContentType, content_type)])
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.location)
    }
}
