//! Looks again and again at where the configuration is kept, and tells what is new there.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{Digest, Env, Fault, Loaded, Purpose, Shelf, Unread, Verdict, load::judge};

/// Passing trouble is told once so many looks in a row have met it: a single one is no news.
const PASSING: u32 = 3;

/// A lookout over one shelf.
pub struct Lookout {
    shelf: Arc<dyn Shelf>,
    env: Env,
    every: Duration,
    /// The text that is in force.
    in_force: Digest,
    /// The text that was judged last.
    judged: Digest,
    /// Whether that there is nothing to be read was told, and in which words.
    silence: Option<String>,
    /// Looks in a row that met passing trouble.
    passing: u32,
}

/// What is new.
#[derive(Debug)]
pub enum News {
    /// Another configuration, and a good one. Whoever takes it over says so by [`Lookout::took_over`].
    Changed(Box<Loaded>),
    /// What is there cannot be used, or nothing can be read there: every reason.
    Refused(Vec<Fault>),
    /// The text that is in force is there again.
    Recovered,
}

impl Lookout {
    /// Looks at `shelf` each time `every` has passed. `in_force` was loaded from it.
    pub fn new(shelf: Arc<dyn Shelf>, env: Env, every: Duration, in_force: &Loaded) -> Self {
        Self { shelf, env, every, in_force: in_force.digest, judged: in_force.digest, silence: None, passing: 0 }
    }

    /// Waits for something new. Each text is told once.
    pub async fn news(&mut self) -> News {
        loop {
            sleep(self.every).await;
            if let Some(news) = self.look().await {
                return news;
            }
        }
    }

    /// What was told as changed is in force from now on.
    pub fn took_over(&mut self) {
        self.in_force = self.judged;
    }

    async fn look(&mut self) -> Option<News> {
        let text = match self.shelf.fetch().await {
            Ok(text) => text,
            Err(unread) => return self.nothing_read(unread),
        };
        self.passing = 0;
        let silent = self.silence.take().is_some();
        let digest = text.digest();
        if digest == self.judged {
            return (silent && digest == self.in_force).then_some(News::Recovered);
        }
        self.judged = digest;
        if digest == self.in_force {
            return Some(News::Recovered);
        }
        let examination = judge(&text, self.shelf.base(), &self.env, Purpose::Run);
        Some(match examination.config {
            Some(config) => {
                let (location, warnings) = (self.shelf.location().clone(), examination.warnings);
                News::Changed(Box::new(Loaded { config, location, digest, warnings }))
            }
            None => News::Refused(examination.faults),
        })
    }

    fn nothing_read(&mut self, unread: Unread) -> Option<News> {
        self.passing = match unread.verdict {
            Verdict::Later(_) => self.passing.saturating_add(1),
            Verdict::Refused | Verdict::Wrong => PASSING,
        };
        let words = unread.to_string();
        // While a text stands refused, that is what there is to mend.
        if self.passing < PASSING || self.judged != self.in_force || self.silence.as_ref() == Some(&words) {
            tracing::debug!("looking at the configuration: {words}");
            return None;
        }
        self.silence = Some(words);
        Some(News::Refused(vec![unread.fault]))
    }
}

#[cfg(test)]
mod tests;
