//! Whoever watches.

use std::time::Duration;

use exchange_sync_tui::{Frame, Status};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, timeout};

use super::world::{ANN, World};
use crate::status::State;

/// An event as it came: kind, id and data.
type Came = (String, String, String);

/// Events of the server, from where a mark was.
async fn events(world: &World, mark: Option<&str>) -> impl Stream<Item = Came> + Unpin + use<> {
    let mut request = world.client.get(world.url("/events"));
    if let Some(mark) = mark {
        request = request.header("last-event-id", mark);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut bytes = answer.bytes_stream();
    let stream = async_stream(async move || bytes.next().await?.ok().map(|bytes| bytes.to_vec()));
    Box::pin(stream)
}

/// The pieces of a body as events. Only what this server writes is understood.
fn async_stream(next: impl AsyncFnMut() -> Option<Vec<u8>>) -> impl Stream<Item = Came> {
    futures::stream::unfold((next, String::new()), async |(mut next, mut text)| {
        while !text.contains("\n\n") {
            text += std::str::from_utf8(&next().await?).unwrap();
        }
        let (event, rest) = text.split_once("\n\n").unwrap();
        let [kind, id, data] = &event.lines().collect::<Vec<_>>()[..] else { panic!("{event}") };
        let field = |line: &str, name: &str| line.strip_prefix(name).unwrap().to_owned();
        let came = (field(kind, "event: "), field(id, "id: "), field(data, "data: "));
        let rest = rest.to_owned();
        Some((came, (next, rest)))
    })
}

/// What comes first, as it is written.
pub async fn first(world: &World) -> String {
    events(world, None).await.next().await.unwrap().2
}

fn taken(status: &mut Status, (kind, _, data): &Came) {
    status.take(match kind.as_str() {
        "status" => Frame::Status(serde_json::from_str(data).unwrap()),
        "update" => Frame::Update(serde_json::from_str(data).unwrap()),
        _ => panic!("{kind}"),
    });
}

#[tokio::test]
async fn first_comes_everything_and_then_what_changed() {
    let world = World::new().await;
    world.list();
    let mut events = events(&world, None).await;
    let mut status = Status::default();
    let first = events.next().await.unwrap();
    assert_eq!((first.0.as_str(), first.1.split('.').next()), ("status", Some("3f2a")));
    taken(&mut status, &first);
    assert!(status.head.actions && status.mailboxes[ANN].folders.len() == 1);
    let begun = Instant::now();
    for n in 1..=4 {
        world.store(1);
        let event = events.next().await.unwrap();
        assert_eq!(event.0, "update");
        assert!(!event.2.contains("bob@"), "{}", event.2);
        taken(&mut status, &event);
        assert_eq!(status.mailboxes[ANN].figures.stored, n);
    }
    assert!(begun.elapsed() >= Duration::from_millis(990), "four in a second: {:?}", begun.elapsed());
    let whole = world.events.status().whole(chrono::Utc::now());
    assert_eq!((status.mailboxes, status.log), (whole.mailboxes, whole.log));
}

#[tokio::test]
async fn where_nothing_happens_there_is_a_heartbeat_and_no_more() {
    let world = World::new().await;
    let mut events = events(&world, None).await;
    events.next().await.unwrap();
    let begun = Instant::now();
    let beat = timeout(Duration::from_secs(12), events.next()).await.unwrap().unwrap();
    assert!(begun.elapsed() > Duration::from_secs(9), "{:?}", begun.elapsed());
    assert!(beat.2.contains("\"head\"") && !beat.2.contains("mailboxes\":{"), "{}", beat.2);
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_was_missed() {
    let world = World::new().await;
    world.list();
    let mut status = Status::default();
    let (first, mark) = {
        let first = events(&world, None).await.next().await.unwrap();
        (first.clone(), first.1)
    };
    taken(&mut status, &first);
    world.store(5);
    let missed = events(&world, Some(&mark)).await.next().await.unwrap();
    assert_eq!(missed.0, "update");
    taken(&mut status, &missed);
    assert_eq!(status.mailboxes[ANN].figures.stored, 5);
    // Another run, another program, a time to come: everything.
    for mark in ["9c.3.0", "nonsense", "3f2a.18446744073709551615.0", "3f2a.0.0"] {
        assert_eq!(events(&world, Some(mark)).await.next().await.unwrap().0, "status", "{mark}");
    }
}

#[tokio::test]
async fn at_the_end_watchers_are_told_so() {
    let world = World::new().await;
    let mut events = events(&world, None).await;
    events.next().await.unwrap();
    world.events.status().end();
    let begun = Instant::now();
    let address = world.address;
    let (last, ()) = tokio::join!(events.next(), world.serving.stop());
    let mut status = Status::default();
    taken(&mut status, &last.unwrap());
    assert_eq!(status.head.state, State::Ended);
    assert!(events.next().await.is_none());
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // The port is free again at once.
    crate::server::bind(address).await.unwrap();
}
