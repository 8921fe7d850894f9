//! Several small requests in one (Graph "Combine multiple requests in one HTTP call using JSON batching").

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    call::{Call, Target},
    desk::IN_FLIGHT,
    refusal::Refusal,
    retry::{Failed, Patience},
    session::{Session, waits},
    trouble::Trouble,
    verdict::Action,
    wire::Outgoing,
};
use crate::{exchange::gate::Kind, http::guid};

/// The most requests in one batch.
const MOST: usize = 20;

/// What one request of a batch came to: its body, or why there is none. Passing trouble has been waited out.
pub type Outcome = Result<Value, Refusal>;

#[derive(Deserialize)]
struct Responses {
    responses: Vec<Response>,
}

#[derive(Deserialize)]
struct Response {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, Value>,
    #[serde(default)]
    body: Value,
}

impl Session {
    /// Asks many small things, any number of them, in as few requests as may be; the outcomes are in the order of the calls. Bodies that are no
    /// JSON come as JSON strings. What failed for a reason that passes is asked again, alone.
    ///
    /// Graph works at four requests of a batch at a time, and so many is all that a mailbox may have under way. So a batch goes out only with
    /// all four places; while downloads hold some of them, no more is asked at a time than there are places left.
    pub async fn batch(&self, calls: &[Call]) -> Result<Vec<Outcome>, Failed> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; calls.len()];
        let mut patience = Patience::default();
        let _only = self.desk.batch.lock().await;
        loop {
            let open: Vec<usize> = (0..calls.len()).filter(|index| matches!(outcomes.get(*index), Some(None))).collect();
            if open.is_empty() {
                return Ok(outcomes.into_iter().flatten().collect());
            }
            let trouble = match self.round(&mut patience, calls, &open, &mut outcomes).await {
                Ok(Round::Settled) => {
                    patience.renew();
                    continue;
                }
                Ok(Round::Left { settled, trouble, index }) => {
                    if settled > 0 {
                        patience.renew();
                    }
                    match patience.after(trouble, &self.desk).await {
                        // What stays refused is this one's own refusal, unless the whole mailbox is to be left alone.
                        Err(Failed { trouble: Trouble::Refused(refusal), action })
                            if !matches!(action, Some(Action::Final(_) | Action::Throttle)) =>
                        {
                            if let Some(outcome) = outcomes.get_mut(index) {
                                *outcome = Some(Err(refusal));
                            }
                            patience.renew();
                        }
                        waited => waited?,
                    }
                    continue;
                }
                Err(trouble) => trouble,
            };
            patience.after(trouble, &self.desk).await?;
        }
    }

    /// One request with as many of the open calls as may be under way.
    async fn round(
        &self,
        patience: &mut Patience,
        calls: &[Call],
        open: &[usize],
        outcomes: &mut [Option<Outcome>],
    ) -> Result<Round, Trouble> {
        let leave = self.leave(Kind::Question, open.len().min(IN_FLIGHT) - 1).await?;
        let most = if leave.places() < IN_FLIGHT { leave.places() } else { MOST };
        let asked: Vec<(usize, &Call)> = open.iter().take(most).filter_map(|index| Some((*index, calls.get(*index)?))).collect();
        let requests: Vec<Value> = asked.iter().map(|(index, call)| self.inner(*index, call)).collect::<Result<_, _>>()?;
        let weight = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        let outgoing = Outgoing {
            url: self.wire.endpoint().below("/$batch"),
            prefer: None,
            body: Some(json!({ "requests": requests }).to_string()),
            id: guid(),
        };
        self.count(patience, weight).await?;
        let answer: Responses = self.send("batch", &outgoing, leave).await?.json().await?;
        let mut answers: HashMap<String, Response> = answer.responses.into_iter().map(|response| (response.id.clone(), response)).collect();
        let (mut settled, mut worst) = (0, None);
        for (index, _) in &asked {
            // One that was not answered is simply still open.
            let Some(outcome) = answers.remove(&index.to_string()).map(outcome) else { continue };
            let trouble = outcome.as_ref().err().cloned().map(Trouble::Refused);
            match trouble.filter(passes) {
                None => {
                    settled += 1;
                    if let Some(open) = outcomes.get_mut(*index) {
                        *open = Some(outcome);
                    }
                }
                Some(trouble) => {
                    let weight = |trouble: &Trouble| (trouble.action() == Some(Action::Throttle), trouble.wait());
                    if worst.as_ref().is_none_or(|(_, known)| weight(&trouble) > weight(known)) {
                        worst = Some((*index, trouble));
                    }
                }
            }
        }
        // The batch itself is answered well even where all that it asks for is refused.
        if worst.as_ref().is_none_or(|(_, trouble)| trouble.action() != Some(Action::Throttle)) {
            self.desk.gate.well(&self.desk.mailbox, patience.sent);
        }
        match worst {
            Some((index, trouble)) => Ok(Round::Left { settled, trouble, index }),
            None if settled == 0 => Err(Trouble::Broken("the batch's answer answers nothing".to_owned())),
            None => Ok(Round::Settled),
        }
    }

    /// A call as the batch writes it: its headers are its own, its address is relative to the version's root.
    fn inner(&self, index: usize, call: &Call) -> Result<Value, Trouble> {
        let url = match &call.target {
            Target::Mailbox(path) => format!("{}{path}", self.desk.user),
            Target::Link(link) => {
                let root = self.wire.endpoint().below("");
                link.strip_prefix(&root).filter(|path| path.starts_with('/')).ok_or(Trouble::Foreign)?.to_owned()
            }
        };
        let mut headers = serde_json::Map::new();
        if let Some(prefer) = call.prefer() {
            headers.insert("Prefer".to_owned(), prefer.into());
        }
        let mut request = json!({ "id": index.to_string(), "method": "GET", "url": url });
        if let Some(body) = &call.body {
            headers.insert("Content-Type".to_owned(), "application/json".into());
            request["method"] = "POST".into();
            request["body"] = body.clone();
        }
        request["headers"] = headers.into();
        Ok(request)
    }
}

/// What one request of a batch achieved.
enum Round {
    /// Everything that was answered is settled.
    Settled,
    /// Some of it is not, for a reason that may pass.
    Left { settled: usize, trouble: Trouble, index: usize },
}

/// Whether it is worth asking again.
fn passes(trouble: &Trouble) -> bool {
    matches!(trouble.action(), None | Some(Action::Throttle | Action::Retry | Action::Suspect | Action::Smaller))
}

fn outcome(response: Response) -> Outcome {
    if (200..300).contains(&response.status) {
        return Ok(response.body);
    }
    let headers: HeaderMap = response.headers.iter().filter_map(header).collect();
    Err(Refusal { wait: waits(&headers), ..Refusal::of_json(response.status, &response.body) })
}

fn header((name, value): (&String, &Value)) -> Option<(HeaderName, HeaderValue)> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(text).ok()?))
}

/// Reads the answers of a batch, as a fuzzer would have them.
#[cfg(any(test, fuzzing))]
pub(super) fn fuzzed(body: &[u8]) {
    if let Ok(answer) = serde_json::from_slice::<Responses>(body) {
        for response in answer.responses {
            let _ = outcome(response);
        }
    }
}

#[cfg(test)]
mod tests;
