//! The Communications Mining API, as a world says it.

use std::path::PathBuf;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::reinfer::{PERMISSIONS, Reinfer, Settings, Token, is_name};

/// The API: who may use it, what it allows and what it holds at the beginning. Where a world says nothing there is the token `reinfer-token`, which
/// may do everything, and the bucket `acme/mail`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReinferSpec {
    /// How much of a message is kept.
    pub keep: Keep,
    /// Bytes of a request's body; what is larger is refused with 413.
    pub max_body: u64,
    /// Emails of one request; 0 for any number.
    pub max_emails: usize,
    /// Requests of one token in flight at a time, beyond which they are refused with 429; 0 for any number.
    pub max_in_flight: u32,
    /// The `Retry-After` of such a refusal, in seconds.
    pub retry_after_s: u64,
    /// Who may use it.
    pub tokens: Vec<TokenSpec>,
    /// The buckets there are at the beginning.
    pub buckets: Vec<BucketSpec>,
    /// The configurations there are at the beginning.
    pub configs: Vec<ConfigSpec>,
}

/// How much of a message is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Its text, in memory.
    #[default]
    Mime,
    /// The SHA-256 and the length of its text: for uploads that would not fit into memory. Read back, its text is empty.
    Digest,
}

/// A token and its user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// The token.
    pub token: String,
    /// The user's address; the part before the @ is the user's name. `appliance@example.com` when absent.
    #[serde(default)]
    pub email: Option<String>,
    /// What the user may do; everything when absent.
    #[serde(default)]
    pub permissions: Option<Vec<String>>,
    /// The owners (projects) in which the user may do it; all when empty.
    #[serde(default)]
    pub owners: Vec<String>,
}

/// A bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BucketSpec {
    /// Its owner, a project.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Its title; its name when absent.
    #[serde(default)]
    pub title: Option<String>,
}

/// The configuration of an appliance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigSpec {
    /// Its owner, a project.
    pub owner: String,
    /// Its key.
    pub key: String,
    /// The file that is served; a path counts from the world file.
    pub file: PathBuf,
}

impl Default for ReinferSpec {
    fn default() -> Self {
        Self {
            keep: Keep::Mime,
            max_body: 32 << 20,
            max_emails: 0,
            max_in_flight: 0,
            retry_after_s: 5,
            tokens: vec![TokenSpec { token: "reinfer-token".into(), ..TokenSpec::default() }],
            buckets: vec![BucketSpec { owner: "acme".into(), name: "mail".into(), title: None }],
            configs: Vec::new(),
        }
    }
}

impl TokenSpec {
    /// The token, or which key of it is wrong.
    ///
    /// # Errors
    /// A text naming the key.
    pub fn build(&self) -> Result<Token, String> {
        if self.token.is_empty() || !self.token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("token: not empty, and of visible ASCII alone".to_owned());
        }
        let permissions = self.permissions.clone().unwrap_or_else(|| PERMISSIONS.map(str::to_owned).to_vec());
        if let Some(unknown) = permissions.iter().find(|name| !PERMISSIONS.contains(&name.as_str())) {
            return Err(format!("permissions: {unknown:?} is unknown here; known are {}", PERMISSIONS.join(", ")));
        }
        let email = self.email.clone().unwrap_or_else(|| "appliance@example.com".to_owned());
        let username = email.split('@').next().unwrap_or_default().to_owned();
        Ok(Token { token: self.token.clone(), username, email, permissions, owners: self.owners.clone() })
    }
}

impl ReinferSpec {
    /// The API as it is at the beginning.
    pub(super) fn build(&self) -> Result<Reinfer, String> {
        let token = |(at, spec): (usize, &TokenSpec)| spec.build().map_err(|error| format!("reinfer.tokens[{at}].{error}"));
        let settings = Settings {
            keep_mime: self.keep == Keep::Mime,
            max_body: usize::try_from(self.max_body).unwrap_or(usize::MAX),
            max_emails: self.max_emails,
            max_in_flight: self.max_in_flight,
            retry_after_s: self.retry_after_s,
        };
        let reinfer = Reinfer::new(settings, self.tokens.iter().enumerate().map(token).collect::<Result<_, _>>()?);
        for (at, spec) in self.buckets.iter().enumerate() {
            check_names(&format!("reinfer.buckets[{at}]"), &spec.owner, &spec.name)?;
            if reinfer.make_bucket(&spec.owner, &spec.name, spec.title.as_deref()).is_none() {
                return Err(format!("reinfer.buckets[{at}]: {}/{} is there already", spec.owner, spec.name));
            }
        }
        for (at, spec) in self.configs.iter().enumerate() {
            let key = format!("reinfer.configs[{at}]");
            check_names(&key, &spec.owner, &spec.key)?;
            let content = std::fs::read(&spec.file).map_err(|error| format!("{key}.file: cannot read {}: {error}", spec.file.display()))?;
            reinfer.set_config(&spec.owner, &spec.key, Some(Bytes::from(content)));
        }
        Ok(reinfer)
    }
}

fn check_names(key: &str, owner: &str, name: &str) -> Result<(), String> {
    match [owner, name].into_iter().find(|name| !is_name(name)) {
        None => Ok(()),
        Some(wrong) => Err(format!("{key}: {wrong:?} is no name: 1 to 256 letters, digits, - and _")),
    }
}
