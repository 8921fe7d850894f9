//! Values that others say of a configuration, with nothing secret in them.

use serde_json::Value;

use super::json;

/// The same with each value of a secret's key hidden, however deep, and so also whatever stands beside a secret's name.
pub fn without_secrets(value: Value) -> Value {
    let secret = |text: &str| json::SECRETS.iter().any(|key| text.contains(key));
    // A key or the path to one, with nothing of its value behind it.
    let name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.$[]/-".contains(c));
    match value {
        Value::Object(members) => {
            // A list of changes may name the key in one member and tell its values in others.
            let about = members.values().any(|value| value.as_str().is_some_and(secret));
            let hide = |(key, value): (String, Value)| {
                let hidden = secret(&key) || (about && !value.as_str().is_some_and(secret));
                (key, if hidden { "[redacted]".into() } else { without_secrets(value) })
            };
            Value::Object(members.into_iter().map(hide).collect())
        }
        Value::Array(elements) if elements.iter().any(|element| element.as_str().is_some_and(secret)) => {
            let bare = |element: &Value| element.as_str().is_some_and(|text| secret(text) && name(text));
            elements.into_iter().map(|element| if bare(&element) { element } else { "[redacted]".into() }).collect()
        }
        Value::Array(elements) => elements.into_iter().map(without_secrets).collect(),
        // A difference told as text may hold a line of the file.
        Value::String(text) if secret(&text) && !name(&text) => "[redacted]".into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_however_they_are_told() {
        let told = [
            json!({"auth_password": "hunter2", "port": 443}),
            json!({"changed": {"$.auth_oauth_client_secret": ["hunter2", {"x": "hunter3"}]}}),
            json!([{"path": "$.auth_password", "old": "hunter2", "new": ["hunter3"]}, {"path": "$.port", "old": 1}]),
            json!([["auth_password", "hunter1", "hunter2"]]),
            json!(["auth_password: hunter1 -> hunter2"]),
            json!("auth_password=hunter2"),
            json!(format!("- \"auth_password\": \"hunter1\"\n+ \"auth_password\": \"{}\"", "hunter2".repeat(9))),
        ];
        for value in told {
            let hidden = without_secrets(value.clone()).to_string();
            assert!(!hidden.contains("hunter") && hidden.contains("redacted"), "{hidden}");
        }
        let harmless = json!({"mailboxes": {"a@example.com": ["added"]}, "port": [80, 443], "none": null, "auth_user": "svc"});
        assert_eq!(without_secrets(harmless.clone()), harmless);
    }
}
