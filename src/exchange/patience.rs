//! What is asked again until there is an answer.

use std::{future::Future, time::Duration};

use tokio::time::sleep;

use super::{Error, Verdict};

/// So often passing trouble is met before it counts, its own retries not counted.
const ATTEMPTS: u32 = 3;

/// The same again where the server wants to be left alone for a while, and a few times where trouble may pass.
pub async fn patiently<T, F: Future<Output = Result<T, Error>>>(mut ask: impl FnMut() -> F) -> Result<T, Error> {
    let mut attempts = 0;
    loop {
        let error = match ask().await {
            Err(error) => error,
            answer => return answer,
        };
        match error.verdict {
            Verdict::WaitFor(wait) => {
                tracing::warn!(%error, ?wait, "waiting");
                sleep(wait).await;
            }
            Verdict::Later if attempts + 1 < ATTEMPTS => {
                attempts += 1;
                sleep(Duration::from_secs(5) * attempts).await;
            }
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tokio::time::Instant;

    use super::*;

    fn error(verdict: Verdict) -> Error {
        Error { verdict, attempt: "x".into(), code: None, cause: "y".into(), hint: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_no_failure_and_passing_trouble_is_met_a_few_times() {
        let start = Instant::now();
        let mut answers = vec![Ok(7), Err(error(Verdict::Later)), Err(error(Verdict::WaitFor(Duration::from_secs(3600))))];
        assert_eq!(patiently(|| ready(answers.pop().unwrap())).await.unwrap(), 7);
        assert_eq!(start.elapsed(), Duration::from_secs(3605));
        for (verdict, times) in [(Verdict::Later, 3), (Verdict::StopMailbox, 1), (Verdict::Refused, 1)] {
            let mut asked = 0;
            patiently(|| {
                asked += 1;
                ready(Err::<(), _>(error(verdict)))
            })
            .await
            .unwrap_err();
            assert_eq!(asked, times, "{verdict:?}");
        }
    }
}
