//! The real program, with a configuration and a folder of its own.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::{process::Child, process::Command, time::timeout};

use super::{
    SERVICE, Server,
    bodies::Bodies,
    container::Container,
    truth::Form,
    ways::{CLIENT, SECRET, TENANT},
};

/// No pass of these tests takes longer; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// A configuration, and where the program copies to.
pub struct Setup {
    pub dir: TempDir,
    pub config: Value,
    /// How the interface configured writes ids.
    pub form: Form,
    /// What went over the wire, where that is to be validated at the end.
    pub bodies: Option<Bodies>,
    pub env: Vec<(String, OsString)>,
    /// Where messages go, if not into the folder [`sink`](Setup::sink).
    pub to: Option<Vec<String>>,
    /// The container among these places, if it is one.
    pub container: Option<Container>,
    pub args: Vec<String>,
}

/// How the program ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Setup {
    /// All mailboxes of the server, read by NTLM and impersonation, as fast as it goes.
    pub fn new(server: &Server) -> Self {
        let mut mailboxes = Map::new();
        for mailbox in server.simulator.state().store.mailboxes() {
            let entry = json!({"bucket": {"owner": "acme", "name": "mail"}, "archive": mailbox.has_archive()});
            mailboxes.insert(mailbox.address().to_owned(), entry);
        }
        let config = json!({
            "ews_endpoint": server.simulator.ews_url(), "auth_type": "ntlm", "auth_user": SERVICE.0, "auth_password": SERVICE.1,
            "access_type": "impersonation", "poll_message_sleep": 0, "mailboxes": mailboxes,
        });
        let setup = Self {
            dir: tempfile::tempdir().unwrap(),
            config,
            form: Form::Ews,
            bodies: None,
            env: Vec::new(),
            to: None,
            container: None,
            args: Vec::new(),
        };
        std::fs::create_dir(setup.sink()).unwrap();
        setup
    }

    /// The same mailboxes, read by Microsoft Graph instead, whoever logged in before: an application with a secret.
    pub fn by_graph(&mut self, server: &Server) {
        let base = server.simulator.url();
        let keys = self.config.as_object_mut().unwrap();
        keys.retain(|key, _| !key.starts_with("auth_") && !["ews_endpoint", "access_type"].contains(&key.as_str()));
        self.set(json!({
            "microsoft_api": "graph", "graph_endpoint": base, "auth_oauth_authority": format!("{base}/{TENANT}/"),
            "auth_oauth_client_id": CLIENT, "auth_oauth_client_secret": SECRET,
        }));
        for mailbox in self.config["mailboxes"].as_object_mut().unwrap().values_mut() {
            mailbox["archive"] = json!(false);
        }
        self.form = Form::GraphImmutable;
    }

    /// Sets some keys of the configuration.
    pub fn set(&mut self, keys: Value) {
        for (key, value) in keys.as_object().unwrap() {
            self.config[key] = value.clone();
        }
    }

    /// Sets some keys of one mailbox.
    pub fn set_mailbox(&mut self, address: &str, keys: Value) {
        for (key, value) in keys.as_object().unwrap() {
            self.config["mailboxes"][address][key] = value.clone();
        }
    }

    /// The mailboxes configured.
    pub fn mailboxes(&self) -> Vec<String> {
        self.config["mailboxes"].as_object().unwrap().keys().cloned().collect()
    }

    /// The folder copied into.
    pub fn sink(&self) -> PathBuf {
        self.dir.path().join("sink")
    }

    /// A mailbox's messages and catalog.
    pub fn data(&self, address: &str) -> PathBuf {
        self.sink().join("data/acme/mail").join(address)
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("config.json")
    }

    /// Starts the program with these arguments besides folder and configuration.
    pub fn start(&self, args: &[&str]) -> Child {
        std::fs::write(self.file(), self.config.to_string()).unwrap();
        self.command(&["run"], &self.sink(), args).spawn().unwrap()
    }

    /// Runs another verb over the same copy.
    pub async fn verb(&self, verb: &[&str], args: &[&str]) -> Ran {
        std::fs::write(self.file(), self.config.to_string()).unwrap();
        ended(self.command(verb, &self.sink(), args).spawn().unwrap()).await
    }

    fn command(&self, verb: &[&str], sink: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exchange-sync"));
        command.args(verb);
        match &self.to {
            None => command.arg("--local-files-prefix").arg(sink),
            Some(to) => command.args(to),
        };
        // A configuration that is kept elsewhere would lose against a local file.
        if !self.args.iter().any(|word| word == "--remote-config-owner") {
            command.arg("--config").arg(self.file());
        }
        command.args(args).args(&self.args);
        // Nothing of whoever runs the tests: no proxy, no log filter, no password.
        command.env_clear().envs(self.env.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// One complete pass.
    pub async fn once(&self) -> Ran {
        ended(self.start(&["--once", "--progress", "json"])).await
    }

    /// One complete pass that must end well.
    pub async fn pass(&self) -> Ran {
        let ran = self.once().await;
        assert_eq!(ran.code, 0, "{ran}");
        ran
    }
}

/// Sends a signal to the program, such as `-TERM`.
pub fn signal(child: &Child, name: &str) {
    let done = std::process::Command::new("kill").arg(name).arg(child.id().unwrap().to_string()).status().unwrap();
    assert!(done.success());
}

/// Waits for the end of the program.
pub async fn ended(child: Child) -> Ran {
    ended_within(child, PATIENCE).await
}

/// The same, for those of whom it is known that they take longer.
pub async fn ended_within(child: Child, patience: Duration) -> Ran {
    let output = timeout(patience, child.wait_with_output()).await.expect("the program ends").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Ran {
    /// The summary, the last line of what JSON progress prints.
    pub fn summary(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_else(|| panic!("no summary: {self}"));
        let summary: Value = serde_json::from_str(last).unwrap();
        assert_eq!(summary["event"], "summary", "{self}");
        summary
    }

    /// A figure of the summary.
    pub fn figure(&self, name: &str) -> u64 {
        self.summary()[name].as_u64().unwrap_or_else(|| panic!("no figure {name}: {self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr)
    }
}
