//! A scenario as its file says it. `tests/scenarios/README.md` explains each key.

use std::{collections::BTreeMap, fs, path::Path};

use exchange_simulator::World;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::bound::Bound;

/// A world of trouble, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without `.toml`.
    #[serde(skip)]
    pub name: String,
    /// The first line of the file's comment.
    #[serde(skip)]
    pub title: String,
    /// Most of a minute or more goes into waiting: it is started before the others.
    #[serde(default)]
    pub slow: bool,
    /// Whether `scripts/soak` may draw its faults from here: false where they do not pass by themselves.
    #[serde(default = "yes")]
    #[allow(dead_code, reason = "scripts/soak reads it")]
    pub soak: bool,
    #[serde(default)]
    pub world: World,
    #[serde(default)]
    pub program: Program,
    /// What happens, in this order; one complete pass that ends well where nothing is said.
    #[serde(default = "one_pass")]
    pub steps: Vec<Step>,
    #[serde(default)]
    pub expect: Expect,
}

/// How the program is configured.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Program {
    pub api: Api,
    pub login: Login,
    /// Keys of the configuration.
    pub settings: Map<String, Value>,
    /// Settings of single mailboxes; one that the server does not have is configured all the same.
    pub mailboxes: BTreeMap<String, Map<String, Value>>,
    /// Further arguments.
    pub args: Vec<String>,
}

/// The interface that is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    #[default]
    Ews,
    Graph,
}

/// How the program logs in to EWS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Login {
    #[default]
    Ntlm,
    Basic,
    OAuth2,
}

/// One thing that happens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Step {
    /// One complete pass of the program.
    Pass(Pass),
    /// A pass that is killed with -9 at a moment.
    Kill(Kill),
    /// Calls of the simulator's admin API.
    Tell(Calls),
    /// Other keys of the configuration from now on.
    Set(Map<String, Value>),
    /// A comparison in between.
    Check(Box<Expect>),
}

/// Calls of the admin API by their names, such as `deliver`.
pub type Calls = BTreeMap<String, Value>;

/// One complete pass, and how it must end.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pass {
    pub code: i32,
    /// Figures of its summary.
    pub figures: BTreeMap<String, Bound>,
    /// Mailboxes that failed, and words of the reason.
    pub failed: BTreeMap<String, String>,
    /// Words that the program says somewhere.
    pub says: Vec<String>,
    /// Words that it says nowhere.
    pub never_says: Vec<String>,
    /// What happens while it runs, one after the other.
    pub meanwhile: Vec<Meanwhile>,
}

/// Something that happens while a pass runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meanwhile {
    pub when: Moment,
    #[serde(default)]
    pub tell: Calls,
    /// The server is away for so many milliseconds, and every connection with it.
    pub down_ms: Option<u64>,
}

/// When a pass is killed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    pub when: Moment,
}

/// The server's counters have reached these values since the pass began; `struck` counts the strikes of faults.
pub type Moment = BTreeMap<String, u64>;

/// What must be true in the end.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// Items on the server that are to be copied.
    pub real: Option<Bound>,
    /// Messages that have a file.
    pub stored: Option<Bound>,
    /// Of these, written from properties.
    pub composed: Option<Bound>,
    /// Messages that left the mailbox after they were stored.
    pub deleted: Option<Bound>,
    /// Messages in quarantine, by the code.
    pub quarantined: BTreeMap<String, Bound>,
    /// Message bodies that the server sent.
    pub downloads: Option<Bound>,
    /// The simulator's counters.
    pub counters: BTreeMap<String, Bound>,
    /// Strikes of all faults together; each rule must have struck in any case.
    pub struck: Option<Bound>,
    /// Mailboxes that cannot be read to the end: nothing is compared there.
    pub out_of_reach: Vec<String>,
    /// Differences between server and copy that contain these words are part of the scenario, and must be there.
    pub differences: Vec<String>,
}

fn yes() -> bool {
    true
}

fn one_pass() -> Vec<Step> {
    vec![Step::Pass(Pass::default())]
}

impl Scenario {
    /// Reads a file, or says what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut scenario: Self = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        scenario.title = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default().to_owned();
        if scenario.title.is_empty() {
            return Err(format!("{}: begin with a comment that says what goes wrong and what must come of it", path.display()));
        }
        scenario.name = name;
        scenario.idle().map_or(Ok(()), |complaint| Err(format!("{}: {complaint}", path.display())))?;
        Ok(scenario)
    }

    /// What is wrong with a scenario that could pass although nothing ever happened.
    fn idle(&self) -> Option<&'static str> {
        let passes = self.steps.iter().any(|step| matches!(step, Step::Pass(_)));
        let last = self.steps.iter().rposition(|step| matches!(step, Step::Pass(_)));
        let told = self.steps.iter().any(|step| matches!(step, Step::Tell(_)));
        let within = |step: &Step| match step {
            Step::Pass(pass) => !pass.meanwhile.is_empty() || !pass.failed.is_empty(),
            Step::Kill(_) => true,
            Step::Tell(_) | Step::Set(_) | Step::Check(_) => false,
        };
        let proven = !self.world.faults.is_empty()
            || self.world.quirks.iter().any(|name| !name.starts_with('-'))
            || !self.expect.counters.is_empty()
            || self.expect.real.is_some();
        match last {
            _ if !passes => Some("there must be a pass"),
            Some(at) if self.steps[at..].iter().any(|step| matches!(step, Step::Tell(_) | Step::Set(_))) => {
                Some("a pass must follow what happens last")
            }
            _ if !proven && !told && !self.steps.iter().any(within) => Some("nothing happens in it"),
            _ => None,
        }
    }
}
