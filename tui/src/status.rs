//! What an appliance tells of itself, as data.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::{AddAssign, SubAssign},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Lines of the log that are kept.
pub const LOG_LINES: usize = 1000;

/// Requests of a mailbox that are kept.
pub const REQUESTS: usize = 20;

/// The state of one appliance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The appliance as a whole.
    pub head: Head,
    /// Its mailboxes, by address.
    pub mailboxes: BTreeMap<String, Mailbox>,
    /// What happened, oldest first; at most [`LOG_LINES`].
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub log: VecDeque<LogLine>,
    /// How it went over the run, oldest first; samples of equal length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Sample>,
}

/// An appliance as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The name of its host, which in Kubernetes is its pod's.
    pub instance: String,
    /// A random word that is another one after each start.
    pub run: String,
    /// Its version.
    pub version: String,
    /// Its share of the mailboxes, where it has but a share.
    #[serde(default)]
    pub shard: Option<Shard>,
    /// `EWS` or `Graph`.
    pub api: String,
    /// Where messages go.
    pub sink: String,
    /// Whether it ends after one complete pass.
    pub once: bool,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When this was so, by the appliance's clock.
    pub at: DateTime<Utc>,
    /// What it is doing.
    pub state: State,
    /// All its mailboxes together.
    pub totals: Totals,
    /// Messages and bytes stored over the last minute.
    pub last_minute: Rate,
    /// The same over the last 15 minutes.
    pub last_quarter: Rate,
    /// When all that is known of will be stored; none while that cannot be told.
    #[serde(default)]
    pub eta: Option<Eta>,
    /// Why nothing can be stored just now.
    #[serde(default)]
    pub sink_trouble: Option<SinkTrouble>,
    /// What is wrong with the configuration that is kept, while another one is in force.
    #[serde(default)]
    pub config_trouble: Option<ConfigTrouble>,
    /// Until when the token for Exchange is good, where one is used.
    #[serde(default)]
    pub token_expires: Option<DateTime<Utc>>,
    /// Whether [actions](crate::Action) are taken.
    pub actions: bool,
}

impl Head {
    /// Without what changes by the clock alone: equal heads say the same.
    pub fn timeless(&self) -> Self {
        Self { at: DateTime::default(), eta: None, ..self.clone() }
    }
}

/// A share of the mailboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which, counted from 0.
    pub index: u32,
    /// Of how many.
    pub total: u32,
}

/// What an appliance is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing is known yet.
    #[default]
    Starting,
    /// It learns what there is; nothing is stored yet.
    Listing,
    /// It stores messages.
    Syncing,
    /// All that it could do waits for a server that asked for it.
    Throttled,
    /// Something needs a person: a mailbox is refused or fails again and again, or nothing can be stored.
    Degraded,
    /// All is stored, and it looks for news.
    Idle,
    /// Everything is paused.
    Paused,
    /// It finishes what is under way and ends.
    Stopping,
    /// It is at its end.
    Ended,
}

/// What is counted, of a folder, a mailbox or all, since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Items that the server counts, where it says.
    pub items: u64,
    /// Entries listed.
    pub listed: u64,
    /// Messages found that need a download.
    pub wanted: u64,
    /// Messages that will have been stored in the end: those found and, by what was found so far, those not listed yet.
    pub expected: u64,
    /// Messages stored.
    pub stored: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Changes recorded without a download.
    pub changes: u64,
    /// Messages found that filters leave out.
    #[serde(default)]
    pub passed_over: u64,
    /// Messages listed that were stored already, with nothing new about them.
    #[serde(default)]
    pub known: u64,
}

impl Figures {
    /// What is stored in the end, as far as can be told; 0 while nothing was found to be stored.
    pub fn goal(&self) -> u64 {
        if self.wanted == 0 { 0 } else { self.expected.max(self.stored) }
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.listed += other.listed;
        self.wanted += other.wanted;
        self.expected += other.expected;
        self.stored += other.stored;
        self.bytes += other.bytes;
        self.changes += other.changes;
        self.passed_over += other.passed_over;
        self.known += other.known;
    }
}

impl SubAssign for Figures {
    fn sub_assign(&mut self, other: Self) {
        self.items -= other.items;
        self.listed -= other.listed;
        self.wanted -= other.wanted;
        self.expected -= other.expected;
        self.stored -= other.stored;
        self.bytes -= other.bytes;
        self.changes -= other.changes;
        self.passed_over -= other.passed_over;
        self.known -= other.known;
    }
}

/// All mailboxes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Mailboxes.
    pub mailboxes: u64,
    /// Those read to their end, at least once.
    pub complete: u64,
    /// Those that could not be read, or not whole.
    pub troubled: u64,
    /// Those whose folders are not known yet, and are still awaited: their messages are in none of these figures.
    #[serde(default)]
    pub unmet: u64,
    /// Folders.
    pub folders: u64,
    /// Their figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Messages in the sink altogether.
    pub in_sink: u64,
    /// Mailboxes whose catalog was counted in this run; where these are fewer than all, `in_sink` is of these.
    pub counted: u64,
    /// Items in quarantine.
    pub quarantined: u64,
    /// Waits that servers asked for.
    pub throttled: u64,
    /// Seconds of these that are over, the sum of all mailboxes.
    #[serde(default)]
    pub waited: u64,
    /// Requests tried again after passing trouble.
    pub retried: u64,
    /// Folders and mailboxes that could not be read, counted each time.
    pub errors: u64,
    /// Requests answered.
    pub requests: u64,
}

impl Totals {
    /// All messages that are likely to be stored in the end: those known, and as many again for each mailbox that nothing is known of yet.
    pub fn likely(&self) -> u64 {
        let goal = self.figures.goal();
        let met = self.mailboxes.saturating_sub(self.unmet).max(1);
        let more = u128::from(goal) * u128::from(self.unmet) / u128::from(met);
        goal.saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
    }

    /// The same as a figure, which says where it is no more than likely.
    pub(crate) fn goal(&self, figure: impl Fn(u64) -> String) -> String {
        let about = if self.unmet > 0 { "~" } else { "" };
        format!("{about}{}", figure(self.likely()))
    }
}

/// Something per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Messages per second.
    pub messages: f64,
    /// Bytes per second.
    pub bytes: f64,
}

/// Between when and when something is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eta {
    /// At the better of the rates of late.
    pub earliest: DateTime<Utc>,
    /// At the worse of them.
    pub latest: DateTime<Utc>,
}

/// Why the sink takes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkTrouble {
    /// Why.
    pub reason: String,
    /// When it is tried again.
    pub until: DateTime<Utc>,
    /// How often it was tried in vain.
    pub attempts: u64,
}

/// Why the configuration that is kept is not the one in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigTrouble {
    /// Why.
    pub reason: String,
    /// When that was noticed.
    pub since: DateTime<Utc>,
}

/// One mailbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mailbox {
    /// What it is doing.
    pub state: MailboxState,
    /// Since when.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
    /// Why it waits, is degraded or is stopped.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it goes on by itself: the end of a wait, the next round, the next try after trouble.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
    /// Whether it was read to its end, at least once, and no round since met trouble.
    pub complete: bool,
    /// Whether a person must act before it can be read.
    pub refused: bool,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Folders to be read.
    pub folder_count: u64,
    /// Folders that could not be read in the present round.
    pub failed_folders: u64,
    /// Messages in the sink, as counted at the beginning and at the end of each round; none before the first time.
    #[serde(default)]
    pub in_sink: Option<u64>,
    /// Items in quarantine.
    pub quarantined: u64,
    /// Waits that the server asked for.
    pub throttled: u64,
    /// Seconds of these that are over; what several have in common counts once.
    #[serde(default)]
    pub waited: u64,
    /// Requests tried again after passing trouble.
    pub retried: u64,
    /// Requests answered.
    pub requests_answered: u64,
    /// Trouble in a row without anything stored or listed in between.
    pub attempts: u64,
    /// The last error.
    #[serde(default)]
    pub error: Option<Mishap>,
    /// When anything last came of it: a page listed, a message stored, a round ended.
    #[serde(default)]
    pub last_progress: Option<DateTime<Utc>>,
    /// When its last round ended that was without trouble: until then nothing is missing.
    #[serde(default)]
    pub last_complete: Option<DateTime<Utc>>,
    /// What was used of the rate that the server grants it.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// What the last comparison with Exchange said.
    #[serde(default)]
    pub verified: Option<Verified>,
    /// Its folders, by id. Left out where only mailboxes were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub folders: BTreeMap<String, Folder>,
    /// Its last requests, oldest first; at most [`REQUESTS`].
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub requests: VecDeque<Request>,
}

/// What a mailbox is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailboxState {
    /// Its turn has not come.
    #[default]
    Queued,
    /// Its folders and changes are being listed.
    Listing,
    /// Messages are being fetched and stored.
    Syncing,
    /// The server asked for a wait, or passing trouble is tried again.
    Waiting,
    /// Read to its end; the next round is to come.
    Idle,
    /// Its last round met trouble that the next one may be rid of.
    Degraded,
    /// A person paused it.
    Paused,
    /// Not read any more before a person acts.
    Stopped,
    /// Read to its end, and not to be read again by this run.
    Done,
}

/// A folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Folder {
    /// Its names, from the top; strangers' text.
    pub path: Vec<String>,
    /// What it is doing.
    pub state: FolderState,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// The last error; gone once it was read to its end.
    #[serde(default)]
    pub error: Option<Mishap>,
    /// When its cursor was last saved: what changed before that is stored.
    #[serde(default)]
    pub cursor: Option<DateTime<Utc>>,
    /// The age of the newest message when it was stored, in seconds: how far the copy is behind.
    #[serde(default)]
    pub lag: Option<u64>,
}

/// What a folder is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderState {
    /// Not read yet by this run.
    #[default]
    Queued,
    /// Its changes are being listed.
    Listing,
    /// Messages are being fetched and stored.
    Syncing,
    /// Read to its end.
    Done,
    /// It had its share of a round, and there is more.
    More,
    /// It could not be read.
    Failed,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mishap {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in words for people.
    pub words: String,
}

/// A rate that the server grants, over a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Requests made within the window.
    pub used: u64,
    /// Requests allowed within it.
    pub limit: u64,
    /// The window's length in seconds.
    pub window: u64,
}

/// A comparison of Exchange, catalog and sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// When it was made, or begun while `verdict` is missing.
    pub at: DateTime<Utc>,
    /// Gaps found.
    pub gaps: u64,
    /// Whether it could not look at everything, so that there may be more.
    #[serde(default)]
    pub troubled: bool,
    /// One line; none while it is under way.
    #[serde(default)]
    pub verdict: Option<String>,
}

impl Verified {
    /// Whether it is over and says that all is well.
    pub fn good(&self) -> bool {
        self.verdict.is_some() && self.gaps == 0 && !self.troubled
    }

    /// Whether it is over and does not say so.
    pub fn bad(&self) -> bool {
        self.verdict.is_some() && !self.good()
    }
}

/// A request that was answered, or came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What was asked, such as `SyncFolderItems` or `GET messages/delta`.
    pub what: String,
    /// The answer's HTTP status; none where there was no answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// The server's code, where it was not a good answer.
    #[serde(default)]
    pub code: Option<String>,
    /// Milliseconds until the answer's head.
    pub millis: u64,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: DateTime<Utc>,
    /// How grave.
    pub level: Level,
    /// The mailbox that it is about.
    #[serde(default)]
    pub mailbox: Option<String>,
    /// What happened.
    pub text: String,
}

/// How grave a line of the log is, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A person must act.
    Error,
    /// A person should know.
    Warn,
    /// What the service does.
    Info,
    /// Details.
    Debug,
}

/// How it went over a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When the stretch began.
    pub at: DateTime<Utc>,
    /// Its length in seconds.
    pub seconds: u32,
    /// Messages stored.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Requests answered.
    pub requests: u64,
    /// Waits that servers asked for.
    pub throttled: u64,
    /// Half of the requests were answered within so many milliseconds.
    pub p50: u64,
    /// 95 of 100 requests were answered within so many milliseconds.
    pub p95: u64,
}

/// What is in quarantine, as far as it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The items.
    pub items: Vec<Quarantined>,
    /// Whether there are others beside them.
    #[serde(default)]
    pub more: bool,
}

/// An item in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The mailbox.
    pub mailbox: String,
    /// The message's key.
    pub key: String,
    /// The folder's names, from the top.
    pub folder: Vec<String>,
    /// The item's id at Exchange.
    pub item: String,
    /// The server's code.
    pub code: String,
    /// The server's words.
    pub words: String,
    /// How often it was tried at least.
    pub attempts: u64,
    /// When it was first put there.
    pub at: DateTime<Utc>,
}
