//! Writing XML by hand: escaping, and a body whose large parts are made only as they are sent.

use super::mime::MimePart;

/// The namespace of SOAP 1.1.
pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The namespace of operations and response messages.
pub(super) const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
/// The namespace of items, folders and identifiers.
pub(super) const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
/// The namespace of what a fault's detail holds.
pub(super) const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

/// What happens to characters that XML 1.0 (section 2.2) does not allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Illegal {
    /// They become U+FFFD, so that every document is well-formed.
    #[default]
    Replaced,
    /// They become character references such as `&#x1F;`, which Exchange sends although no strict parser takes them.
    Referenced,
    /// They become question marks, the habit of a lenient server.
    Questioned,
}

/// One stretch of a document.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text that is ready.
    Text(String),
    /// A message's MIME, to be encoded as it is sent.
    Mime(MimePart),
}

/// A document in the making.
#[derive(Debug, Default)]
pub(super) struct Xml {
    illegal: Illegal,
    text: String,
    pieces: Vec<Piece>,
}

impl Xml {
    /// An empty document.
    pub fn new(illegal: Illegal) -> Self {
        Self { illegal, ..Self::default() }
    }

    /// Another empty document that treats characters the same way.
    pub fn sibling(&self) -> Self {
        Self::new(self.illegal)
    }

    /// Adds markup as it is.
    pub fn raw(&mut self, markup: &str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// Opens an element.
    pub fn open(&mut self, name: &str) -> &mut Self {
        self.open_with(name, &[])
    }

    /// Opens an element that has attributes.
    pub fn open_with(&mut self, name: &str, attributes: &[(&str, &str)]) -> &mut Self {
        self.start(name, attributes);
        self.text.push('>');
        self
    }

    /// Closes an element.
    pub fn close(&mut self, name: &str) -> &mut Self {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
        self
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> &mut Self {
        self.start(name, attributes);
        self.text.push_str("/>");
        self
    }

    /// An element whose content is text.
    pub fn element(&mut self, name: &str, text: &str) -> &mut Self {
        self.open(name).text(text).close(name)
    }

    /// An element whose content is a number, a truth value or another thing that needs no escaping.
    pub fn value(&mut self, name: &str, value: impl ToString) -> &mut Self {
        self.element(name, &value.to_string())
    }

    /// Text, escaped.
    pub fn text(&mut self, text: &str) -> &mut Self {
        escape(&mut self.text, text, self.illegal);
        self
    }

    /// A message's MIME at this place.
    pub fn mime(&mut self, part: MimePart) -> &mut Self {
        let text = std::mem::take(&mut self.text);
        self.pieces.push(Piece::Text(text));
        self.pieces.push(Piece::Mime(part));
        self
    }

    /// Adds another document at the end.
    pub fn append(&mut self, other: Self) -> &mut Self {
        for piece in other.pieces {
            match piece {
                Piece::Text(text) => self.text.push_str(&text),
                Piece::Mime(part) => {
                    self.mime(part);
                }
            }
        }
        self.text.push_str(&other.text);
        self
    }

    /// The stretches in order.
    pub fn into_pieces(mut self) -> Vec<Piece> {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(self.text));
        }
        self.pieces
    }

    /// The text of a document that holds no MIME.
    #[cfg(test)]
    pub fn into_text(self) -> String {
        self.into_pieces()
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Mime(_) => String::new(),
            })
            .collect()
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes {
            self.text.push(' ');
            self.text.push_str(key);
            self.text.push_str("=\"");
            escape(&mut self.text, value, self.illegal);
            self.text.push('"');
        }
    }
}

/// Adds `text` so that it may stand in content and in attributes.
fn escape(out: &mut String, text: &str, illegal: Illegal) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => match illegal {
                Illegal::Replaced => out.push('\u{fffd}'),
                Illegal::Questioned => out.push('?'),
                Illegal::Referenced => {
                    out.push_str(&format!("&#x{:X};", u32::from(letter)));
                }
            },
            _ => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_in_text_and_attributes() {
        let mut xml = Xml::default();
        xml.open_with("a", &[("b", "\"<&")]).text("x > y\r\n").close("a");
        assert_eq!(xml.into_text(), "<a b=\"&quot;&lt;&amp;\">x &gt; y&#xD;\n</a>");
    }

    #[test]
    fn illegal_characters_never_go_out_raw() {
        let mut plain = Xml::default();
        plain.text("a\u{7}b\u{ffff}");
        assert_eq!(plain.into_text(), "a\u{fffd}b\u{fffd}");
        let mut loud = Xml::new(Illegal::Referenced);
        loud.text("a\u{1f}b");
        assert_eq!(loud.into_text(), "a&#x1F;b");
        let mut modest = Xml::new(Illegal::Questioned);
        modest.text("a\u{1f}b");
        assert_eq!(modest.into_text(), "a?b");
    }
}
