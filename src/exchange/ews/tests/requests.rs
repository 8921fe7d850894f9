//! Every request against Microsoft's schema, where that is at hand.

use std::{path::PathBuf, process::Command};

use super::super::{
    envelope::{Access, Dialect, VERSIONS},
    operation::{
        find_folder, get_attachment, get_folder,
        get_item::{self, Shape},
        sync_folder_hierarchy, sync_folder_items,
    },
    session::Request,
};
use crate::mail::ItemId;

/// Test material that is not part of the project.
pub fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("EXCHANGE_SYNC_SHARED").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    named.into_iter().chain([beside]).find(|folder| folder.is_dir())
}

fn requests(dialect: &Dialect) -> Vec<Request> {
    let ids = [ItemId("AAMk/+=".into()), ItemId("b\"<&'".into())];
    let ids: Vec<&ItemId> = ids.iter().collect();
    let mut all = vec![get_folder::request(dialect), get_attachment::request("A&")];
    for level in 0..=2 {
        all.push(find_folder::request(dialect, "msgfolderroot", level, 1000));
        all.push(sync_folder_hierarchy::request(dialect, "archivemsgfolderroot", level, None));
        all.push(sync_folder_hierarchy::request(dialect, "msgfolderroot", level, Some("c3RhdGU=")));
        all.push(sync_folder_items::request("F&", level, None, 0));
        all.push(sync_folder_items::request("F", level, Some("c3RhdGU="), 9999));
        for shape in [Shape::Mime, Shape::Properties, Shape::Everything] {
            all.push(get_item::request(&ids, shape, level));
        }
    }
    all
}

#[test]
fn every_request_is_valid() {
    let Some(validator) = shared().map(|shared| shared.join("checks/ews-validate")).filter(|path| path.exists()) else {
        eprintln!("skipped: no EWS schema at hand (EXCHANGE_SYNC_SHARED)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (access, version) in [(Access::Impersonation, VERSIONS[1]), (Access::Delegate, VERSIONS[1]), (Access::Impersonation, VERSIONS[7])] {
        let dialect = Dialect { version, access, address: "o'neil&co@example.com".into() };
        // Most requests do not depend on the dialect; once is enough for these.
        let once = (access, version) == (Access::Impersonation, VERSIONS[1]);
        let differing = |request: &Request| once || request.operation.ends_with("Folder");
        for (number, request) in requests(&dialect).into_iter().filter(differing).enumerate() {
            let name = format!("{access:?}-{version}-{number:02}-{}.xml", request.operation);
            std::fs::write(folder.path().join(name), dialect.envelope(&request.body)).unwrap();
        }
    }
    let output = Command::new(&validator).arg(folder.path()).output().unwrap();
    if output.status.code() == Some(2) {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ids_and_addresses_are_escaped() {
    let dialect = Dialect { version: VERSIONS[1], access: Access::Delegate, address: "a&b@example.com".into() };
    assert!(dialect.well_known("inbox").contains("<t:EmailAddress>a&amp;b@example.com</t:EmailAddress>"));
    let request = get_item::request(&[&ItemId("x\"&<".into())], Shape::Mime, 0);
    assert!(request.body.contains("Id=\"x&quot;&amp;&lt;\""));
}

#[test]
fn a_whole_batch_stays_below_what_servers_take_on_a_kept_connection() {
    let id = ItemId("A".repeat(512));
    let body = get_item::request(&vec![&id; 100], Shape::Properties, 0).body;
    assert!(body.len() < 64_000, "{}", body.len());
}
