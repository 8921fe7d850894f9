//! One mailbox spoken to: a request, its answer, and what is done about trouble.

use std::{sync::Arc, time::Duration};

use super::{
    answer::Answer,
    desk::{Desk, Set},
    element::Element,
    envelope::Dialect,
    gate::Kind,
    post::Post,
    refusal::Refusal,
    retry::{Failed, Patience},
    trouble::Trouble,
    verdict::{Action, Scope, hint, moved, verdict},
    xml::Limits,
};
use crate::{event::Event, exchange::Error};

/// A request ready to be sent.
pub struct Request {
    /// Name of the operation.
    pub operation: &'static str,
    /// The element of the SOAP body.
    pub body: String,
    /// How many response messages must come back.
    pub asked: usize,
}

/// A mailbox and the way to its server.
#[derive(Clone)]
pub struct Session {
    /// The way.
    pub post: Arc<dyn Post>,
    /// What is remembered of the mailbox.
    pub desk: Arc<Desk>,
}

/// Writes a request for a server that is spoken to so.
pub type Write<'a> = dyn Fn(&Dialect) -> Request + Send + Sync + 'a;

impl Session {
    /// Asks until there is an answer or patience is over. Where a single response message was asked for, its refusal counts as the
    /// request's; of several each is left to the caller, unless the server names a time to be left alone.
    pub async fn ask(&self, kind: Kind, limits: Limits, write: &Write<'_>) -> Result<Vec<Element>, Failed> {
        let _pass = self.desk.gate.pass(kind).await;
        self.ask_within(&mut Patience::default(), limits, write).await
    }

    /// The same for one who already has a pass, and goes on with the patience that is left.
    pub async fn ask_within(&self, patience: &mut Patience, limits: Limits, write: &Write<'_>) -> Result<Vec<Element>, Failed> {
        loop {
            match self.once(patience, limits, write).await {
                Ok(messages) => return Ok(messages),
                Err(trouble) => {
                    self.reconsider(&trouble).await;
                    patience.after(trouble, &self.desk).await?;
                }
            }
        }
    }

    /// Sends the request once, as soon as the fence lets it through, and reads up to the first response message.
    pub async fn open(&self, patience: &mut Patience, request: &Request) -> Result<Answer, Trouble> {
        let (fence, dialect) = (self.desk.gate.fence(), self.desk.dialect());
        let (address, envelope) = (Some(dialect.address.as_str()), dialect.envelope(&request.body));
        let (began, reply) = loop {
            let sent = fence.pass().await.map_err(Trouble::Fenced)?;
            patience.sent = sent;
            let began = tokio::time::Instant::now();
            // The fence may go up while the request queues for a connection.
            if let Some(reply) = self.post.post(address, envelope.clone(), &|| fence.stays_down(sent)).await.transpose() {
                break (began, reply);
            }
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(trouble) => {
                let trouble = Trouble::from(trouble);
                self.tell(request.operation, began.elapsed(), None, Some(&trouble));
                return Err(trouble);
            }
        };
        let id = reply.request_id.clone();
        let took = began.elapsed();
        let (status, ms) = (reply.status, took.as_millis());
        tracing::debug!(mailbox = %self.desk.mailbox, operation = request.operation, status, ms, client_request_id = id, "answered");
        let answer = Answer::open(reply, request.operation).await;
        self.tell(request.operation, took, Some(status), answer.as_ref().err());
        match &answer {
            Ok(_) => self.desk.heard(),
            Err(trouble) => {
                tracing::debug!(mailbox = %self.desk.mailbox, operation = request.operation, client_request_id = id, %trouble, "no answer");
            }
        }
        answer
    }

    fn tell(&self, what: &'static str, took: Duration, status: Option<u16>, trouble: Option<&Trouble>) {
        let (mailbox, code) = (self.desk.mailbox.clone(), trouble.map(Trouble::reason));
        self.desk.events.tell(Event::RequestAnswered { mailbox, what, status, code, took, budget: None });
    }

    /// Lets go of a server that says that the mailbox is elsewhere now, and of a login that counts no more.
    pub async fn reconsider(&self, trouble: &Trouble) {
        if trouble.action() == Some(Action::Login) {
            self.post.renew().await;
        }
        if matches!(trouble, Trouble::Refused(refusal) if moved(&refusal.code)) {
            self.post.forget(Some(self.desk.dialect().address.as_str()));
        }
    }

    async fn once(&self, patience: &mut Patience, limits: Limits, write: &Write<'_>) -> Result<Vec<Element>, Trouble> {
        let request = write(&self.desk.dialect());
        let mut answer = self.open(patience, &request).await?;
        let mut messages = Vec::with_capacity(request.asked);
        while let Some(message) = answer.message(limits, None).await? {
            messages.push(message);
            if messages.len() > request.asked {
                return Err(miscounted(request.asked, messages.len()));
            }
        }
        if messages.len() != request.asked {
            return Err(miscounted(request.asked, messages.len()));
        }
        answer.finish().await?;
        let refusals: Vec<Refusal> = messages.iter().filter_map(Refusal::of_message).collect();
        let busy = refusals.iter().any(Refusal::throttles);
        let mut refusals = refusals.into_iter();
        let decisive = if request.asked == 1 { refusals.next() } else { refusals.find(|refusal| refusal.wait.is_some()) };
        match decisive {
            Some(refusal) => Err(Trouble::Refused(refusal)),
            None => {
                if !busy {
                    self.desk.gate.well(&self.desk.mailbox, patience.sent);
                }
                Ok(messages)
            }
        }
    }

    /// Like [`Session::ask`], with fewer properties each time the server refuses them; remembers how few it took, once it was answered with
    /// them: trouble of another kind must not cost the properties by which messages are known. `write` gets the level.
    pub async fn ask_for(
        &self,
        set: Set,
        fewest: usize,
        kind: Kind,
        write: &(dyn Fn(&Dialect, usize) -> Request + Send + Sync),
    ) -> Result<Vec<Element>, Failed> {
        let known = self.desk.level(set);
        let mut level = known;
        loop {
            match self.ask(kind, Limits::LEAN, &|dialect| write(dialect, level)).await {
                Err(failed) if failed.wants_fewer() && level < fewest => {
                    tracing::debug!(mailbox = %self.desk.mailbox, trouble = %failed.trouble, "asking for fewer properties");
                    level += 1;
                }
                other => {
                    if other.is_ok() && level > known {
                        self.desk.learn(set, level);
                    }
                    return other;
                }
            }
        }
    }
}

/// An answer with more or fewer messages than asked for belongs to another request, or is not whole.
pub fn miscounted(asked: usize, found: usize) -> Trouble {
    Trouble::Broken(format!("asked for {asked} response messages, the answer has {found}"))
}

impl Failed {
    /// Whether fewer properties may help: some servers refuse a property with a schema violation.
    pub fn wants_fewer(&self) -> bool {
        let code = self.trouble.code();
        matches!(self.action, Some(Action::FewerProperties))
            || matches!(code.as_deref(), Some("ErrorSchemaValidation" | "ErrorInvalidRequest" | "SOAP Client" | "SOAP Server"))
    }

    /// As an error of what was attempted.
    pub fn into_error(self, scope: Scope, attempt: impl Into<String>) -> Error {
        let (code, text) = (self.trouble.code(), self.trouble.text().to_owned());
        let mut hinted = code.as_deref().and_then(|code| hint(code, &text)).map(str::to_owned);
        if let Trouble::Post(error) = &self.trouble {
            hinted = error.hint.clone().or(hinted);
        }
        let verdict = match &self.trouble {
            Trouble::Post(error) if !matches!(self.action, Some(Action::Final(_))) => error.verdict,
            _ => verdict(self.action, scope),
        };
        Error { verdict, attempt: attempt.into(), code, cause: text, hint: hinted }
    }
}
