use std::time::Duration;

use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path as Name};

use super::*;
use crate::{
    blob::{
        Location,
        faulty::{Fate, Faulty},
    },
    catalog::segments::Segments as _,
};

/// A runtime of its own thread, on whose clock every wait is over at once.
fn runtime() -> Handle {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    let made = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    };
    RUNTIME.get_or_init(made).clone()
}

struct Bed {
    store: Arc<Faulty>,
    kept: KeptTails,
    dir: tempfile::TempDir,
    rotated_at: u64,
}

impl Bed {
    fn new(rotated_at: u64) -> Self {
        Self { store: Faulty::over(Arc::default()), kept: KeptTails::default(), dir: tempfile::tempdir().unwrap(), rotated_at }
    }

    fn open(&self) -> Segments {
        let place = Place {
            blobs: Blobs::over(Arc::clone(&self.store) as _, Location::parse("az://contosomail/archive").unwrap()),
            mailbox: Address::new("a@example.com"),
            folder: "data/catalog".into(),
            copy: self.dir.path().join("last.jsonl"),
            kept: Arc::clone(&self.kept),
            rotated_at: self.rotated_at,
            lost: Arc::default(),
        };
        Segments::open(place, runtime()).unwrap()
    }

    /// Another process, with a copy of its own.
    fn other(&self) -> Self {
        Self { store: Arc::clone(&self.store), kept: KeptTails::default(), dir: tempfile::tempdir().unwrap(), rotated_at: self.rotated_at }
    }

    fn put(&self, number: u64, text: &'static str) {
        put(&self.store.memory, number, text);
    }

    fn blob(&self, number: u64) -> String {
        let read = async { self.store.memory.get(&blob(number)).await.unwrap().bytes().await.unwrap() };
        String::from_utf8(futures::executor::block_on(read).to_vec()).unwrap()
    }
}

fn blob(number: u64) -> Name {
    Name::parse(format!("data/catalog/{}", name(number))).unwrap()
}

fn put(memory: &InMemory, number: u64, text: &'static str) {
    futures::executor::block_on(memory.put(&blob(number), text.into())).unwrap();
}

fn all(segments: &Segments, from: Position) -> Vec<String> {
    let (mut lines, mut line, mut found) = (segments.lines(from).unwrap(), Vec::new(), Vec::new());
    while lines.next(&mut line).unwrap().is_some() {
        found.push(String::from_utf8(line.clone()).unwrap());
    }
    found
}

#[test]
fn segments_grow_and_are_followed_by_new_ones() {
    let bed = Bed::new(10);
    let mut segments = bed.open();
    assert_eq!(segments.end(), Position { segment: 1, offset: 0 });
    let mut ends = vec![];
    for text in ["one\n", "two and more\n", "three\n", "four\nfive\n", "six\n"] {
        segments.append(text.as_bytes()).unwrap();
        ends.push(segments.end());
    }
    assert_eq!(ends[2], Position { segment: 2, offset: 6 });
    let texts = ["one", "two and more", "three", "four", "five", "six"];
    for segments in [&segments, &bed.open(), &bed.other().open()] {
        assert_eq!(all(segments, Position::default()), texts);
        assert_eq!(all(segments, ends[1]), texts[2..]);
        assert_eq!(all(segments, ends[0]), texts[1..]);
        assert_eq!(all(segments, ends[4]), [""; 0]);
        assert_eq!(segments.end(), ends[4]);
        assert_eq!(segments.before(ends[1]).unwrap().unwrap(), b"one\ntwo and more\n");
        assert_eq!(segments.before(ends[2]).unwrap().unwrap(), b"three\n");
        assert_eq!(segments.before(ends[4]).unwrap().unwrap(), b"six\n");
        for (segment, offset) in [(1, 100), (3, 5), (9, 0), (0, 1)] {
            assert_eq!(segments.before(Position { segment, offset }).unwrap(), None);
        }
    }
    assert_eq!((bed.blob(1), bed.blob(2)), ("one\ntwo and more\n".into(), "three\nfour\nfive\n".into()));
}

#[test]
fn an_append_whose_answer_was_lost_counts_once_and_one_that_got_lost_is_sent_again() {
    for first in ["", "zero\n"] {
        for fates in [vec![Fate::Unheard], vec![Fate::Lost], vec![Fate::Lost, Fate::Lost, Fate::Unheard]] {
            let bed = Bed::new(1000);
            let mut segments = bed.open();
            if !first.is_empty() {
                segments.append(first.as_bytes()).unwrap();
            }
            bed.store.next_puts(fates);
            segments.append(b"one\n").unwrap();
            segments.append(b"two\n").unwrap();
            assert_eq!(bed.blob(1), format!("{first}one\ntwo\n"));
            assert_eq!(all(&segments, Position::default()), all(&bed.other().open(), Position::default()));
        }
    }
}

#[test]
fn a_long_outage_fails_the_append_and_what_became_of_it_is_found_out_later() {
    for carried_out in [false, true] {
        let bed = Bed::new(1000);
        let mut segments = bed.open();
        segments.append(b"one\n").unwrap();
        bed.store.next_puts([if carried_out { Fate::Unheard } else { Fate::Lost }]);
        // Nor can it be read back.
        bed.store.next_gets((0..1000).map(|_| Fate::Lost));
        let Fault::Blob(error) = segments.append(b"two\n").unwrap_err() else { panic!() };
        assert!(error.to_string().contains("the line is dead"), "{error}");
        // Then the line is good again.
        bed.store.good();
        segments.settle().unwrap();
        let expected = if carried_out { "one\ntwo\n" } else { "one\n" };
        assert_eq!(segments.end().offset, expected.len() as u64);
        segments.append(b"three\n").unwrap();
        assert_eq!(bed.blob(1), format!("{expected}three\n"));
    }
}

#[test]
fn another_writer_is_found_out_and_nothing_of_either_is_lost() {
    type Meddling = fn(&InMemory);
    let meddlings: [Meddling; 3] = [
        |memory| put(memory, 1, "one\ntheirs\n"),
        |memory| futures::executor::block_on(memory.delete(&blob(1))).unwrap(),
        |memory| put(memory, 1, ""),
    ];
    for meddling in meddlings {
        for lost_first in [false, true] {
            let bed = Bed::new(1000);
            let mut segments = bed.open();
            segments.append(b"one\n").unwrap();
            bed.store.next_puts(lost_first.then_some(Fate::Lost).into_iter().chain([Fate::After(Box::new(meddling))]));
            for _ in 0..2 {
                let error = segments.append(b"ours\n").unwrap_err();
                assert!(matches!(&error, Fault::Overtaken(who) if who.contains("00000001.jsonl")), "{error:?}");
            }
            assert!(matches!(segments.settle(), Err(Fault::Overtaken(_))));
            // Opened anew it goes on from there.
            let mut segments = bed.open();
            segments.append(b"ours\n").unwrap();
            assert!(bed.blob(1).ends_with("ours\n"));
        }
    }
    let bed = Bed::new(3);
    let mut segments = bed.open();
    segments.append(b"one\n").unwrap();
    bed.store.next_puts([Fate::After(Box::new(|memory| put(memory, 2, "theirs\n")))]);
    assert!(matches!(segments.append(b"ours\n"), Err(Fault::Overtaken(_))));
    assert_eq!(all(&bed.open(), Position::default()), ["one", "theirs"]);
}

#[test]
fn a_copy_that_is_not_of_this_segment_is_made_anew() {
    let bed = Bed::new(1000);
    bed.open().append(b"one\n").unwrap();
    bed.put(1, "one\nof somebody else\n");
    let segments = bed.open();
    assert_eq!(all(&segments, Position::default()), ["one", "of somebody else"]);
    drop(segments);
    fs::write(bed.dir.path().join("last.jsonl"), "shortened").unwrap();
    let mut segments = bed.open();
    assert_eq!(all(&segments, Position::default()), ["one", "of somebody else"]);
    // Without a copy, as after a full disk, it is read back.
    segments.place.kept().clear();
    segments.append(b"two\n").unwrap();
    assert_eq!(bed.blob(1), "one\nof somebody else\ntwo\n");
}

#[test]
fn a_line_that_was_torn_in_a_folder_is_cut_off_here() {
    let bed = Bed::new(1000);
    bed.put(1, "one\ntw");
    let mut segments = bed.open();
    assert_eq!(segments.end().offset, 4);
    assert_eq!(all(&segments, Position::default()), ["one"]);
    segments.append(b"three\n").unwrap();
    assert_eq!(bed.blob(1), "one\nthree\n");
}

#[test]
fn who_lost_the_lock_writes_no_more() {
    let bed = Bed::new(1000);
    let mut segments = bed.open();
    segments.append(b"one\n").unwrap();
    segments.place.lost.set("x is held by process 1 on other".into()).unwrap();
    assert!(matches!(segments.append(b"two\n"), Err(Fault::Overtaken(who)) if who.contains("process 1 on other")));
    assert_eq!(bed.blob(1), "one\n");
}

/// Long lines, and many segments, over a store that answers slowly and in pieces.
#[test]
fn many_segments_are_read_in_their_order() {
    let bed = Bed::new(100_000);
    let mut segments = bed.open();
    let line = |n: usize| format!("{n} {}", "x".repeat(n * 37 % 9000));
    for n in 0..200 {
        segments.append(format!("{}\n", line(n)).as_bytes()).unwrap();
    }
    assert!(segments.end().segment > 5);
    let slow = object_store::throttle::ThrottleConfig { wait_get_per_call: Duration::from_millis(20), ..Default::default() };
    let store = object_store::throttle::ThrottledStore::new(
        object_store::chunked::ChunkedStore::new(Arc::clone(&bed.store.memory) as _, 777),
        slow,
    );
    let elsewhere = bed.other();
    let mut other = elsewhere.open();
    other.place.blobs = Blobs::over(Arc::new(store) as Arc<dyn ObjectStore>, Location::parse("az://contosomail/archive").unwrap());
    let found = all(&other, Position::default());
    assert!(found.len() == 200 && (0..200).all(|n| found[n] == line(n)));
}
