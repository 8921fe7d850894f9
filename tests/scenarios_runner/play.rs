//! A scenario, step by step.

use std::{path::Path, time::Duration};

use tokio::time::sleep;

use super::{
    judge::{failures, judge},
    scenario::{Kill, Pass, Scenario, Step},
    stage::Stage,
};
use crate::common::{Ran, process};

/// A program that waits for a silent server needs minutes to lose its patience.
const LONGEST_PASS: Duration = Duration::from_secs(230);

/// Plays a scenario; gives what was not as it must be.
pub async fn play(path: &Path) -> Vec<String> {
    let mut scenario = match Scenario::read(path) {
        Ok(scenario) => scenario,
        Err(error) => return vec![error],
    };
    let quirks: Vec<String> = scenario.world.quirks.iter().filter(|name| *name != "lenient" && !name.starts_with('-')).cloned().collect();
    let mut stage = Stage::open(&mut scenario).await;
    let (mut faults, mut last) = (Vec::new(), None);
    for (number, step) in scenario.steps.iter().enumerate() {
        let found = match step {
            Step::Pass(pass) => {
                let (ran, found) = run(&mut stage, pass).await;
                last = Some(ran);
                found
            }
            Step::Kill(kill) => {
                strike_down(&stage, kill).await;
                Vec::new()
            }
            Step::Tell(calls) => stage.tell(calls).await,
            Step::Set(settings) => {
                stage.setup.set(serde_json::Value::Object(settings.clone()));
                Vec::new()
            }
            Step::Check(expect) => judge(&mut stage, expect).await,
        };
        faults.extend(found.into_iter().map(|fault| format!("step {}: {fault}", number + 1)));
    }
    faults.extend(judge(&mut stage, &scenario.expect).await);
    faults.extend(stage.idle_rules().into_iter().map(|rule| format!("never struck: {rule}")));
    for name in quirks {
        if stage.server.counter(&format!("quirk.{name}")).await == 0 {
            faults.push(format!("there was no occasion for {name}"));
        }
    }
    if let Some(ran) = &last {
        faults.extend(proof(&stage, ran).await);
    }
    if let (false, Some(ran)) = (faults.is_empty(), last) {
        faults.push(format!("the last pass: {ran}"));
    }
    faults
}

/// The program's own verdict, once no fault strikes any more: it is as good as its last pass, and names what is in quarantine and nothing else.
async fn proof(stage: &Stage, last: &Ran) -> Vec<String> {
    // What a pass could not finish or read is not there, and may be there now.
    if ![0, 3].contains(&last.code) {
        return Vec::new();
    }
    stage.server.admin("/fault", serde_json::json!({"clear": true})).await;
    let ran = stage.setup.verb(&["verify", "--json"], &["--deep", "--settle", "0"]).await;
    let sum = |name: &str| {
        let verdict = ran.stdout.lines().last().and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        verdict.and_then(|verdict| verdict["sum"][name].as_u64())
    };
    let quarantined = last.summary()["quarantined"].as_u64();
    let found = [sum("missing"), sum("lost"), sum("quarantined")];
    if ran.code == last.code && found == [Some(0), Some(0), quarantined] {
        return Vec::new();
    }
    vec![format!("verify: missing, lost, quarantined: {found:?}, where {quarantined:?} are in quarantine: {ran}")]
}

async fn run(stage: &mut Stage, pass: &Pass) -> (Ran, Vec<String>) {
    let mut faults = Vec::new();
    let mut starts = Vec::new();
    for event in &pass.meanwhile {
        starts.push(stage.reading(&event.when).await);
    }
    let child = stage.setup.start(&["--once", "--progress", "json"]);
    let ended = tokio::spawn(process::ended_within(child, LONGEST_PASS));
    for (event, start) in pass.meanwhile.iter().zip(&starts) {
        stage.wait_for(&event.when, start).await;
        if ended.is_finished() {
            faults.push(format!("the pass was over before {:?}", event.when));
        }
        if let Some(ms) = event.down_ms {
            stage.server.simulator.go_down().await;
            // The length of the absence is what the scenario is about.
            sleep(Duration::from_millis(ms)).await;
            stage.server.simulator.come_up().await.expect("the address is still ours");
        }
        faults.extend(stage.tell(&event.tell).await);
    }
    let ran = ended.await.expect("the program ends");
    let found = failures(&ran, pass);
    if !found.is_empty() {
        faults.extend(found);
        faults.push(ran.to_string());
    }
    (ran, faults)
}

/// Starts a pass and kills it.
async fn strike_down(stage: &Stage, kill: &Kill) {
    let start = stage.reading(&kill.when).await;
    let mut child = stage.setup.start(&["--once", "--progress", "json"]);
    stage.wait_for(&kill.when, &start).await;
    assert!(child.try_wait().unwrap().is_none(), "the pass was over before {:?}", kill.when);
    child.kill().await.unwrap();
}
