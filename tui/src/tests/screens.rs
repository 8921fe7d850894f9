//! Every screen, as it is seen.

use chrono::TimeDelta;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use insta::assert_snapshot;
use ratatui::{layout::Rect, style::Color as Paint};

use super::{
    stage::{Recording, Stage, recordings, settings, start, world},
    world::World,
};
use crate::{
    Action, Color, Frame, Left, Settings, Signal, Status, Update,
    app::Effect,
    screen,
    status::{
        Budget, ConfigTrouble, Eta, Figures, Folder, FolderState, Level, Listing, LogLine, Mailbox, MailboxState, Rate, Sample, Shard,
        SinkTrouble, State,
    },
    text,
};

fn syncing() -> Stage {
    Stage::of(&world(), 1500, settings())
}

#[test]
fn nothing_is_heard_yet() {
    let mut stage = Stage::new(&["http://alpha-0.example.com:8000"], settings());
    assert_snapshot!("empty", stage.screen(100, 20));
}

#[test]
fn listing_shows_counts_that_grow() {
    let world = super::world::World { state: State::Listing, ..world() };
    let screen = Stage::of(&world, 60, settings()).screen(100, 20);
    assert!(!screen.contains('%'), "{screen}");
    assert_snapshot!("listing", screen);
}

#[test]
fn syncing_at_all_sizes() {
    let mut stage = syncing();
    assert_snapshot!("syncing_80x24", stage.screen(80, 24));
    assert_snapshot!("syncing_60x15", stage.screen(60, 15));
    assert_snapshot!("syncing_59x10", stage.screen(59, 10));
    assert_snapshot!("syncing_160x50", stage.screen(160, 50));
    assert_snapshot!("syncing_300x100", stage.screen(300, 100));
}

#[test]
fn no_size_breaks_it() {
    let mut stage = syncing();
    for keys in ["", "<enter>", "i", "e", "L", "2", "3", "4", "?"] {
        stage.press(keys);
        for (width, height) in [(1, 1), (59, 14), (60, 15), (61, 16), (73, 17), (97, 31), (150, 24), (211, 67)] {
            stage.screen(width, height);
        }
    }
}

#[test]
fn throttled() {
    let mut world = super::world::World { state: State::Throttled, ..world() };
    world.mailboxes = 6;
    assert_snapshot!("throttled", Stage::of(&world, 700, settings()).screen(120, 20));
}

#[test]
fn trouble_of_sink_and_configuration_is_told_above_all() {
    let mut stage = syncing();
    let mut status = world().status(1500);
    let at = status.head.at;
    status.head.state = State::Degraded;
    status.head.sink_trouble = Some(SinkTrouble {
        reason: "writing /mail/state failed: no space left on device".into(),
        until: at + TimeDelta::seconds(42),
        attempts: 3,
    });
    status.head.config_trouble =
        Some(ConfigTrouble { reason: "mailboxes.ann: unknown key `bukcet`".into(), since: at - TimeDelta::seconds(300) });
    stage.tell(0, status);
    assert_snapshot!("errors", stage.screen(120, 24));
    stage.wait(2);
    assert!(stage.screen(120, 24).contains("again in 0:40"));
}

#[test]
fn quarantine_is_asked_for_and_retried() {
    let mut stage = syncing();
    assert_eq!(stage.press("3"), [Effect::List(0)]);
    assert_snapshot!("quarantine_asked", stage.screen(100, 12));
    stage.app.listed(0, Ok(Listing { items: world().quarantined(20), more: false }));
    assert_snapshot!("quarantine", stage.screen(100, 24));
    stage.press("j");
    let item = &world().quarantined(20)[1];
    let one = Action::RetryQuarantined { mailbox: Some(item.mailbox.clone()), id: Some(item.key.clone()) };
    assert_eq!(stage.press("r"), [Effect::Act(0, one)]);
    assert_eq!(stage.press("A<enter>"), [Effect::Act(0, Action::RetryQuarantined { mailbox: None, id: None })]);
    assert_eq!(stage.press("y"), [Effect::Copy(item.key.clone())]);
    stage.app.listed(0, Err("the catalog is being rebuilt".into()));
    assert!(stage.screen(100, 24).contains("the list cannot be had: the catalog is being rebuilt"));
}

#[test]
fn a_quarantine_that_is_not_all_says_so() {
    let mut stage = Stage::new(&["one", "two"], settings());
    stage.press("3");
    stage.app.listed(0, Ok(Listing { items: world().quarantined(20), more: true }));
    stage.app.listed(1, Err("it is starting".into()));
    let screen = stage.screen(100, 24);
    assert!(screen.contains("one: there are more than these 20; `quarantine list` has all"), "{screen}");
    assert!(screen.contains("two: the list cannot be had: it is starting"), "beside what another one has: {screen}");
    assert!(screen.lines().any(|line| line.contains("› ")), "{screen}");
}

#[test]
fn a_key_for_a_row_that_is_not_seen_does_nothing() {
    let mut stage = syncing();
    assert!(!stage.press("r").is_empty());
    for tab in ["2", "4"] {
        stage.press(tab);
        assert_eq!(stage.press("rpv"), [], "in tab {tab}");
    }
}

#[test]
fn what_was_there_before_the_run_is_told() {
    let mut status = world().status(3);
    status.head.totals.in_sink = 1_204_882;
    status.head.totals.counted = status.head.totals.mailboxes;
    let mut stage = Stage::new(&["one"], settings());
    stage.tell(0, status.clone());
    let head = |stage: &mut Stage| stage.screen(140, 24).lines().next().unwrap().to_owned();
    assert!(head(&mut stage).contains("1,204,882 in the sink"), "{}", head(&mut stage));
    status.head.totals.counted -= 1;
    stage.tell(0, status);
    assert!(head(&mut stage).contains("1,204,882+ in the sink"), "as far as it was counted");
}

#[test]
fn folders_are_unfolded_and_listed() {
    let mut stage = syncing();
    stage.press("/bob@<enter><enter>");
    assert_snapshot!("unfolded", stage.screen(120, 24));
    stage.press("jjh<enter>");
    stage.screen(120, 24);
    assert_eq!(stage.app.table.rows.len(), 1, "folded again from within");
    stage.press("<esc><tab>");
    assert_snapshot!("all_folders", stage.screen(120, 24));
}

#[test]
fn filtered() {
    let mut stage = syncing();
    stage.press("/SATO");
    assert_snapshot!("filter_typed", stage.screen(100, 15));
    stage.press("<enter>");
    assert_snapshot!("filtered", stage.screen(100, 15));
    stage.press("<esc>");
    assert_eq!(stage.app.table.rows.len(), 2, "rows are made with the next picture");
    stage.screen(100, 15);
    assert_eq!(stage.app.table.rows.len(), 24);
}

#[test]
fn help() {
    let mut stage = syncing();
    stage.press("?");
    assert_snapshot!("help_120x40", stage.screen(120, 40));
    assert_snapshot!("help_80x24", stage.screen(80, 24));
}

#[test]
fn questions() {
    let mut stage = Stage::of(&world(), 1500, Settings { own: true, ..settings() });
    stage.press("q");
    assert_snapshot!("confirm_stop", stage.screen(100, 24));
    assert_eq!(stage.press("x"), []);
    assert_eq!(stage.press("q<enter>"), [Effect::Leave(Left::Stop)]);
    assert_eq!(stage.press("qd"), [Effect::Leave(Left::Detach)]);
    assert_eq!(stage.press("P"), []);
    assert_snapshot!("confirm_pause_all", stage.screen(100, 24));
    assert_eq!(stage.press("y"), [Effect::Act(0, Action::Pause { mailbox: None })]);
    assert_eq!(syncing().press("q"), [Effect::Leave(Left::Detach)], "who only looks is not asked");
}

#[test]
fn actions_concern_the_selected_mailbox() {
    let mut stage = syncing();
    let mailbox = || "karl-heinz.1@example.com".to_owned();
    assert_eq!(stage.press("p"), [Effect::Act(0, Action::Pause { mailbox: Some(mailbox()) })]);
    assert_eq!(stage.press("r"), [Effect::Act(0, Action::Retry { mailbox: mailbox() })]);
    assert_eq!(stage.press("v"), [Effect::Act(0, Action::Verify { mailbox: mailbox() })]);
    stage.app.acted(0, &Action::Retry { mailbox: mailbox() }, Ok("the next round of karl-heinz.1@example.com begins".into()));
    assert_snapshot!("notice", stage.screen(100, 15));
    stage.press("/lena@<enter>");
    assert_eq!(stage.press("p"), [Effect::Act(0, Action::Resume { mailbox: Some("lena@example.com".into()) })]);
}

#[test]
fn what_was_paused_is_let_go_on_by_the_same_key_though_the_appliance_has_not_told_yet() {
    let mut stage = syncing();
    let pause = Action::Pause { mailbox: Some("karl-heinz.1@example.com".into()) };
    let resume = Action::Resume { mailbox: Some("karl-heinz.1@example.com".into()) };
    stage.app.acted(0, &pause, Err("it takes no actions".into()));
    assert_eq!(stage.press("p"), [Effect::Act(0, pause.clone())], "a refusal changed nothing");
    stage.app.acted(0, &pause, Ok("paused".into()));
    assert_eq!(stage.press("p"), [Effect::Act(0, resume.clone())]);
    stage.app.acted(0, &resume, Ok("goes on".into()));
    assert_eq!(stage.press("p"), [Effect::Act(0, pause)]);
}

#[test]
fn an_appliance_that_takes_no_actions_says_so() {
    let mut stage = syncing();
    let mut status = world().status(1500);
    status.head.actions = false;
    stage.tell(0, status);
    assert_eq!(stage.press("p"), []);
    assert!(stage.screen(100, 15).contains("▲ alpha-0 takes no actions"));
    assert_eq!(stage.press("P"), []);
    assert!(stage.wait(6), "the notice goes");
    assert!(!stage.screen(100, 15).contains("takes no actions"));
}

#[test]
fn details() {
    let mut stage = syncing();
    stage.press("e");
    assert!(stage.app.table.chosen, "what is read does not become another one's by itself");
    stage.press("ei");
    stage.press("i");
    assert_snapshot!("details_below", stage.screen(100, 40));
    assert_snapshot!("details_beside", stage.screen(180, 40));
    stage.press("e");
    assert_snapshot!("details_expanded", stage.screen(100, 30));
}

#[test]
fn details_are_read_to_their_end_on_any_screen() {
    for (width, height) in [(60, 15), (80, 24), (100, 30)] {
        let mut stage = syncing();
        stage.press("i");
        assert!(stage.screen(width, height).contains("e for more"), "{}", stage.screen(width, height));
        stage.press("e");
        let mut seen = String::new();
        for _ in 0..20 {
            seen += &stage.screen(width, height);
            stage.press("<pgdn>");
        }
        let last = stage.screen(width, height);
        let selected = &stage.app.table.selected().unwrap().mailbox;
        let oldest = stage.app.fleet().instances[0].status.mailboxes[&**selected].requests[0].millis;
        assert!(seen.contains("LAST REQUESTS") && last.contains(&format!(" {oldest} ms")), "{seen}");
        assert!(!last.contains("for more"), "{last}");
        stage.press("e");
        assert!(stage.screen(width, height).contains("e for more"), "the pane begins at the beginning again");
    }
}

#[test]
fn sparks_name_the_time_that_they_show() {
    let mut stage = syncing();
    let line = |stage: &mut Stage, width| stage.screen(width, 24).lines().nth(3).unwrap().to_owned();
    let wide = line(&mut stage, 300);
    assert!(wide.contains("sparks 5 min") && !wide.contains("55 s"), "{wide}");
    assert!(!line(&mut stage, 80).contains("sparks"), "where none are shown");
    let at_120 = stage.screen(120, 24);
    let cells = at_120.lines().map(|line| line.chars().filter(|c| ('▁'..='█').contains(c)).count()).max().unwrap();
    assert!(line(&mut stage, 120).contains(&format!("sparks {} s", 5 * cells)), "{at_120}");
    stage.press("t");
    assert!(line(&mut stage, 300).contains("sparks 60 min"), "{}", line(&mut stage, 300));
}

#[test]
fn charts() {
    let mut stage = Stage::of(&world(), 7200, settings());
    stage.press("4");
    assert_snapshot!("charts", stage.screen(120, 36));
    assert_snapshot!("charts_80x24", stage.screen(80, 24));
    stage.press("ttt");
    assert!(stage.screen(120, 36).contains("the last 15 min"));
}

#[test]
fn logs() {
    let mut stage = syncing();
    stage.press("2");
    assert_snapshot!("log", stage.screen(110, 20));
    stage.press("-");
    let screen = stage.screen(110, 20);
    assert!(!screen.contains("info") && screen.contains("warn"), "{screen}");
    stage.press("++kk");
    assert_snapshot!("log_read", stage.screen(110, 20));
    stage.press("1L");
    assert_snapshot!("log_pane", stage.screen(110, 30));
    stage.press("m");
    let screen = stage.screen(110, 30);
    assert!(!stage.app.logs.lines.is_empty() && !screen.contains("09  · info   bob"), "{screen}");
}

#[test]
fn a_line_of_the_log_and_a_message_in_quarantine_can_be_read_whole() {
    let mut stage = syncing();
    let mut status = world().status(1500);
    let text = format!("the server said: {} and that was the END", "so many words ".repeat(60));
    status.log.back_mut().unwrap().text = text;
    stage.tell(0, status);
    stage.press("2");
    assert!(!stage.screen(60, 15).contains("END"));
    stage.press("<enter>");
    let first = stage.screen(60, 15);
    assert!(first.contains("Line of the log") && first.contains("j for more") && !first.contains("END"), "{first}");
    stage.press("<end>");
    let last = stage.screen(60, 15);
    assert!(last.contains("and that was the END") && !last.contains("for more"), "{last}");
    stage.press("k");
    assert_ne!(stage.screen(60, 15), last, "the key back is felt at once");
    stage.press("gg");
    assert_eq!(stage.screen(60, 15), first);
    stage.press("<esc>3");
    let mut items = world().quarantined(3);
    items[0].words = "spoiled ".repeat(80) + "END";
    stage.app.listed(0, Ok(Listing { items, more: false }));
    assert!(!stage.screen(80, 24).contains("END"));
    stage.press("<enter>");
    assert_snapshot!("quarantine_read", stage.screen(80, 24));
}

#[test]
fn two_of_the_same_name_are_told_apart_by_their_addresses() {
    let mut stage = Stage::new(&["127.0.0.1:8001", "127.0.0.1:8002"], settings());
    stage.play(0, &world(), 1500);
    assert!(stage.screen(140, 24).contains(world().instance), "alone it has its own name");
    stage.play(1, &World { mailboxes: 5, ..world() }, 1500);
    stage.wait(2);
    let screen = stage.screen(140, 40);
    assert!(screen.contains(".1:8001") && screen.contains(".1:8002") && !screen.contains(world().instance), "{screen}");
}

#[test]
fn an_end_is_no_loss() {
    let mut stage = syncing();
    let mut status = world().status(1500);
    status.head.state = State::Ended;
    stage.tell(0, status);
    let again = stage.now + TimeDelta::seconds(9);
    stage.app.signal(0, Signal::Lost { reason: "connection refused".into(), again }, stage.now);
    let screen = stage.screen(100, 15);
    assert!(screen.contains("ENDED") && screen.contains("· has ended · looking for it again in 0:09"), "{screen}");
    assert!(!screen.to_lowercase().contains("lost"), "{screen}");
    stage.press("2");
    let log = stage.screen(100, 15);
    assert!(log.contains("has ended") && !log.contains("lost"), "{log}");
}

#[test]
fn who_stands_still_at_a_line_has_it_before_the_eyes() {
    let mut stage = syncing();
    let at = stage.now;
    let line = |n: usize| LogLine {
        at: at + TimeDelta::milliseconds(n as i64),
        level: Level::Info,
        mailbox: None,
        text: format!("line {n} of many"),
    };
    let mut status = world().status(1500);
    status.log = (0..1000).map(line).collect();
    stage.tell(0, status.clone());
    stage.press("2");
    stage.screen(100, 24);
    stage.press("kkkkk");
    let before = stage.screen(100, 24);
    assert!(before.contains("› ") && before.contains("line 994 of many"), "{before}");
    let mut update = Update { head: status.head.clone(), log: (1000..1100).map(line).collect(), ..Update::default() };
    update.head.at = at;
    stage.app.signal(0, Signal::Frame(Frame::Update(Box::new(update))), stage.now);
    let after = stage.screen(100, 24);
    let cursor =
        |screen: &str| screen.lines().position(|line| line.contains("› ")).map(|row| (row, screen.lines().nth(row).unwrap().to_owned()));
    assert_eq!(cursor(&after), cursor(&before));
    stage.press("<enter>");
    assert!(stage.screen(100, 24).contains("line 994 of many"));
}

#[test]
fn what_is_said_of_one_view_is_not_said_of_the_next() {
    let mut stage = syncing();
    stage.press("3");
    stage.app.listed(0, Ok(Listing { items: world().quarantined(1), more: false }));
    stage.press("y");
    assert!(stage.screen(100, 24).contains("copied"));
    stage.press("1");
    assert!(!stage.screen(100, 24).contains("copied"));
}

#[test]
fn a_lost_appliance_keeps_its_rows() {
    let mut stage = syncing();
    let again = stage.now + TimeDelta::seconds(9);
    stage.app.signal(0, Signal::Lost { reason: "connection refused".into(), again }, stage.now);
    stage.wait(2);
    assert_snapshot!("lost", stage.screen(100, 15));
    let mut status = world().status(3);
    status.head.run = "another".into();
    stage.tell(0, status);
    let screen = stage.screen(100, 15);
    assert!(screen.contains("restarted") && !screen.contains("lost"), "{screen}");
    stage.wait(40);
    assert!(!stage.screen(100, 15).contains("restarted"));
    let again = stage.now + TimeDelta::seconds(9);
    for reason in ["connection reset", "connection refused"] {
        stage.app.signal(0, Signal::Lost { reason: reason.into(), again }, stage.now);
    }
    // The same run tells only what changed.
    let run = |second| {
        let mut status = world().status(second);
        status.head.run = "another".into();
        status
    };
    stage.app.signal(0, Signal::Frame(World::update(&run(3), &run(9))), stage.now);
    let told = |text: &str| stage.app.fleet().instances[0].log().filter(|(_, line)| line.text.contains(text)).count();
    assert_eq!([told("restarted; its counts"), told("connection lost"), told("connected again")], [1, 2, 1], "each once");
    stage.press("2");
    assert!(stage.screen(100, 24).contains("▲ warn   "), "{}", stage.screen(100, 24));
}

#[test]
fn two_shards_are_one_view() {
    let (alpha, mut beta) = (world(), world());
    beta.instance = "beta-1";
    beta.shard = Some(Shard { index: 1, total: 4 });
    beta.mailboxes = 5;
    let mut stage = Stage::new(&["http://one.example.com", "http://two.example.com"], settings());
    stage.play(0, &alpha, 1500);
    stage.play(1, &beta, 1500);
    assert_snapshot!("two_shards", stage.screen(140, 24));
    let again = stage.now + TimeDelta::seconds(9);
    stage.app.signal(1, Signal::Lost { reason: "connection refused".into(), again }, stage.now);
    assert_snapshot!("two_shards_one_lost", stage.screen(140, 24));
    assert!(screen::title(&stage.app).contains("% 1 lost"), "{}", screen::title(&stage.app));
    assert_eq!(stage.press("P<enter>"), [Effect::Act(0, Action::Pause { mailbox: None })], "who is not reached is not asked");
    stage.app.acted(0, &Action::Pause { mailbox: None }, Ok("everything is paused".into()));
    let screen = stage.screen(140, 24);
    assert!(screen.contains("▲ 1 of 2 paused; beta-1 is not reached"), "{screen}");
}

#[test]
fn answers_of_several_become_one_notice() {
    let mut stage = Stage::new(&["one", "two", "three"], settings());
    for (source, instance) in ["alpha-0", "alpha-1", "alpha-2"].into_iter().enumerate() {
        stage.play(source, &World { instance, ..world() }, 600);
    }
    let pause = Action::Pause { mailbox: None };
    assert_eq!(stage.press("P<enter>").len(), 3);
    let bar = |stage: &mut Stage| stage.screen(140, 24).lines().last().unwrap().to_owned();
    stage.app.acted(1, &pause, Ok("everything is paused".into()));
    assert!(bar(&mut stage).contains("✓ 1 of 3 paused; 2 still to answer"), "{}", bar(&mut stage));
    stage.app.acted(0, &pause, Err("it is starting".into()));
    stage.app.acted(2, &pause, Ok("everything is paused".into()));
    assert!(bar(&mut stage).contains("▲ 2 of 3 paused; alpha-0: it is starting"), "{}", bar(&mut stage));
}

#[test]
fn how_fast_a_lost_one_was_is_not_how_fast_it_is() {
    let again = |stage: &Stage| Signal::Lost { reason: "connection refused".into(), again: stage.now + TimeDelta::seconds(9) };
    let mut stage = Stage::new(&["one", "two"], settings());
    stage.play(0, &world(), 1500);
    let alone = stage.app.fleet().head(stage.now);
    stage.play(1, &World { instance: "beta-1", ..world() }, 1500);
    let both = stage.app.fleet().head(stage.now);
    assert!(both.last_minute.messages > alone.last_minute.messages && both.eta.is_some());
    let lost = again(&stage);
    stage.app.signal(1, lost.clone(), stage.now);
    let head = stage.app.fleet().head(stage.now);
    assert_eq!((head.last_minute, head.last_quarter), (alone.last_minute, alone.last_quarter));
    assert_eq!(head.eta, None, "nobody knows when the lost one will be done");
    assert_eq!(head.totals, both.totals, "what it stored is stored");
    stage.app.signal(0, lost, stage.now);
    let head = stage.app.fleet().head(stage.now);
    assert_eq!((head.last_minute.messages, head.eta), (0.0, None));
    assert!(stage.screen(140, 24).contains("▲ LOST"), "{}", stage.screen(140, 24));
    assert_eq!(screen::title(&stage.app), "lost · exchange-sync");
    let mut one = syncing();
    let lost = again(&one);
    one.app.signal(0, lost, one.now);
    assert_eq!(one.app.fleet().head(one.now).last_minute.messages, 0.0);
    assert_eq!(screen::title(&one.app), "lost · exchange-sync");
}

#[test]
fn without_colours_nothing_is_coloured() {
    let mut stage = Stage::of(&world(), 1500, Settings { color: Color::Never, ..settings() });
    for keys in ["", "i", "2", "4", "?"] {
        stage.press(keys);
        let buffer = stage.buffer(120, 40);
        assert!(buffer.content.iter().all(|cell| cell.fg == Paint::Reset && cell.bg == Paint::Reset), "{keys}");
    }
    assert_eq!(Stage::of(&world(), 1500, Settings { color: Color::Never, ..settings() }).screen(120, 30), syncing().screen(120, 30));
}

#[test]
fn ascii() {
    let mut stage = Stage::of(&world(), 1500, Settings { ascii: true, ..settings() });
    for keys in ["", "<enter>", "i", "2", "4", "?"] {
        stage.press(keys);
        assert!(stage.screen(120, 40).is_ascii(), "{keys}");
        assert!(!stage.screen(120, 40).replace(" ? ", "").replace("?  f1", "").contains('?'), "an own sign without a counterpart");
    }
    assert_snapshot!("ascii", Stage::of(&world(), 1500, Settings { ascii: true, ..settings() }).screen(140, 24));
}

#[test]
fn masked() {
    let mut stage = syncing();
    stage.press("x");
    assert_snapshot!("masked", stage.screen(100, 15));
    for keys in ["i", "2", "<esc>3"] {
        stage.press(keys);
        stage.app.listed(0, Ok(Listing { items: world().quarantined(20), more: true }));
        let screen = stage.screen(160, 50);
        assert!(!screen.contains("@example.com"), "{screen}");
    }
}

#[test]
fn what_is_typed_is_masked_too() {
    let mut stage = syncing();
    stage.press("x/carla");
    assert!(!stage.screen(120, 24).lines().last().unwrap().contains("carla"));
    assert!(stage.screen(120, 24).contains("filter: •••••"));
    stage.press("<enter>");
    let screen = stage.screen(120, 24);
    assert!(!screen.contains("carla") && screen.contains("filter “•••••”"), "{screen}");
}

#[test]
fn hostile_names_keep_the_columns() {
    let mut stage = syncing();
    let names = [
        "\u{1b}[2J\u{1b}[31mred",
        "exe.\u{202e}txt",
        "日本語のフォルダー",
        "שלום עולם",
        "مرحبا",
        "👨\u{200d}👩\u{200d}👧 family",
        "z\u{301}\u{301}\u{301}\u{301}\u{301}",
        "\r\n\u{7}",
        "a\u{200b}b",
    ];
    let figures = Figures { wanted: 10, expected: 10, stored: 5, ..Figures::default() };
    let folder = |(n, name): (usize, &&str)| {
        (
            n.to_string(),
            Folder { path: vec!["Inbox".into(), (*name).to_owned()], state: FolderState::Syncing, figures, ..Folder::default() },
        )
    };
    let mailbox = Mailbox {
        state: MailboxState::Degraded,
        reason: Some("\u{1b}]0;owned\u{7} the server says 日本".into()),
        folders: names.iter().enumerate().map(folder).collect(),
        ..Mailbox::default()
    };
    let mut status: Status = world().status(1500);
    status.mailboxes = [("ann\u{202e}@example.com".to_owned(), mailbox)].into();
    stage.tell(0, status);
    stage.press("<enter>");
    let screen = stage.screen(120, 18);
    assert!(!screen.chars().any(|character| character != '\n' && character.is_control()), "{screen}");
    let column = |line: &str| line.find("syncing").map(|at| crate::safe::width(&line[..at]));
    let columns: Vec<_> = screen.lines().skip(6).filter_map(column).collect();
    assert!(columns.len() == names.len() && columns.iter().all(|column| *column == columns[0]), "{screen}");
    assert_snapshot!("hostile", screen);
}

#[test]
fn figures_beyond_all_bounds_break_nothing() {
    use chrono::{DateTime, Utc};
    for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        let mut status = world().status(100);
        status.head.at = at;
        status.head.totals.figures = Figures {
            items: u64::MAX,
            listed: u64::MAX,
            wanted: u64::MAX,
            expected: u64::MAX,
            stored: u64::MAX,
            bytes: u64::MAX,
            changes: u64::MAX,
            passed_over: u64::MAX,
            known: u64::MAX,
        };
        status.head.eta = Some(Eta { earliest: DateTime::<Utc>::MAX_UTC, latest: DateTime::<Utc>::MIN_UTC });
        status.head.last_minute = Rate { messages: f64::MAX, bytes: -1.0 };
        status.history[3] =
            Sample { at, seconds: u32::MAX, messages: u64::MAX, requests: u64::MAX, p50: u64::MAX, p95: u64::MAX, ..status.history[3] };
        status.history[0].at = at;
        for mailbox in status.mailboxes.values_mut() {
            (mailbox.figures, mailbox.quarantined) = (status.head.totals.figures, u64::MAX);
            (mailbox.until, mailbox.last_progress, mailbox.since) =
                (Some(DateTime::<Utc>::MAX_UTC), Some(DateTime::<Utc>::MIN_UTC), Some(at));
            mailbox.budget = Some(Budget { used: u64::MAX, limit: 0, window: u64::MAX });
        }
        let mut stage = Stage::new(&["one", "two"], settings());
        stage.tell(0, status.clone());
        stage.tell(1, status.clone());
        for keys in ["", "<enter>", "i", "t", "L", "2", "4", "t", "t", "t", "1ssssssss", "<tab>"] {
            stage.press(keys);
            stage.screen(200, 50);
            stage.screen(60, 15);
            stage.screen(40, 5);
        }
        assert!(!text::table(&status, 100).is_empty() && !text::line(&status).is_empty());
    }
}

#[test]
fn the_mouse_selects_opens_and_scrolls() {
    let mut stage = syncing();
    stage.screen(100, 20);
    let area = Rect::new(0, 0, 100, 20);
    let at = |stage: &mut Stage, kind, column, row| {
        let spot = screen::spot(&stage.app, area, column, row);
        let effects = stage.app.mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }, spot);
        stage.screen(100, 20);
        effects
    };
    let click = MouseEventKind::Down(MouseButton::Left);
    at(&mut stage, click, 10, 7);
    assert_eq!(stage.app.table.list.cursor, 2, "the third row");
    at(&mut stage, click, 10, 7);
    assert_eq!(stage.app.table.rows.len(), 24 + 12, "unfolded");
    at(&mut stage, MouseEventKind::ScrollDown, 10, 7);
    assert_eq!(stage.app.table.list.cursor, 5);
    assert_eq!(at(&mut stage, click, 30, 3), [Effect::List(0)], "the tab of the quarantine");
    assert!(stage.screen(100, 20).contains("TRIES"));
}

#[test]
fn a_frozen_picture_stands_still() {
    let mut stage = syncing();
    stage.press("<space>");
    let before = stage.screen(100, 20);
    assert!(before.contains("FROZEN"));
    stage.play(0, &world(), 1600);
    assert!(!stage.wait(5), "seconds do not pass in it");
    assert_eq!(stage.screen(100, 20), before);
    stage.press("<space>");
    assert_ne!(stage.screen(100, 20), before);
}

#[test]
fn a_recording_says_that_it_is_one() {
    let mut stage = Stage::new(&["run.jsonl"], settings());
    stage.app.signal(0, Signal::Replay { speed: 10.0 }, stage.now);
    stage.play(0, &world(), 900);
    assert!(stage.screen(100, 20).contains("REPLAY ×10"));
    let bar = stage.screen(100, 20).lines().last().unwrap().to_owned();
    assert!(bar.contains("i details") && !bar.contains("pause") && !bar.contains("verify"), "{bar}");
    assert_eq!(stage.press("p"), []);
    assert!(stage.screen(100, 20).contains("this is a recording"));
    stage.app.signal(0, Signal::Closed { reason: Some("line 17: expected value".into()) }, stage.now);
    stage.app.signal(0, Signal::Closed { reason: None }, stage.now);
    assert!(stage.screen(100, 20).contains("it is over: line 17: expected value"), "its end takes nothing back");
}

#[test]
fn recordings_of_real_runs() {
    for Recording { name, entries, .. } in recordings() {
        let mut stage = Stage::new(&[&name], settings());
        stage.replay(&entries);
        for keys in ["", "<enter>", "i", "2", "4"] {
            stage.press(keys);
            assert_snapshot!(format!("recorded_{name}_{}", keys.trim_matches(['<', '>'])), stage.screen(120, 36));
        }
    }
}

#[test]
fn runs_that_met_trouble_really_ran() {
    for name in ["trouble", "graph"] {
        let Recording { entries, quarantine, .. } = recordings().into_iter().find(|one| one.name == name).unwrap();
        let mut stage = Stage::new(&[name], settings());
        assert_snapshot!(format!("real_{name}_empty"), stage.screen(100, 12));
        stage.replay(&entries[..1]);
        assert_snapshot!(format!("real_{name}_listing"), stage.screen(100, 16));
        stage.replay(&entries[1..entries.len() / 2]);
        assert_snapshot!(format!("real_{name}_syncing"), stage.screen(120, 16));
        stage.replay(&entries[entries.len() / 2..]);
        for (width, height) in [(60, 15), (80, 24), (160, 50)] {
            assert_snapshot!(format!("real_{name}_{width}x{height}"), stage.screen(width, height));
        }
        stage.press("/ben<enter><enter>");
        assert_snapshot!(format!("real_{name}_filtered_and_unfolded"), stage.screen(120, 20));
        assert_eq!(stage.press("<esc><esc>3"), [Effect::List(0)]);
        let listing: Listing = serde_json::from_str(&quarantine.unwrap()).unwrap();
        assert!(!listing.items.is_empty());
        stage.app.listed(0, Ok(listing));
        assert_snapshot!(format!("real_{name}_quarantine"), stage.screen(120, 24));
        stage.press("1?");
        assert_snapshot!(format!("real_{name}_help"), stage.screen(120, 40));
        let mut plain = Stage::new(&[name], Settings { color: Color::Never, ..settings() });
        plain.replay(&entries);
        let buffer = plain.buffer(120, 30);
        assert!(buffer.content.iter().all(|cell| cell.fg == Paint::Reset && cell.bg == Paint::Reset));
        assert_snapshot!(format!("real_{name}_no_colour"), plain.screen(120, 30));
    }
}

#[test]
fn words_without_a_screen() {
    let mut status = world().status(1500);
    assert_snapshot!("line", text::line_in(&status, crate::Zone::Utc));
    assert_snapshot!("table", text::table(&status, 120));
    status.head.sink_trouble =
        Some(SinkTrouble { reason: "no space left on device".into(), until: start() + TimeDelta::seconds(1542), attempts: 3 });
    assert!(text::line(&status).ends_with("; nothing can be stored, trying again in 42 s: no space left on device"));
    assert!(text::table(&status, 0).lines().all(|line| crate::safe::width(line) <= 400));
}

#[test]
fn the_worst_stays_selected_until_somebody_chooses() {
    let selected = |stage: &Stage| stage.app.table.selected().unwrap().mailbox.to_string();
    let mut stage = syncing();
    stage.screen(100, 24);
    let first = selected(&stage);
    stage.press("S");
    stage.wait(2);
    stage.screen(100, 24);
    assert_ne!(selected(&stage), first, "the top row, whoever that is now");
    assert_eq!(stage.app.table.list.cursor, 0);
    stage.press("jk");
    let chosen = selected(&stage);
    stage.press("s");
    stage.wait(2);
    stage.screen(100, 24);
    assert_eq!(selected(&stage), chosen);
    assert_ne!(stage.app.table.list.cursor, 0);
}

#[test]
fn one_that_was_never_reached_has_no_say() {
    let mut stage = Stage::new(&["one", "two"], settings());
    stage.play(0, &world(), 1500);
    let alone = stage.app.fleet().head(stage.now).started;
    let again = stage.now + TimeDelta::seconds(9);
    stage.app.signal(1, Signal::Lost { reason: "connection refused".into(), again }, stage.now);
    assert_eq!(stage.app.fleet().head(stage.now).started, alone);
    assert_eq!(stage.app.fleet().head(stage.now).eta, None, "nobody knows what it has to do");
    let screen = stage.screen(100, 24);
    assert!(screen.contains("two: not reached yet: connection refused") && !screen.contains("lost"), "{screen}");
}
