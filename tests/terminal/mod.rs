//! A pseudo-terminal with a person before it: keys go in, and what is on the screen is looked at.

use std::{
    io::{Read, Write},
    num::NonZero,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a screen is waited for. Machines may be slow; a screen that never comes is told with what was there instead.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where is the cursor?
const QUESTION: &[u8] = b"\x1b[6n";

/// A terminal and the shell on it.
pub struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    keys: Arc<Mutex<Box<dyn Write + Send>>>,
    master: Box<dyn MasterPty + Send>,
    shell: Shell,
    gone: Arc<AtomicBool>,
    /// Held by whoever reads, except while nothing is to be read.
    takes: Arc<Mutex<()>>,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).expect("a terminal has rows and columns")
}

impl Terminal {
    /// A shell that runs `script` on a terminal of so many columns and rows.
    pub fn run(script: &str, folder: &Path, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", script]);
        command.cwd(folder);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        let shell = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let (mut from, seen, answers) = (pair.master.try_clone_reader().unwrap(), screen.clone(), keys.clone());
        let gone = Arc::new(AtomicBool::new(false));
        let takes = Arc::new(Mutex::new(()));
        let (closed, taking) = (gone.clone(), takes.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(read @ 1..) = from.read(&mut bytes) {
                drop(taking.lock().unwrap());
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                let mut parser = seen.lock().unwrap();
                parser.process(&bytes[..read]);
                // Whoever asks where the cursor is waits for the answer of the terminal (ECMA-48, DSR).
                if bytes[..read].windows(QUESTION.len()).any(|bytes| bytes == QUESTION) {
                    let (row, column) = parser.screen().cursor_position();
                    let answer = format!("\u{1b}[{};{}R", row + 1, column + 1);
                    let _ = answers.lock().unwrap().write_all(answer.as_bytes());
                }
            }
        });
        Self { screen, keys, master: pair.master, shell: Shell(shell), gone, takes }
    }

    /// Presses these keys.
    pub fn press(&mut self, keys: &str) {
        let mut to = self.keys.lock().unwrap();
        to.write_all(keys.as_bytes()).unwrap();
        to.flush().unwrap();
    }

    /// Makes the window another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Nothing is taken of what is written while this is locked, as of a connection that sleeps.
    pub fn takes(&self) -> Arc<Mutex<()>> {
        self.takes.clone()
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as it should be.
    pub fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.text();
            if holds(&text) {
                return text;
            }
            assert!(start.elapsed() < PATIENCE, "{what} is not seen:\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until these words are on the screen.
    pub fn sees(&self, words: &str) -> String {
        self.until(words, |text| text.contains(words))
    }

    /// Whether the terminal is as a shell wants it: its own screen, a cursor, no reports of the mouse.
    pub fn is_sane(&self) -> bool {
        let parser = self.screen.lock().unwrap();
        let screen = parser.screen();
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }

    /// Waits for the end of the shell.
    pub fn ended(mut self) {
        code(&mut *self.shell.0);
    }

    /// Closes the terminal, as when a window or a connection is closed, and gives what runs on it.
    pub fn hung_up(self) -> Shell {
        // Who reads holds it open until there is something to be read, which is so each second.
        self.gone.store(true, Ordering::SeqCst);
        self.shell
    }
}

fn code(shell: &mut (dyn Child + Send + Sync)) -> u32 {
    let start = Instant::now();
    loop {
        if let Some(status) = shell.try_wait().unwrap() {
            // One that was killed has a code of its own, which is not 0.
            return status.exit_code();
        }
        assert!(start.elapsed() < PATIENCE, "it does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What runs on a terminal. The hangup ends what a failed test leaves behind.
pub struct Shell(Box<dyn Child + Send + Sync>);

impl Shell {
    /// The code with which it ends.
    pub fn code(mut self) -> u32 {
        code(&mut *self.0)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}
