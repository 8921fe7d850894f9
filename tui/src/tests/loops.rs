//! The dashboard's life on a clock that is wound by hand: when it draws, what it asks, how it is left.

use std::{
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, layout::Rect};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    stage::{settings, start, world},
    world::World,
};
use crate::{
    Action, Ask, Frame, Left, Settings, Signal, Source,
    app::App,
    screen,
    show::{Job, Surface, run},
    status::State,
    theme::Theme,
};

/// A surface that counts.
struct Paper {
    terminal: Terminal<TestBackend>,
    drawn: Arc<AtomicUsize>,
}

impl Surface for Paper {
    fn draw(&mut self, app: &mut App) -> io::Result<()> {
        self.drawn.fetch_add(1, Ordering::SeqCst);
        self.terminal.draw(|frame| screen::draw(frame, app)).map_err(io::Error::other)?;
        Ok(())
    }

    fn area(&self) -> Rect {
        Rect::new(0, 0, 100, 30)
    }

    fn away(&self) -> bool {
        false
    }

    fn gone(&mut self) -> bool {
        false
    }

    fn bell(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn copy(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn ask_shell(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A dashboard that runs, and all that it is fed by.
struct Running {
    frames: mpsc::Sender<Signal>,
    asked: mpsc::Receiver<Ask>,
    keys: mpsc::Sender<io::Result<Event>>,
    drawn: Arc<AtomicUsize>,
    left: JoinHandle<io::Result<Left>>,
}

impl Running {
    fn new(settings: Settings, ending: impl Future<Output = ()> + Send + 'static) -> Self {
        let ((frames, receiver), (asks, asked), (keys, events)) = (mpsc::channel(64), mpsc::channel(8), mpsc::channel(8));
        let drawn = Arc::new(AtomicUsize::new(0));
        let mut paper = Paper { terminal: Terminal::new(TestBackend::new(100, 30)).unwrap(), drawn: Arc::clone(&drawn) };
        let theme = Theme::new(&settings, |_| None);
        let app = App::new(vec!["alpha-0".into()], settings, theme, start());
        let source = Source { name: "alpha-0".into(), frames: receiver, asks: Some(asks) };
        let job = Job { stopped: signal(SignalKind::user_defined2()).unwrap(), continued: signal(SignalKind::child()).unwrap() };
        let began = Instant::now();
        let now = move || start() + TimeDelta::from_std(began.elapsed()).unwrap();
        let events = ReceiverStream::new(events);
        let left = tokio::spawn(async move { run(app, vec![source], events, job, ending, &mut paper, now).await });
        Self { frames, asked, keys, drawn, left }
    }

    async fn tell(&self, world: &World, second: i64) {
        self.frames.send(Signal::Frame(Frame::Status(Box::new(world.status(second))))).await.unwrap();
    }

    async fn press(&self, code: KeyCode) {
        self.keys.send(Ok(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))).await.unwrap();
        sleep(Duration::from_millis(150)).await;
    }

    /// What it asks, within a minute.
    async fn ask(&mut self) -> Option<Ask> {
        timeout(Duration::from_secs(60), self.asked.recv()).await.ok().flatten()
    }

    /// How often it draws in so many milliseconds.
    async fn draws(&self, millis: u64) -> usize {
        let before = self.drawn.load(Ordering::SeqCst);
        sleep(Duration::from_millis(millis)).await;
        self.drawn.load(Ordering::SeqCst) - before
    }
}

#[tokio::test(start_paused = true)]
async fn it_draws_when_something_changed_and_not_more_than_ten_times_a_second() {
    let running = Running::new(settings(), pending());
    running.tell(&world(), 600).await;
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(running.draws(10_000).await, 10, "a clock on the screen ticks once a second");
    for _ in 0..200 {
        running.tell(&world(), 601).await;
        sleep(Duration::from_millis(10)).await;
    }
    let drawn = running.drawn.load(Ordering::SeqCst);
    assert!(drawn <= 2 + 11 + 22, "{drawn} pictures of 200 frames in 2 s");
    running.press(KeyCode::Char(' ')).await;
    assert_eq!(running.draws(60_000).await, 0, "the picture is held still");
    running.tell(&world(), 700).await;
    assert_eq!(running.draws(5000).await, 0, "also while frames come");
    running.press(KeyCode::Char(' ')).await;
    running.tell(&World { state: State::Ended, ..world() }, 800).await;
    sleep(Duration::from_millis(2500)).await;
    assert_eq!(running.draws(600_000).await, 0, "nothing changes after the end");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_is_answered() {
    let mut running = Running::new(settings(), pending());
    running.tell(&world(), 600).await;
    sleep(Duration::from_millis(200)).await;
    running.press(KeyCode::Char('v')).await;
    let Some(Ask::Act { action: Action::Verify { .. }, answer }) = running.ask().await else { panic!("it is not asked") };
    let drawn = running.drawn.load(Ordering::SeqCst);
    answer.send(Err("it is being verified already".into())).unwrap();
    sleep(Duration::from_millis(150)).await;
    assert!(running.drawn.load(Ordering::SeqCst) > drawn, "the answer is shown");
    running.press(KeyCode::Char('3')).await;
    let Some(Ask::Quarantine { answer }) = running.ask().await else { panic!("it is not asked") };
    // Whoever is gone has answered, too.
    drop(answer);
    running.press(KeyCode::Char('q')).await;
    assert_eq!(running.left.await.unwrap().unwrap(), Left::Detach);
}

#[tokio::test(start_paused = true)]
async fn it_is_left_in_every_way() {
    let own = || Settings { own: true, ..settings() };
    let running = Running::new(own(), sleep(Duration::from_secs(7)));
    drop(running.frames);
    assert_eq!(running.left.await.unwrap().unwrap(), Left::Ended, "also where nothing comes any more");
    let running = Running::new(own(), pending());
    running.press(KeyCode::Char('q')).await;
    assert!(!running.left.is_finished(), "it asks first");
    running.press(KeyCode::Enter).await;
    assert_eq!(running.left.await.unwrap().unwrap(), Left::Stop);
    let running = Running::new(own(), pending());
    running.press(KeyCode::Char('d')).await;
    assert_eq!(running.left.await.unwrap().unwrap(), Left::Detach);
    let Running { keys, left, frames, .. } = Running::new(own(), pending());
    drop(keys);
    assert_eq!(left.await.unwrap().unwrap(), Left::Gone, "a terminal that is gone");
    drop(frames);
}
