//! Segments that are blobs. Each append writes the last segment anew, as a whole and only over what it was, so that readers see whole lines and a second
//! writer is found out. A copy of the last segment in a file of our own saves reading it back.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::GetRange;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use super::{
    Lines, Position,
    files::{tail, whole_lines},
    name, number,
};
use crate::{
    blob::{self, Blobs, ContentKind, Kind, Mode, next_wait, patiently},
    catalog::book::Fault,
    mail::Address,
};

/// Segments being asked for at once while all are read.
const AHEAD: usize = 3;

/// What is known of a last segment whose copy is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::catalog) struct Kept {
    number: u64,
    length: u64,
    tag: Option<String>,
}

/// The copies of last segments that are good, by their files. Kept as long as the process lives.
pub(in crate::catalog) type KeptTails = Arc<Mutex<HashMap<PathBuf, Kept>>>;

/// Where the segments of a mailbox are.
#[derive(Clone, Debug)]
pub(in crate::catalog) struct Place {
    pub(in crate::catalog) blobs: Blobs,
    pub(in crate::catalog) mailbox: Address,
    /// The folder of its segments, in the container.
    pub(in crate::catalog) folder: PathBuf,
    /// The file for the copy of the last one.
    pub(in crate::catalog) copy: PathBuf,
    pub(in crate::catalog) kept: KeptTails,
    pub(in crate::catalog) rotated_at: u64,
    /// Who took the lock away, should somebody do that.
    pub(in crate::catalog) lost: Arc<OnceLock<String>>,
}

/// The segments of one mailbox.
#[derive(Debug)]
pub(in crate::catalog) struct Segments {
    place: Place,
    runtime: Handle,
    /// Those before the last, with their lengths.
    older: Vec<(u64, u64)>,
    /// The last, as far as is known.
    last: Kept,
    /// An append of which it is not known whether it was carried out.
    doubt: Option<Doubt>,
    /// Who else writes here.
    overtaken: Option<String>,
}

#[derive(Clone, Debug)]
struct Doubt {
    number: u64,
    length: u64,
    digest: [u8; 32],
}

impl Segments {
    /// Finds the segments. The last one is copied, unless the copy at hand is good. Blocks, on a thread that may.
    pub(in crate::catalog) fn open(place: Place, runtime: Handle) -> Result<Self, Fault> {
        let mut older = runtime.block_on(listed(&place))?;
        let last = older.pop().map_or(Kept { number: 1, length: 0, tag: None }, |(number, length, tag)| Kept { number, length, tag });
        let older = older.into_iter().map(|(number, size, _)| (number, size)).collect();
        let mut segments = Self { place, runtime, older, last, doubt: None, overtaken: None };
        let known = segments.place.kept().get(&segments.place.copy).cloned();
        match known.filter(|kept| (kept.number, &kept.tag) == (segments.last.number, &segments.last.tag)) {
            Some(kept) if fs::metadata(&segments.place.copy).is_ok_and(|about| about.len() == kept.length) => segments.last = kept,
            _ => segments.copy()?,
        }
        Ok(segments)
    }

    /// Copies the last segment as it is now.
    fn copy(&mut self) -> Result<(), Fault> {
        self.place.kept().remove(&self.place.copy);
        let mut file = File::create(&self.place.copy)?;
        if self.last.tag.is_some() {
            let (blobs, path, attempt) = (&self.place.blobs, self.path(self.last.number), || self.place.reading());
            let opened = self.runtime.block_on(patiently(|| blobs.open(&path, None, attempt)))?;
            let Some(opened) = opened.filter(|opened| opened.meta.e_tag == self.last.tag) else { return Err(self.overtaken()) };
            let mut bytes = opened.into_stream();
            while let Some(chunk) = self.runtime.block_on(bytes.next()) {
                file.write_all(&chunk.map_err(|error| blobs.failed(attempt(), &error))?)?;
            }
        }
        file.flush()?;
        let file = OpenOptions::new().read(true).write(true).open(&self.place.copy)?;
        self.last.length = whole_lines(&file)?;
        if self.last.length < file.metadata()?.len() {
            tracing::warn!(mailbox = %self.place.mailbox, "the catalog's last line was torn before it came here and is cut off");
            file.set_len(self.last.length)?;
        }
        self.keep();
        Ok(())
    }

    fn keep(&self) {
        self.place.kept().insert(self.place.copy.clone(), self.last.clone());
    }

    /// The bytes of the last segment that count.
    fn content(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        File::open(&self.place.copy)?.take(self.last.length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != self.last.length {
            return Err(io::Error::other(format!("{} was shortened by somebody", self.place.copy.display())).into());
        }
        Ok(bytes)
    }

    /// A segment was written, with this content.
    fn written(&mut self, number: u64, tag: String, content: &[u8]) -> Result<(), Fault> {
        let good = self.place.kept().remove(&self.place.copy).is_some();
        let grown = good && number == self.last.number;
        if number != self.last.number {
            self.older.push((self.last.number, self.last.length));
        }
        let begin = if grown { self.last.length } else { 0 };
        self.last = Kept { number, length: content.len() as u64, tag: Some(tag) };
        self.doubt = None;
        // The lines count, whatever becomes of the copy: without one they are read back.
        let copied = (|| {
            let mut file = OpenOptions::new().write(true).create(true).truncate(!grown).open(&self.place.copy)?;
            file.seek(SeekFrom::Start(begin))?;
            file.write_all(content.get(usize::try_from(begin).unwrap_or(usize::MAX)..).unwrap_or_default())
        })();
        match copied {
            Ok(()) => self.keep(),
            Err(error) => {
                let error: io::Error = error;
                tracing::warn!(file = %self.place.copy.display(), %error, "the copy of a catalog's last segment could not be written");
            }
        }
        Ok(())
    }

    fn ready(&mut self) -> Result<(), Fault> {
        if let Some(who) = self.overtaken.as_ref().or(self.place.lost.get()) {
            return Err(Fault::Overtaken(who.clone()));
        }
        if !self.place.kept().contains_key(&self.place.copy) {
            self.copy()?;
        }
        Ok(())
    }

    fn overtaken(&mut self) -> Fault {
        let who = format!("{} was written by somebody else", self.path(self.last.number).display());
        self.doubt = None;
        self.place.kept().remove(&self.place.copy);
        self.overtaken = Some(who.clone());
        Fault::Overtaken(who)
    }

    /// Reads back what an append in doubt has left. True where it was carried out.
    fn resolve(&mut self) -> Result<bool, Fault> {
        let Some(doubt) = self.doubt.clone() else { return Ok(false) };
        let (blobs, path, attempt) = (&self.place.blobs, self.path(doubt.number), || self.place.reading());
        let found = self.runtime.block_on(patiently(|| blobs.get(&path, attempt)))?;
        match found {
            Some(found) if found.bytes.len() as u64 == doubt.length && digest(&found.bytes) == doubt.digest => {
                self.written(doubt.number, found.tag, &found.bytes)?;
                Ok(true)
            }
            Some(found) if doubt.number == self.last.number && Some(&found.tag) == self.last.tag.as_ref() => {
                self.doubt = None;
                Ok(false)
            }
            None if doubt.number != self.last.number || self.last.tag.is_none() => {
                self.doubt = None;
                Ok(false)
            }
            _ => Err(self.overtaken()),
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.place.folder.join(name(number))
    }
}

impl Place {
    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self) -> String {
        format!("reading the catalog of {}", self.mailbox)
    }
}

impl super::Segments for Segments {
    fn end(&self) -> Position {
        Position { segment: self.last.number, offset: self.last.length }
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.resolve()?;
        self.ready()
    }

    fn append(&mut self, lines: &[u8]) -> Result<(), Fault> {
        self.settle()?;
        let rotates = self.last.length >= self.place.rotated_at;
        let (number, tag, mut content) = match rotates {
            true => (self.last.number + 1, None, Vec::new()),
            false => (self.last.number, self.last.tag.clone(), self.content()?),
        };
        content.extend_from_slice(lines);
        let content = Bytes::from(content);
        let path = self.path(number);
        let (mut attempts, start) = (0, Instant::now());
        loop {
            self.doubt = Some(Doubt { number, length: content.len() as u64, digest: digest(&content) });
            let mode = tag.clone().map_or(Mode::Create, Mode::Update);
            let attempt = || format!("writing to the catalog of {}", self.place.mailbox);
            let put = self.place.blobs.put(&path, ContentKind::Lines, content.clone().into(), mode, attempt);
            let error = match self.runtime.block_on(put) {
                Ok(tag) => return self.written(number, tag, &content),
                Err(error) => error,
            };
            if !matches!(error.kind, Kind::Conflict | Kind::Missing | Kind::Later(_)) {
                self.doubt = None;
                return Err(error.into());
            }
            // It may have been carried out all the same, or another attempt of it before.
            let wait = next_wait(&error, attempts, start.elapsed());
            if let Some(wait) = wait {
                tracing::debug!(%error, ?wait, "trying again");
                self.runtime.block_on(async { tokio::time::sleep(wait).await });
            }
            if self.resolve()? {
                return Ok(());
            }
            if wait.is_none() {
                return Err(error.into());
            }
            attempts += 1;
        }
    }

    fn before(&self, position: Position) -> Result<Option<Vec<u8>>, Fault> {
        if position.segment == self.last.number {
            return Ok(tail(File::open(&self.place.copy)?, position.offset, self.last.length)?);
        }
        let size = self.older.iter().find(|(number, _)| *number == position.segment).map(|(_, size)| *size);
        if size.is_none_or(|size| position.offset > size) {
            return Ok(None);
        }
        if position.offset == 0 {
            return Ok(Some(Vec::new()));
        }
        let range = Some(GetRange::Bounded(position.offset.saturating_sub(64)..position.offset));
        let (blobs, path, attempt) = (&self.place.blobs, self.path(position.segment), || self.place.reading());
        let read = patiently(|| async {
            let Some(opened) = blobs.open(&path, range.clone(), attempt).await? else { return Ok(None) };
            opened.bytes().await.map(|bytes| Some(bytes.to_vec())).map_err(|error| blobs.failed(attempt(), &error))
        });
        Ok(self.runtime.block_on(read)?)
    }

    fn lines(&self, from: Position) -> Result<Box<dyn Lines + '_>, Fault> {
        let offset = move |number| if number == from.segment { from.offset } else { 0 };
        let wanted: Vec<(u64, u64)> =
            self.older.iter().filter(|(number, size)| *number >= from.segment && offset(*number) < *size).copied().collect();
        let opened = stream::iter(wanted).map(move |(number, _)| self.part(number, offset(number))).buffered(AHEAD);
        let mut copy = File::open(&self.place.copy)?;
        let begin = if self.last.number == from.segment { from.offset.min(self.last.length) } else { 0 };
        copy.seek(SeekFrom::Start(begin))?;
        let last = BufReader::new(copy.take(self.last.length - begin));
        Ok(Box::new(Reader {
            runtime: &self.runtime,
            opened: opened.boxed(),
            open: None,
            gathered: Vec::new(),
            read: 0,
            last,
            position: Position { segment: self.last.number, offset: begin },
        }))
    }
}

type Chunks<'a> = BoxStream<'a, Result<Bytes, blob::Error>>;

impl Segments {
    /// Begins to read a segment before the last.
    async fn part(&self, number: u64, offset: u64) -> Result<(Position, Chunks<'_>), blob::Error> {
        let (blobs, path, attempt) = (&self.place.blobs, self.path(number), || self.place.reading());
        let range = (offset > 0).then_some(GetRange::Offset(offset));
        let opened = patiently(|| blobs.open(&path, range.clone(), attempt)).await?;
        let bytes = match opened {
            Some(opened) => opened.into_stream().map_err(move |error| blobs.failed(attempt(), &error)).boxed(),
            // Taken away while we read: as if it had never been there.
            None => stream::empty().boxed(),
        };
        Ok((Position { segment: number, offset }, bytes))
    }
}

/// Lines as they arrive, those of the last segment from its copy.
struct Reader<'a> {
    runtime: &'a Handle,
    opened: BoxStream<'a, Result<(Position, Chunks<'a>), blob::Error>>,
    open: Option<(Position, Chunks<'a>)>,
    /// What arrived, of which so much is read.
    gathered: Vec<u8>,
    read: usize,
    last: BufReader<io::Take<File>>,
    position: Position,
}

impl Reader<'_> {
    /// The next line of the open segment; none where it is at its end.
    fn arrived(&mut self, line: &mut Vec<u8>) -> Result<Option<Position>, Fault> {
        let Some((position, chunks)) = &mut self.open else { return Ok(None) };
        let mut searched = self.read;
        loop {
            let unread = self.gathered.get(searched..).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unread) {
                let end = searched + at;
                line.extend_from_slice(&self.gathered[self.read..end]);
                position.offset += (end + 1 - self.read) as u64;
                self.read = end + 1;
                return Ok(Some(*position));
            }
            searched = self.gathered.len();
            match self.runtime.block_on(chunks.next()) {
                Some(chunk) => {
                    self.gathered.drain(..self.read);
                    searched -= self.read;
                    self.read = 0;
                    self.gathered.extend_from_slice(&chunk?);
                }
                None => {
                    let rest = self.gathered.split_off(self.read);
                    self.gathered.clear();
                    self.read = 0;
                    position.offset += rest.len() as u64;
                    let position = *position;
                    self.open = None;
                    line.extend_from_slice(&rest);
                    return Ok((!rest.is_empty()).then_some(position));
                }
            }
        }
    }
}

impl Lines for Reader<'_> {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Position>, Fault> {
        loop {
            line.clear();
            if let Some(position) = self.arrived(line)? {
                return Ok(Some(position));
            }
            match self.runtime.block_on(self.opened.next()) {
                Some(opened) => self.open = Some(opened?),
                None => break,
            }
        }
        let read = self.last.read_until(b'\n', line)?;
        if read == 0 {
            return Ok(None);
        }
        self.position.offset += read as u64;
        line.pop_if(|byte| *byte == b'\n');
        Ok(Some(self.position))
    }
}

/// The segments with their sizes and tags, ascending.
async fn listed(place: &Place) -> Result<Vec<(u64, u64, Option<String>)>, blob::Error> {
    let attempt = || format!("opening the catalog of {}", place.mailbox);
    let found = patiently(|| async {
        let mut found = Vec::new();
        let mut items = place.blobs.list(&place.folder, attempt)?;
        while let Some(item) = items.next().await {
            let item = item?;
            found.extend(item.location.filename().and_then(number).map(|number| (number, item.size, item.e_tag)));
        }
        Ok(found)
    });
    let mut found = found.await?;
    found.sort_unstable_by_key(|(number, ..)| *number);
    Ok(found)
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests;
