//! What a configuration looks like: a sample to start from, and the JSON Schema.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw::RawConfig;

/// A configuration to start from: on-premises Exchange, NTLM, the password from the environment.
pub const SAMPLE: &str = include_str!("sample.json");

/// The same for Exchange Online: Graph, with a client secret.
pub const SAMPLE_GRAPH: &str = include_str!("sample-graph.json");

/// The JSON Schema, draft 2020-12, of a configuration file. What several keys demand of each other it does not say; `check` does.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<RawConfig>();
    schema.insert("title".into(), "exchange-sync configuration".into());
    schema.to_value()
}
