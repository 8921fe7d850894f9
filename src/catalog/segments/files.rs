//! Segments that are files. What a crash left after the last line feed was never reported as written, and is cut off.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{Lines, Position, name, number};
use crate::{
    catalog::book::Fault,
    sink::durable::{Folders, sync_folder},
};

/// A segment this long is followed by a new one.
pub(in crate::catalog) const ROTATED_AT: u64 = 64 * 1024 * 1024;

/// The segments of one mailbox.
#[derive(Debug)]
pub(in crate::catalog) struct Segments {
    folder: PathBuf,
    /// The last segment.
    file: File,
    number: u64,
    /// Its length up to the last line that is durable.
    length: u64,
    /// Whether more than that may have been written.
    unsure: bool,
    rotated_at: u64,
}

impl Segments {
    /// Opens the segments of a folder for appending, and cuts off a torn last line.
    pub(in crate::catalog) fn open(folder: &Path, folders: &Folders, rotated_at: u64) -> io::Result<Self> {
        folders.make(folder)?;
        let number = numbers(folder)?.last().copied().unwrap_or(1);
        let file = appendable(&path(folder, number))?;
        sync_folder(folder)?;
        let length = whole_lines(&file)?;
        let unsure = file.metadata()?.len() > length;
        let mut segments = Self { folder: folder.to_owned(), file, number, length, unsure, rotated_at };
        if unsure {
            tracing::warn!(folder = %folder.display(), "the catalog's last line was torn by a crash and is cut off");
            segments.cut()?;
        }
        Ok(segments)
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.cut()?;
        if self.length >= self.rotated_at {
            self.rotate()?;
        }
        self.unsure = true;
        self.file.write_all(lines)?;
        self.file.sync_data()?;
        self.length += lines.len() as u64;
        self.unsure = false;
        Ok(())
    }

    /// Takes back what an append that failed may have left.
    fn cut(&mut self) -> io::Result<()> {
        if self.unsure {
            self.file.set_len(self.length)?;
            self.file.sync_data()?;
            self.unsure = false;
        }
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let number = self.number + 1;
        let file = appendable(&path(&self.folder, number))?;
        sync_folder(&self.folder)?;
        (self.file, self.number, self.length) = (file, number, 0);
        Ok(())
    }
}

impl super::Segments for Segments {
    fn end(&self) -> Position {
        Position { segment: self.number, offset: self.length }
    }

    fn settle(&mut self) -> Result<(), Fault> {
        Ok(self.cut()?)
    }

    fn append(&mut self, lines: &[u8]) -> Result<(), Fault> {
        Ok(self.write(lines)?)
    }

    fn before(&self, position: Position) -> Result<Option<Vec<u8>>, Fault> {
        let file = match File::open(path(&self.folder, position.segment)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let length = if position.segment == self.number { self.length } else { file.metadata()?.len() };
        Ok(tail(file, position.offset, length)?)
    }

    fn lines(&self, from: Position) -> Result<Box<dyn Lines + '_>, Fault> {
        let mut left: Vec<u64> =
            numbers(&self.folder)?.into_iter().filter(|number| *number >= from.segment && *number <= self.number).collect();
        left.reverse();
        Ok(Box::new(Reader { folder: self.folder.clone(), left, end: super::Segments::end(self), from, open: None }))
    }
}

/// Up to 64 bytes of a file before an offset, none where it is beyond the length that counts.
pub(super) fn tail(mut file: File, offset: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
    if offset > length {
        return Ok(None);
    }
    let from = offset.saturating_sub(64);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(offset - from).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Lines being read, one at a time.
struct Reader {
    folder: PathBuf,
    left: Vec<u64>,
    end: Position,
    from: Position,
    open: Option<(BufReader<io::Take<File>>, Position)>,
}

impl Lines for Reader {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Position>, Fault> {
        loop {
            if let Some((reader, position)) = &mut self.open {
                line.clear();
                let read = reader.read_until(b'\n', line)?;
                if read > 0 {
                    position.offset += read as u64;
                    line.pop_if(|byte| *byte == b'\n');
                    return Ok(Some(*position));
                }
                self.open = None;
            }
            let Some(segment) = self.left.pop() else { return Ok(None) };
            let mut file = File::open(path(&self.folder, segment))?;
            let offset = if segment == self.from.segment { self.from.offset } else { 0 };
            let end = if segment == self.end.segment { self.end.offset } else { u64::MAX };
            file.seek(SeekFrom::Start(offset))?;
            self.open = Some((BufReader::new(file.take(end.saturating_sub(offset))), Position { segment, offset }));
        }
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(name(number))
}

fn appendable(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// The segments' numbers, ascending.
pub(super) fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The length of a file up to its last line feed.
pub(super) fn whole_lines(mut file: &File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut block = [0; 8192];
    while end > 0 {
        let from = end.saturating_sub(block.len() as u64);
        let part = &mut block[..usize::try_from(end - from).map_err(io::Error::other)?];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::segments::Segments as _;

    fn open(dir: &Path, rotated_at: u64) -> Segments {
        Segments::open(dir, &Folders::under(dir), rotated_at).unwrap()
    }

    fn all(segments: &Segments, from: Position) -> Vec<String> {
        let (mut lines, mut line, mut found) = (segments.lines(from).unwrap(), Vec::new(), Vec::new());
        while lines.next(&mut line).unwrap().is_some() {
            found.push(String::from_utf8(line.clone()).unwrap());
        }
        found
    }

    #[test]
    fn a_torn_last_line_is_cut_off_wherever_it_was_torn() {
        let dir = tempfile::tempdir().unwrap();
        let long = format!("{}\n", "x".repeat(20_000));
        open(dir.path(), 100_000).append(b"first\n").unwrap();
        for kept in [0, 1, 8191, 8192, 8193, 20_000] {
            let mut segments = open(dir.path(), 100_000);
            segments.append(long.as_bytes()).unwrap();
            let torn = 6 + kept;
            segments.file.set_len(torn).unwrap();
            let segments = open(dir.path(), 100_000);
            assert_eq!(segments.end(), Position { segment: 1, offset: 6 });
            assert_eq!(segments.file.metadata().unwrap().len(), 6);
            assert_eq!(all(&segments, Position::default()), ["first"]);
        }
    }

    #[test]
    fn long_segments_are_followed_by_new_ones() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = open(dir.path(), 10);
        let mut ends = vec![];
        for text in ["one\n", "two and more\n", "three\n"] {
            segments.append(text.as_bytes()).unwrap();
            ends.push(segments.end());
        }
        assert_eq!(ends[2], Position { segment: 2, offset: 6 });
        let segments = open(dir.path(), 10);
        assert_eq!(all(&segments, Position::default()), ["one", "two and more", "three"]);
        assert_eq!(all(&segments, ends[1]), ["three"]);
        assert_eq!(segments.before(ends[2]).unwrap().unwrap(), b"three\n");
        assert_eq!(segments.before(Position { segment: 2, offset: 7 }).unwrap(), None);
        assert_eq!(segments.before(Position { segment: 9, offset: 0 }).unwrap(), None);
    }

    #[test]
    fn a_failed_append_is_taken_back_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = open(dir.path(), 1000);
        segments.append(b"one\n").unwrap();
        // A file that only reads stands for a disk that refuses.
        let good = std::mem::replace(&mut segments.file, File::open(path(dir.path(), 1)).unwrap());
        segments.append(b"two\n").unwrap_err();
        segments.file = good;
        segments.file.write_all(b"tw").unwrap();
        segments.append(b"three\n").unwrap();
        assert_eq!(all(&segments, Position::default()), ["one", "three"]);
        assert_eq!(segments.end(), Position { segment: 1, offset: 10 });
    }
}
