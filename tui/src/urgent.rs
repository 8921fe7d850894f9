//! Last words to a terminal, which reach it although it takes nothing, as that of a connection whose other end sleeps.

use std::{
    io::{self, IsTerminal, Write},
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    io::{Errno, write},
    termios::{Action, QueueSelector, tcflow, tcflush, ttyname},
};

use crate::terminal::out;

/// So long it is tried when there ought to be room.
const ROOM: Duration = Duration::from_secs(1);

/// Between two looks whether there is room.
const LOOK: Duration = Duration::from_millis(50);

/// Writes all of this. After `patience` what was written before is thrown away where it was not taken.
pub(crate) fn deliver(bytes: &[u8], patience: Duration) -> io::Result<()> {
    let Some(terminal) = unblocked() else {
        let mut out = out();
        return out.write_all(bytes).and_then(|()| out.flush());
    };
    let began = Instant::now();
    let mut left = bytes;
    while !left.is_empty() {
        match write(&terminal, left) {
            Ok(written) => left = left.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if began.elapsed() < patience + ROOM => {
                if began.elapsed() >= patience {
                    discard();
                    left = bytes;
                }
                let look = Timespec { tv_sec: 0, tv_nsec: LOOK.subsec_nanos().into() };
                // In vain or not, it is tried again.
                let _ = poll(&mut [PollFd::new(&terminal, PollFlags::OUT)], Some(&look));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Throws away what was written and the terminal did not take: whoever waits for it to do so goes on.
pub(crate) fn discard() {
    let discard = |out: &dyn AsFd| {
        tcflow(out, Action::OOff)?;
        let flushed = tcflush(out, QueueSelector::OFlush);
        // Only this wakes those who wait to write.
        tcflow(out, Action::OOn).and(flushed)
    };
    // What is no terminal any more keeps nobody waiting.
    let _ = on_terminal(&discard);
}

/// The same terminal, opened so that whoever writes never waits. `None` where it has no name here.
fn unblocked() -> Option<OwnedFd> {
    let name = on_terminal(&|out| ttyname(out, Vec::new()))?.ok()?;
    open(name, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).ok()
}

/// On standard output, or where that is no terminal on standard error. `None` where neither is, as when it was closed: what is meant for a terminal has no
/// place in a file.
pub(crate) fn on_terminal<T>(act: &dyn Fn(&dyn AsFd) -> T) -> Option<T> {
    let (out, err) = (io::stdout(), io::stderr());
    match (out.is_terminal(), err.is_terminal()) {
        (true, _) => Some(act(&out)),
        (false, true) => Some(act(&err)),
        (false, false) => None,
    }
}
