//! Plausible statuses, made from nothing but a number of seconds: the same second is always the same status.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    frame::{Change, Frame, Update},
    status::{
        Budget, Eta, Figures, Folder, FolderState, Head, Level, LogLine, Mailbox, MailboxState, Mishap, Quarantined, Rate, Request, Sample,
        Shard, State, Status, Verified,
    },
};

/// An appliance that is imagined.
#[derive(Clone, Debug)]
pub struct World {
    pub start: DateTime<Utc>,
    pub instance: &'static str,
    pub shard: Option<Shard>,
    pub mailboxes: usize,
    pub folders: usize,
    pub state: State,
}

const NAMES: [&str; 12] =
    ["ann", "bob", "carla.mendes", "dieter.schmidt", "eve", "farouk", "grace.okafor", "hana.sato", "ivan", "julia", "karl-heinz", "lena"];

const FOLDERS: [&str; 10] =
    ["Inbox", "Sent Items", "Archive", "Reports", "Invoices", "Projects", "Deleted Items", "Drafts", "Newsletters", "Customers"];

/// What becomes of the mailboxes in turn.
const FATES: [MailboxState; 12] = [
    MailboxState::Syncing,
    MailboxState::Syncing,
    MailboxState::Waiting,
    MailboxState::Syncing,
    MailboxState::Done,
    MailboxState::Listing,
    MailboxState::Syncing,
    MailboxState::Degraded,
    MailboxState::Queued,
    MailboxState::Idle,
    MailboxState::Stopped,
    MailboxState::Paused,
];

impl World {
    pub fn new(start: DateTime<Utc>, mailboxes: usize, folders: usize) -> Self {
        let shard = Some(Shard { index: 0, total: 4 });
        Self { start, instance: "alpha-0", shard, mailboxes, folders, state: State::Syncing }
    }

    pub fn address(&self, n: usize) -> String {
        let name = NAMES[n % NAMES.len()];
        if n < NAMES.len() { format!("{name}@example.com") } else { format!("{name}.{}@example.com", n / NAMES.len()) }
    }

    /// The status at a second.
    pub fn status(&self, second: i64) -> Status {
        let at = self.start + TimeDelta::seconds(second);
        let mailboxes: BTreeMap<_, _> = (0..self.mailboxes).map(|n| (self.address(n), self.mailbox(n, second, at))).collect();
        let history = self.history(second);
        Status { head: self.head(at, &mailboxes, &history), mailboxes, log: self.log(second).into(), history }
    }

    /// What changed between two of them.
    pub fn update(before: &Status, after: &Status) -> Frame {
        let mut mailboxes = BTreeMap::new();
        for (address, mailbox) in &after.mailboxes {
            let Some(old) = before.mailboxes.get(address).filter(|old| *old != mailbox) else { continue };
            let mut mailbox = mailbox.clone();
            mailbox.folders.retain(|id, folder| old.folders.get(id) != Some(folder));
            mailbox.requests.retain(|request| !old.requests.contains(request));
            mailboxes.insert(address.clone(), Change { mailbox, removed: Vec::new() });
        }
        let log = after.log.iter().filter(|line| !before.log.contains(line)).cloned().collect();
        let history = (after.history != before.history).then(|| after.history.clone());
        Frame::Update(Box::new(Update { head: after.head.clone(), mailboxes, removed: Vec::new(), log, history }))
    }

    fn fate(&self, n: usize) -> MailboxState {
        match self.state {
            State::Listing => [MailboxState::Listing, MailboxState::Listing, MailboxState::Queued][n % 3],
            State::Throttled => [MailboxState::Waiting, MailboxState::Queued][n % 2],
            State::Ended => MailboxState::Done,
            _ => FATES[n % FATES.len()],
        }
    }

    fn mailbox(&self, n: usize, second: i64, at: DateTime<Utc>) -> Mailbox {
        let fate = self.fate(n);
        let stalled = fate == MailboxState::Syncing && n % 12 == 6;
        let all = 3000 + noise(n as u64) % 40_000;
        let grows = match fate {
            MailboxState::Queued | MailboxState::Listing => 0.0,
            MailboxState::Done | MailboxState::Idle => all as f64,
            _ if stalled => grown(n, 240),
            _ => grown(n, second),
        };
        let stored = (grows as u64).min(all);
        let listed = if fate == MailboxState::Listing { 137 * second as u64 + noise(n as u64) % 999 } else { all + 40 };
        let state = if fate == MailboxState::Syncing && stored == all { MailboxState::Done } else { fate };
        let wanted = match fate {
            MailboxState::Queued | MailboxState::Listing => 0,
            _ => all,
        };
        let listed = if fate == MailboxState::Queued { 0 } else { listed };
        let figures = Figures {
            items: all + 60,
            listed,
            wanted,
            expected: wanted,
            stored,
            bytes: stored * (18_000 + noise(n as u64) % 90_000),
            changes: all / 90,
            passed_over: if n % 7 == 2 { 40 } else { 0 },
            known: if n % 7 == 3 { 120 } else { 0 },
        };
        let (reason, until, error) = self.trouble(n, state, at, second);
        let busy = matches!(state, MailboxState::Syncing | MailboxState::Listing);
        let complete = matches!(state, MailboxState::Done | MailboxState::Idle);
        let progress = if stalled { self.start + TimeDelta::seconds(240.min(second)) } else { at - TimeDelta::seconds(n as i64 % 3) };
        Mailbox {
            state,
            since: Some(if stalled { self.start } else { at - TimeDelta::seconds(second % 240) }),
            reason: if stalled { Some("the server answers nothing on this connection".into()) } else { reason },
            until,
            complete,
            refused: state == MailboxState::Stopped,
            folder_count: self.folders as u64,
            failed_folders: u64::from(n % 12 == 3),
            in_sink: complete.then_some(stored + 1200),
            quarantined: if n % 5 == 1 { noise(n as u64 + 3) % 9 } else { 0 },
            throttled: if fate == MailboxState::Waiting { 12 + second as u64 / 60 } else { 0 },
            waited: if fate == MailboxState::Waiting { 200 + second as u64 } else { 0 },
            retried: noise(n as u64) % 4,
            requests_answered: stored / 20 + listed / 500,
            attempts: u64::from(state == MailboxState::Degraded) * 3,
            error,
            last_progress: (state != MailboxState::Queued).then_some(progress),
            last_complete: complete.then(|| at - TimeDelta::seconds(12 + n as i64)),
            budget: busy.then(|| Budget { used: (stored / 3 + 900 * n as u64) % 10_000, limit: 10_000, window: 600 }),
            verified: (state == MailboxState::Done).then(|| Verified {
                at: at - TimeDelta::seconds(90),
                gaps: 0,
                troubled: false,
                verdict: Some(format!("{all} of {all} messages are there")),
            }),
            folders: (0..self.folders).map(|f| self.folder(n, f, &figures, state, at)).collect(),
            requests: (0..12).map(|back| request(n, second - 11 + back, self.start)).collect(),
            figures,
        }
    }

    fn trouble(
        &self,
        n: usize,
        state: MailboxState,
        at: DateTime<Utc>,
        second: i64,
    ) -> (Option<String>, Option<DateTime<Utc>>, Option<Mishap>) {
        let mishap = |words: &str| Some(Mishap { at: at - TimeDelta::seconds(75), words: words.into() });
        let after = |length: i64| Some(at + TimeDelta::seconds(length - second % length));
        match state {
            MailboxState::Waiting if n % 24 == 2 => (Some("ErrorServerBusy: the server asked for a wait".into()), after(252), None),
            MailboxState::Waiting => (Some("429 ApplicationThrottled: mailbox concurrency".into()), after(90), None),
            MailboxState::Degraded => (
                None,
                after(300),
                mishap("listing folders of the mailbox failed: ErrorInternalServerError: an internal server error occurred"),
            ),
            MailboxState::Stopped => {
                (Some("ErrorNonExistentMailbox: no mailbox with such an address (check the address)".into()), None, None)
            }
            MailboxState::Idle => (None, after(15), None),
            _ if n % 12 == 3 => (None, None, mishap("reading Inbox/Reports failed: ErrorCorruptData: the folder's view is broken")),
            _ => (None, None, None),
        }
    }

    fn folder(&self, n: usize, f: usize, of: &Figures, state: MailboxState, at: DateTime<Utc>) -> (String, Folder) {
        // The first folders are filled before the last ones.
        let (share, count) = (1.0 / self.folders as f64, f as f64);
        let wanted = of.wanted / self.folders as u64;
        let done = (of.stored as f64 / of.wanted.max(1) as f64 - count * share) / share;
        let stored = (wanted as f64 * done.clamp(0.0, 1.0)) as u64;
        let failed = n % 12 == 3 && f == 3;
        let folder_state = match state {
            _ if failed => FolderState::Failed,
            MailboxState::Queued => FolderState::Queued,
            MailboxState::Listing if f < 2 => FolderState::Listing,
            MailboxState::Listing => FolderState::Queued,
            _ if stored == wanted => FolderState::Done,
            _ if stored > 0 => FolderState::Syncing,
            _ => FolderState::Queued,
        };
        let name = FOLDERS[f % FOLDERS.len()].to_owned();
        let path = match f / FOLDERS.len() {
            0 => vec![name],
            year => vec!["Archive".into(), format!("{}", 2026 - year), name],
        };
        let listed = if folder_state == FolderState::Listing { of.listed / 2 } else { wanted };
        let folder = Folder {
            path,
            state: folder_state,
            figures: Figures {
                items: wanted,
                listed,
                wanted,
                expected: wanted,
                stored,
                bytes: stored * 31_000,
                changes: 0,
                passed_over: 0,
                known: 0,
            },
            error: failed
                .then(|| Mishap { at: at - TimeDelta::seconds(75), words: "ErrorCorruptData: the folder's view is broken".into() }),
            cursor: (stored > 0).then(|| at - TimeDelta::seconds(4 + 60 * f as i64)),
            lag: (folder_state == FolderState::Done).then_some(9 + f as u64),
        };
        (format!("AAMk{n:03}{f:03}"), folder)
    }

    fn head(&self, at: DateTime<Utc>, mailboxes: &BTreeMap<String, Mailbox>, history: &[Sample]) -> Head {
        let mut head = Head {
            instance: self.instance.into(),
            run: format!("{}-run", self.instance),
            version: "0.1.0".into(),
            shard: self.shard,
            api: "Graph".into(),
            sink: "./mail".into(),
            once: true,
            started: self.start,
            at,
            state: self.state,
            token_expires: Some(at + TimeDelta::seconds(3000)),
            actions: true,
            ..Head::default()
        };
        let totals = &mut head.totals;
        for mailbox in mailboxes.values() {
            totals.mailboxes += 1;
            totals.complete += u64::from(mailbox.complete);
            totals.troubled += u64::from(mailbox.refused || mailbox.state == MailboxState::Degraded);
            totals.folders += mailbox.folder_count;
            totals.quarantined += mailbox.quarantined;
            totals.throttled += mailbox.throttled;
            totals.waited += mailbox.waited;
            totals.retried += mailbox.retried;
            totals.requests += mailbox.requests_answered;
            totals.errors += u64::from(mailbox.error.is_some());
            let (sum, one) = (&mut totals.figures, &mailbox.figures);
            *sum += *one;
        }
        let mean = |last: usize| {
            let samples = &history[history.len().saturating_sub(last)..];
            let seconds: f64 = samples.iter().map(|sample| f64::from(sample.seconds)).sum::<f64>().max(1.0);
            let sum = |of: fn(&Sample) -> u64| samples.iter().map(of).sum::<u64>() as f64 / seconds;
            Rate { messages: sum(|sample| sample.messages), bytes: sum(|sample| sample.bytes) }
        };
        (head.last_minute, head.last_quarter) = (mean(6), mean(90));
        let left = totals.figures.wanted.saturating_sub(totals.figures.stored) as f64;
        if self.state == State::Syncing && head.last_quarter.messages > 0.0 {
            let after = |factor: f64| at + TimeDelta::seconds((left / head.last_quarter.messages * factor) as i64);
            head.eta = Some(Eta { earliest: after(0.8), latest: after(1.4) });
        }
        head
    }

    /// A sample for each ten seconds.
    fn history(&self, second: i64) -> Vec<Sample> {
        if matches!(self.state, State::Starting | State::Listing) {
            return Vec::new();
        }
        let sample = |tenth: i64| {
            let swing = ((tenth as f64 / 31.0).sin() + (tenth as f64 / 7.0).sin() / 3.0 + 1.6) * 40.0 * self.mailboxes as f64;
            let waits = u64::from(tenth % 97 > 88);
            let messages = swing as u64 / (1 + waits * 4) + noise(tenth as u64) % 60;
            Sample {
                at: self.start + TimeDelta::seconds(tenth * 10),
                seconds: 10,
                messages,
                bytes: messages * 48_000,
                requests: messages / 15 + 4,
                throttled: waits,
                p50: 60 + noise(tenth as u64) % 30 + waits * 40,
                p95: 190 + noise(tenth as u64 + 7) % 120 + waits * 300,
            }
        };
        (0..second / 10).map(sample).collect()
    }

    fn log(&self, second: i64) -> Vec<LogLine> {
        let line = |n: i64| {
            let mailbox = Some(self.address(n as usize * 7 % self.mailboxes.max(1)));
            let (level, text) = match n % 7 {
                0 => (Level::Info, "round begun: 30 folders".to_owned()),
                1 => (Level::Debug, format!("page of {} changes of Inbox", 40 + noise(n as u64) % 400)),
                2 => (Level::Info, format!("batch written: {} messages, {} kB", 20 + noise(n as u64) % 60, 400 + noise(n as u64) % 9000)),
                3 => (Level::Warn, "the server asked for a wait of 42 s: 429 ApplicationThrottled".to_owned()),
                4 => (Level::Debug, "cursor of Sent Items saved".to_owned()),
                5 => (Level::Info, "folder Archive/2024 read to its end".to_owned()),
                _ => (Level::Error, "reading Inbox/Reports failed: ErrorCorruptData: the folder's view is broken".to_owned()),
            };
            LogLine { at: self.start + TimeDelta::seconds(n * 3), level, mailbox: mailbox.filter(|_| n % 11 != 0), text }
        };
        ((second / 3 - 200).max(0)..second / 3).map(line).collect()
    }

    /// What is in quarantine.
    pub fn quarantined(&self, count: usize) -> Vec<Quarantined> {
        let item = |n: usize| Quarantined {
            mailbox: self.address(n),
            key: format!("{:016x}{:016x}", noise(n as u64 + 1), noise(n as u64 + 2)),
            folder: vec!["Inbox".into(), FOLDERS[n % FOLDERS.len()].into()],
            item: format!("AAMkAGVmMDEzMTM4LTZmYWUtNDdkNC1hMDZiLTU1OGY5OTZhYmY4OABGAAAAAA{n:04}"),
            code: ["ErrorItemCorrupt", "ErrorMimeContentConversionFailed", "404 ErrorItemNotFound"][n % 3].into(),
            words: "the item's content cannot be converted; the server says so each time it is asked".into(),
            attempts: 3 + n as u64 % 4,
            at: self.start - TimeDelta::minutes(17 * n as i64),
        };
        (0..count).map(item).collect()
    }
}

fn request(n: usize, second: i64, start: DateTime<Utc>) -> Request {
    let seed = noise(second.unsigned_abs() * 31 + n as u64);
    let (what, status, code) = match seed % 9 {
        0 => ("GET mailFolders/delta", 200, None),
        1..5 => ("GET messages/{id}/$value", 200, None),
        5 => ("POST $batch", 429, Some("ApplicationThrottled".to_owned())),
        6 => ("GET messages/delta", 503, Some("ServiceUnavailable".to_owned())),
        _ => ("GET messages/delta", 200, None),
    };
    Request { at: start + TimeDelta::seconds(second), what: what.into(), status: Some(status), code, millis: 20 + seed % 400 }
}

/// Messages stored after so many seconds: never fewer, in waves.
fn grown(n: usize, second: i64) -> f64 {
    let (rate, wave, second) = (3.0 + (noise(n as u64) % 30) as f64, 7.0 + (n % 9) as f64 * 4.0, second as f64);
    rate * (second + 0.95 * wave * (second / wave).sin())
}

/// A number that looks like any other.
fn noise(n: u64) -> u64 {
    let n = (n.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ (n << 13)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33
}
