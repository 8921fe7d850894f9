//! A dashboard on an imagined terminal, at a time that stands still.

use std::{fs, io::BufReader, path::Path};

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use super::world::World;
use crate::{
    Frame, Settings, Signal, Status, Zone,
    app::{App, Effect},
    recording, screen,
    theme::Theme,
};

/// A dashboard that is being tried.
pub(super) struct Stage {
    pub(super) app: App,
    pub(super) now: DateTime<Utc>,
}

/// When worlds begin.
pub(super) fn start() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

pub(super) fn world() -> World {
    World::new(start(), 24, 12)
}

/// Settings under which a screen is the same everywhere.
pub(super) fn settings() -> Settings {
    Settings { zone: Zone::Utc, ..Settings::default() }
}

impl Stage {
    pub(super) fn new(names: &[&str], settings: Settings) -> Self {
        let theme = Theme::new(&settings, |name| (name == "TERM").then(|| "xterm-256color".into()));
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self { app: App::new(names, settings, theme, start()), now: start() }
    }

    /// Has a world tell of its last five minutes, up to a second.
    pub(super) fn of(world: &World, second: i64, settings: Settings) -> Self {
        let mut stage = Self::new(&[world.instance], settings);
        stage.play(0, world, second);
        stage
    }

    pub(super) fn play(&mut self, source: usize, world: &World, second: i64) {
        let first = (second - 300).max(0);
        let mut before = world.status(first);
        self.now = before.head.at;
        self.tell(source, before.clone());
        for second in (first + 5..=second).step_by(5) {
            let after = world.status(second);
            self.now = after.head.at;
            self.app.signal(source, Signal::Frame(World::update(&before, &after)), self.now);
            before = after;
        }
    }

    /// Has a recording tell.
    pub(super) fn replay(&mut self, entries: &[recording::Entry]) {
        for entry in entries {
            self.now = entry.at;
            self.app.signal(0, Signal::Frame(entry.frame.clone()), entry.at);
        }
    }

    pub(super) fn tell(&mut self, source: usize, status: Status) {
        self.app.signal(source, Signal::Frame(Frame::Status(Box::new(status))), self.now);
    }

    pub(super) fn wait(&mut self, seconds: i64) -> bool {
        self.now += TimeDelta::seconds(seconds);
        self.app.tick(self.now)
    }

    /// Presses keys, each a character, or a name in angle brackets.
    pub(super) fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut rest = keys;
        while let Some(character) = rest.chars().next() {
            let (code, length) = match rest.find('>').filter(|_| character == '<') {
                Some(end) => {
                    let code = match &rest[1..end] {
                        "enter" => KeyCode::Enter,
                        "esc" => KeyCode::Esc,
                        "tab" => KeyCode::Tab,
                        "space" => KeyCode::Char(' '),
                        "pgdn" => KeyCode::PageDown,
                        "end" => KeyCode::End,
                        other => panic!("unknown key {other}"),
                    };
                    (code, end + 1)
                }
                None => (KeyCode::Char(character), character.len_utf8()),
            };
            // Rows are as they were last seen.
            self.app.prepare();
            effects.extend(self.app.key(KeyEvent::new(code, KeyModifiers::NONE), self.now));
            rest = &rest[length..];
        }
        effects
    }

    pub(super) fn buffer(&mut self, width: u16, height: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen::draw(frame, &mut self.app)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen as text.
    pub(super) fn screen(&mut self, width: u16, height: u16) -> String {
        let buffer = self.buffer(width, height);
        let mut out = String::new();
        for y in 0..height {
            let mut x = 0;
            let mut line = String::new();
            while x < width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += crate::safe::width(symbol).max(1) as u16;
            }
            out += line.trim_end();
            out.push('\n');
        }
        out
    }
}

/// A recording of a real run.
pub(super) struct Recording {
    pub(super) name: String,
    pub(super) entries: Vec<recording::Entry>,
    /// What its `/quarantine` said at the end, where that was asked.
    pub(super) quarantine: Option<String>,
}

/// Recordings of real runs (`scripts/record-worlds`).
pub(super) fn recordings() -> Vec<Recording> {
    let worlds = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds");
    let mut paths: Vec<_> = fs::read_dir(worlds).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let file = BufReader::new(fs::File::open(&path).unwrap());
        let entries = recording::read(file).collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let quarantine = fs::read_to_string(path.with_extension("quarantine.json")).ok();
        Recording { name, entries, quarantine }
    };
    paths.into_iter().map(read).collect()
}
