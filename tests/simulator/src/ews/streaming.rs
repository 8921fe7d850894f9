//! GetStreamingEvents: one response, many envelopes.
//!
//! Source: documentation page "GetStreamingEvents operation". The connection opens with ConnectionStatus OK, tells events as they happen,
//! sends a StatusEvent when nothing has happened for the time of a heartbeat, and ends with ConnectionStatus Closed when the time the
//! client named is over.
//!
//! The schema puts the children of Notifications into the types namespace; the server and its clients use the messages namespace for them.
//! Here the wire is followed: clients such as exchangelib find nothing otherwise. The habit `notifications-as-in-the-schema` follows the
//! schema for the Notification element.

use super::envelope::{elements, part, text};
use super::error::EwsError;
use super::notify::{BURST, missed, write_event};
use super::session::Session;
use super::soap;
use super::subscription::Subscription;
use super::value::Precision;
use super::xml::{Piece, Xml};
use crate::http::Response;
use crate::store::{Event, Events};
use bytes::Bytes;
use futures::stream::{self, BoxStream, SelectAll, StreamExt as _};
use roxmltree::Node;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

const OPERATION: &str = "GetStreamingEvents";
/// The most subscriptions of one connection (documentation page "GetStreamingEvents operation").
const MOST: usize = 200;
/// How long a refused connection stays open, where that is the habit.
const LINGER: Duration = Duration::from_secs(48);
/// How long the first event of a burst waits for others.
const GATHER: Duration = Duration::from_millis(50);

/// GetStreamingEvents.
pub(super) fn open(session: Session, operation: Node<'_, '_>) -> Result<Response, EwsError> {
    let minutes: u64 = part(operation, "ConnectionTimeout").and_then(|node| text(node).trim().parse().ok()).unwrap_or(1);
    let ids: Vec<String> = part(operation, "SubscriptionIds").into_iter().flat_map(elements).map(|id| text(id).trim().to_owned()).collect();
    if let Some(error) = session.fault_for_all() {
        return Ok(refuse(&session, &error, &[]));
    }
    if ids.len() > MOST {
        return Err(EwsError::invalid_request(format!("No more than {MOST} subscriptions may share a connection.")));
    }
    let mut subscriptions = Vec::new();
    let mut bad: Vec<(&String, EwsError)> = Vec::new();
    for id in &ids {
        match session.state.subscriptions.find(id, &session.acting) {
            Ok(subscription) if subscription.delivery == super::subscription::Delivery::Streaming => subscriptions.push(subscription),
            Ok(_) => bad.push((id, EwsError::new("ErrorInvalidSubscription", "The subscription is not a streaming one."))),
            Err(error) => bad.push((id, error)),
        }
    }
    if let Some((_, error)) = bad.first() {
        // Among good ids one bad one spoils the connection.
        let error = if bad.len() == ids.len() {
            error.clone()
        } else {
            EwsError::new("ErrorInvalidSubscription", "One or more subscriptions in the request are invalid.")
        };
        let names: Vec<&str> = bad.iter().map(|(id, _)| id.as_str()).collect();
        return Ok(refuse(&session, &error, &names));
    }
    let connection = Connection::new(session, subscriptions, Duration::from_secs(60 * minutes));
    Ok(Response::xml_stream(200, connection.envelopes()))
}

/// The one envelope of a connection that does not come about; a lenient server says it twice, and lets the client wait in between.
fn refuse(session: &Session, error: &EwsError, ids: &[&str]) -> Response {
    let envelope = error_envelope(session, error, ids);
    if ids.is_empty() || !session.quirk("refused-streams-linger") {
        return Response::xml(200, envelope);
    }
    let again = envelope.clone();
    let repeated = stream::once(async move {
        tokio::time::sleep(LINGER).await;
        Ok(again)
    });
    Response::xml_stream(200, stream::once(async { Ok(envelope) }).chain(repeated).boxed())
}

fn error_envelope(session: &Session, error: &EwsError, ids: &[&str]) -> Bytes {
    let mut xml = session.xml();
    soap::open_message(&mut xml, OPERATION, Err(error));
    if !ids.is_empty() {
        xml.open("m:ErrorSubscriptionIds");
        let name = if session.quirk("refused-streams-linger") {
            "SubscriptionId"
        } else if session.quirk("error-ids-in-messages-namespace") {
            "m:SubscriptionId"
        } else {
            "t:SubscriptionId"
        };
        for id in ids {
            xml.element(name, id);
        }
        xml.close("m:ErrorSubscriptionIds");
    }
    xml.element("m:ConnectionStatus", "Closed");
    soap::close_message(&mut xml, OPERATION);
    render(soap::answer(OPERATION, xml, session.build()))
}

fn render(xml: Xml) -> Bytes {
    xml.into_pieces()
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Text(text) => Some(text),
            Piece::Mime(_) => None,
        })
        .collect::<String>()
        .into()
}

/// What one subscription has to say: an event, or that some were lost (`None`).
type Word = (usize, Option<Arc<Event>>);

/// A subscription's queue, given back when the connection ends.
struct Tap {
    subscription: Arc<Subscription>,
    queue: Option<Events>,
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            self.subscription.return_queue(queue);
        }
    }
}

impl Tap {
    /// The next event worth telling; `Err` when some were lost; `None` when the mailbox is gone.
    async fn next(&mut self, narrow: bool) -> Option<Result<Arc<Event>, ()>> {
        let queue = self.queue.as_mut()?;
        loop {
            match queue.recv().await {
                Ok(event) if self.subscription.wants(&event, narrow) => return Some(Ok(event)),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return Some(Err(())),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Open,
    /// Closed was said and is to be said again, the habit of a lenient server.
    Echo,
    Over,
}

/// One open connection.
struct Connection {
    session: Session,
    subscriptions: Vec<Arc<Subscription>>,
    words: SelectAll<BoxStream<'static, Word>>,
    /// Which subscription was taken over by a later connection.
    taken: BoxStream<'static, usize>,
    phase: Phase,
    end: Instant,
    beat: Instant,
    heartbeat: Duration,
    precision: Precision,
    /// An envelope has gone out.
    begun: bool,
}

impl Connection {
    fn new(session: Session, subscriptions: Vec<Arc<Subscription>>, life: Duration) -> Self {
        let narrow = session.quirk("folder-subscriptions-narrow");
        let mut words = SelectAll::new();
        let mut taken = SelectAll::new();
        for (number, subscription) in subscriptions.iter().enumerate() {
            let streams = subscription.begin_stream();
            taken.push(
                stream::once(async move {
                    let mut streams = streams;
                    // An error means that the subscription was ended: nobody took it over.
                    if streams.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                    number
                })
                .boxed(),
            );
            let tap = Tap { queue: Some(subscription.take_queue()), subscription: subscription.clone() };
            words.push(
                stream::unfold(tap, move |mut tap| async move {
                    let word = tap.next(narrow).await?;
                    Some(((number, word.ok()), tap))
                })
                .boxed(),
            );
        }
        let now = Instant::now();
        let heartbeat = session.state.options.heartbeat;
        Self {
            precision: session.precision(),
            session,
            subscriptions,
            words,
            taken: taken.boxed(),
            phase: Phase::Opening,
            end: now + life,
            beat: now + heartbeat,
            heartbeat,
            begun: false,
        }
    }

    /// The envelopes in order, each one item of the stream.
    fn envelopes(self) -> BoxStream<'static, io::Result<Bytes>> {
        stream::unfold(self, |mut connection| async move {
            let mut envelope = connection.next_envelope().await?;
            let declared = envelope.starts_with(soap::DECLARATION.as_bytes());
            if declared && connection.begun && connection.session.quirk("streams-declare-once") {
                envelope = envelope.slice(soap::DECLARATION.len()..);
            }
            connection.begun = true;
            Some((Ok(envelope), connection))
        })
        .boxed()
    }

    async fn next_envelope(&mut self) -> Option<Bytes> {
        match self.phase {
            Phase::Over => return None,
            Phase::Echo => {
                self.phase = Phase::Over;
                return Some(self.status("Closed"));
            }
            Phase::Opening => {
                self.phase = Phase::Open;
                return Some(self.status("OK"));
            }
            Phase::Open => {}
        }
        tokio::select! {
            biased;
            Some(number) = self.taken.next() => Some(self.give_way(number)),
            Some(word) = self.words.next() => Some(self.tell(word).await),
            () = tokio::time::sleep_until(self.end) => {
                self.phase = if self.session.quirk("closed-twice") && self.phase == Phase::Open { Phase::Echo } else { Phase::Over };
                Some(self.status("Closed"))
            }
            () = tokio::time::sleep_until(self.beat) => {
                self.beat = Instant::now() + self.heartbeat;
                Some(self.heartbeat_envelope())
            }
        }
    }

    fn give_way(&mut self, number: usize) -> Bytes {
        self.phase = Phase::Over;
        let error = EwsError::new("ErrorNewEventStreamConnectionOpened", "A newer connection was opened for the same subscription.");
        let id = self.subscriptions.get(number).map(|subscription| subscription.id.as_str());
        error_envelope(&self.session, &error, id.as_slice())
    }

    /// Gathers what happens together, and tells it subscription by subscription.
    async fn tell(&mut self, first: Word) -> Bytes {
        let mut words = vec![first];
        let until = Instant::now() + GATHER;
        while words.len() < BURST {
            match tokio::time::timeout_at(until, self.words.next()).await {
                Ok(Some(word)) => words.push(word),
                Ok(None) | Err(_) => break,
            }
        }
        self.beat = Instant::now() + self.heartbeat;
        if let Some((number, _)) = words.iter().find(|(_, event)| event.is_none()) {
            let id = self.subscriptions.get(*number).map(|subscription| subscription.id.clone());
            return self.lost(id.as_deref());
        }
        let mut xml = self.session.xml();
        xml.open("m:Notifications");
        for (number, subscription) in self.subscriptions.iter().enumerate() {
            let mut events = words.iter().filter(|(whose, _)| *whose == number).filter_map(|(_, event)| event.as_deref()).peekable();
            if events.peek().is_none() {
                continue;
            }
            xml.open(self.session.notification()).element("t:SubscriptionId", &subscription.id);
            for event in events {
                write_event(&mut xml, &subscription.mailbox, event, None, self.precision);
            }
            xml.close(self.session.notification());
        }
        xml.close("m:Notifications");
        self.note_state(&mut xml);
        self.envelope(xml)
    }

    /// Where empty elements are the habit, a stream that goes on says so in each envelope.
    fn note_state(&self, xml: &mut Xml) {
        if self.session.quirk("empty-notifications") {
            xml.empty("m:ErrorSubscriptionIds", &[]).element("m:ConnectionStatus", "OK");
        }
    }

    /// Events were lost; the subscription and the connection go on.
    fn lost(&self, id: Option<&str>) -> Bytes {
        let mut xml = self.session.xml();
        soap::open_message(&mut xml, OPERATION, Err(&missed()));
        if let Some(id) = id {
            xml.open("m:ErrorSubscriptionIds").element("t:SubscriptionId", id).close("m:ErrorSubscriptionIds");
        }
        soap::close_message(&mut xml, OPERATION);
        render(soap::answer(OPERATION, xml, self.session.build()))
    }

    fn heartbeat_envelope(&self) -> Bytes {
        let mut xml = self.session.xml();
        xml.open("m:Notifications");
        for subscription in &self.subscriptions {
            subscription.touch();
            let name = self.session.notification();
            xml.open(name).element("t:SubscriptionId", &subscription.id).empty("t:StatusEvent", &[]).close(name);
        }
        xml.close("m:Notifications");
        self.note_state(&mut xml);
        self.envelope(xml)
    }

    fn status(&self, status: &str) -> Bytes {
        let mut xml = self.session.xml();
        if self.session.quirk("empty-notifications") {
            xml.empty("m:Notifications", &[]).empty("m:ErrorSubscriptionIds", &[]);
        }
        xml.element("m:ConnectionStatus", status);
        self.envelope(xml)
    }

    fn envelope(&self, content: Xml) -> Bytes {
        let mut xml = content.sibling();
        soap::open_message(&mut xml, OPERATION, Ok(()));
        xml.append(content);
        soap::close_message(&mut xml, OPERATION);
        render(soap::answer(OPERATION, xml, self.session.build()))
    }
}
