//! Kinds of values as a file writes them: how each is read, what is allowed, and its JSON Schema, so that the three cannot disagree.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

/// A kind of value.
pub(super) trait Written: Sized {
    /// What is allowed, as in "... is not {allowed}".
    fn allowed() -> String;

    /// The value, if it is one.
    fn read(value: &Value) -> Option<Self>;

    /// The value from an environment variable.
    fn read_text(text: &str) -> Option<Self> {
        Self::read(&Value::from(text))
    }

    /// As it would be written.
    fn show(&self) -> Value;
}

impl Written for String {
    fn allowed() -> String {
        "a text".into()
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }

    fn show(&self) -> Value {
        self.as_str().into()
    }
}

impl Written for bool {
    fn allowed() -> String {
        "true or false".into()
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }

    fn show(&self) -> Value {
        (*self).into()
    }
}

/// A truth value that the manuals write as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Truth(pub(super) bool);

impl Written for Truth {
    fn allowed() -> String {
        r#"true or false, or the same as a text: "true" or "false""#.into()
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(Self(*truth)),
            Value::String(text) if matches!(text.as_str(), "true" | "True") => Some(Self(true)),
            Value::String(text) if matches!(text.as_str(), "false" | "False") => Some(Self(false)),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        self.0.into()
    }
}

impl JsonSchema for Truth {
    fn schema_name() -> Cow<'static, str> {
        "Truth".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [true, false, "true", "false", "True", "False"] })
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole<const MIN: u32, const MAX: u32>(pub(super) u32);

impl<const MIN: u32, const MAX: u32> Written for Whole<MIN, MAX> {
    fn allowed() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn read(value: &Value) -> Option<Self> {
        // JSON knows one kind of number: 8.0 is as whole as 8.
        let number = value
            .as_u64()
            .or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n)).map(|n| n as u64))?;
        u32::try_from(number).ok().filter(|number| (MIN..=MAX).contains(number)).map(Self)
    }

    fn read_text(text: &str) -> Option<Self> {
        Self::read(&text.trim().parse::<u64>().ok()?.into())
    }

    fn show(&self) -> Value {
        self.0.into()
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Whole<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("WholeFrom{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A number of seconds from 0 to `MAX`, fractions allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seconds<const MAX: u32>(pub(super) f64);

impl<const MAX: u32> Written for Seconds<MAX> {
    fn allowed() -> String {
        format!("a number of seconds from 0 to {MAX}")
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_f64().filter(|seconds| (0.0..=f64::from(MAX)).contains(seconds)).map(Self)
    }

    fn show(&self) -> Value {
        self.0.into()
    }
}

impl<const MAX: u32> JsonSchema for Seconds<MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("SecondsTo{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": MAX })
    }
}

/// Defines a choice among words.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema)]
        #[schemars(inline)]
        pub(super) enum $name {
            $($(#[$doc])* #[schemars(rename = $word)] $variant),+
        }

        impl $crate::config::written::Written for $name {
            fn allowed() -> String {
                [$(concat!("\"", $word, "\"")),+].join(" or ")
            }

            fn read(value: &serde_json::Value) -> Option<Self> {
                match value.as_str()? {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn show(&self) -> serde_json::Value {
                match self {
                    $(Self::$variant => $word.into()),+
                }
            }
        }
    };
}
pub(super) use choice;

/// A folder: a well-known id, or names from the top down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    Id(String),
    Names(Vec<String>),
}

impl Written for Folder {
    fn allowed() -> String {
        r#"an array of folder names such as ["Projects", "2024"], or a well-known id such as "inbox""#.into()
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(id) => Some(Self::Id(id.clone())),
            Value::Array(names) if !names.is_empty() => names
                .iter()
                .map(|name| name.as_str().filter(|name| !name.is_empty()).map(str::to_owned))
                .collect::<Option<_>>()
                .map(Self::Names),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        match self {
            Self::Id(id) => id.as_str().into(),
            Self::Names(names) => names.clone().into(),
        }
    }
}

impl JsonSchema for Folder {
    fn schema_name() -> Cow<'static, str> {
        "Folder".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A folder and all below it: names from the top down, or a well-known id",
            "anyOf": [
                { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 },
                { "enum": super::folders::WELL_KNOWN }
            ]
        })
    }
}
