//! A sink that is waited for: the same again until it takes a message, behind one [`Fence`] for all who write.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Body, Envelope, Error, Fence, Sink, Stored, Verdict, Writes};

/// Bounds how many writes of a sink are under way at once, and repeats those that met passing trouble. Of a message that comes as a stream nothing is
/// left to repeat: its failure is passed on, and it is fetched again.
pub struct Patient<S> {
    sink: S,
    writes: Writes,
    fence: Arc<Fence>,
}

impl<S> Patient<S> {
    /// At most so many `writes` at once.
    pub fn new(sink: S, writes: impl Into<Writes>, fence: Arc<Fence>) -> Self {
        Self { sink, writes: writes.into(), fence }
    }
}

impl<S: Sink> Patient<S> {
    async fn attempt(&self, envelope: &Envelope, body: Body) -> Result<Stored, Error> {
        self.fence.pass().await;
        let _turn = self.writes.turn().await;
        // The fence may have been raised while others were before us.
        self.fence.pass().await;
        let begun = Instant::now();
        let written = self.sink.write(envelope, body).await;
        // What is the matter with one message says nothing of the sink; but a sink that judged it answers.
        if matches!(&written, Ok(_) | Err(Error { verdict: Verdict::Unacceptable, .. })) {
            self.fence.lower(begun);
        }
        written
    }
}

#[async_trait]
impl<S: Sink> Sink for Patient<S> {
    async fn write(&self, envelope: &Envelope, body: Body) -> Result<Stored, Error> {
        let (bytes, properties) = match body {
            Body::Whole(bytes, properties) => (bytes, properties),
            stream => {
                let written = self.attempt(envelope, stream).await;
                if let Err(error @ Error { verdict: Verdict::Later(named), .. }) = &written {
                    self.fence.raise(&error.to_string(), *named);
                }
                return written;
            }
        };
        loop {
            match self.attempt(envelope, Body::Whole(bytes.clone(), properties.clone())).await {
                Err(error) if let Verdict::Later(named) = error.verdict => {
                    if !self.fence.raise(&error.to_string(), named) {
                        return Err(error);
                    }
                }
                end => return end,
            }
        }
    }

    async fn ready(&self) {
        self.fence.pass().await;
        self.sink.ready().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use tokio::time::sleep;

    use super::*;
    use crate::{
        http::Backoff,
        sink::{
            Patience,
            testing::{envelope, whole},
        },
        watch::Events,
    };

    /// Fails with these verdicts, last first, then takes everything; each write takes a second.
    #[derive(Default)]
    struct Moody {
        failures: Mutex<Vec<Verdict>>,
        at_once: AtomicUsize,
        most: AtomicUsize,
        attempts: AtomicUsize,
    }

    #[async_trait]
    impl Sink for Moody {
        async fn write(&self, _: &Envelope, _: Body) -> Result<Stored, Error> {
            self.attempts.fetch_add(1, Ordering::SeqCst);
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            sleep(Duration::from_secs(1)).await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            match self.failures.lock().unwrap().pop() {
                Some(verdict) => Err(Error { attempt: "storing".into(), code: None, cause: "a mood".into(), hint: None, verdict }),
                None => Ok(Stored { object: "o".into(), bytes: 1, sha256: String::new() }),
            }
        }
    }

    fn patient(failures: Vec<Verdict>, patience: Patience) -> Arc<Patient<Moody>> {
        let backoff = Backoff { first: Duration::from_secs(5), cap: Duration::from_secs(300) };
        let sink = Moody { failures: Mutex::new(failures), ..Moody::default() };
        Arc::new(Patient::new(sink, 2, Fence::new(Events::new(), backoff, patience)))
    }

    #[tokio::test(start_paused = true)]
    async fn passing_trouble_is_outlasted_and_the_named_time_is_kept() {
        let sink = patient(vec![Verdict::Later(Some(Duration::from_secs(100))); 3], Patience::Endless);
        let start = Instant::now();
        sink.write(&envelope("0a"), whole("x")).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(3 * 101 + 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_verdict_on_the_message_or_the_place_is_passed_on() {
        for verdict in [Verdict::Unacceptable, Verdict::Refused, Verdict::Broken] {
            let sink = patient(vec![verdict], Patience::Endless);
            assert_eq!(sink.write(&envelope("0a"), whole("x")).await.unwrap_err().verdict, verdict);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_fails_and_keeps_others_waiting() {
        let sink = patient(vec![Verdict::Later(Some(Duration::from_secs(100)))], Patience::Endless);
        let (_properties, later) = tokio::sync::oneshot::channel();
        let stream = Body::Stream(Box::pin(futures::stream::empty()), later);
        assert!(matches!(sink.write(&envelope("0a"), stream).await.unwrap_err().verdict, Verdict::Later(_)));
        let start = Instant::now();
        sink.ready().await;
        assert_eq!(start.elapsed(), Duration::from_secs(100));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_allowed_at_once_and_none_behind_a_fence() {
        let sink = patient(vec![Verdict::Later(Some(Duration::from_secs(100))); 2], Patience::Endless);
        let writes: Vec<_> = (0..10)
            .map(|_| {
                let sink = sink.clone();
                tokio::spawn(async move { sink.write(&envelope("0a"), whole("x")).await.unwrap() })
            })
            .collect();
        sleep(Duration::from_secs(90)).await;
        assert_eq!(sink.sink.attempts.load(Ordering::SeqCst), 2);
        for write in writes {
            write.await.unwrap();
        }
        assert_eq!(sink.sink.most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn impatience_gives_up() {
        let sink = patient(vec![Verdict::Later(Some(Duration::from_secs(40))); 9], Patience::For(Duration::from_secs(60)));
        assert!(sink.write(&envelope("0a"), whole("x")).await.is_err());
        assert!(sink.sink.attempts.load(Ordering::SeqCst) < 4);
    }
}
