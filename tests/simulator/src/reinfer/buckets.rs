//! Buckets: read, listed, made, changed, deleted, counted.

use super::check::{Fields, body, written};
use super::refusal::{Answer, Refusal, done, ok};
use super::store::{Bucket, Feeder, Reinfer, Shelf, check_name};
use super::token::Token;
use crate::http::Request;
use chrono::Utc;
use serde_json::{Value, json};

fn shown(bucket: &Bucket) -> Value {
    let mut value = json!({
        "id": bucket.id, "owner": bucket.owner, "name": bucket.name, "title": bucket.title,
        "created_at": written(bucket.created_at), "updated_at": written(bucket.updated_at),
    });
    if let (Value::Object(members), Some(feeder)) = (&mut value, &bucket.last_updated_by) {
        members.insert("last_updated_by".to_owned(), json!(feeder));
    }
    value
}

/// `GET`: one bucket.
pub(super) fn show(shelf: &Shelf) -> Answer {
    ok(json!({ "bucket": shown(&shelf.bucket) }))
}

/// `GET`: all buckets the token's user sees, or those of one owner.
pub(super) fn list(reinfer: &Reinfer, token: &Token, owner: Option<&str>) -> Answer {
    let buckets = reinfer.buckets();
    let wanted = buckets.iter().filter(|bucket| owner.is_none_or(|owner| owner == bucket.owner) && token.sees(&bucket.owner));
    ok(json!({ "buckets": wanted.map(shown).collect::<Vec<_>>() }))
}

/// The member `bucket` of a body.
fn member(request: &Request) -> Result<Fields, Refusal> {
    let mut whole = body(request)?;
    let bucket = whole.object("bucket")?;
    let bucket = whole.need("bucket", bucket)?;
    whole.end()?;
    Ok(bucket)
}

/// `PUT`: makes a bucket.
pub(super) fn create(reinfer: &Reinfer, owner: &str, name: &str, request: &Request) -> Answer {
    check_name("the owner", owner)?;
    check_name("the name", name)?;
    let mut fields = member(request)?;
    let kind = fields.words("bucket_type")?;
    if kind != "emails" {
        return Err(Refusal::value(&fields.at("bucket_type"), format!("{kind:?} is not \"emails\"")));
    }
    let title = fields.text("title")?;
    fields.end()?;
    let bucket = reinfer.make_bucket(owner, name, title.as_deref());
    let bucket = bucket.ok_or_else(|| Refusal::new(409, format!("409 Conflict: there is a bucket {owner}/{name} already")))?;
    ok(json!({ "bucket": shown(&bucket) }))
}

/// `POST`: another title, or who feeds it.
pub(super) fn update(shelf: &mut Shelf, request: &Request) -> Answer {
    let mut fields = member(request)?;
    let title = fields.text("title")?;
    let feeder = fields.object("last_updated_by")?.map(feeder).transpose()?;
    fields.end()?;
    let bucket = &mut shelf.bucket;
    if let Some(title) = title {
        bucket.title = title;
    }
    if let Some(feeder) = feeder {
        bucket.last_updated_by = Some(feeder);
        bucket.feeder_updates += 1;
    }
    bucket.updated_at = Utc::now();
    ok(json!({ "bucket": shown(bucket) }))
}

fn feeder(mut fields: Fields) -> Result<Feeder, Refusal> {
    let (config_owner, config_key) = (fields.words("config_owner")?, fields.words("config_key")?);
    let (shard_index, num_shards) = (fields.count("shard_index")?, fields.count("num_shards")?);
    let shard_index = fields.need("shard_index", shard_index)?;
    let num_shards = fields.need("num_shards", num_shards)?;
    if shard_index >= num_shards {
        return Err(Refusal::value(&fields.at("shard_index"), format!("{shard_index} is not below num_shards, {num_shards}")));
    }
    fields.end()?;
    Ok(Feeder { config_owner, config_key, shard_index, num_shards })
}

/// `DELETE`, by id alone.
pub(super) fn delete(reinfer: &Reinfer, id: &str) -> Answer {
    reinfer.shelves().remove(id);
    done()
}

/// `GET .../statistics`.
pub(super) fn statistics(shelf: &Shelf) -> Answer {
    ok(json!({ "statistics": { "count": { "kind": "exact", "value": shelf.count() } } }))
}
