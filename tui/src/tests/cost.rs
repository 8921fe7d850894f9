//! What it costs, in work counted rather than in time.

use super::{
    stage::{Stage, settings, start, world},
    world::World,
};
use crate::{
    Frame, Signal, Update,
    frame::Change,
    status::{Figures, Folder, State},
};

/// A thing the size of a large migration.
fn large() -> World {
    World::new(start(), 500, 30)
}

#[test]
fn an_update_costs_what_it_changes() {
    let status = large().status(100);
    let mut stage = Stage::new(&["alpha-0"], settings());
    stage.tell(0, status.clone());
    assert_eq!(stage.app.fleet().work, 15_000);
    let address = large().address(17);
    let mut mailbox = status.mailboxes[&address].clone();
    mailbox.folders.retain(|id, _| id.ends_with("007"));
    let change = Change { mailbox, removed: Vec::new() };
    let update = Update { head: status.head.clone(), mailboxes: [(address, change)].into(), ..Update::default() };
    stage.app.signal(0, Signal::Frame(Frame::Update(Box::new(update))), stage.now);
    assert_eq!(stage.app.fleet().work, 15_001);
}

#[test]
fn folders_are_neither_rows_nor_sorted_until_they_are_asked_for() {
    let mut stage = Stage::new(&["alpha-0"], settings());
    stage.tell(0, large().status(100));
    stage.screen(160, 50);
    assert_eq!(stage.app.table.rows.len(), 500);
    stage.press("<enter>");
    stage.screen(160, 50);
    assert_eq!(stage.app.table.rows.len(), 530);
    stage.press("<tab>");
    stage.screen(160, 50);
    assert_eq!(stage.app.table.rows.len(), 15_000);
}

#[test]
fn rows_are_put_in_order_when_something_changed_and_once_a_second() {
    let world = world();
    let mut stage = Stage::of(&world, 600, settings());
    stage.screen(100, 30);
    let sorted = stage.app.table.sorted;
    stage.screen(100, 30);
    stage.wait(5);
    stage.screen(100, 30);
    assert_eq!(stage.app.table.sorted, sorted, "nothing changed");
    for _ in 0..10 {
        stage.tell(0, world.status(606));
        stage.screen(100, 30);
    }
    assert_eq!(stage.app.table.sorted, sorted + 1, "ten frames within a second");
}

#[test]
fn what_stands_still_is_found_without_a_frame() {
    let mut status = world().status(600);
    let mut stage = Stage::new(&["alpha-0"], settings());
    stage.now = status.head.at;
    for mailbox in status.mailboxes.values_mut() {
        mailbox.last_progress = Some(stage.now);
    }
    stage.tell(0, status);
    assert!(!stage.screen(120, 30).contains("stalled"));
    assert!(stage.wait(61));
    assert!(stage.screen(120, 30).contains("no progress for 61 s"));
}

#[test]
fn an_end_that_is_reached_is_not_drawn_again() {
    let mut stage = Stage::of(&World { state: State::Ended, ..world() }, 600, settings());
    stage.screen(100, 30);
    assert!(!stage.wait(1) && !stage.wait(100));
    let running = &mut Stage::of(&world(), 600, settings());
    assert!(running.wait(1), "its clock goes on");
}

#[test]
fn sparks_are_kept_of_what_grew_alone() {
    let mut stage = Stage::new(&["alpha-0"], settings());
    let status = large().status(100);
    stage.tell(0, status.clone());
    let mut mailbox = status.mailboxes[&large().address(3)].clone();
    let figures = Figures { stored: 1_000_000, ..Figures::default() };
    mailbox.folders = [("AAMk003000".to_owned(), Folder { figures, ..Folder::default() })].into();
    let change = Change { mailbox, removed: Vec::new() };
    let update = Update { head: status.head, mailboxes: [(large().address(3), change)].into(), ..Update::default() };
    stage.app.signal(0, Signal::Frame(Frame::Update(Box::new(update))), stage.now);
    let tracks = stage.app.fleet().instances[0].tracks.values();
    assert_eq!(tracks.flat_map(|tracks| tracks.folders.values()).filter(|track| track.grew()).count(), 1);
}
