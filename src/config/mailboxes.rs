//! Judging the mailboxes.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::{
    FolderPath, MailboxSettings, Participants, StartFrom,
    endpoint::quoted,
    folders::WELL_KNOWN,
    json,
    layer::{Layers, Origin},
    object::{Entries, List, nearest},
    raw::{RawMailbox, StartName, top},
    report::Report,
    written::{Folder, Written},
};
use crate::mail::{Address, Bucket, Mailbox};

/// The mailboxes, where they are good; whatever is not is reported.
pub(super) fn judge(written: Option<Entries<RawMailbox>>, layers: &Layers<'_>, report: &Report) -> Vec<MailboxSettings> {
    let Some(Entries { entries, empty }) = written else {
        // What is there but no object was reported when it was read.
        report.missing(top("mailboxes"), "missing", r#"write { "a@example.com": { "bucket": { "owner": "...", "name": "..." } } }"#);
        return Vec::new();
    };
    let mut seen: HashMap<Address, String> = HashMap::new();
    let mut mailboxes = Vec::new();
    for (path, key, raw) in entries {
        if let Some(problem) = not_an_address(&key) {
            report.fault(
                &path,
                format!("{} is not a mailbox address: {problem}", quoted(&key)),
                "write its primary SMTP address, such as a@example.com",
            );
        }
        let address = Address::new(&key);
        if let Some(first) = seen.insert(address.clone(), key.clone()) {
            report.fault(
                &path,
                format!("is the same mailbox as {}", quoted(&first)),
                "keep one of them: Exchange does not tell addresses apart by case",
            );
        }
        mailboxes.extend(Judge { path: &path, layers, report }.mailbox(address, raw));
    }
    if empty {
        report.fault(top("mailboxes"), "holds no mailbox", "name at least one");
    } else if !mailboxes.is_empty() && mailboxes.iter().all(|mailbox| !mailbox.enabled) {
        report.warn(top("mailboxes"), "no mailbox is enabled: nothing will be copied", r#"write "enabled": true"#);
    }
    mailboxes
}

/// Why a text has not the shape of an SMTP address.
fn not_an_address(text: &str) -> Option<&'static str> {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Some("it has no @");
    };
    if local.is_empty() {
        Some("nothing stands before the @")
    } else if local.contains('@') {
        Some("it has more than one @")
    } else if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Some("it holds a blank")
    } else if text.contains(['<', '>', ',', ';', ':', '"', '/', '\\']) {
        Some("it holds a character that addresses do not have")
    } else if not_a_domain(domain) {
        Some("what follows the @ is not a domain")
    } else if text.len() > 254 {
        Some("it is longer than 254 bytes")
    } else {
        None
    }
}

fn not_a_domain(domain: &str) -> bool {
    domain.split('.').any(|label| label.is_empty() || !label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_'))
}

struct Judge<'a> {
    path: &'a str,
    layers: &'a Layers<'a>,
    report: &'a Report,
}

impl Judge<'_> {
    fn mailbox(&self, address: Address, raw: RawMailbox) -> Option<MailboxSettings> {
        let bucket = self.bucket(&raw);
        let start = raw.start_timestamp.as_deref().and_then(|text| self.time("start_timestamp", text));
        let from = self.or_default("start_from", raw.start_from, StartName::Bucket);
        if let Some(text) = &raw.start_timestamp {
            self.layers.record(json::member(self.path, "start_timestamp"), text.as_str().into(), Origin::File);
        } else if from == StartName::Config {
            self.report.warn(
                json::member(self.path, "start_from"),
                r#""config" without start_timestamp reads the whole mailbox anew at every start"#,
                r#"set start_timestamp, or write "bucket""#,
            );
        }
        let enabled = self.or_default("enabled", raw.enabled, true);
        let archive = self.or_default("archive", raw.archive, false);
        let folder_allowlist = self.folders("folder_allowlist", raw.folder_allowlist);
        let folder_denylist = self.folders("folder_denylist", raw.folder_denylist).unwrap_or_default();
        let allow = self.participants(
            ("participant_allowlist", raw.participant_allowlist),
            ("participant_domain_allowlist", raw.participant_domain_allowlist),
        );
        let deny = self.participants(
            ("participant_denylist", raw.participant_denylist),
            ("participant_domain_denylist", raw.participant_domain_denylist),
        );
        Some(MailboxSettings {
            mailbox: Mailbox { address, bucket: bucket?, archive },
            enabled,
            start_from: match from {
                StartName::Bucket => StartFrom::Stored,
                StartName::Config => StartFrom::Configured,
            },
            start,
            folder_allowlist: folder_allowlist.filter(|list| !list.is_empty()),
            folder_denylist,
            participant_allowlist: Some(allow).filter(|people| !people.is_empty()),
            participant_denylist: deny,
        })
    }

    fn bucket(&self, raw: &RawMailbox) -> Option<Bucket> {
        let path = json::member(self.path, "bucket");
        let Some(bucket) = &raw.bucket else {
            self.report.missing(path, "missing", r#"write { "owner": "project-name", "name": "bucket-name" }"#);
            return None;
        };
        let part = |key: &str, value: &Option<String>| {
            let path = json::member(&path, key);
            let Some(text) = value.as_deref().filter(|text| !text.trim().is_empty()) else {
                self.report.missing(path, "missing", "write the name of the project or bucket");
                return None;
            };
            self.layers.record(path.as_str(), text.into(), Origin::File);
            // Both become names of folders.
            if text.contains(['/', '\\']) || text.contains(char::is_control) || text == "." || text == ".." || text.len() > 200 {
                self.report.fault(
                    path,
                    format!("{} cannot be the name of a folder", quoted(text)),
                    r"it may not hold / or \, be . or .., or be longer than 200 bytes",
                );
                return None;
            }
            Some(text.to_owned())
        };
        let (owner, name) = (part("owner", &bucket.owner), part("name", &bucket.name));
        Some(Bucket { owner: owner?, name: name? })
    }

    fn time(&self, key: &str, text: &str) -> Option<DateTime<Utc>> {
        let path = json::member(self.path, key);
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => {
                let time = time.with_timezone(&Utc);
                if time > Utc::now() {
                    self.report.warn(
                        path,
                        format!("{} lies in the future: no message is copied that was received before it", quoted(text)),
                        "check the year",
                    );
                }
                Some(time)
            }
            Err(_) => {
                let naive =
                    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"].iter().any(|form| NaiveDateTime::parse_from_str(text, form).is_ok());
                let (problem, remedy) = if naive {
                    ("does not say its time zone", format!("add Z for UTC: {}", quoted(&format!("{}Z", text.replace(' ', "T")))))
                } else if NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() {
                    ("has no time of day", format!("write {}", quoted(&format!("{text}T00:00:00Z"))))
                } else {
                    ("is not an RFC 3339 time", "write it like 2020-01-31T00:00:00Z".to_owned())
                };
                self.report.fault(path, format!("{} {problem}", quoted(text)), remedy);
                None
            }
        }
    }

    fn folders(&self, key: &str, list: Option<List<Folder>>) -> Option<Vec<FolderPath>> {
        let List(folders) = list?;
        let path = json::member(self.path, key);
        self.layers.record(path.as_str(), folders.iter().map(|(_, folder)| folder.show()).collect(), Origin::File);
        let judged = folders.into_iter().filter_map(|(path, folder)| match folder {
            Folder::Names(names) => Some(FolderPath::Names(names)),
            Folder::Id(id) if WELL_KNOWN.contains(&id.to_lowercase().as_str()) => Some(FolderPath::WellKnown(id.to_lowercase())),
            Folder::Id(id) => {
                let like = nearest(&id, &WELL_KNOWN)
                    .map_or_else(|| r#"ids are such as "inbox";"#.into(), |known| format!("did you mean {}?", quoted(known)));
                let by_name = serde_json::json!([id]);
                self.report.fault(
                    path,
                    format!("{} is not a well-known folder id", quoted(&id)),
                    format!("{like} a folder of that name is written {by_name}"),
                );
                None
            }
        });
        Some(judged.collect())
    }

    fn participants(&self, addresses: (&str, Option<List<String>>), domains: (&str, Option<List<String>>)) -> Participants {
        let mut people = Participants::default();
        for (path, text) in self.texts(addresses.0, addresses.1) {
            match not_an_address(&text) {
                Some(problem) => {
                    self.report.fault(path, format!("{} is not an address: {problem}", quoted(&text)), "write it like a@example.com")
                }
                None => people.addresses.push(Address::new(&text)),
            }
        }
        for (path, text) in self.texts(domains.0, domains.1) {
            if not_a_domain(&text) {
                self.report.fault(path, format!("{} is not a domain", quoted(&text)), "write it like example.com, without the @");
            } else {
                people.domains.push(text.to_lowercase());
            }
        }
        people
    }

    fn texts(&self, key: &str, list: Option<List<String>>) -> Vec<(String, String)> {
        let Some(List(texts)) = list else {
            return Vec::new();
        };
        self.layers.record(json::member(self.path, key), texts.iter().map(|(_, text)| text.as_str()).collect(), Origin::File);
        texts
    }

    fn or_default<T: Written>(&self, key: &str, file: Option<T>, default: T) -> T {
        let origin = if file.is_some() { Origin::File } else { Origin::Default };
        let value = file.unwrap_or(default);
        self.layers.record(json::member(self.path, key), value.show(), origin);
        value
    }
}
