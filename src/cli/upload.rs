//! The verb `config upload`: a configuration is put where instances read it, and only a good one.

use std::path::Path;

use serde_json::Value;

use super::{
    UploadArgs,
    check::{PATIENCE, findings},
};
use crate::config::{Env, FileShelf, Purpose, Shelf, judge, patiently, without_secrets};

/// The exit code and the text of it.
pub(super) async fn upload(args: &UploadArgs, env: &Env) -> (u8, String) {
    let shelf = match args.source.remote_shelf(env) {
        Ok(shelf) => shelf,
        Err(fault) => return (2, format!("fault: {fault}\n")),
    };
    let base = args.file.parent().unwrap_or(Path::new(""));
    let text = match FileShelf::new(args.file.clone(), base.to_owned()).fetch().await {
        Ok(text) => text,
        Err(unread) => return (unread.code(), format!("fault: {unread}\n")),
    };
    let examination = judge(&text, base, env, Purpose::Check);
    let mut told = format!("{}\n{}", args.file.display(), findings(&examination.faults, &examination.warnings));
    if examination.config.is_none() {
        told += "configuration is not good, and was not uploaded\n";
        return (2, told);
    }
    match patiently(PATIENCE, async || shelf.store(&text).await).await {
        Ok(changes) => {
            told += &format!("uploaded to {}\n", shelf.location());
            if changes != Value::Null {
                told += &format!("changed: {:#}\n", without_secrets(changes));
            }
            (0, told)
        }
        Err(unread) => {
            told += &format!("fault: {unread}\n");
            (unread.code(), told)
        }
    }
}
