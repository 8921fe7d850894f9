//! What of Graph is fed with strangers' bytes: see [`crate::fuzzing`].

use serde_json::Value;

use super::{batch, cursor::Position, message, page::Page, refusal::Refusal, tree::Tree, verdict};
use crate::{
    exchange::compose,
    fuzzing::{Steer, one_short_line},
    mail::{Cursor, IdForm},
};

/// An answer: a page of a list, the answers of a batch, a refusal, and a cursor kept from one.
pub fn page(data: &[u8]) {
    let (steer, body) = Steer::of(data);
    let status = [400, 404, 410, 429, 500, 503, 504][steer.choose(7)];
    let refusal = Refusal::new(status, body);
    one_short_line(&refusal.text);
    one_short_line(&refusal.name());
    let _ = (verdict::action(&refusal), verdict::hint(&refusal));
    batch::fuzzed(body);
    if let Ok(page) = serde_json::from_slice::<Page<Value>>(body) {
        let mut tree = Tree::new(7);
        tree.doubt_names(&page.value);
        tree.tell(&page.value);
        let _ = tree.folders();
        assert!(Tree::read(&tree.write()).is_some(), "a tree that was written cannot be read");
        for entry in &page.value {
            let _ = (message::change(entry, true), message::change(entry, false));
            compose::fuzzing::written(&message::properties(entry), &[], entry.to_string());
        }
    }
    let cursor = Cursor(String::from_utf8_lossy(body).into_owned());
    for form in [IdForm::GraphImmutable, IdForm::GraphRest] {
        if let Some(position) = Position::read(&cursor, form) {
            assert!(Position::read(&position.write(), form).is_some(), "a cursor that was written cannot be read");
        }
    }
}
