//! How many downloads and listings of one mailbox may be under way after the server said that they are too many, without saying how long to wait:
//! half as many after each such answer, at least one, and one more for each round of good answers (additive increase, multiplicative decrease:
//! Chiu and Jain 1989). Small questions are not held back: a download stands still while its taker does, and its taker may wait for one.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Width {
    most: usize,
    now: usize,
    /// Good answers at this width.
    good: usize,
}

impl Width {
    fn new(most: usize) -> Self {
        Self { most, now: most, good: 0 }
    }

    /// Half; returns by how many fewer.
    fn narrow(&mut self) -> usize {
        let before = self.now;
        (self.now, self.good) = ((before / 2).max(1), 0);
        before - self.now
    }

    /// A good answer; whether one more may be under way. That takes as many answers as are allowed at a time.
    fn widen(&mut self) -> bool {
        if self.now == self.most {
            return false;
        }
        self.good += 1;
        if self.good < self.now {
            return false;
        }
        (self.now, self.good) = (self.now + 1, 0);
        true
    }
}

/// The way through which so many go at a time, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Lane {
    places: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    width: Width,
    /// Places to be taken away as soon as those who hold them are through.
    owed: usize,
}

/// A place on the lane.
#[derive(Debug)]
pub struct Through {
    permit: Option<OwnedSemaphorePermit>,
    state: Arc<Mutex<State>>,
}

impl Lane {
    /// As wide as it will ever be.
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { places: Arc::new(Semaphore::new(most)), state: Arc::new(Mutex::new(State { width: Width::new(most), owed: 0 })) }
    }

    /// Waits for a place.
    pub async fn pass(&self) -> Through {
        // Never closed, so there is always a permit to come.
        Through { permit: self.places.clone().acquire_owned().await.ok(), state: self.state.clone() }
    }

    /// How many may be under way.
    pub fn width(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).width.now
    }

    /// The server said that they are too many. Returns how many there may be from now on.
    pub fn narrow(&self) -> usize {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fewer = state.width.narrow();
        state.owed += fewer - self.places.forget_permits(fewer);
        state.width.now
    }

    /// A request was answered well. Returns how many there may be, where that is more than before.
    pub fn widen(&self) -> Option<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.width.widen() {
            return None;
        }
        match state.owed.checked_sub(1) {
            Some(owed) => state.owed = owed,
            None => self.places.add_permits(1),
        }
        Some(state.width.now)
    }
}

impl Drop for Through {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owed) = state.owed.checked_sub(1)
            && let Some(permit) = self.permit.take()
        {
            state.owed = owed;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;
    use tokio::time::{Instant, sleep};

    use super::*;

    #[test]
    fn it_falls_by_halves_and_rises_by_ones() {
        let mut width = Width::new(10);
        let fallen: Vec<usize> = (0..5).map(|_| (width.narrow(), width.now).1).collect();
        assert_eq!(fallen, [5, 2, 1, 1, 1]);
        // One answer for the second place, two for the third, three for the fourth.
        let risen: Vec<usize> = (0..6).map(|_| (width.widen(), width.now).1).collect();
        assert_eq!(risen, [2, 2, 3, 3, 3, 4]);
        assert_eq!((width.narrow(), width.now, width.good), (2, 2, 0));
        (0..100).for_each(|_| _ = width.widen());
        assert_eq!(width, Width::new(10));
    }

    #[tokio::test(start_paused = true)]
    async fn those_on_their_way_go_on_and_nobody_takes_their_place() {
        let lane = Lane::new(4);
        let mut held = vec![lane.pass().await, lane.pass().await, lane.pass().await];
        assert_eq!(lane.narrow(), 2);
        assert!(lane.pass().now_or_never().is_none());
        held.pop();
        assert!(lane.pass().now_or_never().is_none(), "three were under way, two may be");
        held.pop();
        held.push(lane.pass().now_or_never().unwrap());
        // One that is still owed is given back rather than added.
        assert_eq!(lane.narrow(), 1);
        assert_eq!(lane.widen(), Some(2));
        held.pop();
        held.push(lane.pass().now_or_never().unwrap());
        assert!(lane.pass().now_or_never().is_none());
        drop(held);
        assert_eq!([lane.widen(), lane.widen(), lane.widen(), lane.widen(), lane.widen()], [None, Some(3), None, None, Some(4)]);
        assert_eq!(lane.widen(), None);
        assert_eq!(lane.places.available_permits(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn at_its_narrowest_requests_go_one_by_one() {
        let lane = Lane::new(8);
        (0..9).for_each(|_| _ = lane.narrow());
        let began = Instant::now();
        let request = async || {
            let _through = lane.pass().await;
            sleep(Duration::from_secs(1)).await;
        };
        futures::future::join_all((0..5).map(|_| request())).await;
        assert_eq!(began.elapsed(), Duration::from_secs(5));
    }
}
