//! Segments as anyone may read them, beside the one who writes: whole lines only, and nothing is repaired.

use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures::StreamExt;
use object_store::GetRange;
use tokio::runtime::Handle;

use super::{Position, files::numbers, name, number};
use crate::{
    blob::{Blobs, patiently},
    catalog::book::Fault,
};

/// Where segments are.
#[derive(Clone, Debug)]
pub(in crate::catalog) enum Look {
    /// In a folder, which need not exist.
    Folder(PathBuf),
    /// In a folder of a container.
    Container(Blobs, PathBuf),
}

impl Look {
    /// Gives each whole line behind `from` to `each`, and returns where the last one ends. Blocks.
    pub(in crate::catalog) fn lines(
        &self,
        from: Position,
        runtime: &Handle,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<Position, Fault> {
        match self {
            Self::Folder(folder) => in_folder(folder, from, each),
            Self::Container(blobs, folder) => in_container(blobs, folder, from, runtime, each),
        }
    }
}

fn in_folder(folder: &Path, from: Position, each: &mut dyn FnMut(&[u8]) -> Result<(), Fault>) -> Result<Position, Fault> {
    let numbers = match numbers(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(from),
        numbers => numbers?,
    };
    let mut end = from;
    let mut line = Vec::new();
    for segment in numbers.into_iter().filter(|number| *number >= from.segment) {
        let mut file = File::open(folder.join(name(segment)))?;
        let mut offset = if segment == from.segment { from.offset } else { 0 };
        file.seek(SeekFrom::Start(offset))?;
        let mut reader = BufReader::new(file);
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            // What does not end in a line feed is being written.
            if line.pop_if(|byte| *byte == b'\n').is_none() {
                break;
            }
            offset += read as u64;
            each(&line)?;
        }
        end = Position { segment, offset };
    }
    Ok(end)
}

fn in_container(
    blobs: &Blobs,
    folder: &Path,
    from: Position,
    runtime: &Handle,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<Position, Fault> {
    let attempt = || format!("reading the catalog in {}", folder.display());
    let found = runtime.block_on(patiently(|| async {
        let mut found = Vec::new();
        let mut items = blobs.list(folder, attempt)?;
        while let Some(item) = items.next().await {
            let item = item?;
            found.extend(item.location.filename().and_then(number).map(|number| (number, item.size)));
        }
        Ok(found)
    }));
    let mut found = found?;
    found.sort_unstable();
    let mut end = from;
    for (segment, size) in found.into_iter().filter(|(number, _)| *number >= from.segment) {
        let begin = if segment == from.segment { from.offset } else { 0 };
        let path = folder.join(name(segment));
        let bytes: Bytes = match size > begin {
            false => Bytes::new(),
            // A segment is short: a commit writes the last one as a whole.
            true => runtime.block_on(patiently(|| async {
                let range = (begin > 0).then_some(GetRange::Offset(begin));
                let Some(opened) = blobs.open(&path, range, attempt).await? else { return Ok(Bytes::new()) };
                opened.bytes().await.map_err(|error| blobs.failed(attempt(), &error))
            }))?,
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            each(line)?;
        }
        end = Position { segment, offset: begin + whole as u64 };
    }
    Ok(end)
}
