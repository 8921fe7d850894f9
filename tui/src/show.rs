//! The dashboard's life: it waits for frames, keys, answers and seconds, and draws when one of them changed the picture.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
    time::Duration,
};

use chrono::{DateTime, Utc};
use crossterm::event::{Event, EventStream};
use ratatui::layout::Rect;
use rustix::process::Signal as Raised;
use tokio::{
    signal::unix::{self, SignalKind, signal},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_stream::{Stream, StreamExt};

use crate::{
    Action, Ask, Settings, Signal, Source,
    app::{App, Effect},
    screen,
    status::Listing,
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
    /// The same, since the terminal was closed.
    Gone,
    /// It was ended from outside.
    Ended,
    /// The same, but the terminal took nothing any more: whoever writes more to it than it has room for waits until it does, perhaps for ever.
    Stalled,
}

/// An answer to something asked.
enum Answer {
    Acted(usize, Action, Result<String, String>),
    Listed(usize, Result<Listing, String>),
}

/// What pictures are drawn on.
pub(crate) trait Surface {
    /// Draws the picture of now.
    fn draw(&mut self, app: &mut App) -> io::Result<()>;
    /// All of it.
    fn area(&self) -> Rect;
    /// Whether it was taken away meanwhile.
    fn away(&self) -> bool;
    /// Whether nobody is before it any more.
    fn gone(&mut self) -> bool;
    /// Rings the bell.
    fn bell(&mut self) -> io::Result<()>;
    /// Hands a text to the clipboard.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Forgets what was drawn.
    fn clear(&mut self) -> io::Result<()>;
    /// Asks for what [`suspend`](Self::suspend) does, of everybody at work in this job.
    fn ask_shell(&mut self) -> io::Result<()>;
    /// Gives it back, and stops until the shell says to go on.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes it again.
    fn resume(&mut self) -> io::Result<()>;
}

/// Shows the dashboard until a person leaves it or `ending` is over.
pub(crate) async fn show(sources: Vec<Source>, settings: Settings, ending: impl Future<Output = ()>) -> io::Result<Left> {
    let theme = Theme::new(&settings, |name| std::env::var(name).ok());
    let mut screen = Screen::new(settings.mouse, settings.title)?;
    let names = sources.iter().map(|source| source.name.clone()).collect();
    let app = App::new(names, settings, theme, Utc::now());
    let listen = |raised: Raised| signal(SignalKind::from_raw(raised.as_raw()));
    let job = Job { stopped: listen(Raised::TSTP)?, continued: listen(Raised::CONT)? };
    let left = run(app, sources, EventStream::new(), job, ending, &mut screen, Utc::now).await;
    // Of a terminal that was closed it is mostly a picture that learns it first.
    match left {
        Err(_) if screen.gone() => Ok(Left::Gone),
        left => left,
    }
}

/// What a shell tells its jobs.
pub(crate) struct Job {
    /// To stop for a while.
    pub(crate) stopped: unix::Signal,
    /// To go on.
    pub(crate) continued: unix::Signal,
}

/// The same with everything that is outside of it handed in.
pub(crate) async fn run(
    mut app: App,
    sources: Vec<Source>,
    mut events: impl Stream<Item = io::Result<Event>> + Unpin,
    mut job: Job,
    ending: impl Future<Output = ()>,
    screen: &mut impl Surface,
    now: impl Fn() -> DateTime<Utc>,
) -> io::Result<Left> {
    let (mut frames, asks): (Vec<_>, Vec<_>) = sources.into_iter().map(|source| (Some(source.frames), source.asks)).unzip();
    let mut answers: JoinSet<Answer> = JoinSet::new();
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut ending = pin!(ending);
    // When the picture is due that says what changed; none while nothing did.
    let mut due = Some(Instant::now());
    let mut drawn: Option<Instant> = None;
    // Stopped by the shell. The stop reaches all threads only after a moment, in which nothing may take the terminal again.
    let mut standing = false;
    loop {
        let mut changed = true;
        let effects = tokio::select! {
            () = &mut ending => return Ok(Left::Ended),
            event = events.next() => match event {
                Some(event) => react(&mut app, screen, event?, now()),
                // The terminal is gone, and with it whoever looked.
                None => return Ok(Left::Gone),
            },
            (source, signal) = next(&mut frames) => {
                let (seen, effects) = app.signal(source, signal, now());
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
            Some(()) = job.stopped.recv() => {
                screen.suspend()?;
                standing = screen.away();
                changed = false;
                Vec::new()
            }
            Some(()) = job.continued.recv() => {
                standing = false;
                screen.resume()?;
                Vec::new()
            }
            _ = seconds.tick() => {
                if screen.gone() {
                    return Ok(Left::Gone);
                }
                changed = app.tick(now()) || screen.away();
                Vec::new()
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() && !standing => {
                screen.draw(&mut app)?;
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
                Effect::Suspend => screen.ask_shell()?,
            }
        }
        if changed && due.is_none() {
            due = Some(drawn.map_or_else(Instant::now, |drawn| drawn + FRAME));
        }
    }
}

fn react(app: &mut App, screen: &impl Surface, event: Event, now: DateTime<Utc>) -> Vec<Effect> {
    match event {
        Event::Key(key) => app.key(key, now),
        Event::Mouse(mouse) => {
            let spot = screen::spot(app, screen.area(), mouse.column, mouse.row);
            app.mouse(mouse, spot)
        }
        _ => Vec::new(),
    }
}

/// What comes next from any of them. A source that is over says so once, and is forgotten.
async fn next(sources: &mut [Option<mpsc::Receiver<Signal>>]) -> (usize, Signal) {
    poll_fn(|context| {
        for (source, frames) in sources.iter_mut().enumerate() {
            match frames.as_mut().map(|frames| frames.poll_recv(context)) {
                Some(Poll::Ready(Some(signal))) => return Poll::Ready((source, signal)),
                Some(Poll::Ready(None)) => {
                    *frames = None;
                    return Poll::Ready((source, Signal::Closed { reason: None }));
                }
                Some(Poll::Pending) | None => {}
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
            None => Err("nothing can be asked of a recording".into()),
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
            None => Err("a recording does not hold it".into()),
            Some(Err(_)) => Err(GONE.into()),
            Some(Ok(())) => answered.await.unwrap_or_else(|_| Err(GONE.into())),
        };
        Answer::Listed(source, answer)
    });
}
