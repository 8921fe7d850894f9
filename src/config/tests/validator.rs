//! As much of JSON Schema 2020-12 as our schema uses; an unknown word is an error, so that no rule goes unseen.

use serde_json::Value;

/// Whether `value` is valid, and where not.
pub(super) fn validate(schema: &Value, root: &Value, value: &Value, path: &str) -> Result<(), String> {
    let rules = schema.as_object().ok_or(format!("{path}: a schema is no object: {schema}"))?;
    for (word, rule) in rules {
        let holds = match word.as_str() {
            "$schema" | "title" | "description" | "default" | "$defs" => true,
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                validate(root.pointer(pointer).unwrap(), root, value, path)?;
                true
            }
            "type" => match rule {
                Value::Array(types) => types.iter().any(|name| is(name, value)),
                name => is(name, value),
            },
            "enum" => rule.as_array().unwrap().contains(value),
            "const" => rule == value,
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "minProperties" => value.as_object().is_none_or(|members| members.len() as u64 >= rule.as_u64().unwrap()),
            "required" => value
                .as_object()
                .is_none_or(|members| rule.as_array().unwrap().iter().all(|key| members.contains_key(key.as_str().unwrap()))),
            "anyOf" | "oneOf" => rule.as_array().unwrap().iter().any(|one| validate(one, root, value, path).is_ok()),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(rule, root, item, &format!("{path}[{index}]"))?;
                }
                true
            }
            "properties" => {
                for (key, member) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = rule.get(key) {
                        validate(schema, root, member, &format!("{path}.{key}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = |key: &String| rules.get("properties").is_some_and(|properties| properties.get(key).is_some());
                for (key, member) in value.as_object().into_iter().flatten().filter(|(key, _)| !known(key)) {
                    match rule {
                        Value::Bool(allowed) if !allowed => return Err(format!("{path}.{key}: unknown")),
                        schema => validate(schema, root, member, &format!("{path}.{key}"))?,
                    }
                }
                true
            }
            other => return Err(format!("{path}: this test does not know the word {other}")),
        };
        if !holds {
            return Err(format!("{path}: {value} is against {word} {rule}"));
        }
    }
    Ok(())
}

fn is(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        other => panic!("type {other}"),
    }
}
