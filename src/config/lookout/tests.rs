//! What a lookout tells of a shelf that changes.

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;

use super::*;
use crate::config::{Location, SAMPLE, Text};

const EVERY: Duration = Duration::from_secs(60);

/// A shelf that says what it was told to.
struct Scripted {
    location: Location,
    says: Mutex<Result<String, Unread>>,
    asked: Mutex<u32>,
}

#[async_trait]
impl Shelf for Scripted {
    fn location(&self) -> &Location {
        &self.location
    }

    async fn fetch(&self) -> Result<Text, Unread> {
        *self.asked.lock().unwrap() += 1;
        self.says.lock().unwrap().clone().map(Text::new)
    }

    async fn store(&self, _: &Text) -> Result<Value, Unread> {
        unreachable!()
    }
}

struct Bench {
    shelf: Arc<Scripted>,
    lookout: Lookout,
}

impl Bench {
    /// The sample is in force.
    async fn new() -> Self {
        let location = Location::Api("https://example.com/api/v1/appliance-configs/o/k".into());
        let shelf = Arc::new(Scripted { location, says: Mutex::new(Ok(SAMPLE.into())), asked: Mutex::default() });
        let env = Env::from_iter([("REINFER_EWS_AUTH_PASS", "hunter2")]);
        let loaded = crate::config::load(&*shelf, &env, None).await.unwrap();
        Self { lookout: Lookout::new(shelf.clone(), env, EVERY, &loaded), shelf }
    }

    fn says(&self, says: impl Into<String>) {
        *self.shelf.says.lock().unwrap() = Ok(says.into());
    }

    fn fails(&self, verdict: Verdict, words: &str) {
        *self.shelf.says.lock().unwrap() = Err(Unread { verdict, fault: Fault::new("reading", words) });
    }

    /// What is told within so many looks.
    async fn within(&mut self, looks: u32) -> Option<News> {
        tokio::time::timeout(EVERY * looks + EVERY / 2, self.lookout.news()).await.ok()
    }

    async fn refused(&mut self) -> String {
        match self.within(PASSING).await {
            Some(News::Refused(faults)) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn other() -> String {
    SAMPLE.replace("443", "8443")
}

#[tokio::test(start_paused = true)]
async fn what_stays_the_same_is_no_news() {
    let mut bench = Bench::new().await;
    assert!(bench.within(10).await.is_none());
    assert_eq!(*bench.shelf.asked.lock().unwrap(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_told_once_at_the_next_look() {
    let mut bench = Bench::new().await;
    let began = Instant::now();
    bench.says(other());
    let Some(News::Changed(loaded)) = bench.within(1).await else { panic!() };
    assert_eq!(began.elapsed(), EVERY);
    assert!(matches!(&loaded.config.api, crate::config::Api::Ews(url) if url.port() == Some(8443)));
    bench.lookout.took_over();
    assert!(bench.within(5).await.is_none());
    bench.says(SAMPLE);
    assert!(matches!(bench.within(1).await, Some(News::Changed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_bad_one_is_told_once_with_all_its_faults() {
    let mut bench = Bench::new().await;
    bench.says(r#"{"host": "mail", "port": "x", "mailboxes": {}}"#);
    let told = bench.refused().await;
    assert!(["$.port", "$.mailboxes", "$.auth_user"].iter().all(|at| told.contains(at)), "{told}");
    assert!(bench.within(5).await.is_none());
    bench.says("{");
    assert!(bench.refused().await.starts_with("line 1"));
    bench.says(SAMPLE);
    assert!(matches!(bench.within(1).await, Some(News::Recovered)));
    assert!(bench.within(5).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn one_that_could_not_be_taken_over_stays_refused() {
    let mut bench = Bench::new().await;
    bench.says(other());
    assert!(matches!(bench.within(1).await, Some(News::Changed(_))));
    assert!(bench.within(5).await.is_none());
    bench.says(SAMPLE);
    assert!(matches!(bench.within(1).await, Some(News::Recovered)));
}

#[tokio::test(start_paused = true)]
async fn passing_trouble_is_told_once_it_lasts() {
    let mut bench = Bench::new().await;
    bench.fails(Verdict::Later(None), "HTTP 503");
    assert!(bench.within(PASSING - 1).await.is_none());
    bench.says(SAMPLE);
    assert!(bench.within(2).await.is_none(), "it passed unnoticed");
    bench.fails(Verdict::Later(None), "HTTP 503");
    assert!(bench.refused().await.contains("HTTP 503"));
    assert!(bench.within(5).await.is_none());
    bench.says(SAMPLE);
    assert!(matches!(bench.within(1).await, Some(News::Recovered)));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_or_a_missing_file_is_told_at_once() {
    for verdict in [Verdict::Refused, Verdict::Wrong] {
        let mut bench = Bench::new().await;
        bench.fails(verdict, "HTTP 401");
        assert!(matches!(bench.within(1).await, Some(News::Refused(_))));
        bench.fails(verdict, "HTTP 403");
        assert!(bench.refused().await.contains("HTTP 403"));
        bench.says(other());
        assert!(matches!(bench.within(1).await, Some(News::Changed(_))), "what comes after is told");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_does_not_hide_what_is_refused() {
    let mut bench = Bench::new().await;
    bench.says("[]");
    bench.refused().await;
    bench.fails(Verdict::Refused, "HTTP 401");
    assert!(bench.within(5).await.is_none());
    bench.says("[]");
    assert!(bench.within(5).await.is_none());
    bench.says(SAMPLE);
    assert!(matches!(bench.within(1).await, Some(News::Recovered)));
}
