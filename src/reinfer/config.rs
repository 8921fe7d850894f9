//! Configurations of appliances, kept with the API.

use bytes::Bytes;
use http::{Method, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Client, Error,
    answer::{self, LARGE, Question},
};
use crate::http::guid;

/// Where a configuration is kept (`--remote-config-owner`, `--remote-config-key`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigName {
    /// The project.
    pub owner: String,
    /// The key within it.
    pub key: String,
}

impl Client {
    /// A configuration's file, byte for byte as it was put there.
    pub async fn appliance_config(&self, name: &ConfigName) -> Result<Bytes, Error> {
        let question = question("reading", name, "read appliance configurations (appliance-config-read)");
        let response = self.send(&question, self.config(Method::GET, name)).await?;
        answer::raw(&question, response).await
    }

    /// Puts a configuration's file there. Tells what the API says has changed. The API may send mail of it to the file's `audit_email`.
    pub async fn put_appliance_config(&self, name: &ConfigName, file: &[u8]) -> Result<Value, Error> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            changes: Value,
        }
        let question = question("writing", name, "write appliance configurations (appliance-config-write)");
        // One field of one file: no need for a library.
        let boundary = format!("exchange-sync-{}", guid());
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"config.json\"\r\nContent-Type: application/json\r\n\r\n"
        );
        let body = [head.as_bytes(), file, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        let kind = format!("multipart/form-data; boundary={boundary}");
        let request = self.config(Method::PUT, name).header(CONTENT_TYPE, kind).body(body);
        self.ask::<Answer>(&question, request).await.map(|answer| answer.changes)
    }

    fn config(&self, method: Method, name: &ConfigName) -> reqwest::RequestBuilder {
        self.request(method, &["api", "v1", "appliance-configs", &name.owner, &name.key])
    }
}

fn question(what: &str, name: &ConfigName, right: &'static str) -> Question {
    Question {
        attempt: format!("{what} the configuration {}/{}", name.owner, name.key),
        right,
        missing: "there is no such configuration: put one there with config upload, or correct --remote-config-owner and \
            --remote-config-key"
            .to_owned(),
        cap: LARGE,
    }
}
