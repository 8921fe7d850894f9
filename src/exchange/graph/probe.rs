//! Which form of ids a mailbox gives out.
//!
//! The ids that survive moves must be asked for with each request, and some mailboxes are said not to give them. Ids of two forms must never be
//! mixed, so it is found out once for each mailbox.

use serde_json::Value;

use super::{
    call::Call,
    link::{encode, query},
    message,
    page::Page,
    retry::Failed,
    session::Session,
    verdict::Action,
};
use crate::mail::IdForm;

impl Session {
    /// How ids are written here. `told` is whether an answer of this mailbox has said that the preference was honoured; the answer's header is
    /// optional, so without it one message's id is compared. A mailbox without messages is believed to honour it, and asked again next time.
    pub async fn form(&self, told: bool) -> Result<IdForm, Failed> {
        let memory = &self.desk.memory;
        match memory.form() {
            Some(form) => return Ok(form),
            None if told => memory.learn_form(IdForm::GraphImmutable),
            None => match self.compare_ids().await {
                Ok(Some(form)) => memory.learn_form(form),
                Ok(None) => {}
                Err(failed)
                    if matches!(failed.action, Some(Action::ItemGone | Action::WrongId | Action::Suspect | Action::Smaller) | None) =>
                {
                    tracing::debug!(mailbox = %self.desk.mailbox, trouble = %failed.trouble, "the form of ids is not known yet");
                }
                Err(failed) => return Err(failed),
            },
        }
        Ok(memory.form().unwrap_or(IdForm::GraphImmutable))
    }

    /// A request in the form that was found.
    pub fn in_form(&self, call: Call) -> Call {
        if self.desk.memory.form() == Some(IdForm::GraphRest) { call.plain_ids() } else { call }
    }

    async fn compare_ids(&self) -> Result<Option<IdForm>, Failed> {
        let first = Call::get("probe ids", format!("/messages{}", query(&[("$top", "1"), ("$select", "id")]))).plain_ids();
        let page = self.ask::<Page<Value>>(&first).await?.value;
        let Some(plain) = page.value.first().and_then(message::id) else { return Ok(None) };
        let again = Call::get("probe ids", format!("/messages/{}{}", encode(&plain.0), query(&[("$select", "id")])));
        let answered = self.ask::<Value>(&again).await?;
        Ok(match message::id(&answered.value) {
            _ if answered.immutable => Some(IdForm::GraphImmutable),
            Some(id) if id == plain => Some(IdForm::GraphRest),
            Some(_) => Some(IdForm::GraphImmutable),
            None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::double::{Double, Say, json, refuse},
        *,
    };

    async fn probed(script: impl Fn(bool, usize) -> Say + Send + Sync + 'static) -> (IdForm, Option<IdForm>, usize) {
        let double = Double::new(Duration::ZERO, move |outgoing, turn| script(outgoing.prefer.is_some(), turn));
        let session = double.session();
        let form = session.form(false).await.unwrap();
        (form, session.desk.memory.form(), double.heard().len())
    }

    #[tokio::test(start_paused = true)]
    async fn another_id_under_the_preference_means_that_it_is_honoured() {
        let (form, known, _) = probed(|preferred, turn| match (preferred, turn) {
            (false, 0) => json(r#"{"value":[{"id":"plain="}]}"#),
            _ => json(r#"{"id":"kept"}"#),
        })
        .await;
        assert_eq!((form, known), (IdForm::GraphImmutable, Some(IdForm::GraphImmutable)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_id_means_that_it_is_not() {
        let (form, known, _) = probed(|_, turn| if turn == 0 { json(r#"{"value":[{"id":"a"}]}"#) } else { json(r#"{"id":"a"}"#) }).await;
        assert_eq!((form, known), (IdForm::GraphRest, Some(IdForm::GraphRest)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_mailbox_is_asked_again_next_time() {
        let (form, known, requests) = probed(|_, _| json(r#"{"value":[]}"#)).await;
        assert_eq!((form, known, requests), (IdForm::GraphImmutable, None, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_gone_meanwhile_decides_nothing() {
        let (form, known, _) = probed(|_, turn| match turn {
            0 => json(r#"{"value":[{"id":"a"}]}"#),
            _ => refuse(404, "ErrorItemNotFound"),
        })
        .await;
        assert_eq!((form, known), (IdForm::GraphImmutable, None));
    }
}
