//! Habits of lenient or odd servers, each off unless asked for. The profile `lenient` switches on all that belong to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError, RwLock};

/// One habit: its name, what it does, and whether the profile `lenient` has it.
#[derive(Debug)]
pub struct Quirk {
    /// How it is asked for.
    pub name: &'static str,
    /// What the server then does.
    pub meaning: &'static str,
    /// Part of the profile `lenient`.
    pub lenient: bool,
}

const fn quirk(name: &'static str, meaning: &'static str, lenient: bool) -> Quirk {
    Quirk { name, meaning, lenient }
}

/// Every habit there is, room by room. A name not listed here is refused when the server starts.
pub const KNOWN: &[Quirk] = &[
    quirk("account-lock", "five wrong passwords lock an account for a minute", true),
    quirk("basic-advertised", "Basic is offered even where it is switched off", true),
    quirk("double-response", "a SOAP fault is followed by a second response nobody asked for", true),
    quirk("faults-under-200", "SOAP faults come with status 200", true),
    quirk("bare-faults", "SOAP faults hold a bare code and a text: no detail, no declaration", true),
    quirk("idle-408", "408 is sent unasked after 179 seconds of idleness", true),
    quirk("mid-size-requests-poison", "a request of 64 to 512 KiB is answered well, but 400 follows and the connection ends", true),
    quirk("negotiate-only", "NTLM is offered and answered under the name Negotiate alone", true),
    quirk("no-chunked-requests", "requests in chunks are refused with 400", true),
    quirk("only-x5t", "the token endpoint knows certificates by their SHA-1 thumbprint (x5t) alone", false),
    quirk("plain-headers", "text/xml without charset, and none of the fields and cookies of Exchange's front end", true),
    quirk("unchallenged-405", "GET and HEAD are refused before anybody is asked who they are", true),
    quirk(
        "schema-unchecked",
        "requests are not held to the schema, nor to the versions there are; pages of more than 512 changes have 512, pages of none never end",
        true,
    ),
    quirk("fine-times", "times have nine digits after the second, and those beyond the year 2262 wrap round with twenty", true),
    quirk("old-version-claimed", "answers say they come from a server of 2013", true),
    quirk("mime-regenerated", "MIME is made anew for each fetch: another boundary each time, some header lines lost, one added", true),
    quirk("controls-become-question-marks", "control characters of texts become question marks", true),
    quirk("raw-folder-paths", "the folder property 0x66B5 holds the path with raw U+FFFE in it, which no XML may hold", true),
    quirk("bad-states-start-over", "a sync state that is damaged, foreign or lost begins a new enumeration instead of being refused", true),
    quirk("missing-folders-sync-empty", "synchronising the items of a folder that is gone says that nothing changed", true),
    quirk("missing-folders-unreadable", "GetFolder says ErrorFolderPropertyRequestFailed of a folder that is gone", true),
    quirk("deletes-cut-short", "a page of changes that ends with a deletion claims to be the last, whatever is left", true),
    quirk(
        "creates-repeat-as-read-flags",
        "every later page of a first enumeration repeats an item of an earlier one as a ReadFlagChange",
        true,
    ),
    quirk("read-flags-are-updates", "a change of the read state is told as an Update", true),
    quirk("listings-tell-received", "SyncFolderItems tells DateTimeReceived even where ids alone were asked for", true),
    quirk("distinguished-deletes-unanswered", "DeleteFolder has no response message for a distinguished folder", true),
    quirk("no-greater-or-equal", "FindItem refuses IsGreaterThanOrEqualTo as ErrorInvalidRestriction", true),
    quirk("ignore-is-ignored", "the Ignore list of SyncFolderItems has no effect", true),
    quirk("children-counted-deep", "ChildFolderCount counts the folders at every depth", true),
    quirk(
        "folder-subscriptions-narrow",
        "a subscription to folders hears of arrivals and of the folder's change, and of nothing else",
        true,
    ),
    quirk("subscription-ids-count", "subscription ids are numbers that begin again with the server", true),
    quirk("no-watermarks", "pull subscriptions and their events have no watermarks; events are told once", true),
    quirk("nameless-pull-answers", "the response message of GetEvents is called x", true),
    quirk("push-accepted", "push subscriptions are taken, and nothing is ever pushed", true),
    quirk("queries-ignored", "the QueryString of FindItem has no effect", true),
    quirk("no-page-cap", "a page of FindItem may have any size", true),
    quirk("stale-change-keys-accepted", "a stale or missing change key does not stop an update", true),
    quirk("foreign-ids-invalid", "an id of a mailbox the caller may not open is ErrorInvalidId", true),
    quirk("closed-twice", "the envelope that ends a streaming connection comes twice", true),
    quirk("empty-notifications", "envelopes of a stream hold empty Notifications and ErrorSubscriptionIds", true),
    quirk("streams-declare-once", "only the first envelope of a stream has an XML declaration", true),
    quirk(
        "refused-streams-linger",
        "a stream of an unknown subscription stays open for 48 seconds and repeats its refusal, the ids in no namespace",
        true,
    ),
    quirk(
        "notifications-as-in-the-schema",
        "Notification elements are of the types namespace, as the schema has them, not of the messages namespace, as Exchange sends them",
        false,
    ),
    quirk("root-traversal-allowed", "folders are found at any depth below root, as on servers before 2024", false),
    quirk(
        "error-ids-in-messages-namespace",
        "ErrorSubscriptionIds hold ids of the messages namespace, as on the wire and against the schema",
        false,
    ),
    quirk("week-long-subscriptions", "subscriptions of Graph may last 10,080 minutes", false),
    quirk("notifications-lost", "every third change notification of a subscription is never sent", false),
    quirk("notifications-repeat", "every change notification is sent twice", false),
    quirk("client-states-forged", "change notifications carry a client state nobody gave", false),
    quirk("immutable-ids-not-honoured", "`Prefer: IdType=\"ImmutableId\"` has no effect, and no Preference-Applied says it had", false),
    quirk("graph-errors-lower-case", "errors of Graph spell `innererror`, and begin their codes with a small letter", false),
    quirk("graph-errors-nested", "errors of Graph hide their code in innerError, below UnknownError", false),
    quirk("no-delta", "Graph has no delta, neither of folders nor of messages, as in the cloud of 21Vianet", false),
    quirk("control-references", "control characters of subjects are sent as character references", false),
    quirk("future-message-types", "every seventh message is of a type that Graph does not have yet", false),
    quirk(
        "delta-drops-returned-items",
        "a message that left a folder and came back between two rounds is told as removed and not again, where ids are immutable",
        false,
    ),
    quirk("delta-pages-empty", "every second page of a walk through messages is empty and has a link to the next", false),
    quirk(
        "delta-removes-at-first",
        "the first page of a first round of messages begins with the removal of a message nobody heard of",
        false,
    ),
    quirk("delta-repeats-entries", "a page of messages' changes ends with its first entry again", false),
    quirk("delta-ignores-expand", "$expand has no effect on messages' changes, where it is otherwise an error 500", false),
    quirk("resync-required", "a lost link is refused as resyncRequired, not as SyncStateNotFound", false),
];

/// The habits that are on.
#[derive(Debug, Default)]
pub struct Quirks {
    on: RwLock<BTreeSet<&'static str>>,
    shown: Mutex<BTreeMap<&'static str, u64>>,
}

impl Quirks {
    /// Switches on the named habits and profiles, in this order; a name with `-` before it switches off what an earlier one switched on.
    ///
    /// # Errors
    /// A text naming the unknown habit and the known ones.
    pub fn new<S: AsRef<str>>(names: &[S]) -> Result<Self, String> {
        let quirks = Self::default();
        for name in names {
            let name = name.as_ref();
            match name.strip_prefix('-') {
                Some(name) => quirks.switch(name, false)?,
                None => quirks.switch(name, true)?,
            }
        }
        Ok(quirks)
    }

    /// Whether a habit is on. To ask is to have an occasion for it, which counts.
    pub fn has(&self, name: &str) -> bool {
        let Some(name) = self.on.read().unwrap_or_else(PoisonError::into_inner).get(name).copied() else {
            return false;
        };
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
        true
    }

    /// How often each habit has had an occasion to show itself while it was on.
    pub fn shown(&self) -> BTreeMap<&'static str, u64> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The habits that are on.
    pub fn all(&self) -> Vec<&'static str> {
        self.on.read().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Switches one habit, or the profile `lenient`, on or off while the server runs.
    ///
    /// # Errors
    /// A text naming the unknown habit and the known ones.
    pub fn switch(&self, name: &str, on: bool) -> Result<(), String> {
        let names: Vec<&'static str> =
            KNOWN.iter().filter(|quirk| quirk.name == name || (name == "lenient" && quirk.lenient)).map(|quirk| quirk.name).collect();
        if names.is_empty() && name != "lenient" {
            let known: Vec<&str> = KNOWN.iter().map(|quirk| quirk.name).collect();
            return Err(format!("unknown quirk {name:?}: known are lenient, {}", known.join(", ")));
        }
        let mut set = self.on.write().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if on {
                set.insert(name);
            } else {
                set.remove(name);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_refused() {
        let error = Quirks::new(&["no-such-habit"]).unwrap_err();
        assert!(error.contains("no-such-habit") && error.contains("control-references"), "{error}");
    }

    #[test]
    fn habits_switch_on_and_off() {
        let quirks = Quirks::new(&["control-references"]).unwrap();
        assert!(quirks.has("control-references"));
        assert_eq!(quirks.shown().get("control-references"), Some(&1));
        quirks.switch("control-references", false).unwrap();
        assert!(!quirks.has("control-references"));
        assert_eq!(quirks.shown().get("control-references"), Some(&1), "what is off has no occasion");
    }

    #[test]
    fn a_profile_may_lack_a_habit() {
        let quirks = Quirks::new(&["lenient", "-mime-regenerated"]).unwrap();
        assert!(quirks.has("fine-times") && !quirks.has("mime-regenerated"));
        assert!(Quirks::new(&["-no-such-habit"]).is_err());
    }

    #[test]
    fn the_readme_lists_them_all() {
        let readme = include_str!("../README.md");
        for quirk in KNOWN {
            let lenient = if quirk.lenient { "yes" } else { "" };
            let row = format!("| `{}` | {lenient} | {} |", quirk.name, quirk.meaning);
            assert!(readme.contains(&row), "{row}");
        }
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = KNOWN.iter().map(|quirk| quirk.name).collect();
        assert_eq!(names.len(), KNOWN.len());
    }
}
