//! A folder as XML.
//!
//! Source: types.xsd (BaseFolderType and the types derived from it); documentation page "FolderShape".

use super::shape::{Base, Extended, Shape};
use super::value::{Precision, PropertyValue, change_key, filetime, write_extended, write_rights};
use super::xml::Xml;
use crate::store::{Folder, FolderId, FolderKind};

const DEFAULT: Base = Base::Default;

/// Writes folders of one response.
#[derive(Clone, Copy, Debug)]
pub(super) struct FolderWriter<'a> {
    /// What is wanted.
    pub shape: &'a Shape,
    /// How times are written.
    pub precision: Precision,
    /// The names of the folder and those above it, where the property 0x66B5 is to tell them.
    pub path: &'a [String],
}

impl FolderWriter<'_> {
    /// Writes one folder.
    pub fn write(&self, xml: &mut Xml, folder: &Folder) {
        let name = match folder.kind {
            FolderKind::Plain => "t:Folder",
            FolderKind::Calendar => "t:CalendarFolder",
            FolderKind::Contacts => "t:ContactsFolder",
            FolderKind::Tasks => "t:TasksFolder",
            FolderKind::Search => "t:SearchFolder",
        };
        xml.open(name);
        write_id(xml, "t:FolderId", folder.id, folder.change);
        self.write_base(xml, folder);
        if self.wants("folder:UnreadCount", DEFAULT) && matches!(folder.kind, FolderKind::Plain | FolderKind::Search | FolderKind::Tasks) {
            xml.value("t:UnreadCount", folder.unread);
        }
        xml.close(name);
    }

    fn write_base(&self, xml: &mut Xml, folder: &Folder) {
        if let Some(parent) = folder.parent.filter(|_| self.wants("folder:ParentFolderId", Base::All)) {
            write_id(xml, "t:ParentFolderId", parent, 1);
        }
        if let Some(class) = folder.class.as_deref().filter(|_| self.wants("folder:FolderClass", Base::All)) {
            xml.element("t:FolderClass", class);
        }
        if self.wants("folder:DisplayName", DEFAULT) {
            xml.element("t:DisplayName", &folder.name);
        }
        if self.wants("folder:TotalCount", DEFAULT) {
            xml.value("t:TotalCount", folder.total);
        }
        if self.wants("folder:ChildFolderCount", DEFAULT) {
            xml.value("t:ChildFolderCount", folder.children);
        }
        for asked in self.shape.extended() {
            if asked.tag == Some(0x66B5) && asked.kind == "String" && !self.path.is_empty() {
                self.write_path(xml, asked);
                continue;
            }
            let value = match asked.tag {
                Some(0x10F4) => Some(PropertyValue::Bool(folder.hidden)),
                Some(0x3001) => Some(PropertyValue::Text(folder.name.clone())),
                Some(0x3602) => Some(PropertyValue::Number(folder.total.try_into().unwrap_or(i64::MAX))),
                Some(0x3603) => Some(PropertyValue::Number(folder.unread.try_into().unwrap_or(i64::MAX))),
                Some(0x360A) => Some(PropertyValue::Bool(folder.children > 0)),
                Some(0x3613) => folder.class.clone().map(PropertyValue::Text),
                Some(0x670A) => filetime(folder.commit_time).map(PropertyValue::Time),
                Some(0x670B) => Some(PropertyValue::Number(folder.deleted_total.try_into().unwrap_or(i64::MAX))),
                _ => None,
            };
            if let Some(value) = value {
                write_extended(xml, asked, &value, self.precision);
            }
        }
        if self.wants("folder:EffectiveRights", Base::All) {
            write_rights(xml);
        }
        let known = folder.well_known.as_deref();
        if let Some(name) = known.filter(|_| self.wants("folder:DistinguishedFolderId", Base::All)) {
            xml.element("t:DistinguishedFolderId", name);
        }
    }

    /// The path with the separator the store uses, U+FFFE, which XML 1.0 (section 2.2) does not allow.
    fn write_path(&self, xml: &mut Xml, asked: &Extended) {
        let attributes: Vec<(&str, &str)> = asked.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        xml.open("t:ExtendedProperty").empty("t:ExtendedFieldURI", &attributes).open("t:Value");
        for name in self.path {
            xml.raw("\u{fffe}").text(name);
        }
        xml.close("t:Value").close("t:ExtendedProperty");
    }

    fn wants(&self, field: &str, level: Base) -> bool {
        self.shape.base >= level || self.shape.names(field)
    }
}

/// Writes a folder's identifier under an element's name.
pub(super) fn write_id(xml: &mut Xml, name: &str, id: FolderId, change: u64) {
    xml.empty(name, &[("Id", &id.text()), ("ChangeKey", &change_key(change, true))]);
}
