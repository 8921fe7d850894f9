//! A page of messages as an answer.

use super::entity::{Entity, Style};
use super::expand::Expand;
use super::selection::{Property, Selection};
use super::{extended, headers};
use crate::graph::{Answer, Call, GraphError, reply};
use crate::store::{Item, Mime};
use serde::Serialize as _;
use serde_json::Value;

/// The code an item bears that spoils every page it is on.
const POISON: &str = "ErrorCorruptData";
/// The code of an item whose body cannot be told.
const UNCONVERTIBLE: &str = "ErrorContentConversionFailed";

/// What is written of a message beyond its facts.
pub(super) type More = Vec<(&'static str, Value)>;

/// How messages are written that this call asks for.
///
/// # Errors
/// For a selection of what messages do not have.
pub(super) fn style(call: &Call<'_>, selection: Selection) -> Style {
    Style {
        selection: if call.basic { selection.without_content() } else { selection },
        immutable: call.prefer.immutable,
        body: call.prefer.body,
        future_types: call.state.quirks.has("future-message-types"),
    }
}

/// A page under construction: JSON written entry by entry.
pub(super) struct Page {
    json: Vec<u8>,
    entries: usize,
}

impl Page {
    /// Begins a collection.
    pub(super) fn begin(context: &str, count: Option<usize>) -> Self {
        let mut page = Self { json: Vec::with_capacity(16 << 10), entries: 0 };
        page.json.extend_from_slice(b"{\"@odata.context\":");
        page.text(context);
        if let Some(count) = count {
            page.json.extend_from_slice(format!(",\"@odata.count\":{count}").as_bytes());
        }
        page.json.extend_from_slice(b",\"value\":[");
        page
    }

    fn text(&mut self, text: &str) {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut self.json, text);
    }

    fn entry(&mut self) {
        if self.entries > 0 {
            self.json.push(b',');
        }
        self.entries += 1;
    }

    /// Adds a message.
    pub(super) fn message(&mut self, item: &Item, style: Style, more: &[(&'static str, Value)]) {
        self.entry();
        let _ = Entity { item, style, context: None, more }.serialize(&mut serde_json::Serializer::new(&mut self.json));
    }

    /// Adds an entry as it is.
    pub(super) fn value(&mut self, value: &Value) {
        self.entry();
        let _ = serde_json::to_writer(&mut self.json, value);
    }

    /// Ends it with a link of this name, if there is one.
    pub(super) fn end(mut self, link: Option<(&str, &str)>) -> Answer {
        self.json.push(b']');
        if let Some((name, address)) = link {
            self.json.push(b',');
            self.text(name);
            self.json.push(b':');
            self.text(address);
        }
        self.json.push(b'}');
        Ok(reply::raw(200, self.json.into()))
    }
}

/// One message as a whole answer.
pub(super) fn single(status: u16, call: &Call<'_>, item: &Item, style: Style, more: &[(&'static str, Value)]) -> Answer {
    let context = call.context("messages/$entity");
    let mut json = Vec::with_capacity(2 << 10);
    let _ = Entity { item, style, context: Some(&context), more }.serialize(&mut serde_json::Serializer::new(&mut json));
    let etag = format!("W/\"{}\"", super::entity::change_key(item.change));
    Ok(reply::raw(status, json.into()).header("ETag", etag))
}

/// Why an item cannot be told, where it is damaged: what every item can tell passes, and a body that cannot be converted matters only where
/// it is wanted.
pub(super) fn damage(item: &Item, selection: Selection, expand: &Expand) -> Option<&'static str> {
    match item.mime {
        Mime::Refused(POISON) if !(selection.is_robust() && expand.is_empty()) => Some(POISON),
        Mime::Refused(UNCONVERTIBLE) if selection.has(Property::Body) || selection.has(Property::UniqueBody) => Some(UNCONVERTIBLE),
        _ => None,
    }
}

/// Refuses a page with a damaged item on it: one breaks it for all.
pub(super) fn refuse_damage<'a>(
    mut items: impl Iterator<Item = &'a Item>,
    selection: Selection,
    expand: &Expand,
) -> Result<(), GraphError> {
    if items.any(|item| damage(item, selection, expand).is_some()) {
        return Err(GraphError::new(500, "InternalServerError", "Error while processing response."));
    }
    Ok(())
}

/// Reads what a message is to tell beyond its facts.
pub(super) async fn more(call: &Call<'_>, item: &Item, selection: Selection, expand: &Expand) -> Result<More, GraphError> {
    let mut more = Vec::new();
    let wanted = selection.has(Property::Headers);
    let header = match &item.mime {
        Mime::Content(content) if wanted || extended::need_header(&expand.extended) => headers::read(content).await,
        _ => None,
    };
    // Drafts have none.
    if let Some(header) = header.as_deref().filter(|_| wanted && !item.draft) {
        more.push(("internetMessageHeaders", headers::lines(header)));
    }
    if !expand.extended.is_empty() {
        let values = extended::values(item, &expand.extended, header.as_deref());
        if values.as_array().is_some_and(|values| !values.is_empty()) {
            more.push((extended::NAME, values));
        }
    }
    if let Some(attachments) = &expand.attachments {
        more.push(("attachments", super::attachments::expanded(call, item, attachments).await?));
    }
    Ok(more)
}
