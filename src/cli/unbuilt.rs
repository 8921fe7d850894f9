//! Options and verbs of the programs this one replaces that this version does not have. They are refused with a reason: an option that is
//! accepted and ignored would be believed.

/// Options that are known but cannot be honoured.
#[derive(Debug, clap::Args)]
pub(super) struct Unbuilt {
    #[arg(long, hide = true, value_name = "ADDR:PORT")]
    bind: Option<String>,
}

impl Unbuilt {
    /// What was asked for in vain, one line each.
    pub(super) fn asked(&self) -> Vec<String> {
        let options = [(self.bind.is_some(), "--bind: this version cannot serve health, metrics and status; remove it")];
        options.into_iter().filter(|(asked, _)| *asked).map(|(_, line)| line.to_owned()).collect()
    }
}

/// Verbs that are known but cannot be done.
pub(super) const VERBS: [&str; 5] = ["plan", "status", "attach", "bench", "listen"];
