//! Every file in `tests/scenarios`, played: `cargo test --test scenarios` for all, `cargo test --test scenarios -- cursor` for those with
//! the word in their names.

mod common;
mod scenarios_runner;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use futures::{StreamExt, stream};
use scenarios_runner::{Scenario, play};
use tokio::runtime::{Builder, Handle};

/// Most of a scenario is waiting.
const AT_A_TIME: usize = 6;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&String> = names_in(&arguments);
    let wanted = |path: &PathBuf| words.is_empty() || words.iter().any(|word| name(path).contains(word.as_str()));
    let all = files();
    // Whoever asks for tests that are usually left out gets none: none is.
    let none = arguments.iter().any(|argument| argument == "--ignored");
    let chosen: Vec<PathBuf> = all.iter().filter(|path| !none && wanted(path)).cloned().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        chosen.iter().for_each(|path| println!("{}: test", name(path)));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", chosen.len());
    let began = Instant::now();
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let failed = runtime.block_on(all_of(chosen.clone()));
    let (good, left) = (chosen.len() - failed.len(), all.len() - chosen.len());
    if !failed.is_empty() {
        println!("\nfailures:");
        failed.iter().for_each(|name| println!("    {name}"));
    }
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "\ntest result: {verdict}. {good} passed; {} failed; 0 ignored; 0 measured; {left} filtered out; finished in {seconds:.2}s\n",
        failed.len()
    );
    ExitCode::from(u8::from(!failed.is_empty()))
}

/// Plays them side by side, those first that wait longest; gives the names of those that failed.
async fn all_of(mut chosen: Vec<PathBuf>) -> Vec<String> {
    chosen.sort_by_key(|path| !Scenario::read(path).is_ok_and(|scenario| scenario.slow));
    let plays = chosen.into_iter().map(|path| async move {
        let (began, of) = (Instant::now(), path.clone());
        // A thread of its own, so that a panic ends one scenario.
        let thread = tokio::task::spawn_blocking(move || Handle::current().block_on(play(&of)));
        let faults = thread.await.unwrap_or_else(|error| vec![error.to_string()]);
        let (name, seconds) = (name(&path), began.elapsed().as_secs_f64());
        if faults.is_empty() {
            println!("test {name} ... ok");
            return None;
        }
        let title = Scenario::read(&path).map(|scenario| scenario.title).unwrap_or_default();
        println!("test {name} ... FAILED after {seconds:.1} s\n  {title}\n  {}", faults.join("\n  "));
        Some(name)
    });
    stream::iter(plays).buffer_unordered(AT_A_TIME).filter_map(std::future::ready).collect().await
}

/// The arguments that are parts of names; options are those of cargo's own harness, and mean nothing here.
fn names_in(arguments: &[String]) -> Vec<&String> {
    const WITH_VALUE: [&str; 5] = ["--test-threads", "--skip", "--format", "--color", "-Z"];
    let of_option = |at: usize| at > 0 && WITH_VALUE.contains(&arguments[at - 1].as_str());
    arguments
        .iter()
        .enumerate()
        .filter(|(at, argument)| !argument.starts_with('-') && !of_option(*at))
        .map(|(_, argument)| argument)
        .collect()
}

/// All scenarios, by name.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let found = std::fs::read_dir(&folder).expect("the folder of scenarios");
    let mut files: Vec<PathBuf> =
        found.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
