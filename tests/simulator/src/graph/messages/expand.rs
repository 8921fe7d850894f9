//! `$expand` of messages: extended properties and attachments.

use super::extended::{self, Asked};
use crate::graph::GraphError;

/// What is to be told with each message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expand {
    /// Extended properties.
    pub(super) extended: Vec<Asked>,
    /// Attachments, with the properties selected of them (all where there are none).
    pub(super) attachments: Option<Vec<String>>,
}

impl Expand {
    /// Reads the option as written.
    ///
    /// # Errors
    /// For anything else than the two.
    pub(super) fn of(text: Option<&str>) -> Result<Self, GraphError> {
        let mut expand = Self::default();
        for part in parts(text.unwrap_or_default()) {
            let (name, options) = match part.split_once('(') {
                Some((name, rest)) => (name.trim(), rest.trim_end().strip_suffix(')').unwrap_or(rest)),
                None => (part.trim(), ""),
            };
            match name.to_ascii_lowercase().as_str() {
                "singlevalueextendedproperties" => expand.extended = extended::read(options)?,
                "attachments" => expand.attachments = Some(selected(options)),
                // Nothing here has extensions or properties of many values.
                "multivalueextendedproperties" | "extensions" => {}
                _ => {
                    return Err(GraphError::request(
                        "RequestBroker--ParseUri",
                        format!("Could not find a property named '{name}' on type 'Microsoft.OutlookServices.Message'."),
                    ));
                }
            }
        }
        Ok(expand)
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Splits at commas outside of brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let split = text.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    split.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn selected(options: &str) -> Vec<String> {
    let select = options.split(';').find_map(|option| option.trim().trim_start_matches('$').strip_prefix("select="));
    select.into_iter().flat_map(|names| names.split(',')).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_expansions_are_read_and_others_refused() {
        let expand = Expand::of(Some(
            "attachments($select=id,name),singleValueExtendedProperties($filter=id eq 'Integer 0x0E08' or id eq 'String 0x70')",
        ))
        .unwrap();
        assert_eq!(expand.attachments, Some(vec!["id".to_owned(), "name".to_owned()]));
        assert_eq!(expand.extended.len(), 2);
        assert!(Expand::of(None).unwrap().is_empty() && Expand::of(Some("attachments")).unwrap().attachments == Some(Vec::new()));
        assert!(Expand::of(Some("replies")).is_err() && Expand::of(Some("singleValueExtendedProperties")).is_err());
    }
}
