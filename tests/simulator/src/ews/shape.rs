//! What a request wants to see of each object: base shape, additional properties, MIME.
//!
//! Source: documentation pages "ItemShape", "FolderShape", "AdditionalProperties", "ExtendedFieldURI".

use super::envelope::{elements, is_true, text, typed, typed_text};
use super::error::EwsError;
use super::schema::parse_property_tag;
use roxmltree::Node;

/// The base shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Base {
    /// Identifiers alone.
    IdOnly,
    /// What a client commonly shows.
    Default,
    /// Everything that is not costly.
    All,
}

/// The form a body is wanted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BodyForm {
    /// As it is stored.
    #[default]
    Best,
    /// HTML.
    Html,
    /// Plain text.
    Text,
}

/// A property by the way it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// By field URI, such as `item:Subject`.
    Field(String),
    /// An entry of a dictionary property, such as an e-mail address of a contact.
    Indexed(String, String),
    /// By property tag or by name.
    Extended(Extended),
}

/// An extended property as it was asked for; the answer echoes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extended {
    /// The number, where it was asked for by tag.
    pub tag: Option<u16>,
    /// The type it was asked as.
    pub kind: String,
    /// All attributes of the request.
    pub attributes: Vec<(String, String)>,
}

/// What a request wants to see.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The base shape.
    pub base: Base,
    /// Additional properties in the order they were named.
    pub additional: Vec<Path>,
    /// MIME is wanted.
    pub mime: bool,
    /// The form of bodies.
    pub body: BodyForm,
    /// HTML in this form is wanted.
    pub body_limit: Option<usize>,
}

impl Shape {
    /// Identifiers alone.
    pub fn id_only() -> Self {
        Self { base: Base::IdOnly, additional: Vec::new(), mime: false, body: BodyForm::Best, body_limit: None }
    }

    /// Reads an ItemShape, FolderShape or AttachmentShape.
    pub fn read(node: Node<'_, '_>) -> Result<Self, EwsError> {
        let base = match typed_text(node, "BaseShape").as_deref().map(str::trim) {
            Some("AllProperties") => Base::All,
            Some("Default") => Base::Default,
            _ => Base::IdOnly,
        };
        let body = match typed_text(node, "BodyType").as_deref().map(str::trim) {
            Some("HTML") => BodyForm::Html,
            Some("Text") => BodyForm::Text,
            _ => BodyForm::Best,
        };
        let mut additional = Vec::new();
        if let Some(list) = typed(node, "AdditionalProperties") {
            for path in elements(list) {
                additional.push(Path::read(path)?);
            }
        }
        let mime = typed_text(node, "IncludeMimeContent").is_some_and(|text| is_true(&text))
            || additional.contains(&Path::Field("item:MimeContent".to_owned()));
        let body_limit = typed_text(node, "MaximumBodySize").and_then(|text| text.trim().parse().ok()).filter(|limit| *limit > 0);
        Ok(Self { base, additional, mime, body, body_limit })
    }

    /// Whether a field was named as an additional property.
    pub fn names(&self, field: &str) -> bool {
        self.additional.iter().any(|path| matches!(path, Path::Field(known) if known == field))
    }

    /// The extended properties that were named.
    pub fn extended(&self) -> impl Iterator<Item = &Extended> {
        self.additional.iter().filter_map(|path| match path {
            Path::Extended(extended) => Some(extended),
            _ => None,
        })
    }

    /// Refuses properties of the other family: of folders for items, and the other way round.
    pub fn refuse_prefix(&self, folders: bool) -> Result<(), EwsError> {
        for path in &self.additional {
            if let Path::Field(field) = path
                && field.starts_with("folder:") != folders
            {
                return Err(property_not_valid(field));
            }
        }
        Ok(())
    }

    /// Refuses what a listing cannot give: MIME, bodies, attachments, headers (documentation page "FindItem operation", remarks).
    pub fn refuse_costly(&self) -> Result<(), EwsError> {
        if self.mime {
            return Err(property_not_valid("item:MimeContent"));
        }
        for field in
            ["item:Body", "item:UniqueBody", "item:NormalizedBody", "item:TextBody", "item:Attachments", "item:InternetMessageHeaders"]
        {
            if self.names(field) {
                return Err(property_not_valid(field));
            }
        }
        Ok(())
    }
}

fn property_not_valid(field: &str) -> EwsError {
    EwsError::new("ErrorInvalidPropertyRequest", format!("Property is not valid for this operation: {field}."))
}

impl Path {
    /// Reads a FieldURI, IndexedFieldURI or ExtendedFieldURI element.
    pub fn read(node: Node<'_, '_>) -> Result<Self, EwsError> {
        let attribute = |name: &str| node.attribute(name).unwrap_or_default().trim().to_owned();
        match node.tag_name().name() {
            "ExtendedFieldURI" => Extended::read(node).map(Self::Extended),
            "IndexedFieldURI" => Ok(Self::Indexed(attribute("FieldURI"), attribute("FieldIndex"))),
            _ => Ok(Self::Field(attribute("FieldURI"))),
        }
    }
}

impl Extended {
    fn read(node: Node<'_, '_>) -> Result<Self, EwsError> {
        let has = |name: &str| node.attribute(name).is_some();
        let by_tag = has("PropertyTag");
        let set = has("DistinguishedPropertySetId") || has("PropertySetId");
        let by_name = set && (has("PropertyName") != has("PropertyId"));
        // Either a tag alone, or one property set with one name or number in it.
        let both_sets = has("DistinguishedPropertySetId") && has("PropertySetId");
        let tag_with_more = by_tag && (set || has("PropertyName") || has("PropertyId"));
        if tag_with_more || both_sets || !(by_tag || by_name) {
            return Err(EwsError::new("ErrorInvalidExtendedProperty", "Extended property attribute combination is invalid."));
        }
        Ok(Self {
            tag: node.attribute("PropertyTag").and_then(|text| parse_property_tag(text.trim())),
            kind: node.attribute("PropertyType").unwrap_or_default().to_owned(),
            attributes: node.attributes().map(|attribute| (attribute.name().to_owned(), attribute.value().to_owned())).collect(),
        })
    }
}

/// The text of a constant's `Value`, or of an element's content.
pub(super) fn constant(node: Node<'_, '_>) -> String {
    node.attribute("Value").map_or_else(|| text(node), str::to_owned)
}
