//! Reading an object member by member, reporting every fault and every member nobody asked for.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::{
    Fault, json,
    report::{Report, Severity},
    written::Written,
};

/// An object of the document, and where it stands.
pub(super) struct Object<'a> {
    path: String,
    members: &'a Map<String, Value>,
    asked: RefCell<Vec<&'static str>>,
    report: &'a Report,
}

impl<'a> Object<'a> {
    pub(super) fn new(path: String, members: &'a Map<String, Value>, report: &'a Report) -> Self {
        Self { path, members, asked: RefCell::default(), report }
    }

    /// A member's value and path; null counts as absent.
    fn member(&self, key: &'static str) -> Option<(&'a Value, String)> {
        self.asked.borrow_mut().push(key);
        self.members.get(key).filter(|value| !value.is_null()).map(|value| (value, json::member(&self.path, key)))
    }

    /// All members, for an object whose keys are the user's own.
    fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value, String)> {
        self.members.iter().map(|(key, value)| (key.as_str(), value, json::member(&self.path, key)))
    }

    /// Reports the members that were never asked for, each with the nearest known key.
    pub(super) fn finish(self) {
        let asked = self.asked.into_inner();
        for key in self.members.keys().filter(|key| !asked.contains(&key.as_str())) {
            let fault = Fault::new(json::member(&self.path, key), "unknown key");
            let fault = match nearest(key, &asked) {
                Some(known) => fault.remedy(format!("did you mean {known}?")),
                None => fault.remedy("remove it, or see `exchange-sync config schema` for the known ones"),
            };
            self.report.add(Severity::CheckFault, fault);
        }
    }
}

/// The known word that looks most like `word`, if one does.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase();
    let likeness = |known: &&str| strsim::jaro_winkler(&word, known);
    known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|best| likeness(best) > 0.84)
}

/// What a member of an object can be.
pub(super) trait Member: Sized {
    fn take(object: &Object<'_>, key: &'static str) -> Option<Self>;
}

fn read_or_report<T: Written>(value: &Value, path: String, report: &Report, secret: bool) -> Option<T> {
    let read = T::read(value);
    if read.is_none() {
        let written = if secret { "the value (not shown)".into() } else { json::shown(value) };
        let fault = Fault::new(path, format!("{written} is not {}", T::allowed()));
        let quoted = value.as_str().is_some_and(|text| serde_json::from_str(text).is_ok_and(|inner: Value| T::read(&inner).is_some()));
        let near = value.as_str().filter(|text| T::read(&text.trim().to_lowercase().into()).is_some());
        report.add(
            Severity::Fault,
            match near {
                _ if quoted => fault.remedy("write it without quotes"),
                Some(text) => fault.remedy(format!("write {}", Value::from(text.trim().to_lowercase()))),
                None => fault,
            },
        );
    }
    read
}

impl<T: Written> Member for T {
    fn take(object: &Object<'_>, key: &'static str) -> Option<Self> {
        let (value, path) = object.member(key)?;
        read_or_report(value, path, object.report, json::SECRETS.contains(&key))
    }
}

/// An array, each element with its path.
#[derive(Clone, Debug)]
pub(super) struct List<T>(pub(super) Vec<(String, T)>);

impl<T: Written> Member for List<T> {
    fn take(object: &Object<'_>, key: &'static str) -> Option<Self> {
        let (value, path) = object.member(key)?;
        let Some(elements) = value.as_array() else {
            object.report.fault(
                path,
                format!("{} is not an array", json::shown(value)),
                format!("write an array, each element {}", T::allowed()),
            );
            return None;
        };
        let read = |(index, value)| {
            let path = json::element(&path, index);
            read_or_report(value, path.clone(), object.report, false).map(|element| (path, element))
        };
        Some(Self(elements.iter().enumerate().filter_map(read).collect()))
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for List<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<T>::json_schema(generator)
    }
}

/// An object of known members.
pub(super) trait Record: Sized {
    fn read(object: &Object<'_>) -> Self;

    /// Reads it from a value, reporting all that is wrong.
    fn from_value(value: &Value, path: String, report: &Report) -> Option<Self> {
        let Some(members) = value.as_object() else {
            report.fault(path, format!("{} is not an object", json::shown(value)), "write { ... }");
            return None;
        };
        let object = Object::new(path, members, report);
        let record = Self::read(&object);
        object.finish();
        Some(record)
    }

    fn member(object: &Object<'_>, key: &'static str) -> Option<Self> {
        let (value, path) = object.member(key)?;
        Self::from_value(value, path, object.report)
    }
}

/// An object whose keys are the user's own, each entry with its path.
#[derive(Clone, Debug)]
pub(super) struct Entries<T> {
    /// Path, key and value of those that could be read.
    pub(super) entries: Vec<(String, String, T)>,
    /// Whether none was written.
    pub(super) empty: bool,
}

impl<T: Record> Entries<T> {
    pub(super) fn member(object: &Object<'_>, key: &'static str) -> Option<Self> {
        let (value, path) = object.member(key)?;
        let Some(members) = value.as_object() else {
            object.report.fault(path, format!("{} is not an object", json::shown(value)), r#"write { "address": { ... }, ... }"#);
            return None;
        };
        let entries = Object::new(path, members, object.report);
        let read = |(key, value, path): (&str, &Value, String)| {
            T::from_value(value, path.clone(), object.report).map(|entry| (path, key.to_owned(), entry))
        };
        Some(Self { entries: entries.entries().filter_map(read).collect(), empty: members.is_empty() })
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Entries<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("EntriesOf{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let entry = generator.subschema_for::<T>();
        schemars::json_schema!({ "type": "object", "additionalProperties": entry, "minProperties": 1 })
    }
}

/// Defines an object as a file writes it: members, their documentation, their schema, and how they are read.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty),+ $(,)? }) => {
        #[derive(Clone, Debug, schemars::JsonSchema)]
        $(#[$meta])*
        #[schemars(deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$doc])* pub(super) $field: Option<$kind>),+
        }

        impl $crate::config::object::Record for $name {
            fn read(object: &$crate::config::object::Object<'_>) -> Self {
                Self { $($field: $crate::config::object::Member::take(object, stringify!($field))),+ }
            }
        }
    };
}
pub(super) use record;
