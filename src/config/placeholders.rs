//! Texts that a manual wanted replaced.

use serde_json::Value;

use super::{json, report::Report};

/// Warns of texts like `<tenant_id>` that a manual wanted replaced. Folder names may well look like that.
pub(super) fn warn(path: &str, value: &Value, report: &Report) {
    match value {
        Value::Object(members) => {
            for (key, value) in members.iter().filter(|(key, _)| !key.starts_with("folder_")) {
                let path = json::member(path, key);
                match value.as_str() {
                    // Of a secret not even a part is shown, and a real one may hold < and >.
                    Some(text) if json::SECRETS.contains(&key.as_str()) => {
                        if text.starts_with('<') && placeholder(text).is_some_and(|found| found.len() == text.len()) {
                            report.warn(path, "the value (not shown) looks like a placeholder", "replace it with the real value");
                        }
                    }
                    _ => warn(&path, value, report),
                }
            }
        }
        Value::String(text) => {
            if let Some(found) = placeholder(text) {
                report.warn(path, format!("{found} looks like a placeholder"), "replace it with the real value");
            }
        }
        _ => {}
    }
}

/// The first `<word>` in a text.
fn placeholder(text: &str) -> Option<&str> {
    let start = text.find('<')?;
    let end = start + text[start..].find('>')?;
    let word = &text[start + 1..end];
    (!word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))).then(|| &text[start..=end])
}
