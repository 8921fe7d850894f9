//! The dashboard as a person uses it: the real program on a pseudo-terminal, its screen looked at after each key, and the terminal afterwards.

mod terminal;

use std::{fs, future::pending, path::Path, time::Duration};

use exchange_sync_tui::{Frame, Settings, Signal, Source};
use tempfile::TempDir;

use self::terminal::Terminal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_exchange-sync");

/// A shell that runs `command`, and writes down the terminal's settings before and after it, the process's id, and the exit code.
fn script(command: &str) -> String {
    format!("stty -g > before; sh -c 'echo $$ > pid; exec {command}'; echo \"exit code $?\"; stty -g > after; read line")
}

fn demo(words: &str) -> (TempDir, Terminal) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let terminal = Terminal::run(&script(&format!("{PROGRAM} demo --dir {} {words}", copy.display())), folder.path(), 110, 30);
    (folder, terminal)
}

/// Sends the program a signal; it must be there to take it.
fn signal(folder: &Path, name: &str) {
    let pid = fs::read_to_string(folder.join("pid")).unwrap();
    assert!(std::process::Command::new("kill").args([name, pid.trim()]).status().unwrap().success(), "it lives");
}

/// Messages in a copy.
fn stored(copy: &Path) -> usize {
    let found = std::process::Command::new("find").arg(copy).args(["-name", "*.eml"]).output().unwrap();
    found.stdout.iter().filter(|byte| **byte == b'\n').count()
}

/// Waits for the end of the program, and looks at what it leaves of the terminal. Gives the last screen.
fn leaves_in_order(folder: &Path, mut terminal: Terminal, code: i32) -> String {
    let text = terminal.sees(&format!("exit code {code}"));
    assert!(terminal.is_sane(), "{text}");
    terminal.press("\r");
    terminal.ended();
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(read("after"), read("before"), "the terminal's settings");
    text
}

#[test]
fn a_person_watches_unfolds_filters_pauses_resizes_and_leaves() {
    let (folder, mut terminal) = demo("--mailboxes 9 --messages 400");
    terminal.sees("user9@example.com");
    terminal.sees("SYNCING");

    terminal.press("\r");
    terminal.sees("Inbox/Projects");
    terminal.press("\r");
    terminal.until("the folders fold", |text| !text.contains("Inbox/Projects"));

    terminal.press("/");
    terminal.press("user3");
    terminal.press("\r");
    terminal.until("one mailbox alone", |text| text.contains("user3@example.com") && !text.contains("user4@example.com"));

    let row = |text: &str| text.lines().find(|line| line.starts_with('›') && line.contains("user3@example.com")).map(str::to_owned);
    let paused = |text: &str| row(text).is_some_and(|row| row.contains("paused"));
    terminal.press("p");
    // One that waits because the server asked for it shows that first, and the notice does not stay for so long.
    terminal.sees("what is under way is finished");
    terminal.until("the mailbox is paused", paused);
    terminal.press("p");
    terminal.sees("user3@example.com goes on");
    terminal.until("it goes on", |text| !paused(text));
    // The first takes away the notice of what was just done, the second the filter.
    terminal.press("\u{1b}");
    terminal.until("no notice", |text| !text.contains("user3@example.com goes on"));
    terminal.press("\u{1b}");
    terminal.sees("user4@example.com");

    terminal.press("?");
    terminal.sees("╭ Keys");
    terminal.press("\u{1b}");
    // A key that comes with the escape would be one with Alt.
    terminal.until("no help", |text| !text.contains("╭ Keys"));

    for (columns, rows) in [(80, 24), (60, 15), (40, 8), (160, 50)] {
        terminal.resize(columns, rows);
        terminal.until("a picture of the new size", |text| {
            text.lines().all(|line| line.chars().count() <= columns.into()) && text.lines().count() >= usize::from(rows) / 2
        });
    }

    terminal.press("q");
    terminal.until("the question", |text| text.to_lowercase().contains("stop"));
    terminal.press("y");
    let text = leaves_in_order(folder.path(), terminal, 0);
    assert!(text.contains("user9@example.com"), "the last table stays: {text}");
    assert!(text.contains("Stopped after"), "{text}");
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_as_before() {
    let (folder, terminal) = demo("--mailboxes 6 --messages 400");
    terminal.sees("SYNCING");
    signal(folder.path(), "-TERM");
    let text = leaves_in_order(folder.path(), terminal, 0);
    assert!(text.contains("Stopped after"), "{text}");
}

#[test]
fn addresses_that_were_hidden_stay_so_in_the_last_table() {
    let (folder, mut terminal) = demo("--mailboxes 6 --messages 400");
    terminal.sees("user6@example.com");
    terminal.press("x");
    terminal.until("they are hidden", |text| text.contains("masked-") && !text.contains("@example.com"));
    signal(folder.path(), "-TERM");
    let text = leaves_in_order(folder.path(), terminal, 0);
    let (_, last) = text.split_once("MAILBOX").unwrap();
    assert!(last.contains("Stopped after") && last.contains("masked-") && !last.contains("@example.com"), "{text}");
}

#[test]
fn a_hangup_is_a_stop_in_order() {
    let (folder, terminal) = demo("--mailboxes 6 --messages 400");
    terminal.sees("SYNCING");
    signal(folder.path(), "-HUP");
    // The shell's own follows that of the terminal, and does not hurry it.
    signal(folder.path(), "-HUP");
    let text = leaves_in_order(folder.path(), terminal, 0);
    assert!(text.contains("Stopped after"), "{text}");
}

#[test]
fn a_terminal_that_is_gone_ends_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let script = format!("exec {PROGRAM} demo --mailboxes 6 --messages 400 --dir {}", copy.display());
    let terminal = Terminal::run(&script, folder.path(), 110, 30);
    terminal.sees("SYNCING");
    assert_eq!(terminal.hung_up().code(), 0, "no failure, and not killed by the signal");
}

#[test]
fn a_terminal_that_takes_nothing_holds_up_neither_the_work_nor_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    // With one worker, whoever waits for the terminal on it would stop everything.
    let command = format!("env TOKIO_WORKER_THREADS=1 {PROGRAM} demo --dir {} --mailboxes 4 --messages 9000", copy.display());
    let mut terminal = Terminal::run(&script(&command), folder.path(), 200, 60);
    terminal.sees("SYNCING");
    let takes = terminal.takes();
    let stalled = takes.lock().unwrap();
    // More pictures than what is between a program and its terminal holds.
    for _ in 0..40 {
        terminal.press("4");
        std::thread::sleep(Duration::from_millis(150));
        terminal.press("1");
        std::thread::sleep(Duration::from_millis(150));
    }
    let before = stored(&copy);
    let start = std::time::Instant::now();
    // The server may have asked for a wait.
    while stored(&copy) == before {
        assert!(start.elapsed() < Duration::from_secs(60), "the work goes on: {before} messages");
        std::thread::sleep(Duration::from_secs(1));
    }
    signal(folder.path(), "-TERM");
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    let lives = || Path::new("/proc").join(pid.trim()).exists();
    let start = std::time::Instant::now();
    while lives() {
        assert!(start.elapsed() < Duration::from_secs(60), "it ends");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(stalled);
    let text = leaves_in_order(folder.path(), terminal, 0);
    assert!(text.contains("Stopped after"), "{text}");
}

#[test]
fn who_wants_to_outlive_the_terminal_does() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    // As `nohup` does it.
    let command = format!("{PROGRAM} demo --mailboxes 6 --messages 400 --dir {}", copy.display());
    let terminal = Terminal::run(&format!("trap \"\" HUP; {}", script(&command)), folder.path(), 110, 30);
    terminal.sees("SYNCING");
    signal(folder.path(), "-HUP");
    std::thread::sleep(Duration::from_secs(1));
    assert!(terminal.text().contains("user6@example.com") && !terminal.is_sane(), "{}", terminal.text());
    signal(folder.path(), "-TERM");
    leaves_in_order(folder.path(), terminal, 0);
}

#[test]
fn nobody_waits_for_keys_of_a_terminal_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let command = format!("trap \"\" HUP; echo $$ > pid; exec {PROGRAM} demo --mailboxes 6 --messages 400 --dir {}", copy.display());
    let terminal = Terminal::run(&command, folder.path(), 110, 30);
    terminal.sees("SYNCING");
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    let threads = || {
        let tasks = fs::read_dir(Path::new("/proc").join(pid.trim()).join("task")).unwrap();
        let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
        names.filter(|name| name.trim() == "dashboard").count()
    };
    assert!(threads() > 0);
    let shell = terminal.hung_up();
    let start = std::time::Instant::now();
    // One that reads an end again and again would stay, and take a whole processor.
    while threads() > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "the dashboard has gone with the terminal");
        std::thread::sleep(Duration::from_millis(100));
    }
    let before = stored(&copy);
    signal(folder.path(), "-TERM");
    assert_eq!(shell.code(), 0);
    assert!(before > 0);
}

#[test]
fn stopped_by_the_shell_it_gives_the_terminal_back_and_takes_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let command = format!("{PROGRAM} demo --mailboxes 6 --messages 400 --dir {}", copy.display());
    let script = format!(
        "set -m; stty -g > before; sh -c 'echo $$ > pid; exec {command}'; echo stopped by a signal; read line; fg; \
        echo stopped by a key; read line; fg; echo \"exit code $?\"; stty -g > after; read line"
    );
    let mut terminal = Terminal::run(&script, folder.path(), 110, 30);
    terminal.sees("SYNCING");
    signal(folder.path(), "-TSTP");
    for words in ["stopped by a signal", "stopped by a key"] {
        terminal.sees(words);
        assert!(terminal.is_sane(), "{}", terminal.text());
        terminal.press("\r");
        terminal.until("the dashboard is back", |text| text.contains("user6@example.com") && !terminal.is_sane());
        if words == "stopped by a signal" {
            terminal.press("\u{1a}");
        }
    }
    signal(folder.path(), "-TERM");
    leaves_in_order(folder.path(), terminal, 0);
}

#[test]
fn a_table_that_is_asked_for_goes_where_the_dashboard_is_not() {
    let (folder, terminal) = demo("--mailboxes 4 --messages 300 2> told");
    terminal.sees("SYNCING");
    signal(folder.path(), "-USR1");
    let told = || fs::read_to_string(folder.path().join("told")).unwrap_or_default();
    terminal.until("the table is in the file", |_| told().contains("user4@example.com"));
    assert!(!terminal.is_sane(), "the dashboard is still there");
    signal(folder.path(), "-TERM");
    leaves_in_order(folder.path(), terminal, 0);
}

#[test]
fn whoever_watches_from_afar_may_ask_for_a_table_and_has_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tui/tests/worlds/throttled.jsonl");
    let command = format!("{PROGRAM} attach --replay {} --speed 20 2> told", recording.display());
    let mut terminal = Terminal::run(&script(&command), folder.path(), 110, 30);
    terminal.sees("REPLAY ×20");
    terminal.sees("@example.com");
    signal(folder.path(), "-USR1");
    let told = || fs::read_to_string(folder.path().join("told")).unwrap_or_default();
    terminal.until("the table is in the file", |_| told().contains("@example.com"));
    assert!(!terminal.is_sane(), "the dashboard is still there");
    terminal.press("q");
    let text = leaves_in_order(folder.path(), terminal, 0);
    assert!(text.contains("@example.com") && text.contains("mailboxes done"), "the last table stays: {text}");
}

#[test]
fn what_cannot_be_used_is_a_usage_error_for_attach_too() {
    for words in [&["--keymap", "/nowhere/keys.toml"][..], &["--record", "/nowhere/seen.jsonl"], &["--replay", "/nowhere/seen.jsonl"]] {
        let url = if words[0] == "--replay" { &[][..] } else { &["localhost:1"] };
        let ran = std::process::Command::new(PROGRAM).arg("attach").args(url).args(words).output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.code() == Some(2) && told.contains("/nowhere/"), "{words:?}: {told}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once_and_the_terminal_is_as_before() {
    // The end without haste may be over before the second one comes.
    for _ in 0..9 {
        let (folder, terminal) = demo("--mailboxes 9 --messages 400");
        terminal.sees("SYNCING");
        let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
        for _ in 0..2 {
            let _ = std::process::Command::new("kill").args(["-TERM", pid.trim()]).status().unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
        let text = terminal.sees("exit code ");
        if text.contains("exit code 130") {
            leaves_in_order(folder.path(), terminal, 130);
            return;
        }
    }
    panic!("it always ends before the second signal");
}

#[test]
fn whoever_detaches_leaves_the_work_going() {
    let (folder, mut terminal) = demo("--mailboxes 4 --messages 300");
    terminal.sees("SYNCING");
    terminal.press("d");
    terminal.sees("the copying goes on; Ctrl-C stops it");
    assert!(terminal.is_sane());
    signal(folder.path(), "-USR1");
    terminal.sees("user4@example.com");
    signal(folder.path(), "-INT");
    leaves_in_order(folder.path(), terminal, 0);
}

#[test]
fn addresses_that_were_hidden_stay_so_for_whoever_detaches() {
    let (folder, mut terminal) = demo("--mailboxes 4 --messages 300");
    terminal.sees("SYNCING");
    terminal.press("xd");
    terminal.until("the shell's own screen", |_| terminal.is_sane());
    signal(folder.path(), "-USR1");
    terminal.sees("masked-");
    signal(folder.path(), "-INT");
    let screen = leaves_in_order(folder.path(), terminal, 0);
    assert!(!screen.contains("@example.com"), "{screen}");
}

#[test]
fn a_panic_is_told_on_a_terminal_that_is_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let command = format!("env RUST_BACKTRACE=0 {} --ignored --exact --nocapture panics_before_a_person", this.display());
    let terminal = Terminal::run(&script(&command), folder.path(), 110, 30);
    terminal.sees("something is broken");
    leaves_in_order(folder.path(), terminal, 101);
}

/// What the test above runs.
#[tokio::test]
#[ignore = "panics on purpose, on the terminal of another test"]
async fn panics_before_a_person() {
    let (frames, receiver) = tokio::sync::mpsc::channel(1);
    let source = Source { name: "here".into(), frames: receiver, asks: None };
    let dashboard = tokio::spawn(exchange_sync_tui::show(vec![source], Settings::default(), pending()));
    frames.send(Signal::Frame(Frame::Status(Box::default()))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!dashboard.is_finished(), "the dashboard is shown");
    panic!("something is broken");
}

#[test]
fn without_a_terminal_it_is_refused_with_what_helps() {
    let ran = std::process::Command::new(PROGRAM).args(["demo", "--progress", "tui", "--once"]).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(2) && told.contains("--progress plain"), "{told}");
}
