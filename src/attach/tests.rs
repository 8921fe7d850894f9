//! Against a server of ours, and against what is none.

use std::time::Duration;

use exchange_sync_tui::{Action, Ask, Frame, Signal, Source, Status, status::Listing};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Address, Client, connect};
use crate::{
    auth::Secret,
    event::Event,
    mail,
    server::{self, Settings},
    status::Head,
    watch::Events,
};

const TOKEN: &str = "hunter2";

fn settings(run: &str) -> Settings {
    let events = Events::new();
    events.status().introduce(Head { run: run.into(), ..Head::default() }, false);
    Settings { events, token: Some(Secret::new(TOKEN)), mask: false }
}

fn address(of: impl ToString) -> Address {
    of.to_string().parse().unwrap()
}

async fn next(signals: &mut mpsc::Receiver<Signal>) -> Signal {
    timeout(Duration::from_secs(20), signals.recv()).await.expect("something comes").expect("it goes on")
}

/// Somebody who gives this answer to whatever is asked.
async fn stranger(answer: &'static str) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = address(listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn it_is_watched_through_an_end_and_a_new_beginning() {
    let listening = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let at = listening.address();
    let first = settings("first");
    let events = first.events.clone();
    let serving = listening.serve(first);
    let Source { frames: mut signals, .. } = connect(address(at), None).unwrap();
    let mut status = Status::default();
    let Signal::Frame(frame @ Frame::Status(_)) = next(&mut signals).await else { panic!() };
    status.take(frame);
    assert_eq!(status.head.run, "first");
    events.tell(Event::MailboxAdded { mailbox: mail::Address::new("ann@example.com") });
    let Signal::Frame(frame @ Frame::Update(_)) = next(&mut signals).await else { panic!() };
    status.take(frame);
    assert_eq!(status.mailboxes.len(), 1);

    serving.stop().await;
    let Signal::Frame(_) = next(&mut signals).await else { panic!("the last words") };
    let Signal::Lost { reason, again } = next(&mut signals).await else { panic!() };
    assert!(reason.contains("ended the connection"), "{reason}");
    assert!(again > chrono::Utc::now() - chrono::TimeDelta::milliseconds(100));
    let Signal::Lost { reason, .. } = next(&mut signals).await else { panic!() };
    assert!(reason.contains("refused"), "{reason}");

    let _serving = server::bind(at).await.unwrap().serve(settings("second"));
    loop {
        match next(&mut signals).await {
            Signal::Frame(frame) => break status.take(frame),
            Signal::Lost { reason, .. } => assert!(reason.contains("refused"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((status.head.run.as_str(), status.mailboxes.len()), ("second", 0));
}

#[tokio::test]
async fn a_connection_that_is_cut_goes_on_where_it_was() {
    let listening = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let at = listening.address();
    let settings = settings("only");
    let events = settings.events.clone();
    let _serving = listening.serve(settings);
    // Something in between that cuts the first connection.
    let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = address(between.local_addr().unwrap());
    let (cut, mut until) = (tokio::sync::Notify::new(), 1);
    let cut = std::sync::Arc::new(cut);
    let cutting = cut.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = between.accept().await {
            let mut server = tokio::net::TcpStream::connect(at).await.unwrap();
            let cut_off = async { if until > 0 { cutting.notified().await } else { std::future::pending().await } };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                () = cut_off => until -= 1,
            }
        }
    });
    let Source { frames: mut signals, .. } = connect(address, None).unwrap();
    let Signal::Frame(Frame::Status(_)) = next(&mut signals).await else { panic!() };
    cut.notify_one();
    let Signal::Lost { .. } = next(&mut signals).await else { panic!() };
    events.tell(Event::MailboxAdded { mailbox: mail::Address::new("ann@example.com") });
    let Signal::Frame(Frame::Update(update)) = next(&mut signals).await else { panic!("not everything again") };
    assert_eq!(update.mailboxes.len(), 1);
}

#[tokio::test]
async fn questions_are_answered_or_refused_in_words() {
    let serving = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let at = serving.address();
    let _serving = serving.serve(settings("only"));
    for (token, words) in [
        (None, "set the environment variable EXCHANGE_SYNC_TOKEN"),
        (Some("wrong"), "not that of this instance"),
        (Some(TOKEN), "starting"),
    ] {
        let Source { frames: _watched, asks, .. } = connect(address(at), token.map(Secret::new)).unwrap();
        let asks = asks.unwrap();
        let (answer, answered) = oneshot::channel();
        asks.send(Ask::Act { action: Action::Pause { mailbox: None }, answer }).await.unwrap();
        let refused = timeout(Duration::from_secs(5), answered).await.unwrap().unwrap().unwrap_err();
        assert!(refused.contains(words), "{refused}");
        let (answer, answered) = oneshot::channel();
        asks.send(Ask::Quarantine { answer }).await.unwrap();
        let refused = timeout(Duration::from_secs(5), answered).await.unwrap().unwrap().unwrap_err();
        assert!(refused.contains("starting"), "{refused}");
    }
}

#[tokio::test]
async fn that_there_is_more_in_quarantine_is_passed_on() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n{\"items\": [], \"more\": true}";
    let client = Client::new(stranger(answer).await, None).unwrap();
    assert_eq!(client.quarantine().await.unwrap(), Listing { items: Vec::new(), more: true });
}

#[tokio::test]
async fn readiness_is_asked_for() {
    let serving = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let client = Client::new(address(serving.address()), None).unwrap();
    let settings = settings("only");
    let events = settings.events.clone();
    let _serving = serving.serve(settings);
    assert!(client.ready().await.unwrap_err().to_string().contains("it is starting"));
    events.tell(Event::MailboxAdded { mailbox: mail::Address::new("ann@example.com") });
    events.tell(Event::MailboxFinished { mailbox: mail::Address::new("ann@example.com"), complete: true });
    assert_eq!(client.ready().await, Ok(()));
}

#[tokio::test]
async fn what_is_no_instance_is_told_so() {
    for (answer, words) in [
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "that is no exchange-sync"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nbad", "HTTP status 502"),
        ("HTTP/1.1 301 Moved\r\nlocation: https://there/\r\ncontent-length: 0\r\n\r\n", "use https://there/"),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi", "it answers with text/html"),
        ("HTTP/1.1 503 Busy\r\ncontent-length: 28\r\n\r\n{\"error\": \"it is \\u001b[2J\"}", "it is \\u{1b}[2J"),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: status\ndata: {}\n\n", "another version"),
        ("SSH-2.0-OpenSSH_9.9\r\n", "invalid HTTP"),
    ] {
        let Source { frames: mut signals, .. } = connect(stranger(answer).await, None).unwrap();
        let Signal::Lost { reason, .. } = next(&mut signals).await else { panic!("{answer}") };
        assert!(reason.contains(words), "{answer}: {reason}");
    }
    let client =
        Client::new(stranger("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}").await, None).unwrap();
    assert!(client.status(false).await.unwrap_err().to_string().contains("another version"));
}
