//! What came of a scenario against what it says must come of it.

use std::collections::BTreeMap;

use super::{
    bound::Bound,
    scenario::{Expect, Pass},
    stage::Stage,
};
use crate::common::{Ran, compare, sink};

/// What is wrong with how a pass ended.
pub fn failures(ran: &Ran, pass: &Pass) -> Vec<String> {
    let mut faults = Vec::new();
    if ran.code != pass.code {
        faults.push(format!("exit code {} instead of {}", ran.code, pass.code));
    }
    let said = format!("{}{}", ran.stdout, ran.stderr);
    faults.extend(pass.says.iter().filter(|words| !said.contains(*words)).map(|words| format!("it did not say {words:?}")));
    faults.extend(pass.never_says.iter().filter(|words| said.contains(*words)).map(|words| format!("it said {words:?}")));
    if pass.figures.is_empty() && pass.failed.is_empty() {
        return faults;
    }
    let summary = ran.summary();
    for (name, bound) in &pass.figures {
        match summary[name].as_f64() {
            Some(value) if bound.holds(value) => {}
            other => faults.push(format!("{name} is {other:?}, but must be {bound:?}")),
        }
    }
    for (address, words) in &pass.failed {
        let error = summary["mailboxes"][address]["error"].as_str().unwrap_or_default();
        if !error.contains(words) {
            faults.push(format!("{address} failed with {error:?}, which does not tell of {words:?}"));
        }
    }
    for (address, one) in summary["mailboxes"].as_object().into_iter().flatten() {
        if !pass.failed.is_empty() && !pass.failed.contains_key(address) && !one["error"].is_null() {
            faults.push(format!("{address} failed too: {}", one["error"]));
        }
    }
    faults
}

/// Compares server, catalog and files, and counts.
pub async fn judge(stage: &mut Stage, expect: &Expect) -> Vec<String> {
    let taken = stage.without_unreachable(expect);
    let mut faults: Vec<String> = taken.keys().filter_map(|address| remains(stage, address)).collect();
    let mut tally = compare(&stage.server, &stage.setup).await;
    for words in &expect.differences {
        let before = tally.faults.len();
        tally.faults.retain(|fault| !fault.contains(words));
        if tally.faults.len() == before {
            faults.push(format!("no difference tells of {words:?}"));
        }
    }
    faults.append(&mut tally.faults);
    faults.extend(tally.untold.iter().map(|path| format!("no line tells of {}", path.display())));
    let mut count = |name: &str, value: u64, bound: Bound| {
        if !bound.holds(value as f64) {
            faults.push(format!("{name}: {value}, but must be {bound:?}"));
        }
    };
    for (name, value, bound) in [
        ("real", tally.real, expect.real),
        ("stored", tally.stored, expect.stored),
        // A message is rebuilt only where a scenario says so: what the server can give is taken as it is.
        ("composed", tally.composed, expect.composed.or(Some(Bound::NONE))),
        ("deleted", tally.deleted, expect.deleted),
    ] {
        if let Some(bound) = bound {
            count(name, value as u64, bound);
        }
    }
    let mut quarantined = quarantined(stage);
    for (code, bound) in &expect.quarantined {
        count(&format!("in quarantine as {code}"), quarantined.remove(code).unwrap_or(0), *bound);
    }
    for (code, number) in quarantined {
        count(&format!("in quarantine as {code}"), number, Bound::NONE);
    }
    if let Some(bound) = expect.downloads {
        count("downloads", stage.server.downloads().await, bound);
    }
    if let Some(bound) = expect.struck {
        count("strikes of faults", stage.struck(), bound);
    }
    for (name, bound) in &expect.counters {
        count(name, stage.server.counter(name).await, *bound);
    }
    stage.restore(taken);
    faults
}

/// How many messages are in quarantine for which reason.
fn quarantined(stage: &Stage) -> BTreeMap<String, u64> {
    let mut codes = BTreeMap::new();
    for address in stage.setup.mailboxes() {
        for kept in sink::fold(&sink::lines(&stage.setup.data(&address))).into_values().filter(|kept| kept.last == "quarantined") {
            *codes.entry(kept.code.unwrap_or_default()).or_default() += 1;
        }
    }
    codes
}

/// A mailbox out of reach has left nothing that says otherwise.
fn remains(stage: &Stage, address: &str) -> Option<String> {
    let lines = sink::lines(&stage.setup.data(address)).len();
    (lines > 0).then(|| format!("{address} is out of reach, and yet {lines} lines tell of it"))
}
