//! The Communications Mining API as the place that messages go to, and what of them it has.

use std::collections::BTreeMap;

use super::{Server, Setup, truth::truth_in};

/// The bucket of the tests.
pub const BUCKET: &str = "acme/mail";

impl Setup {
    /// Messages go to the API that the server has, too.
    pub fn to_api(&mut self, server: &Server) {
        self.to = Some(vec!["--reinfer-api-endpoint".into(), server.simulator.reinfer_url()]);
        let token = server.simulator.reinfer_token().unwrap();
        self.env.retain(|(name, _)| name != "REINFER_API_TOKEN");
        self.env.push(("REINFER_API_TOKEN".into(), token.into()));
        // Spools and scratch folders are this test's own.
        let scratch = self.dir.path().join("tmp");
        std::fs::create_dir_all(&scratch).unwrap();
        self.env.push(("TMPDIR".into(), scratch.into()));
    }
}

/// What is in the bucket against what is in the mailboxes: every readable message once, nothing else. Gives how many emails there are.
pub async fn compare_emails(server: &Server, setup: &Setup) -> usize {
    let emails = server.simulator.reinfer().emails(BUCKET);
    let mut faults = Vec::new();
    let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
    for email in &emails {
        *found.entry((email.mailbox.clone(), email.mime.sha256.clone())).or_default() += 1;
    }
    for address in setup.mailboxes() {
        let archive = setup.config["mailboxes"][&address]["archive"] == true;
        for real in truth_in(setup.form, server, &address, archive).await.values() {
            let Ok((sha256, _)) = &real.mime else { continue };
            match found.get_mut(&(address.to_lowercase(), sha256.clone())) {
                Some(count) if *count > 0 => *count -= 1,
                _ => faults.push(format!("{address}: {:?} in {:?} is missing", real.item.subject, real.path)),
            }
        }
    }
    faults.extend(
        found.iter().filter(|(_, count)| **count > 0).map(|((mailbox, sha256), count)| format!("{mailbox}: {sha256}: {count} too many")),
    );
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults[..faults.len().min(10)].join("\n"));
    emails.len()
}
