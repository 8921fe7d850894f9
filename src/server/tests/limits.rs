//! Whoever asks for too much, or takes too little.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use super::world::World;
use crate::{
    event::{Event, Seen},
    mail::{Address, FolderId},
    server::routes::WATCHERS,
};

async fn watcher(world: &World) -> TcpStream {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
    stream
}

#[tokio::test]
async fn the_watchers_are_so_many_and_others_are_still_served() {
    let world = World::new().await;
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS {
        let mut stream = watcher(&world).await;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        watchers.push(stream);
    }
    let (code, told) = world.told("/events").await;
    assert_eq!((code, told["error"].as_str()), (503, Some("64 watchers are connected, which is the most")));
    assert_eq!(world.told("/healthz").await.0, 200);
    watchers.pop();
    let freed = async {
        while world.look("/events").await.status() != 200 {
            // The server learns of it when it next writes.
            world.store(1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(5), freed).await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_most_wait_for_one_to_end() {
    let world = World::new().await;
    let mut idle = Vec::new();
    for _ in 0..128 {
        idle.push(TcpStream::connect(world.address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(timeout(Duration::from_millis(300), world.client.get(world.url("/healthz")).send()).await.is_err());
    idle.clear();
    assert_eq!(timeout(Duration::from_secs(5), world.look("/healthz")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_head_that_is_too_large_or_never_ends_is_refused() {
    let world = World::new().await;
    let answer = world.client.get(world.url("/healthz")).header("x", "y".repeat(20_000)).send().await;
    assert!(answer.is_err() || answer.unwrap().status() == 431);
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: ").await.unwrap();
    let begun = Instant::now();
    let mut rest = Vec::new();
    timeout(Duration::from_secs(15), stream.read_to_end(&mut rest)).await.expect("the server gives up on it").unwrap();
    assert!(begun.elapsed() > Duration::from_secs(9), "{:?}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn a_slow_reader_is_given_the_newest_and_not_all_that_it_missed() {
    let world = World::new().await;
    world.list();
    // Frames that no buffer of the system takes many of.
    let folders = (0..3000).map(|n| Seen { id: FolderId(n.to_string()), path: vec!["x".repeat(400)], items: None }).collect();
    world.events.tell(Event::FoldersListed { mailbox: Address::new(super::world::BOB), folders });
    let mut stream = watcher(&world).await;
    for round in 0..40u64 {
        for n in 0..3000u32 {
            let (mailbox, folder) = (Address::new(super::world::BOB), FolderId(n.to_string()));
            world.events.tell(Event::MessagesStored { mailbox, folder, newest: None, messages: round, bytes: 1 });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut text = Vec::new();
    let (mut piece, mut frames) = (vec![0; 1 << 20], 0);
    let last = format!("\"stored\":{}", 3000 * (0..40).sum::<u64>());
    let caught_up = async {
        loop {
            let read = stream.read(&mut piece).await.unwrap();
            text.extend_from_slice(&piece[..read]);
            let seen = String::from_utf8_lossy(&text);
            frames = seen.matches("event: ").count();
            if seen.contains(&last) {
                break;
            }
        }
    };
    timeout(Duration::from_secs(20), caught_up).await.unwrap();
    assert!(frames <= 5, "{frames}");
}
