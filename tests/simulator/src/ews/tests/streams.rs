use super::*;
use bytes::Bytes;
use futures::stream::BoxStream;
use std::io;
use std::time::Duration;

pub(super) const ALL: &str = "<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders=\"true\"><t:EventTypes><t:EventType>CreatedEvent</t:EventType><t:EventType>MovedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>";

pub(super) async fn subscribe(world: &World) -> String {
    world.ask(ALL).await.first("SubscriptionId")
}

pub(super) fn stream_of(ids: &[&str]) -> String {
    let ids: String = ids.iter().map(|id| format!("<t:SubscriptionId>{id}</t:SubscriptionId>")).collect();
    format!(
        "<m:GetStreamingEvents><m:SubscriptionIds>{ids}</m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>"
    )
}

pub(super) async fn open(world: &World, ids: &[&str]) -> BoxStream<'static, io::Result<Bytes>> {
    let envelope = format!(
        "<s:Envelope xmlns:s=\"{SOAP}\" xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\"><s:Header><t:RequestServerVersion Version=\"Exchange2013_SP1\"/></s:Header><s:Body>{}</s:Body></s:Envelope>",
        stream_of(ids)
    );
    match world.open(ALICE, &envelope).await.body {
        Body::Stream(stream) => stream,
        Body::Full(bytes) => panic!("no stream: {}", String::from_utf8_lossy(&bytes)),
    }
}

pub(super) async fn next(stream: &mut BoxStream<'static, io::Result<Bytes>>) -> Answer {
    let bytes = stream.next().await.expect("the stream goes on").expect("and is whole");
    Answer { status: 200, text: String::from_utf8(bytes.to_vec()).expect("UTF-8") }
}

#[tokio::test(start_paused = true)]
async fn a_stream_opens_tells_beats_and_closes() {
    let world = world();
    let id = subscribe(&world).await;
    let before = world.put("before the stream");
    let mut stream = open(&world, &[&id]).await;
    assert_eq!(next(&mut stream).await.texts("ConnectionStatus"), ["OK"]);
    let told = next(&mut stream).await;
    assert_eq!(told.attributes("ItemId", "Id"), [before.text()], "events wait for a stream");
    assert_eq!(told.first("SubscriptionId"), id);
    let archive = world.alice.root_folder("drafts").expect("a default folder");
    let moved = world.alice.move_item(before, archive).expect("both are there");
    let told = next(&mut stream).await;
    assert_eq!((told.attributes("ItemId", "Id"), told.attributes("OldItemId", "Id")), (vec![moved.text()], vec![before.text()]));
    let start = tokio::time::Instant::now();
    assert_eq!(next(&mut stream).await.texts("StatusEvent").len(), 1);
    assert!(start.elapsed() >= Duration::from_secs(44));
    assert_eq!(next(&mut stream).await.texts("ConnectionStatus"), ["Closed"]);
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_later_stream_ends_an_earlier_one() {
    let world = world();
    let id = subscribe(&world).await;
    let mut first = open(&world, &[&id]).await;
    next(&mut first).await;
    let mut second = open(&world, &[&id]).await;
    let end = next(&mut first).await;
    assert_eq!(end.codes(), ["ErrorNewEventStreamConnectionOpened"]);
    assert!(first.next().await.is_none());
    next(&mut second).await;
    world.put("for the second");
    assert_eq!(next(&mut second).await.texts("CreatedEvent").len(), 1);
}

#[tokio::test]
async fn bad_ids_are_named() {
    let world = world();
    let id = subscribe(&world).await;
    let answer = world.ask(&stream_of(&[&id, "bm8gc3VjaCB0aGluZw=="])).await;
    assert_eq!((answer.codes(), answer.first("SubscriptionId")), (vec!["ErrorInvalidSubscription".into()], "bm8gc3VjaCB0aGluZw==".into()));
    let foreign = world.ask_as(BOB, "", &stream_of(&[&id])).await;
    assert_eq!(foreign.codes(), ["ErrorSubscriptionAccessDenied"]);
    let end = format!("<m:Unsubscribe><m:SubscriptionId>{id}</m:SubscriptionId></m:Unsubscribe>");
    assert_eq!(world.ask(&end).await.codes(), ["NoError"]);
    assert_eq!(world.ask(&end).await.codes(), ["ErrorSubscriptionNotFound"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_nobody_streams_lapses() {
    let world = world();
    let id = subscribe(&world).await;
    tokio::time::advance(Duration::from_secs(31 * 60)).await;
    assert_eq!(world.ask(&stream_of(&[&id])).await.codes(), ["ErrorExpiredSubscription"]);
}

#[tokio::test]
async fn pulling_goes_on_from_the_watermark() {
    let world = world();
    let ask = ALL
        .replace("StreamingSubscriptionRequest", "PullSubscriptionRequest")
        .replace("</t:EventTypes>", "</t:EventTypes><t:Timeout>10</t:Timeout>");
    let made = world.ask(&ask).await;
    let id = made.first("SubscriptionId");
    let events =
        |mark: &str| format!("<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>{mark}</m:Watermark></m:GetEvents>");
    let start = made.first("Watermark");
    assert_eq!(world.ask(&events(&start)).await.texts("StatusEvent").len(), 1);
    world.put("one");
    for _ in 0..2 {
        assert_eq!(world.ask(&events(&start)).await.texts("CreatedEvent").len(), 1, "the same watermark replays");
    }
    let told = world.ask(&events(&start)).await;
    let mark = told.texts("Watermark").pop().expect("each event has one");
    assert!(world.ask(&events(&mark)).await.texts("CreatedEvent").is_empty());
    assert_eq!(world.ask(&events("AAAA")).await.codes(), ["ErrorInvalidWatermark"]);
}

#[tokio::test]
async fn contradictory_subscriptions_are_refused() {
    let world = world();
    let none = ALL.replace(" SubscribeToAllFolders=\"true\"", "");
    assert_eq!(world.ask(&none).await.codes(), ["ErrorInvalidSubscriptionRequest"]);
    let push = ALL
        .replace("StreamingSubscriptionRequest", "PushSubscriptionRequest")
        .replace("</t:EventTypes>", "</t:EventTypes><t:StatusFrequency>1</t:StatusFrequency><t:URL>http://127.0.0.1/</t:URL>");
    assert_eq!(world.ask(&push).await.codes(), ["ErrorInvalidPushSubscriptionUrl"]);
}
