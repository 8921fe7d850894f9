//! A token and how long it is good for.

use std::{future::Future, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use super::Denied;
use crate::auth::Secret;

/// A token is renewed so long before its end.
const MARGIN: Duration = Duration::from_secs(300);

/// One token, renewed in time. Many who need it at once cause one request.
#[derive(Default)]
pub(super) struct Held(Mutex<Option<Token>>);

struct Token {
    text: Secret,
    renew: Instant,
    end: Instant,
}

impl Held {
    /// The token at hand, or what `ask` brings: a token and its life.
    pub(super) async fn or_ask(&self, ask: impl Future<Output = Result<(Secret, Duration), Denied>>) -> Result<Secret, Denied> {
        let mut held = self.0.lock().await;
        let now = Instant::now();
        if let Some(token) = held.as_ref().filter(|token| now < token.renew) {
            return Ok(token.text.clone());
        }
        match ask.await {
            Ok((text, life)) => {
                let life = life.min(Duration::from_secs(86_400));
                let renew = now + life.saturating_sub(MARGIN).max(life / 2);
                *held = Some(Token { text: text.clone(), renew, end: now + life });
                Ok(text)
            }
            // A token that is about to end still works: the next one who comes asks again.
            Err(denied) => held.as_ref().filter(|token| now < token.end).map(|token| token.text.clone()).ok_or(denied),
        }
    }

    /// It was refused.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_before_its_end_and_outlives_a_failure_till_then() {
        let held = Held::default();
        let grant = |text: &'static str| async move { Ok((Secret::new(text), Duration::from_secs(3600))) };
        let fail = || async { Err(Denied::passing("no")) };
        let text = |token: Result<Secret, Denied>| token.map(|token| token.reveal().to_owned());
        assert_eq!(text(held.or_ask(grant("a")).await).unwrap(), "a");
        tokio::time::advance(Duration::from_secs(3299)).await;
        assert_eq!(text(held.or_ask(grant("b")).await).unwrap(), "a");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(text(held.or_ask(fail()).await).unwrap(), "a");
        assert_eq!(text(held.or_ask(grant("b")).await).unwrap(), "b");
        held.forget().await;
        assert!(held.or_ask(fail()).await.is_err());
    }
}
