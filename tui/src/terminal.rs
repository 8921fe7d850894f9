//! The terminal while the dashboard has it, and as it was before.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    panic,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use crossterm::{
    cursor, event, execute, queue, style,
    terminal::{self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen},
};
use ratatui::{Terminal, backend::CrosstermBackend, layout::Rect};
use rustix::process::{Signal, getpgrp, getpid, getsid, kill_current_process_group, kill_process};

use crate::{
    app::App,
    gone, screen,
    show::Surface,
    urgent::{deliver, on_terminal},
};

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// Where it is drawn. What comes when the dashboard does not have it, as ratatui's last words when it is dropped, is meant for nobody.
struct Out {
    to: Box<dyn Write + Send>,
    given: Arc<Given>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.given.ours.load(Ordering::SeqCst) { self.to.write(bytes) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.given.ours.load(Ordering::SeqCst) { self.to.flush() } else { Ok(()) }
    }
}

/// The terminal in the dashboard's hands. It is given back when this is dropped, and before a panic speaks.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Out>>>,
    given: Arc<Given>,
    hook: Arc<Mutex<Option<Hook>>>,
    title: Option<String>,
}

/// What was changed of the terminal.
#[derive(Debug)]
struct Given {
    /// Whether it is the dashboard's just now.
    ours: AtomicBool,
    /// Whether it never is again.
    over: AtomicBool,
    mouse: bool,
    titled: bool,
}

/// What is changed of the terminal just now, for those who end the process at once.
static HELD: Mutex<Weak<Given>> = Mutex::new(Weak::new());

fn held() -> MutexGuard<'static, Weak<Given>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So long the terminal is given to take what it was told before it is given back; then that is thrown away.
const PATIENCE: Duration = Duration::from_secs(3);

/// The same where a process is to end at once.
const HASTE: Duration = Duration::from_millis(200);

/// Gives the terminal back, if a dashboard has it: to be called before a process is ended without the dashboard's own end. Takes a second or two at most.
pub fn give_back() {
    if let Some(given) = held().upgrade() {
        given.over.store(true, Ordering::SeqCst);
        given.ours.store(false, Ordering::SeqCst);
        // Also where the dashboard is about to do so, which may be cut off. Nobody is left to tell.
        let _ = given.restore(HASTE);
    }
}

/// Standard output, or where that is no terminal standard error: with nothing of the program's own between, so that whoever waits here keeps nobody else.
pub(crate) fn out() -> Box<dyn Write + Send> {
    match on_terminal(&|out| out.as_fd().try_clone_to_owned()) {
        Some(Ok(fd)) => Box::new(File::from(fd)),
        Some(Err(_)) | None => Box::new(io::sink()),
    }
}

impl Screen {
    /// Takes the terminal.
    pub(crate) fn new(mouse: bool, titled: bool) -> io::Result<Self> {
        let given = Arc::new(Given { ours: AtomicBool::new(false), over: AtomicBool::new(false), mouse, titled });
        let drawn_on = Out { to: out(), given: Arc::clone(&given) };
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, drawn_on)))?;
        *held() = Arc::downgrade(&given);
        let hook = Arc::new(Mutex::new(Some(panic::take_hook())));
        let (ours, before) = (Arc::clone(&given), Arc::clone(&hook));
        panic::set_hook(Box::new(move |info| {
            // A panic of a task beside the dashboard is told on the screen that stays; the dashboard comes back with its next picture.
            let _ = ours.leave();
            if let Some(hook) = &*before.lock().unwrap_or_else(PoisonError::into_inner) {
                hook(info);
            }
        }));
        // From here on whatever goes wrong gives back what was taken, as does the end.
        let mut screen = Self { terminal, given, hook, title: None };
        screen.enter()?;
        Ok(screen)
    }

    fn enter(&mut self) -> io::Result<()> {
        if self.given.over.load(Ordering::SeqCst) {
            return Err(io::Error::other("the terminal was given back"));
        }
        self.given.ours.store(true, Ordering::SeqCst);
        terminal::enable_raw_mode()?;
        let mut out = BufWriter::new(out());
        if self.given.titled {
            // The title goes onto the terminal's own stack.
            queue!(out, style::Print("\u{1b}[22;2t"))?;
        }
        execute!(out, EnterAlternateScreen, cursor::Hide)?;
        if self.given.mouse {
            execute!(out, event::EnableMouseCapture)?;
        }
        self.title = None;
        self.clear()
    }

    fn title(&mut self, title: String) -> io::Result<()> {
        if self.given.titled && self.title.as_ref() != Some(&title) {
            execute!(self.terminal.backend_mut(), terminal::SetTitle(&title))?;
            self.title = Some(title);
        }
        Ok(())
    }
}

impl Surface for Screen {
    /// All of a picture at once, so that nobody sees half of it.
    fn draw(&mut self, app: &mut App) -> io::Result<()> {
        if self.away() {
            self.enter()?;
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| screen::draw(frame, app))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        self.title(screen::title(app))
    }

    fn area(&self) -> Rect {
        let size = self.terminal.size().unwrap_or_default();
        Rect::new(0, 0, size.width, size.height)
    }

    fn away(&self) -> bool {
        !self.given.ours.load(Ordering::SeqCst)
    }

    fn gone(&mut self) -> bool {
        gone::is_gone()
    }

    fn bell(&mut self) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), style::Print('\u{7}'))
    }

    /// The clipboard is that of the terminal, which may be far away.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), style::Print(format!("\u{1b}]52;c;{}\u{7}", BASE64_STANDARD.encode(text))))
    }

    /// Not by `Terminal::clear`: that asks the terminal where its cursor is, and the answer would be read as keys.
    fn clear(&mut self) -> io::Result<()> {
        self.terminal.resize(self.area())
    }

    /// All of a pipeline is to stop, as it would without the dashboard. The signal comes back to this process, too.
    fn ask_shell(&mut self) -> io::Result<()> {
        if has_shell() {
            kill_current_process_group(Signal::TSTP)?;
        }
        Ok(())
    }

    /// The terminal is taken again when the shell says to go on.
    fn suspend(&mut self) -> io::Result<()> {
        if has_shell() {
            self.given.leave()?;
        }
        stop()
    }

    /// The shell has made of the terminal what it likes.
    fn resume(&mut self) -> io::Result<()> {
        self.given.leave()?;
        self.enter()
    }
}

/// Stops this process until it is told to go on, as job control does; for whoever listens for SIGTSTP, which then stops nobody by itself.
pub fn stop() -> io::Result<()> {
    // Where no shell looks after jobs, nobody would ever let it go on, and the kernel's own SIGTSTP is ignored as well.
    if has_shell() {
        kill_process(getpid(), Signal::STOP)?;
        // Another thread may be the one that takes the signal, and this one runs on until it did.
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Whether a shell above made a job of this process: whoever does job control gives each job a process group of its own.
fn has_shell() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

impl Given {
    fn leave(&self) -> io::Result<()> {
        if !self.ours.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        self.restore(PATIENCE)
    }

    fn restore(&self, patience: Duration) -> io::Result<()> {
        let written = self.reset().and_then(|bytes| deliver(&bytes, patience));
        // Also where nothing can be written any more.
        terminal::disable_raw_mode().and(written)
    }

    /// What undoes all that was written to take it.
    fn reset(&self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        if self.mouse {
            queue!(out, event::DisableMouseCapture)?;
        }
        if self.titled {
            queue!(out, style::Print("\u{1b}[23;2t"))?;
        }
        queue!(out, EndSynchronizedUpdate, LeaveAlternateScreen, cursor::Show, style::ResetColor)?;
        Ok(out)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.given.leave();
        // A thread that panics may not change the hook.
        if !std::thread::panicking()
            && let Some(hook) = self.hook.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            panic::set_hook(hook);
        }
    }
}
