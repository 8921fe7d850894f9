//! A pull parser over a response body. It keeps nothing but the present tag and never buffers text: text goes where the caller wants it.

mod intake;
mod text;

use quick_xml::{
    Reader,
    escape::{resolve_predefined_entity, unescape},
    events::{BytesRef, BytesStart, Event},
};
use tokio::io::AsyncBufReadExt;

pub use self::{
    intake::{Intake, MimeSink},
    text::Text,
};
use super::{element::Element, mime::Decoder, post::Body, refusal::shorten, source::Source};

/// The most one tag, comment or CDATA section may take.
const MARKUP: usize = 4 << 20;

/// How deep elements may nest.
const DEPTH: usize = 128;

/// A body that cannot be read on as XML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// What the parser met next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A start tag; an empty element is followed by its end.
    Start(Element),
    /// An end tag.
    End,
    /// The end of the body, outside of any element.
    Eof,
}

/// How much of a response message is kept in memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one element's text; more is cut off.
    pub text: usize,
    /// Bytes of all of it; more is an error.
    pub total: usize,
}

impl Limits {
    /// For messages that hold ids and properties.
    pub const LEAN: Self = Self { text: 1 << 20, total: 16 << 20 };
    /// For one item with its body.
    pub const BODY: Self = Self { text: 16 << 20, total: 24 << 20 };
}

/// The parser.
pub struct Xml {
    reader: Reader<Source>,
    buffer: Vec<u8>,
    depth: usize,
    /// The end of an empty element, still to be told.
    closing: bool,
}

impl Xml {
    /// Parses `body`.
    pub fn new(body: Box<dyn Body>) -> Self {
        Self { reader: Reader::from_reader(Source::new(body)), buffer: Vec::new(), depth: 0, closing: false }
    }

    /// How many elements are open.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The first kilobyte of the body. Nothing can be parsed afterwards.
    pub async fn head(&mut self) -> String {
        self.reader.get_mut().head().await
    }

    /// Gives the connection back.
    pub async fn accept(self) {
        self.reader.into_inner().accept().await;
    }

    /// The next token, text before it going to `text`. None when `text` has chunks to be sent on first; call again.
    pub async fn next(&mut self, mut text: Text<'_>) -> Result<Option<Token>, Malformed> {
        if std::mem::take(&mut self.closing) {
            self.depth -= 1;
            return Ok(Some(Token::End));
        }
        loop {
            if !self.drain(&mut text).await? {
                return Ok(None);
            }
            self.buffer.clear();
            self.reader.get_mut().allow(MARKUP);
            let event = self.reader.read_event_into_async(&mut self.buffer).await.map_err(|error| Malformed(shorten(&words(&error))))?;
            match event {
                Event::Start(start) => {
                    let element = element(&start);
                    self.depth += 1;
                    if self.depth > DEPTH {
                        return Err(Malformed(format!("elements nest deeper than {DEPTH}")));
                    }
                    return Ok(Some(Token::Start(element)));
                }
                Event::Empty(start) => {
                    let element = element(&start);
                    self.depth += 1;
                    self.closing = true;
                    return Ok(Some(Token::Start(element)));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Token::End));
                }
                Event::GeneralRef(reference) => text.take(resolve(&reference).as_bytes(), false),
                Event::CData(data) => text.take(data.as_bytes(), true),
                Event::Text(data) => text.take(data.as_bytes(), true),
                Event::Eof if self.depth > 0 => return Err(Malformed("the answer ends in the middle".into())),
                Event::Eof => return Ok(Some(Token::Eof)),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }

    /// Moves text up to the next markup; false when `text` has enough.
    async fn drain(&mut self, text: &mut Text<'_>) -> Result<bool, Malformed> {
        loop {
            self.reader.get_mut().allow(usize::MAX);
            let mut stream = self.reader.stream();
            let available = stream.fill_buf().await.map_err(|error| Malformed(format!("the answer broke off: {error}")))?;
            let run = memchr::memchr2(b'<', b'&', available).unwrap_or(available.len());
            let done = run < available.len() || available.is_empty();
            if run > 0 {
                text.take(&available[..run], true);
                stream.consume(run);
            }
            if text.full() {
                return Ok(false);
            }
            if done {
                return Ok(true);
            }
        }
    }

    /// The rest of the element that `start` opened, as a tree. The content of items and attachments goes to `intake`, and nowhere without one.
    pub async fn tree(&mut self, start: Element, limits: Limits, mut intake: Option<&mut Intake<'_>>) -> Result<Element, Malformed> {
        let mut open = vec![start];
        let mut spent = 0;
        loop {
            let Some(top) = open.last_mut() else { return Err(Malformed("an element closed twice".into())) };
            if top.name == "MimeContent" || top.name == "Content" {
                match intake.as_deref_mut() {
                    Some(intake) => self.mime(intake).await?,
                    None => self.skip().await?,
                }
                open.pop();
                continue;
            }
            let before = top.text.len();
            let token = self.next(Text::Keep { element: &mut *top, most: limits.text, after_cr: false }).await?;
            spent += top.text.len() - before;
            match token {
                Some(Token::Start(element)) => {
                    spent += 64 + element.attributes.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
                    open.push(element);
                }
                Some(Token::End) => {
                    let Some(done) = open.pop() else { continue };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Some(Token::Eof) => return Err(Malformed("the answer ends in the middle".into())),
                None => {}
            }
            if spent > limits.total {
                return Err(Malformed(format!("one response message is larger than {} MiB", limits.total >> 20)));
            }
        }
    }

    /// Decodes the element opened last to its end.
    async fn mime(&mut self, intake: &mut Intake<'_>) -> Result<(), Malformed> {
        let mut decoder = Decoder::default();
        let mut chunks = Vec::new();
        let mut junk = false;
        let inside = self.depth;
        loop {
            let token = self.next(Text::Decode { decoder: &mut decoder, chunks: &mut chunks, junk: &mut junk }).await?;
            for chunk in chunks.drain(..) {
                intake.take(chunk).await?;
            }
            match token {
                Some(Token::End) if self.depth < inside => break,
                Some(Token::Eof) => return Err(Malformed("the answer ends in the middle".into())),
                // An element within the text is none of base64's business.
                Some(Token::Start(_)) => junk = true,
                _ => {}
            }
        }
        if !junk {
            match decoder.finish() {
                Ok(Some(chunk)) => intake.take(chunk).await?,
                Ok(None) => {}
                Err(_) => junk = true,
            }
        }
        intake.junk |= junk;
        Ok(())
    }

    /// Skips the rest of the element opened last.
    pub async fn skip(&mut self) -> Result<(), Malformed> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if self.next(Text::Skip).await? == Some(Token::Eof) {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false).flatten();
    let attributes = attributes.filter(|attribute| attribute.key.as_namespace_binding().is_none()).map(|attribute| {
        let raw: &str = &attribute.value;
        let value = unescape(raw).map_or_else(|_| raw.to_owned(), |value| value.into_owned());
        (attribute.key.local_name().as_ref().to_owned(), value)
    });
    Element { name: start.local_name().as_ref().to_owned(), attributes: attributes.collect(), ..Element::default() }
}

/// The text a reference stands for; one to an unknown entity or no character stays visible as U+FFFD.
fn resolve(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.to_string(),
        _ => resolve_predefined_entity(reference).unwrap_or("\u{FFFD}").to_owned(),
    }
}

/// The parser's error in words that also fit a transfer that broke off.
fn words(error: &quick_xml::Error) -> String {
    match error {
        quick_xml::Error::Io(error) => format!("the answer broke off: {error}"),
        quick_xml::Error::Syntax(error) => format!("the answer ends in the middle or is not XML: {error}"),
        other => format!("the answer is not well-formed XML: {other}"),
    }
}
