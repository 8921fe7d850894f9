//! Changes to the text of an answer while it is sent, whole or as a stream.

use crate::http::{Body, Response, body_stream};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use std::io;

/// Bytes of an unfinished tag held back until its end comes.
const TAG: usize = 8 * 1024;

/// One change.
pub(super) enum Edit {
    /// Put this before the first byte.
    Before(Bytes),
    /// Put this behind the last byte.
    After(Bytes),
    /// Take the XML declaration away.
    WithoutDeclaration,
    /// Put these pieces, each as an item of its own, at the beginning of every subject and display name.
    InText(Vec<Bytes>),
    /// Give the usual prefixes other names.
    Prefixes,
}

impl Edit {
    pub(super) fn before(bytes: impl Into<Bytes>) -> Self {
        Self::Before(bytes.into())
    }

    pub(super) fn after(bytes: impl Into<Bytes>) -> Self {
        Self::After(bytes.into())
    }

    pub(super) fn without_declaration() -> Self {
        Self::WithoutDeclaration
    }

    pub(super) fn in_text(pieces: Vec<Bytes>) -> Self {
        Self::InText(pieces)
    }

    pub(super) fn prefixes() -> Self {
        Self::Prefixes
    }
}

/// Changes an answer's body. A whole body stays whole unless pieces must come apart.
pub(super) fn edit(mut response: Response, edit: Edit) -> Response {
    let splits = matches!(edit, Edit::InText(_));
    let body = std::mem::take(&mut response.body);
    match body {
        Body::Full(bytes) if !splits => {
            let mut editor = Editor::new(edit);
            let mut out = editor.feed(&bytes);
            out.extend(editor.end());
            response.bytes(out.concat())
        }
        body => {
            let editor = Some(Editor::new(edit));
            let edited = stream::unfold((body_stream(body), editor), |(mut source, mut editor)| async move {
                let (items, rest): (Vec<io::Result<Bytes>>, _) = match (source.next().await, editor.as_mut()) {
                    (_, None) => return None,
                    (Some(Ok(bytes)), Some(own)) => (own.feed(&bytes).into_iter().map(Ok).collect(), editor),
                    (Some(Err(error)), Some(_)) => (vec![Err(error)], None),
                    (None, Some(own)) => (own.end().into_iter().map(Ok).collect(), None),
                };
                Some((stream::iter(items), (source, rest)))
            });
            response.stream(edited.flatten().boxed())
        }
    }
}

struct Editor {
    edit: Edit,
    begun: bool,
    held: BytesMut,
}

impl Editor {
    fn new(edit: Edit) -> Self {
        Self { edit, begun: false, held: BytesMut::new() }
    }

    fn feed(&mut self, bytes: &Bytes) -> Vec<Bytes> {
        let first = !std::mem::replace(&mut self.begun, true);
        match &self.edit {
            Edit::Before(text) if first => vec![text.clone(), bytes.clone()],
            Edit::WithoutDeclaration if first && bytes.starts_with(b"<?xml") => {
                let end = bytes.windows(2).position(|pair| pair == b"?>").map_or(0, |place| place + 2);
                vec![bytes.slice(end..)]
            }
            Edit::Before(_) | Edit::After(_) | Edit::WithoutDeclaration => vec![bytes.clone()],
            Edit::InText(_) | Edit::Prefixes => {
                self.held.extend_from_slice(bytes);
                let whole = whole_tags(&self.held);
                let ready = self.held.split_to(whole).freeze();
                self.rewrite(&ready)
            }
        }
    }

    fn end(&mut self) -> Vec<Bytes> {
        let held = self.held.split().freeze();
        let mut out = self.rewrite(&held);
        match &self.edit {
            Edit::After(text) => out.push(text.clone()),
            Edit::Before(text) if !self.begun => out.push(text.clone()),
            _ => {}
        }
        out.retain(|bytes| !bytes.is_empty());
        out
    }

    fn rewrite(&self, bytes: &Bytes) -> Vec<Bytes> {
        match &self.edit {
            Edit::InText(pieces) => insert(bytes, pieces),
            Edit::Prefixes => vec![rename(bytes)],
            _ => vec![bytes.clone()],
        }
    }
}

/// How many bytes end outside a tag. A tag that does not end within reason is let through as it is.
fn whole_tags(bytes: &[u8]) -> usize {
    let open = bytes.iter().rposition(|byte| *byte == b'<');
    let close = bytes.iter().rposition(|byte| *byte == b'>');
    match open {
        Some(open) if close.is_none_or(|close| close < open) && bytes.len() - open < TAG => open,
        _ => bytes.len(),
    }
}

fn insert(bytes: &Bytes, pieces: &[Bytes]) -> Vec<Bytes> {
    let mut out = Vec::new();
    let mut from = 0;
    let mut place = 0;
    while let Some(end) = bytes.get(place..).and_then(|rest| rest.iter().position(|byte| *byte == b'>')) {
        let after = place + end + 1;
        let tag = bytes.get(place..after).unwrap_or_default();
        let tag = tag.iter().rposition(|byte| *byte == b'<').and_then(|open| tag.get(open..)).unwrap_or_default();
        if [&b"<t:Subject>"[..], b"<t:DisplayName>"].contains(&tag) {
            out.push(bytes.slice(from..after));
            out.extend_from_slice(pieces);
            from = after;
        }
        place = after;
    }
    out.push(bytes.slice(from..));
    out
}

/// Other names for the prefixes Exchange uses. Only tags are changed; attribute values and text hold none of them.
fn rename(bytes: &[u8]) -> Bytes {
    const NAMES: [(u8, &[u8]); 3] = [(b's', b"SOAP-ENV"), (b'm', b"ns7"), (b't', b"_q")];
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        out.push(first);
        rest = tail;
        if first == b'<' {
            if let Some(after) = rest.strip_prefix(b"/") {
                out.push(b'/');
                rest = after;
            }
        } else if !out.ends_with(b" xmlns:") {
            continue;
        }
        let wanted = if first == b':' { b'=' } else { b':' };
        if let [prefix, end, ..] = rest
            && *end == wanted
            && let Some((_, name)) = NAMES.iter().find(|(old, _)| old == prefix)
        {
            out.extend_from_slice(name);
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    out.into()
}
