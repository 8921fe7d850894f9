//! Where an element's text goes while the parser passes over it.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::{element::Element, mime::Decoder};

/// Where text goes.
pub enum Text<'a> {
    /// Nowhere.
    Skip,
    /// Into a string, up to so many bytes.
    Keep {
        /// The element whose text it is.
        element: &'a mut Element,
        /// The bound.
        most: usize,
        /// Whether the text so far ended in a literal CR, which a following LF belongs to.
        after_cr: bool,
    },
    /// Through a base64 decoder, whole chunks into a list that the caller empties between calls.
    Decode {
        /// The decoder.
        decoder: &'a mut Decoder,
        /// Where whole chunks go.
        chunks: &'a mut Vec<Bytes>,
        /// Set once the text turned out not to be base64.
        junk: &'a mut bool,
    },
}

impl Text<'_> {
    pub(super) fn take(&mut self, bytes: &[u8], literal: bool) {
        match self {
            Text::Skip => {}
            Text::Keep { element, most, after_cr } => keep(element, bytes, if literal { Some(after_cr) } else { None }, *most),
            Text::Decode { decoder, chunks, junk } => {
                if !**junk {
                    **junk = decoder.feed(bytes, chunks).is_err();
                }
            }
        }
    }

    /// Whether there is something for the caller to send on before more is read.
    pub(super) fn full(&self) -> bool {
        matches!(self, Text::Decode { chunks, .. } if !chunks.is_empty())
    }
}

/// Appends text; literal line ends become LF (XML 1.0, 2.11 End-of-Line Handling), referenced ones stay.
fn keep(element: &mut Element, bytes: &[u8], literal: Option<&mut bool>, most: usize) {
    let text = String::from_utf8_lossy(bytes);
    let text = match literal {
        Some(after_cr) => {
            let begun = if *after_cr { text.strip_prefix('\n').unwrap_or(&text) } else { &text };
            *after_cr = text.ends_with('\r');
            Cow::Owned(begun.replace("\r\n", "\n").replace('\r', "\n"))
        }
        None => text,
    };
    let room = most.saturating_sub(element.text.len());
    let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    element.cut |= end < text.len();
    element.text.push_str(&text[..end]);
}
