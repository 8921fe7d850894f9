//! Server-sent events out of bytes as they come (<https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>).

/// The most bytes of an event, its longest line included: the whole state of some ten thousand mailboxes.
pub const LIMIT: usize = 64 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its type; `message` where it has none.
    pub kind: String,
    /// Its data, the lines joined by line feeds.
    pub data: Vec<u8>,
    /// The last id told so far, whether by this event or one before.
    pub id: String,
}

/// An event that is too large to be read.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

/// Reads a stream, in whatever pieces it comes.
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    line: Vec<u8>,
    /// A carriage return ended the last line: a line feed that follows belongs to it.
    returned: bool,
    first: bool,
    kind: Vec<u8>,
    data: Vec<u8>,
    id: Vec<u8>,
}

impl Parser {
    /// Reads events of at most so many bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), returned: false, first: true, kind: Vec::new(), data: Vec::new(), id: Vec::new() }
    }

    /// Takes some bytes in, and gives out the events that they complete.
    pub fn take(&mut self, mut bytes: &[u8], mut each: impl FnMut(Event)) -> Result<(), TooLarge> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.returned) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = memchr::memchr2(b'\r', b'\n', bytes);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + self.data.len() + part.len() > self.limit {
                return Err(TooLarge);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { return Ok(()) };
            self.returned = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if let Some(event) = self.line_ended() {
                each(event);
            }
        }
        Ok(())
    }

    fn line_ended(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let mut line = &line[..];
        if std::mem::take(&mut self.first) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return self.event();
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => self.kind = value.to_vec(),
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"id" if !value.contains(&0) => self.id = value.to_vec(),
            // Comments, which have no name, and what this program has no use for.
            _ => {}
        }
        None
    }

    /// What a blank line completes; nothing where there was no data.
    fn event(&mut self) -> Option<Event> {
        let (kind, mut data) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.data));
        // Each line of data has its line feed, the last one in excess.
        data.pop()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let kind = if kind.is_empty() { "message".to_owned() } else { text(&kind) };
        Some(Event { kind, data, id: text(&self.id) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]]) -> Result<Vec<Event>, TooLarge> {
        let mut parser = Parser::new(100);
        let mut events = Vec::new();
        for piece in pieces {
            parser.take(piece, |event| events.push(event))?;
        }
        Ok(events)
    }

    fn event(kind: &str, data: &str, id: &str) -> Event {
        Event { kind: kind.into(), data: data.into(), id: id.into() }
    }

    #[test]
    fn events_are_read_as_the_standard_has_it() {
        for (text, expected) in [
            ("event: status\nid: a.1.0\ndata: {}\n\n", vec![event("status", "{}", "a.1.0")]),
            ("data: one\r\ndata:two\r\n\r\n", vec![event("message", "one\ntwo", "")]),
            ("data\rdata\r\r", vec![event("message", "\n", "")]),
            ("\u{feff}data:  x\n\n", vec![event("message", " x", "")]),
            (": beat\n\n:\n\nretry: 10\n\nevent: x\n\ndata: y\n\n", vec![event("message", "y", "")]),
            (
                "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
                vec![event("message", "a", "1"), event("message", "b", "1"), event("message", "c", "")],
            ),
            ("id: a\0b\ndata: x\n\n", vec![event("message", "x", "")]),
            ("data: never completed\n", vec![]),
            ("datum: x\ndata x\n\n", vec![]),
        ] {
            assert_eq!(events(&[text.as_bytes()]).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let line = "data: ".to_owned() + &"x".repeat(94);
        assert_eq!(events(&[line.as_bytes(), b"\n\n"]).unwrap().len(), 1);
        assert_eq!(events(&[line.as_bytes(), b"x"]), Err(TooLarge));
        let lines = "data: twenty bytes or so\n".repeat(5);
        assert_eq!(events(&[lines.as_bytes()]), Err(TooLarge));
        // A stream of small events may be as long as it likes.
        assert_eq!(events(&["data: x\n\n".repeat(1000).as_bytes()]).unwrap().len(), 1000);
    }

    proptest! {
        #[test]
        fn cut_anywhere_it_reads_the_same(
            lines in prop::collection::vec("(data|event|id|retry|)(: ?|)[a-c:é]{0,4}(\r\n|\n|\r|\n\n|\r\n\r\n|\r\r)", 0..12),
            mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let text = lines.concat();
            let bytes = text.as_bytes();
            let mut places: Vec<usize> = cuts.drain(..).map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            let whole = events(&[bytes]);
            prop_assert_eq!(&events(&pieces), &whole);
            prop_assert_eq!(&events(&single), &whole);
        }

        #[test]
        fn no_bytes_make_it_stumble(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = events(&[&bytes]);
        }
    }
}
