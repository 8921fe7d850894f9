//! Ids of one interface in the form of another (Graph "user: translateExchangeIds").

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{call::Call, page::Page, session::Session, verdict::Scope};
use crate::{
    exchange::Error,
    mail::{IdForm, ItemId},
};

/// Reading mail is not enough for this one request (Graph "user: translateExchangeIds", section "Permissions").
const PERMISSION: &str =
    "translating ids needs the application permission User.Read.All beside Mail.Read; it is needed once, for the change of interfaces";

/// The most ids of one request.
const MOST: usize = 1000;

impl Session {
    /// The ids in the form that this mailbox gives out, one answer an id; none for what the server cannot translate.
    pub async fn translate(&self, ids: &[ItemId], from: IdForm) -> Result<Vec<Option<ItemId>>, Error> {
        let error = |failed: super::retry::Failed| {
            let denied = failed.trouble.refusal().is_some_and(|refusal| refusal.status == 403);
            let error = failed.into_error(Scope::Items, format!("translating {} ids of {}", ids.len(), self.desk.mailbox));
            match denied {
                true => Error { hint: Some(PERMISSION.to_owned()), ..error },
                false => error,
            }
        };
        let to = self.form(false).await.map_err(error)?;
        if from == to {
            return Ok(ids.iter().cloned().map(Some).collect());
        }
        let mut translated = Vec::with_capacity(ids.len());
        for some in ids.chunks(MOST) {
            let inputs: Vec<&str> = some.iter().map(|id| id.0.as_str()).collect();
            let body = json!({"inputIds": inputs, "sourceIdType": name(from), "targetIdType": name(to)});
            let call = self.in_form(Call::post("translate ids", "/translateExchangeIds", body));
            let page = self.ask::<Page<Value>>(&call).await.map_err(error)?.value;
            let found: HashMap<&str, &str> = page.value.iter().filter_map(pair).collect();
            translated.extend(inputs.iter().map(|id| found.get(id).map(|id| ItemId((*id).to_owned()))));
        }
        Ok(translated)
    }
}

/// A form's name (Graph "convertIdResult resource type", "exchangeIdFormat values").
fn name(form: IdForm) -> &'static str {
    match form {
        IdForm::Ews => "ewsId",
        IdForm::GraphImmutable => "restImmutableEntryId",
        IdForm::GraphRest => "restId",
    }
}

/// Source and target of an entry that was translated.
fn pair(entry: &Value) -> Option<(&str, &str)> {
    if entry.get("errorDetails").is_some_and(|details| !details.is_null()) {
        return None;
    }
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|id| !id.is_empty());
    Some((text("sourceId")?, text("targetId")?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::double::{Double, json as answer, refuse},
        *,
    };

    fn ids(count: usize) -> Vec<ItemId> {
        (0..count).map(|index| ItemId(format!("AAMk/+{index}="))).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn ids_are_translated_by_the_thousand_and_in_order() {
        let double = Double::new(Duration::ZERO, |outgoing, _| {
            let body: Value = serde_json::from_str(outgoing.body.as_deref().unwrap()).unwrap();
            assert_eq!((&body["sourceIdType"], &body["targetIdType"]), (&json!("ewsId"), &json!("restImmutableEntryId")));
            let mut value: Vec<Value> =
                body["inputIds"].as_array().unwrap().iter().rev().map(|id| json!({"sourceId": id, "targetId": format!("i{id}")})).collect();
            value[0] = json!({"sourceId": value[0]["sourceId"], "targetId": "x", "errorDetails": {"code": "gone"}});
            value[1]["targetId"] = Value::Null;
            answer(json!({"value": value}).to_string())
        });
        let session = double.session();
        session.desk.memory.learn_form(IdForm::GraphImmutable);
        let all = ids(1003);
        let translated = session.translate(&all, IdForm::Ews).await.unwrap();
        assert_eq!(double.heard().len(), 2);
        assert_eq!(translated[0], Some(ItemId(r#"i"AAMk/+0=""#.into())));
        let missing: Vec<usize> = (0..all.len()).filter(|index| translated[*index].is_none()).collect();
        assert_eq!(missing, [998, 999, 1001, 1002]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_form_needs_no_request_and_a_refusal_is_an_error() {
        let double = Double::new(Duration::ZERO, |_, _| refuse(403, "ErrorAccessDenied"));
        let session = double.session();
        session.desk.memory.learn_form(IdForm::GraphRest);
        assert_eq!(session.translate(&ids(1), IdForm::GraphRest).await.unwrap(), [Some(ids(1)[0].clone())]);
        let error = session.translate(&ids(1), IdForm::Ews).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some("ErrorAccessDenied"));
        assert!(error.hint.unwrap().contains("User.Read.All"));
    }
}
