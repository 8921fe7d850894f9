//! Recorded traffic of a real server through the decoder, summed up in one snapshot.

use std::{fmt::Write as _, path::Path};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    super::{
        answer::Answer,
        operation::{find_folder, get_item, item, sync_folder_hierarchy, sync_folder_items},
        post::Post,
        refusal::Refusal,
        xml::{Intake, Limits, Malformed, MimeSink},
    },
    requests::shared,
    script::{Canned, Script},
};

#[derive(Default)]
struct Counted(u64);

#[async_trait]
impl MimeSink for Counted {
    async fn chunk(&mut self, chunk: Bytes) -> Result<(), Malformed> {
        self.0 += chunk.len() as u64;
        Ok(())
    }
}

/// What an answer of `operation` holds, in short lines.
async fn summary(operation: &str, canned: Canned) -> String {
    let script = Script::new([canned]);
    let Ok(Some(reply)) = script.post(None, Bytes::new(), &|| true).await else { return "no answer".into() };
    let mut answer = match Answer::open(reply, operation).await {
        Ok(answer) => answer,
        Err(trouble) => return format!("{:?}: {trouble}", trouble.action()),
    };
    let mut out = String::new();
    loop {
        let mut counted = Counted::default();
        let mut intake = Intake::new(&mut counted);
        let message = match answer.message(Limits::LEAN, Some(&mut intake)).await {
            Ok(Some(message)) => message,
            Ok(None) => break,
            Err(trouble) => return out + &format!("broken: {trouble}"),
        };
        let (bytes, junk) = (intake.bytes, intake.junk);
        if let Some(refusal) = Refusal::of_message(&message) {
            let _ = write!(out, "refused {}: {}; ", refusal.code, refusal.text);
            continue;
        }
        let _ = match operation {
            "SyncFolderItems" => match sync_folder_items::read(&message) {
                Some(page) => write!(out, "{} changes, last {}, state of {}; ", page.changes.len(), page.last, page.cursor.0.len()),
                None => write!(out, "no state; "),
            },
            "SyncFolderHierarchy" => match sync_folder_hierarchy::read(&message) {
                Some(page) => write!(out, "{} present, {} deleted, last {}; ", page.present.len(), page.deleted.len(), page.last),
                None => write!(out, "no state; "),
            },
            "FindFolder" => {
                let page = find_folder::read(&message, 0);
                write!(out, "{} folders, next {:?}; ", page.folders.len(), page.next)
            }
            "GetItem" => match get_item::item(&message) {
                Some(found) => {
                    let properties = item::properties(found);
                    write!(
                        out,
                        "{} mime {bytes}{} subject {:?} from {:?}; ",
                        found.name,
                        if junk { " junk" } else { "" },
                        properties.subject,
                        properties.from
                    )
                }
                None => write!(out, "no item; "),
            },
            _ => write!(out, "{} with {} children; ", message.name, message.children.len()),
        };
    }
    match answer.finish().await {
        Ok(()) => format!("{out}{}", if script.accepted() == 1 { "sound" } else { "not to be used again" }),
        Err(trouble) => format!("{out}broken: {trouble}"),
    }
}

/// The bodies of a raw recording, without their chunked coding.
fn raw_bodies(raw: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let mut rest = raw;
    // The line of the request has dots where that of an answer has its status.
    while let Some(start) = memchr::memmem::find_iter(rest, b"HTTP/1.1 ").find(|at| rest.get(at + 9).is_some_and(u8::is_ascii_digit)) {
        rest = &rest[start..];
        let (end, gap) = match (memchr::memmem::find(rest, b"\r\n\r\n"), memchr::memmem::find(rest, b"\n\n")) {
            (Some(end), None) => (end, 4),
            (Some(end), Some(other)) if end < other => (end, 4),
            (_, Some(end)) => (end, 2),
            _ => break,
        };
        let head = String::from_utf8_lossy(&rest[..end]).to_ascii_lowercase();
        rest = &rest[end + gap..];
        if head.contains("chunked") {
            let mut body = Vec::new();
            while let Some(line) = memchr::memchr(b'\n', rest) {
                let size = usize::from_str_radix(String::from_utf8_lossy(&rest[..line]).trim(), 16).unwrap_or(0);
                rest = &rest[line + 1..];
                if size == 0 || rest.len() < size {
                    break;
                }
                body.extend_from_slice(&rest[..size]);
                let skip = rest[size..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
                rest = &rest[size + skip..];
            }
            bodies.push(body);
        } else {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).and_then(|length| length.trim().parse().ok());
            let length = length.unwrap_or(rest.len()).min(rest.len());
            bodies.push(rest[..length].to_vec());
            rest = &rest[length..];
        }
    }
    bodies
}

fn operation_of(folder: &Path, name: &str) -> String {
    let request = std::fs::read_to_string(folder.join(format!("{name}.request.xml"))).unwrap_or_default();
    let body = request.split_once("Body>").map_or("", |(_, body)| body);
    let named = body.trim_start().trim_start_matches("<m:");
    named.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn recorded_answers_are_read_as_before() {
    let Some(folder) = shared().map(|shared| shared.join("ews-wire")).filter(|folder| folder.is_dir()) else {
        eprintln!("skipped: no recorded traffic at hand (EXCHANGE_SYNC_SHARED)");
        return;
    };
    let mut names: Vec<String> =
        std::fs::read_dir(&folder).unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let mut out = String::new();
    for name in &names {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let bodies = if let Some(name) = name.strip_suffix(".response.xml") {
            let head = std::fs::read_to_string(folder.join(format!("{name}.response.headers.txt"))).unwrap_or_default();
            let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or(200);
            vec![(operation_of(&folder, name), Canned::status(status, bytes))]
        } else if name.contains("GetStreamingEvents") && name.ends_with(".raw.txt") {
            raw_bodies(&bytes).into_iter().map(|body| ("GetStreamingEvents".to_owned(), Canned::new(body))).collect()
        } else if name.ends_with(".raw.txt") {
            raw_bodies(&bytes).into_iter().map(|body| ("SyncFolderItems".to_owned(), Canned::new(body))).collect()
        } else {
            continue;
        };
        for (operation, canned) in bodies {
            let whole = summary(&operation, canned.clone()).await;
            // Small pieces of large answers take long and show nothing new.
            for step in [1, 13] {
                if canned.body.len() < 1500 * step {
                    assert_eq!(summary(&operation, Canned { step, ..canned.clone() }).await, whole, "{name} in pieces of {step}");
                }
            }
            let _ = writeln!(out, "{name} ({operation}): {whole}");
        }
    }
    insta::assert_snapshot!("recorded", out);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn damaged_answers_are_errors_or_answers_but_no_panics(
        places in proptest::collection::vec((0usize..2000, proptest::num::u8::ANY), 0..12),
        length in 0usize..2500,
        step in 1usize..100,
    ) {
        let item = "<m:Items><t:Message><t:MimeContent>aGVsbG8gd29ybGQ=</t:MimeContent><t:ItemId Id=\"1\"/><t:Subject>&#xFC;&amp;</t:Subject>\
            <t:Size>1</t:Size><t:DateTimeReceived>2026-01-01T00:00:00.5+01:00</t:DateTimeReceived></t:Message></m:Items>";
        let mut canned = super::script::answer("GetItem", &super::script::success("GetItem", item).repeat(2));
        canned.body.truncate(length);
        for (place, byte) in places {
            if let Some(at) = canned.body.get_mut(place) {
                *at = byte;
            }
        }
        canned.step = step;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let together = runtime.block_on(summary("GetItem", Canned { step: 4096, ..canned.clone() }));
        proptest::prop_assert_eq!(runtime.block_on(summary("GetItem", canned)), together);
    }
}
