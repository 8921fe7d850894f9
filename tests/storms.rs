//! A server that is busy again and again, and says for how long: no request of the mailbox comes before its time, and nothing is lost.

mod common;

use common::{Server, Setup, compare, server};
use exchange_simulator::{
    World,
    fault::{Action, EwsFault, Rule, Shape, WireFault},
};

const A: &str = "a@example.com";

/// Every sixth request is refused: often enough that several are under way when it happens.
fn every(operation: &str, action: impl Into<Action>) -> Rule {
    Rule { every: Some(6), ..Rule::always(action).on(operation).times(4) }
}

async fn start() -> (Server, Setup) {
    let world = World { apps: vec![common::ways::app()], ..server::world(vec![server::mailbox(A, 300)]) };
    let server = Server::start(world).await;
    let setup = Setup::new(&server);
    (server, setup)
}

/// One pass through the storm; `interface` names the counters.
async fn through(server: &Server, setup: &Setup, interface: &str) {
    setup.pass().await;
    compare(server, setup).await.sound();
    let counter = async |name: &str| server.counter(&format!("{interface}.{name}")).await;
    assert!(server.struck() >= 4, "the storm did not come");
    assert_eq!(counter("early_requests").await, 0, "requests came before their time");
    let (asked, lost) = (counter("asked_ms").await, counter("lost_ms").await);
    assert!(asked >= 1_000, "nobody was asked to wait");
    eprintln!("{interface}: asked to wait {asked} ms, waited {:.1} % longer", lost as f64 * 100.0 / asked as f64);
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_with_a_time_named_is_waited_out() {
    let (server, setup) = start().await;
    let message =
        |ms| EwsFault::ResponseError { code: "ErrorServerBusy".into(), message: None, back_off_ms: Some(ms), shape: Shape::Message };
    server.fault(every("GetItem", message(2_000)));
    server.fault(every("SyncFolderItems", message(1_500)));
    server.fault(every(
        "GetItem",
        WireFault::SoapFault { code: "ErrorServerBusy".into(), message: None, back_off_ms: Some(1_800), status: None },
    ));
    through(&server, &setup, "ews").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_with_a_time_named_are_waited_out() {
    let (server, mut setup) = start().await;
    setup.by_graph(&server);
    for operation in ["graph.GetMime", "graph.MessageDelta"] {
        server.fault(every(
            operation,
            WireFault::GraphError {
                status: 429,
                code: "ApplicationThrottled".into(),
                message: None,
                retry_after_s: Some(2),
                retry_after_date: false,
            },
        ));
    }
    through(&server, &setup, "graph").await;
}
