//! How each part of a message is made UTF-8.

use encoding_rs::Encoding;

use super::head::{Charset, Head, Media};

/// What is done with a part's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It stays as it is: all of it is ASCII.
    Keep,
    /// It is read as UTF-8 where it is, else as windows-1252, and labelled as UTF-8.
    Lines,
    /// The same, without a label.
    Unlabelled,
    /// It is decoded by this charset and labelled as UTF-8.
    Decode(&'static Encoding),
    /// It becomes base64: no text, or text that we cannot read, whose label stays.
    Base64,
    /// It is quoted-printable, and what should have been quoted is.
    Quote,
    /// It is base64, and what is none of it is left out, as every reader does.
    Drop,
}

/// What is known of a part before its header is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// What is done with its body.
    pub action: Action,
    /// The charset that it declares, for what its header itself leaves open.
    pub charset: Option<&'static Encoding>,
}

/// How a message that is not valid UTF-8 is made so.
#[derive(Debug, Default)]
pub struct Plan {
    pub(super) parts: Vec<Part>,
    /// The first charset that any part declares.
    pub(super) charset: Option<&'static Encoding>,
}

impl Plan {
    /// A header is over.
    pub(super) fn begin(&mut self, head: &Head) {
        let charset = match head.charset {
            Charset::Known(encoding) => Some(encoding),
            _ => None,
        };
        self.charset = self.charset.or(charset);
        self.parts.push(Part { action: Action::Keep, charset });
    }

    /// The current part's body holds bytes that are no ASCII.
    pub(super) fn raw(&mut self, head: &Head) {
        let action = match (head.transfer.as_str(), &head.media, head.charset) {
            ("quoted-printable", ..) => Action::Quote,
            ("base64", ..) => Action::Drop,
            (_, Media::Text, Charset::Known(encoding)) => Action::Decode(encoding),
            (_, Media::Text, Charset::Untold | Charset::Unicode) => Action::Lines,
            (_, Media::Report | Media::Message | Media::Multipart { .. }, _) => Action::Unlabelled,
            (_, Media::Text, Charset::Unknown) | (_, Media::Binary, _) => Action::Base64,
        };
        if let Some(part) = self.parts.last_mut() {
            part.action = action;
        }
    }

    pub(super) fn part(&self, part: u32) -> Part {
        let none = Part { action: Action::Keep, charset: None };
        usize::try_from(part).ok().and_then(|part| self.parts.get(part).copied()).unwrap_or(none)
    }
}
