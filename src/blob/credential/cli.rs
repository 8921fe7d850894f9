//! The identity of a person who is logged in with the Azure CLI (AzureCliCredential).

use std::{path::PathBuf, process::Stdio, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Local, NaiveDateTime, TimeZone, Utc};
use serde::Deserialize;
use tokio::process::Command;

use super::{Denied, Login, RESOURCE, held::Held};
use crate::{auth::Secret, config::Env};

/// The CLI takes a second or two; with a refresh of its own token, some more.
const LONGEST: Duration = Duration::from_secs(15);

/// `az`, where PATH has it.
pub(super) struct Cli {
    program: Option<PathBuf>,
    held: Held,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: String,
    /// Local time.
    expires_on: Option<String>,
    /// Seconds since 1970; newer versions only.
    #[serde(rename = "expires_on")]
    expires_at: Option<i64>,
}

impl Cli {
    pub(super) fn new(env: &Env) -> Self {
        let path = env.var("PATH").unwrap_or_default();
        let program = std::env::split_paths(path).map(|folder| folder.join("az")).find(|path| path.is_absolute() && path.is_file());
        Self { program, held: Held::default() }
    }

    async fn ask(&self) -> Result<(Secret, Duration), Denied> {
        let program = self.program.as_ref().ok_or_else(|| Denied::unavailable("az is not installed"))?;
        let mut command = Command::new(program);
        command.args(["account", "get-access-token", "--output", "json", "--resource", RESOURCE]);
        // Not where we happen to be: that folder may be anybody's.
        command.current_dir("/").stdin(Stdio::null()).kill_on_drop(true);
        let ran = tokio::time::timeout(LONGEST, command.output()).await;
        let output = ran.map_err(|_| Denied::passing(format!("az did not answer within {} s", LONGEST.as_secs())))?;
        let output = output.map_err(|error| Denied::unavailable(format!("{} cannot be run: {error}", program.display())))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            if text.contains("az login") || text.contains("az account set") {
                return Err(Denied::unavailable("nobody is logged in; run `az login`"));
            }
            let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason was given");
            let told: String = line.chars().filter(|c| !c.is_control()).take(300).collect();
            return Err(Denied::rejected(format!("az account get-access-token failed: {told}")));
        }
        let answer: Answer =
            serde_json::from_slice(&output.stdout).map_err(|_| Denied::rejected("az account get-access-token gave no token"))?;
        let end = answer.expires_at.and_then(|at| DateTime::from_timestamp(at, 0)).or_else(|| local(answer.expires_on.as_deref()?));
        // The CLI hands out the token that it has, which may be near its end.
        let life = end.map_or(Duration::from_secs(600), |end| (end - Utc::now()).to_std().unwrap_or_default());
        Ok((Secret::new(answer.access_token), life))
    }
}

fn local(text: &str) -> Option<DateTime<Utc>> {
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Local.from_local_datetime(&naive).earliest().map(|at| at.to_utc())
}

#[async_trait]
impl Login for Cli {
    async fn token(&self) -> Result<Secret, Denied> {
        self.held.or_ask(self.ask()).await
    }

    async fn refused(&self) {
        self.held.forget().await;
    }
}
