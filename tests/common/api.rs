//! The Communications Mining API as the place that messages go to, and what of them it has.

use std::collections::BTreeMap;

use super::{Server, Setup, truth::truth_in};

/// The bucket of the tests.
pub const BUCKET: &str = "acme/mail";

impl Setup {
    /// Messages go to the API that the server has, too.
    pub fn goes_to_api(&mut self, server: &Server) {
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

/// Somebody deletes an email from the bucket.
pub async fn delete_email(server: &Server, id: &str) {
    let url = format!("{}_private/buckets/{BUCKET}/emails?id={id}", server.simulator.reinfer_url());
    let token = server.simulator.reinfer_token().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.delete(url).bearer_auth(token).send().await.unwrap().error_for_status().unwrap();
}

/// What is in the bucket against what is in the mailboxes: every readable message once, nothing else. Gives how many emails there are.
pub async fn compare_emails(server: &Server, setup: &Setup) -> usize {
    let emails = server.simulator.reinfer().emails(BUCKET);
    let mut faults = Vec::new();
    let mut found: BTreeMap<(String, String), Vec<Option<String>>> = BTreeMap::new();
    for email in &emails {
        let parsed = email.mime.text().and_then(|text| mail_parser::MessageParser::new().parse(text));
        let subject = parsed.and_then(|message| message.subject().map(str::to_owned));
        found.entry((email.mailbox.clone(), email.mime.sha256.clone())).or_default().push(subject);
    }
    let mut rest = Vec::new();
    for address in setup.mailboxes() {
        let archive = setup.config["mailboxes"][&address]["archive"] == true;
        for real in truth_in(setup.form, server, &address, archive).await.values() {
            let Ok((sha256, _)) = &real.mime else { continue };
            let mailbox = address.to_lowercase();
            if found.get_mut(&(mailbox.clone(), sha256.clone())).and_then(Vec::pop).is_none() {
                rest.push((mailbox, real.item.subject.clone(), real.path.clone()));
            }
        }
    }
    // JSON holds text: where the source is not UTF-8 the email differs in its bytes, and has the same words.
    for (mailbox, subject, path) in rest {
        let same = found.iter_mut().filter(|((owner, _), _)| *owner == mailbox).find_map(|(_, subjects)| {
            let at = subjects.iter().position(|other| other.as_deref().map(str::trim) == subject.as_deref().map(str::trim))?;
            Some(subjects.remove(at))
        });
        if same.is_none() {
            faults.push(format!("{mailbox}: {subject:?} in {path:?} is missing"));
        }
    }
    let left =
        found.iter().flat_map(|((mailbox, _), subjects)| subjects.iter().map(move |subject| format!("{mailbox}: {subject:?} is too many")));
    faults.extend(left);
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults[..faults.len().min(10)].join("\n"));
    emails.len()
}
