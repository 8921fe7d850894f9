//! Server against catalog against files.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    Server, Setup,
    sink::{self, Kept, Object},
    truth::{Real, truth_in},
};

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Tally {
    /// Items on the server that were to be copied.
    pub real: usize,
    /// Keys of the catalog that have a file.
    pub stored: usize,
    /// Keys that left the mailbox.
    pub deleted: usize,
    /// Keys in quarantine.
    pub quarantined: usize,
    /// Files written from properties.
    pub composed: usize,
    /// Messages on the disk that no line tells of.
    pub untold: Vec<PathBuf>,
    /// Everything else that is not as it should be.
    pub faults: Vec<String>,
}

impl Tally {
    /// Fails where anything differs.
    #[track_caller]
    pub fn sound(&self) -> &Self {
        let some: Vec<&str> = self.faults.iter().take(12).map(String::as_str).collect();
        assert!(self.untold.is_empty(), "no line tells of {:?}", self.untold);
        assert!(self.faults.is_empty(), "{} differences:\n{}", self.faults.len(), some.join("\n"));
        self
    }
}

/// Compares all configured mailboxes; everything is wanted.
pub async fn compare(server: &Server, setup: &Setup) -> Tally {
    compare_wanted(server, setup, |_, _| true).await
}

/// Compares all configured mailboxes; of each only the items for which `wanted` holds are to be there.
pub async fn compare_wanted(server: &Server, setup: &Setup, wanted: impl Fn(&str, &Real) -> bool) -> Tally {
    setup.look().await;
    let mut tally = Tally::default();
    let mut expected_files = BTreeSet::new();
    for address in setup.mailboxes() {
        let archive = setup.config["mailboxes"][&address]["archive"] == true;
        let mut real = truth_in(setup.form, server, &address, archive).await;
        real.retain(|_, item| wanted(&address, item));
        let folder = setup.data(&address);
        let keys = sink::fold(&sink::lines(&folder));
        let mut judge = Judge { address: &address, real: &real, seen: BTreeMap::new(), tally: &mut tally };
        for (key, kept) in &keys {
            judge.key(key, kept);
            if let Some(file) = &kept.file {
                let path = folder.join(&file.name);
                judge.file(key, file, std::fs::read(&path).ok().as_deref());
                if !expected_files.insert(path) {
                    judge.tally.faults.push(format!("{address}: two keys share the file {}", file.name));
                }
            }
        }
        judge.nothing_missing();
        tally.real += real.len();
    }
    strangers(setup, &expected_files, &mut tally);
    tally
}

struct Judge<'a> {
    address: &'a str,
    real: &'a BTreeMap<String, Real>,
    seen: BTreeMap<&'a str, &'a str>,
    tally: &'a mut Tally,
}

impl<'a> Judge<'a> {
    fn fault(&mut self, key: &str, text: impl std::fmt::Display) {
        self.tally.faults.push(format!("{}: {key}: {text}", self.address));
    }

    fn key(&mut self, key: &'a str, kept: &'a Kept) {
        self.tally.stored += usize::from(kept.file.is_some());
        let Some(real) = self.real.get(&kept.item) else {
            self.tally.deleted += usize::from(kept.last == "deleted");
            if kept.present() {
                self.fault(key, format!("{} in {:?}, but the server has no such item", kept.last, kept.path));
            }
            return;
        };
        if !kept.present() {
            return self.fault(key, format!("{}, but the item is in {:?}", kept.last, real.path));
        }
        if let Some(other) = self.seen.insert(&kept.item, key) {
            self.fault(key, format!("the same item as {other}"));
        }
        if kept.folder != real.folder_name {
            self.fault(key, format!("in folder {:?}, but really in {:?}", kept.path, real.path));
        }
        if kept.path.last() != real.path.last() && kept.last == "stored" {
            self.fault(key, format!("path {:?}, but really {:?}", kept.path, real.path));
        }
        // What is in quarantine may be known by its id alone.
        if kept.read != Some(real.item.read) && !(kept.last == "quarantined" && kept.read.is_none()) {
            self.fault(key, format!("read {:?}, but really {} ({})", kept.read, real.item.read, kept.last));
        }
        match (&kept.file, &real.mime) {
            _ if kept.last == "quarantined" => {
                self.tally.quarantined += 1;
                if real.mime.is_ok() {
                    self.fault(key, format!("in quarantine ({:?}), but the server has its MIME", kept.code));
                }
            }
            (None, _) => self.fault(key, format!("{} without a file", kept.last)),
            (Some(file), Ok((sha256, bytes))) => {
                if (&file.sha256, file.bytes, file.origin.as_str()) != (sha256, *bytes, "mime") {
                    self.fault(key, format!("{} bytes of {} by {}, but really {bytes} of {sha256}", file.bytes, file.sha256, file.origin));
                }
            }
            (Some(file), Err(code)) => {
                self.tally.composed += 1;
                if file.origin != "properties" {
                    self.fault(key, format!("stored from {}, though the server answers {code}", file.origin));
                }
            }
        }
    }

    fn file(&mut self, key: &str, told: &Object, bytes: Option<&[u8]>) {
        match bytes {
            None => self.fault(key, format!("the file {} is missing", told.name)),
            Some(bytes) if bytes.len() as u64 != told.bytes || sink::sha256(bytes) != told.sha256 => {
                self.fault(key, format!("the file {} of {} bytes is not the {} bytes told", told.name, bytes.len(), told.bytes));
            }
            Some(_) => {}
        }
    }

    fn nothing_missing(&mut self) {
        let missing: Vec<&Real> = self.real.values().filter(|real| !self.seen.contains_key(real.name.as_str())).collect();
        for real in missing {
            self.fault("missing", format!("{:?} {:?} {:?} in {:?}", real.item.class, real.item.subject, real.mime, real.path));
        }
    }
}

/// Files that nobody told of: messages without a line, remains of unfinished work, anything else.
fn strangers(setup: &Setup, expected: &BTreeSet<PathBuf>, tally: &mut Tally) {
    let sink = setup.sink();
    for path in sink::files(&sink) {
        let within = path.strip_prefix(&sink).unwrap().to_string_lossy().into_owned();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let known = match within.split('/').next().unwrap() {
            "data" => {
                expected.contains(&path) || within.ends_with(".jsonl") && within.contains("/catalog/") || within == "data/.staging/lock"
            }
            "config" => within.starts_with("config/acme/"),
            "state" => {
                ["hierarchy.json", "lock", "index.sqlite", "index.sqlite-wal", "index.sqlite-shm"].contains(&name.as_str())
                    || within.contains("/folders/") && name.ends_with(".json")
            }
            _ => false,
        };
        if !known && within.starts_with("data/") && within.ends_with(".eml") {
            tally.untold.push(path);
        } else if !known {
            tally.faults.push(format!("nobody told of the file {within}"));
        }
    }
}
