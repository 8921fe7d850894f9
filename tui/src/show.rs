//! The dashboard's life: it waits for frames, keys, answers and seconds, and draws when one of them changed the picture.

use std::{future::Future, io, pin::pin, task::Poll, time::Duration};

use chrono::Utc;
use crossterm::event::{Event, EventStream};
use rustix::process::Signal as Raised;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_stream::StreamExt;

use crate::{
    Action, Ask, Settings, Signal, Source,
    app::{App, Effect},
    screen,
    status::Quarantined,
    terminal::Screen,
    theme::Theme,
};

/// The least time between two pictures.
const FRAME: Duration = Duration::from_millis(100);

/// How the dashboard was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The work is to stop.
    Stop,
    /// The work goes on without a dashboard.
    Detach,
    /// It was ended from outside.
    Ended,
}

/// An answer to something asked.
enum Answer {
    Acted(usize, Action, Result<String, String>),
    Listed(usize, Result<Vec<Quarantined>, String>),
}

/// Shows the dashboard until a person leaves it or `ending` is over. The terminal is as it was before on every way out: also when this is
/// dropped, and before a panic is told.
pub async fn show(sources: Vec<Source>, settings: Settings, ending: impl Future<Output = ()>) -> io::Result<Left> {
    let theme = Theme::new(&settings, |name| std::env::var(name).ok());
    let mut screen = Screen::new(settings.mouse, settings.title)?;
    let names = sources.iter().map(|source| source.name.clone()).collect();
    let (mut frames, asks): (Vec<_>, Vec<_>) = sources.into_iter().map(|source| (source.frames, source.asks)).unzip();
    let mut app = App::new(names, settings, theme, Utc::now());
    let mut events = EventStream::new();
    let mut continued = signal(SignalKind::from_raw(Raised::CONT.as_raw()))?;
    let mut answers: JoinSet<Answer> = JoinSet::new();
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut ending = pin!(ending);
    // When the picture is due that says what changed; none while nothing did.
    let mut due = Some(Instant::now());
    let mut drawn: Option<Instant> = None;
    loop {
        let mut changed = true;
        let effects = tokio::select! {
            () = &mut ending => return Ok(Left::Ended),
            event = events.next() => match event {
                Some(event) => react(&mut app, &screen, event?),
                // The terminal is gone, and with it whoever looked.
                None => return Ok(Left::Detach),
            },
            (source, signal) = next(&mut frames) => {
                let (seen, effects) = app.signal(source, signal.unwrap_or(Signal::Closed { reason: None }), Utc::now());
                changed = seen;
                effects
            }
            Some(Ok(answer)) = answers.join_next() => match answer {
                Answer::Acted(source, action, answer) => app.acted(source, &action, answer),
                Answer::Listed(source, answer) => {
                    app.listed(source, answer);
                    Vec::new()
                }
            },
            Some(()) = continued.recv() => {
                screen.resume()?;
                Vec::new()
            }
            _ = seconds.tick() => {
                changed = app.tick(Utc::now()) || screen.away();
                Vec::new()
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                picture(&mut app, &mut screen)?;
                (due, drawn) = (None, Some(Instant::now()));
                continue;
            }
        };
        for effect in effects {
            match effect {
                Effect::Leave(left) => return Ok(left),
                Effect::Act(source, action) => act(&mut answers, asks[source].as_ref(), source, action),
                Effect::List(source) => list(&mut answers, asks[source].as_ref(), source),
                Effect::Copy(text) => screen.copy(&text)?,
                Effect::Bell => screen.bell()?,
                Effect::Redraw => screen.clear()?,
                Effect::Suspend => screen.suspend()?,
            }
        }
        if changed && due.is_none() {
            due = Some(drawn.map_or_else(Instant::now, |drawn| drawn + FRAME));
        }
    }
}

fn picture(app: &mut App, screen: &mut Screen) -> io::Result<()> {
    screen.draw(|frame| screen::draw(frame, app))?;
    screen.title(&screen::title(app))
}

fn react(app: &mut App, screen: &Screen, event: Event) -> Vec<Effect> {
    match event {
        Event::Key(key) => app.key(key, Utc::now()),
        Event::Mouse(mouse) => {
            let spot = screen::spot(app, screen.area(), mouse.column, mouse.row);
            app.mouse(mouse, spot)
        }
        _ => Vec::new(),
    }
}

/// What comes next from any of them; a source that is over says so once.
async fn next(sources: &mut [mpsc::Receiver<Signal>]) -> (usize, Option<Signal>) {
    std::future::poll_fn(|context| {
        for (source, frames) in sources.iter_mut().enumerate() {
            if frames.is_closed() && frames.is_empty() {
                continue;
            }
            if let Poll::Ready(signal) = frames.poll_recv(context) {
                if signal.is_none() {
                    frames.close();
                }
                return Poll::Ready((source, signal));
            }
        }
        Poll::Pending
    })
    .await
}

/// What is said where nobody answers.
const GONE: &str = "the appliance does not answer";

fn act(answers: &mut JoinSet<Answer>, asks: Option<&mpsc::Sender<Ask>>, source: usize, action: Action) {
    let (answer, answered) = oneshot::channel();
    let asked = asks.map(|asks| asks.try_send(Ask::Act { action: action.clone(), answer }));
    answers.spawn(async move {
        let answer = match asked {
            None => Err("nothing can be asked of it".into()),
            Some(Err(_)) => Err(GONE.into()),
            Some(Ok(())) => answered.await.unwrap_or_else(|_| Err(GONE.into())),
        };
        Answer::Acted(source, action, answer)
    });
}

fn list(answers: &mut JoinSet<Answer>, asks: Option<&mpsc::Sender<Ask>>, source: usize) {
    let (answer, answered) = oneshot::channel();
    let asked = asks.map(|asks| asks.try_send(Ask::Quarantine { answer }));
    answers.spawn(async move {
        let answer = match asked {
            None => Err("it cannot be asked for".into()),
            Some(Err(_)) => Err(GONE.into()),
            Some(Ok(())) => answered.await.unwrap_or_else(|_| Err(GONE.into())),
        };
        Answer::Listed(source, answer)
    });
}
