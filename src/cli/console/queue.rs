//! Lines on their way to somebody who may read them slowly, or not at all: whoever tells waits for nobody.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Bytes that wait at most. Lines that come while so many do are counted, not kept: what they tell of goes on, and memory is bounded.
const LIMIT: usize = 1 << 20;

/// Lines that wait, and the thread that writes them.
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    /// Bytes of these, and of the line that is being written.
    bytes: usize,
    /// Whether the thread is at work.
    busy: bool,
    /// Lines written so far.
    written: u64,
    /// How many of these there were when somebody gave up waiting.
    given_up: Option<u64>,
    /// Lines that found no room.
    lost: u64,
}

impl Queue {
    /// Has a thread write each line with `write`, and tell with `tell_lost` of lines that found no room once there is room again. None where the system
    /// has no thread to spare.
    pub fn start(write: impl Fn(&[u8]) + Send + 'static, tell_lost: impl Fn(u64) + Send + 'static) -> Option<Arc<Self>> {
        let queue = Arc::new(Self { state: Mutex::default(), changed: Condvar::new() });
        let of_thread = Arc::clone(&queue);
        let thread = thread::Builder::new().name("lines".to_owned()).spawn(move || {
            loop {
                let line = of_thread.next();
                write(&line);
                let lost = of_thread.wrote(line.len());
                if lost > 0 {
                    tell_lost(lost);
                }
                of_thread.rest();
            }
        });
        thread.ok().map(|_| queue)
    }

    /// Has a line written when its turn comes. One that is longer than all that may wait finds room where nothing waits.
    pub fn push(&self, line: Vec<u8>) {
        let mut state = self.held();
        if state.bytes > 0 && state.bytes + line.len() > LIMIT {
            state.lost += 1;
            return;
        }
        state.bytes += line.len();
        state.waiting.push_back(line);
        self.changed.notify_all();
    }

    /// Waits so long at most until all is written that was pushed so far; not at all where that was in vain before and not a line was taken since.
    /// Whether all is.
    pub fn settle(&self, patience: Duration) -> bool {
        let (mut state, began) = (self.held(), Instant::now());
        while state.busy || !state.waiting.is_empty() {
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() || state.given_up == Some(state.written) {
                state.given_up = Some(state.written);
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn next(&self) -> Vec<u8> {
        let mut state = self.held();
        loop {
            if let Some(line) = state.waiting.pop_front() {
                state.busy = true;
                return line;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A line of so many bytes was written. Gives how many found no room, once all that did is written.
    fn wrote(&self, bytes: usize) -> u64 {
        let mut state = self.held();
        state.written += 1;
        state.bytes -= bytes;
        if state.waiting.is_empty() { std::mem::take(&mut state.lost) } else { 0 }
    }

    fn rest(&self) {
        self.held().busy = false;
        self.changed.notify_all();
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A queue whose lines are taken one by one by the receiver, and whose losses are told by the other one.
    fn taken() -> (Arc<Queue>, mpsc::Receiver<Vec<u8>>, mpsc::Receiver<u64>) {
        let ((give, take), (tell, lost)) = (mpsc::sync_channel(0), mpsc::channel());
        let queue = Queue::start(move |line| drop(give.send(line.to_vec())), move |lines| tell.send(lines).unwrap_or_default()).unwrap();
        (queue, take, lost)
    }

    #[test]
    fn whoever_tells_waits_for_nobody_and_what_found_no_room_is_told() {
        let (queue, take, lost) = taken();
        for n in 0..20_000_u32 {
            queue.push(format!("{n:0100}\n").into_bytes());
        }
        assert!(!queue.settle(Duration::from_millis(10)), "nobody reads");
        let kept = LIMIT / 101;
        for n in 0..kept {
            assert_eq!(take.recv().unwrap(), format!("{n:0100}\n").into_bytes(), "in order");
        }
        assert_eq!(lost.recv().unwrap(), 20_000 - kept as u64);
        assert!(queue.settle(Duration::from_secs(10)));
        queue.push(b"again\n".to_vec());
        assert_eq!(take.recv().unwrap(), b"again\n");
        queue.push(vec![b'x'; 2 * LIMIT]);
        assert_eq!(take.recv().unwrap().len(), 2 * LIMIT, "what is longer than all that may wait is told all the same");
    }

    #[test]
    fn who_gave_up_is_patient_again_once_something_was_taken() {
        let (queue, take, _lost) = taken();
        for _ in 0..3 {
            queue.push(b"line\n".to_vec());
        }
        assert!(!queue.settle(Duration::from_millis(10)));
        let began = Instant::now();
        assert!(!queue.settle(Duration::from_secs(3600)), "nobody waits twice for one who takes nothing");
        assert!(began.elapsed() < Duration::from_secs(3600));
        take.recv().unwrap();
        let reader = thread::spawn(move || {
            for _ in 0..2 {
                thread::sleep(Duration::from_millis(50));
                take.recv().unwrap();
            }
        });
        // The first line is counted once its writer knows.
        while queue.held().written == 0 {
            thread::yield_now();
        }
        assert!(queue.settle(Duration::from_secs(3600)));
        reader.join().unwrap();
    }

    #[test]
    fn one_that_is_read_slowly_is_waited_for() {
        let (queue, take, _lost) = taken();
        for _ in 0..10 {
            queue.push(b"line\n".to_vec());
        }
        let reader = thread::spawn(move || {
            for _ in 0..10 {
                thread::sleep(Duration::from_millis(20));
                take.recv().unwrap();
            }
        });
        assert!(queue.settle(Duration::from_secs(10)));
        reader.join().unwrap();
    }
}
