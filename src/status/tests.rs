use std::time::Duration;

use chrono::TimeDelta;
use exchange_sync_tui::status::{Folder, FolderState, Status};

use super::{Seen as Watcher, *};
use crate::{event::Seen, mail::FolderId};

/// A board, and the time that passes on it.
struct World {
    board: Board,
    now: DateTime<Utc>,
    mailbox: Address,
}

impl World {
    fn new() -> Self {
        let mut world =
            Self { board: Board::default(), now: "2026-01-02T03:04:05Z".parse().unwrap(), mailbox: Address::new("ann@example.com") };
        world.board.introduce(Head { instance: "here".into(), run: "1".into(), ..Head::default() }, false);
        world.tell(Event::MailboxAdded { mailbox: world.mailbox.clone() });
        world
    }

    fn tell(&mut self, event: Event) {
        self.board.fold(self.now, &event);
    }

    fn pass(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    fn mailbox(&self) -> &Mailbox {
        self.board.mailbox(&self.mailbox).unwrap()
    }

    fn begins(&mut self, folders: &[(&str, u64)]) {
        let mailbox = self.mailbox.clone();
        self.tell(Event::MailboxStarted { mailbox: mailbox.clone() });
        let seen = |(name, items): &(&str, u64)| Seen { id: FolderId((*name).into()), path: vec![(*name).into()], items: Some(*items) };
        self.tell(Event::FoldersListed { mailbox: mailbox.clone(), folders: folders.iter().map(seen).collect() });
        for (name, _) in folders {
            self.tell(Event::FolderDue { mailbox: mailbox.clone(), folder: FolderId((*name).into()), whole: true });
        }
    }

    fn listed(&mut self, folder: &str, changes: usize, wanted: usize) {
        let (mailbox, folder) = (self.mailbox.clone(), FolderId(folder.into()));
        self.tell(Event::FolderStarted { mailbox: mailbox.clone(), folder: folder.clone() });
        self.tell(Event::PageListed { mailbox, folder, changes, wanted, passed_over: changes - wanted, known: 0, kept: false });
    }

    fn stored(&mut self, folder: &str, messages: u64) {
        let (mailbox, folder, newest) = (self.mailbox.clone(), FolderId(folder.into()), Some(self.now - TimeDelta::seconds(7)));
        self.tell(Event::MessagesStored { mailbox, folder, newest, messages, bytes: messages * 10 });
    }

    fn finished(&mut self, folder: &str) {
        let (mailbox, folder) = (self.mailbox.clone(), FolderId(folder.into()));
        self.tell(Event::FolderFinished { mailbox, folder, drained: true });
    }

    fn rests(&mut self, wait: Option<u64>, asked: bool) {
        self.tell(Event::MailboxRests { mailbox: self.mailbox.clone(), wait: wait.map(Duration::from_secs), asked });
    }

    fn answered(&mut self, code: Option<&str>) {
        let mailbox = self.mailbox.clone();
        let took = Duration::from_millis(12);
        self.tell(Event::RequestAnswered {
            mailbox,
            what: "GetItem",
            status: Some(200),
            code: code.map(str::to_owned),
            took,
            budget: None,
        });
    }
}

#[test]
fn a_mailbox_goes_from_state_to_state() {
    let mut world = World::new();
    let states = |world: &World| (world.mailbox().state, world.board.head(world.now).state);
    assert_eq!(states(&world), (MailboxState::Queued, State::Starting));
    world.begins(&[("Inbox", 100)]);
    assert_eq!(states(&world), (MailboxState::Listing, State::Listing));
    world.listed("Inbox", 50, 40);
    assert_eq!(states(&world), (MailboxState::Syncing, State::Syncing));
    world.stored("Inbox", 40);
    world.finished("Inbox");
    world.tell(Event::MailboxFinished { mailbox: world.mailbox.clone(), complete: true });
    world.rests(Some(15), false);
    assert_eq!(states(&world), (MailboxState::Idle, State::Idle));
    assert_eq!(world.mailbox().until, Some(world.now + TimeDelta::seconds(15)));
    world.tell(Event::MailboxPaused { mailbox: world.mailbox.clone() });
    world.rests(Some(15), false);
    assert_eq!(states(&world), (MailboxState::Paused, State::Paused), "what ends while it is paused does not release it");
    world.tell(Event::MailboxResumed { mailbox: world.mailbox.clone() });
    world.begins(&[("Inbox", 100)]);
    world.tell(Event::MailboxFailed { mailbox: world.mailbox.clone(), reason: "closed".into(), refused: false });
    world.rests(Some(60), false);
    assert_eq!(states(&world), (MailboxState::Degraded, State::Degraded));
    assert_eq!(world.mailbox().reason.as_deref(), Some("closed"));
    world.begins(&[("Inbox", 100)]);
    world.tell(Event::MailboxFailed { mailbox: world.mailbox.clone(), reason: "denied".into(), refused: true });
    world.rests(None, false);
    assert_eq!(states(&world), (MailboxState::Stopped, State::Degraded));
    assert_eq!((world.mailbox().reason.as_deref(), world.mailbox().until), (Some("denied"), None));
    world.tell(Event::StopBegun);
    assert_eq!(world.board.head(world.now).state, State::Stopping);
}

#[test]
fn a_wait_goes_on_although_its_mailbox_is_paused_meanwhile() {
    let mut world = World::new();
    world.begins(&[("Inbox", 100)]);
    let mailbox = world.mailbox.clone();
    let throttled = |seconds| Event::RequestThrottled {
        mailbox: mailbox.clone(),
        reason: "ErrorServerBusy".into(),
        wait: Duration::from_secs(seconds),
    };
    world.tell(throttled(30));
    let until = world.mailbox().until;
    world.tell(Event::MailboxPaused { mailbox: mailbox.clone() });
    world.pass(5);
    world.tell(throttled(10));
    world.tell(Event::MailboxResumed { mailbox: mailbox.clone() });
    let told = |world: &World| (world.mailbox().state, world.mailbox().until, world.mailbox().reason.clone());
    assert_eq!(told(&world), (MailboxState::Waiting, until, Some("ErrorServerBusy".into())));
    world.answered(None);
    assert_eq!(world.mailbox().state, MailboxState::Waiting, "what was under way does not end it");
    world.tell(Event::MailboxPaused { mailbox: mailbox.clone() });
    world.pass(30);
    world.tell(Event::MailboxResumed { mailbox: mailbox.clone() });
    assert_eq!(told(&world), (MailboxState::Queued, None, None), "it is over");
    // The next round is due when it is due.
    world.tell(Event::MailboxFinished { mailbox: mailbox.clone(), complete: true });
    world.tell(Event::MailboxPaused { mailbox: mailbox.clone() });
    world.rests(Some(15), false);
    world.tell(Event::MailboxResumed { mailbox });
    assert_eq!(told(&world), (MailboxState::Idle, Some(world.now + TimeDelta::seconds(15)), None));
}

#[test]
fn what_is_listed_again_after_a_pause_counts_once() {
    let mut world = World::new();
    let (mailbox, folder) = (world.mailbox.clone(), FolderId("Inbox".into()));
    let done = || Event::PageDone { mailbox: mailbox.clone(), folder: folder.clone() };
    let told = |world: &World| {
        let figures = world.mailbox().figures;
        (figures.listed, figures.wanted, figures.expected, figures.passed_over)
    };
    world.begins(&[("Inbox", 1000)]);
    world.listed("Inbox", 200, 160);
    world.stored("Inbox", 160);
    world.tell(done());
    world.listed("Inbox", 400, 320);
    world.stored("Inbox", 80);
    assert_eq!(told(&world), (600, 480, 800, 40), "what filters leave out counts with its page");
    // The round is broken off, and the page comes again, all of it: what was stored of it is known by then.
    world.tell(Event::FolderFinished { mailbox: mailbox.clone(), folder: folder.clone(), drained: false });
    world.begins(&[("Inbox", 1000)]);
    assert_eq!((told(&world).0, world.mailbox().figures.wanted), (200, 240));
    world.tell(Event::FolderStarted { mailbox: mailbox.clone(), folder: folder.clone() });
    world.tell(Event::PageListed {
        mailbox: mailbox.clone(),
        folder: folder.clone(),
        changes: 400,
        wanted: 240,
        passed_over: 80,
        known: 80,
        kept: false,
    });
    world.stored("Inbox", 240);
    world.tell(done());
    let figures = world.mailbox().figures;
    assert_eq!((figures.listed, figures.wanted, figures.stored, figures.passed_over, figures.known), (600, 480, 480, 120, 80));
}

#[test]
fn what_is_stored_of_a_page_that_comes_again_is_not_expected_once_more() {
    let mut world = World::new();
    world.begins(&[("Inbox", 600)]);
    world.listed("Inbox", 600, 600);
    world.stored("Inbox", 160);
    let (mailbox, folder) = (world.mailbox.clone(), FolderId("Inbox".into()));
    world.tell(Event::FolderFinished { mailbox, folder, drained: false });
    world.begins(&[("Inbox", 600)]);
    assert_eq!(world.mailbox().figures.expected, 600);
    world.listed("Inbox", 600, 440);
    assert_eq!(world.mailbox().figures.expected, 600);
}

#[test]
fn what_happens_while_it_is_paused_does_not_let_it_go() {
    let mut world = World::new();
    world.begins(&[("Inbox", 100)]);
    let mailbox = world.mailbox.clone();
    world.tell(Event::MailboxPaused { mailbox: mailbox.clone() });
    world.tell(Event::MailboxStarted { mailbox: mailbox.clone() });
    world.tell(Event::MailboxFailed { mailbox: mailbox.clone(), reason: "connection reset".into(), refused: false });
    world.rests(Some(60), false);
    assert_eq!(world.mailbox().state, MailboxState::Paused);
    world.tell(Event::MailboxResumed { mailbox });
    let told = world.mailbox();
    assert_eq!((told.state, told.reason.as_deref()), (MailboxState::Degraded, Some("connection reset")));
    assert_eq!(told.until, Some(world.now + TimeDelta::seconds(60)));
}

#[test]
fn what_is_in_the_sink_is_told_at_any_time() {
    let mut world = World::new();
    let mailbox = world.mailbox.clone();
    world.begins(&[("Inbox", 100)]);
    world.tell(Event::CatalogCounted { mailbox: mailbox.clone(), messages: 40, quarantined: 0 });
    world.listed("Inbox", 60, 60);
    world.stored("Inbox", 20);
    assert_eq!(world.mailbox().in_sink, Some(60));
    // One of these was there before.
    world.tell(Event::CatalogCounted { mailbox, messages: 59, quarantined: 0 });
    assert_eq!(world.mailbox().in_sink, Some(59));
}

#[test]
fn what_has_come_to_its_end_is_neither_held_nor_let_go() {
    for complete in [true, false] {
        let mut world = World::new();
        world.begins(&[("Inbox", 100)]);
        if !complete {
            world.tell(Event::MailboxFailed { mailbox: world.mailbox.clone(), reason: "denied".into(), refused: true });
        }
        world.tell(Event::MailboxFinished { mailbox: world.mailbox.clone(), complete });
        world.rests(None, false);
        let before = world.mailbox().clone();
        world.tell(Event::MailboxPaused { mailbox: world.mailbox.clone() });
        world.tell(Event::MailboxResumed { mailbox: world.mailbox.clone() });
        assert_eq!(*world.mailbox(), before);
    }
}

#[test]
fn what_stands_still_or_is_stopped_has_no_end_of_its_own() {
    let mut world = World::new();
    world.begins(&[("Inbox", 100)]);
    world.listed("Inbox", 100, 100);
    world.pass(10);
    world.stored("Inbox", 20);
    let eta = |world: &World| world.board.head(world.now).eta;
    assert!(eta(&world).is_some());
    world.tell(Event::MailboxPaused { mailbox: world.mailbox.clone() });
    assert_eq!(eta(&world), None);
    world.tell(Event::MailboxResumed { mailbox: world.mailbox.clone() });
    world.begins(&[("Inbox", 100)]);
    world.listed("Inbox", 80, 80);
    assert!(eta(&world).is_some());
    world.tell(Event::StopBegun);
    assert_eq!(eta(&world), None);
}

#[test]
fn a_wait_that_the_server_asked_for_is_not_ended_by_what_was_under_way() {
    let mut world = World::new();
    world.begins(&[("Inbox", 100)]);
    world.listed("Inbox", 50, 50);
    let mailbox = world.mailbox.clone();
    world.tell(Event::RequestThrottled { mailbox: mailbox.clone(), reason: "ErrorServerBusy".into(), wait: Duration::from_secs(30) });
    world.pass(5);
    world.tell(Event::RequestThrottled { mailbox, reason: "ErrorServerBusy".into(), wait: Duration::from_secs(10) });
    world.stored("Inbox", 20);
    world.answered(None);
    assert_eq!(world.mailbox().state, MailboxState::Waiting);
    assert_eq!(world.mailbox().until, Some(world.now + TimeDelta::seconds(25)), "the longest wait counts");
    assert_eq!(world.mailbox().reason.as_deref(), Some("ErrorServerBusy"));
    world.pass(25);
    world.answered(Some("ErrorServerBusy"));
    assert_eq!(world.mailbox().state, MailboxState::Waiting, "a refusal proves nothing");
    world.answered(None);
    assert_eq!((world.mailbox().state, world.mailbox().until), (MailboxState::Syncing, None));
    assert_eq!((world.mailbox().throttled, world.mailbox().waited), (2, 30), "what two waits have in common counts once");
}

#[test]
fn passing_trouble_is_counted_until_something_comes() {
    let mut world = World::new();
    world.begins(&[("Inbox", 100)]);
    let retry = |wait| Event::RequestRetried { mailbox: Address::new("ann@example.com"), reason: "HTTP 503".into(), times: 1, wait };
    world.tell(retry(Duration::ZERO));
    assert_eq!((world.mailbox().state, world.mailbox().attempts), (MailboxState::Listing, 1));
    world.tell(retry(Duration::from_secs(4)));
    assert_eq!((world.mailbox().state, world.mailbox().attempts), (MailboxState::Waiting, 2));
    world.listed("Inbox", 1, 0);
    assert_eq!((world.mailbox().state, world.mailbox().attempts), (MailboxState::Listing, 0));
}

#[test]
fn what_is_tried_again_is_told_once_and_then_rarely_and_what_stays_wrong_as_a_warning() {
    let mut world = World::new();
    world.begins(&[("Inbox", 100)]);
    let retry =
        |times| Event::RequestRetried { mailbox: Address::new("ann@example.com"), reason: "HTTP 503".into(), times, wait: Duration::ZERO };
    let told = |world: &mut World, level| world.board.whole(world.now).log.iter().filter(|line| line.level == level).count();
    for _ in 0..100 {
        world.tell(retry(1));
        world.listed("Inbox", 1, 0);
        world.tell(retry(2));
    }
    assert_eq!((told(&mut world, Level::Info), told(&mut world, Level::Warn)), (8, 0), "1, 2, 4, 8 and so on, of two hundred");
    world.tell(retry(3));
    world.tell(retry(4));
    assert_eq!(told(&mut world, Level::Warn), 1);
    world.begins(&[("Inbox", 100)]);
    world.tell(retry(1));
    assert_eq!(told(&mut world, Level::Info), 9, "another round");
}

#[test]
fn what_is_expected_grows_with_what_is_found_and_ends_at_what_was_stored() {
    let mut world = World::new();
    world.begins(&[("Inbox", 1000), ("Sent", 100)]);
    let expected = |world: &World| world.mailbox().figures.expected;
    assert_eq!(expected(&world), 1100, "before anything is listed all may be wanted");
    world.listed("Inbox", 500, 250);
    assert_eq!(expected(&world), 250 + 250 + 100);
    world.stored("Inbox", 240);
    world.listed("Inbox", 500, 100);
    world.finished("Inbox");
    assert_eq!(expected(&world), 240 + 100, "what was found and never stored is gone or in quarantine");
    world.begins(&[("Sent", 100)]);
    assert_eq!(world.mailbox().figures.stored, 240, "figures do not fall when a folder goes");
    assert_eq!(expected(&world), 240 + 100);
}

#[test]
fn a_removed_mailbox_leaves_and_does_not_come_back_by_what_was_under_way() {
    let mut world = World::new();
    world.begins(&[("Inbox", 9)]);
    world.stored("Inbox", 3);
    assert_eq!(world.board.totals(world.now).figures.stored, 3);
    world.tell(Event::MailboxRemoved { mailbox: world.mailbox.clone() });
    world.answered(Some("HTTP 503"));
    assert_eq!(world.board.totals(world.now), Totals::default());
    world.begins(&[("Inbox", 9)]);
    assert_eq!(world.board.totals(world.now).mailboxes, 1);
}

#[test]
fn a_refused_configuration_is_seen_until_a_good_one_comes() {
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    let mut board = Board::default();
    for good in
        [Event::ConfigRecovered, Event::ConfigChanged { added: Vec::new(), removed: Vec::new(), changed: Vec::new(), everybody: true }]
    {
        board.fold(at, &Event::ConfigRefused { reason: "$.port: no".into(), at });
        assert_eq!(board.config_trouble(), Some(&ConfigTrouble { reason: "$.port: no".into(), since: at }));
        board.fold(at, &good);
        assert_eq!(board.config_trouble(), None);
    }
}

#[test]
fn frames_bring_a_watcher_up_to_date_with_what_changed_alone() {
    let mut world = World::new();
    world.begins(&[("Inbox", 1000), ("Sent", 100)]);
    let (mut watcher, mut seen) = (Status::default(), Watcher::default());
    let first = world.board.frame(&mut seen, world.now);
    assert!(matches!(first, Frame::Status(_)));
    watcher.take(first);
    for step in 0..40 {
        world.pass(3);
        world.listed("Inbox", 10, 10);
        world.answered((step % 5 == 0).then_some("ErrorServerBusy"));
        world.stored("Inbox", 10);
        if step == 20 {
            world.tell(Event::MailboxAdded { mailbox: Address::new("bob@example.com") });
        }
        if step == 30 {
            world.tell(Event::MailboxRemoved { mailbox: Address::new("bob@example.com") });
            world.begins(&[("Inbox", 1000)]);
        }
        let frame = world.board.frame(&mut seen, world.now);
        let Frame::Update(update) = &frame else { panic!("all is told again at {step}") };
        if let Some(change) = update.mailboxes.get("ann@example.com").filter(|_| step < 30) {
            assert!(change.mailbox.folders.len() == 1 && change.mailbox.requests.len() == 1, "more than what changed: {change:?}");
        }
        watcher.take(frame);
        assert_eq!(watcher, world.board.whole(world.now), "at {step}");
    }
    assert!(!world.board.has_news(&seen));
    world.board.introduce(Head::default(), false);
    assert!(matches!(world.board.frame(&mut seen, world.now), Frame::Status(_)));
}

#[test]
fn a_watcher_who_missed_too_much_is_told_everything() {
    let mut world = World::new();
    let mut seen = Watcher::default();
    world.board.frame(&mut seen, world.now);
    for n in 0..1200 {
        let mailbox = Address::new(&format!("m{n}@example.com"));
        world.tell(Event::MailboxAdded { mailbox: mailbox.clone() });
        world.tell(Event::MailboxRemoved { mailbox });
    }
    assert!(matches!(world.board.frame(&mut seen, world.now), Frame::Status(_)));
    for n in 0..1200 {
        world.begins(&[(&format!("folder {n}"), 1)]);
    }
    assert!(matches!(world.board.frame(&mut seen, world.now), Frame::Status(_)));
}

#[test]
fn nobody_reads_an_address_under_the_mask() {
    let mut world = World::new();
    world.board = Board::default();
    world.board.introduce(Head::default(), true);
    world.begins(&[("Inbox", 1)]);
    let mailbox = world.mailbox.clone();
    let reason = "reading ann@example.com failed".to_owned();
    world.tell(Event::FolderFailed {
        mailbox: mailbox.clone(),
        folder: FolderId("Inbox".into()),
        path: vec!["Inbox".into()],
        reason: reason.clone(),
    });
    world.tell(Event::RequestThrottled { mailbox: mailbox.clone(), reason: reason.clone(), wait: Duration::from_secs(1) });
    world.answered(Some(&reason));
    world.tell(Event::SinkBlocked { reason: reason.clone(), until: world.now });
    world.tell(Event::ConfigRefused { reason: reason.clone(), at: world.now });
    world.tell(Event::ActionTaken { action: "pause ann@example.com".into(), answer: Err(reason.clone()) });
    world.tell(Event::MailboxVerified { mailbox: mailbox.clone(), gaps: 1, troubled: true, verdict: Some(reason) });
    let told = serde_json::to_string(&world.board.whole(world.now)).unwrap();
    assert!(!told.contains("ann@example.com"), "{told}");
    let shown = world.board.overview(world.now).mailboxes.into_keys().next().unwrap();
    assert_eq!(world.board.named(&shown), Some(&mailbox));
}

#[test]
fn a_folder_tells_its_state_its_lag_and_its_error() {
    let mut world = World::new();
    world.begins(&[("Inbox", 10)]);
    let folder = |world: &mut World| -> Folder {
        world.board.whole(world.now).mailboxes["ann@example.com"].folders.values().next().unwrap().clone()
    };
    world.listed("Inbox", 10, 10);
    world.stored("Inbox", 10);
    assert_eq!((folder(&mut world).state, folder(&mut world).lag), (FolderState::Syncing, Some(7)));
    let (mailbox, id) = (world.mailbox.clone(), FolderId("Inbox".into()));
    world.tell(Event::FolderFailed { mailbox, folder: id, path: vec!["Inbox".into()], reason: "denied".into() });
    assert_eq!(folder(&mut world).error.unwrap().words, "denied");
    assert_eq!(world.board.totals(world.now).errors, 1);
    world.finished("Inbox");
    assert_eq!((folder(&mut world).state, folder(&mut world).error), (FolderState::Done, None));
}
