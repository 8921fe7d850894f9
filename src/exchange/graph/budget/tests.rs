use tokio::time::sleep;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// When requests go out for an hour, where each of four in flight takes `latency`.
fn saturated(latency: Duration) -> Vec<Duration> {
    let mut window = Window::default();
    let (mut lanes, mut sent) = ([Duration::ZERO; 4], Vec::new());
    loop {
        lanes.sort();
        let now = lanes[0];
        if now > HOUR {
            return sent;
        }
        match window.take(now, 1) {
            Ok(()) => {
                sent.push(now);
                lanes[0] += latency;
            }
            // A timer of whole milliseconds, and one too late at that.
            Err(wait) => lanes[0] = Duration::from_millis((now + wait).as_millis() as u64 + 2),
        }
    }
}

fn most_in_any_window(sent: &[Duration]) -> usize {
    let mut from = 0;
    (0..sent.len())
        .map(|last| {
            while sent[last] - sent[from] > WINDOW {
                from += 1;
            }
            last - from + 1
        })
        .max()
        .unwrap_or_default()
}

#[test]
fn no_window_of_an_hour_holds_more_than_is_granted() {
    for latency in [1, 40, 100, 200] {
        let sent = saturated(Duration::from_millis(latency));
        let most = most_in_any_window(&sent);
        assert!(most <= 10_000, "{most} at {latency} ms");
    }
}

#[test]
fn what_is_granted_is_used() {
    for latency in [1, 40, 100, 200] {
        let sent = saturated(Duration::from_millis(latency));
        for window in 1..6 {
            let (from, to) = (WINDOW * window, WINDOW * (window + 1));
            let used = sent.iter().filter(|time| (from..to).contains(*time)).count();
            assert!(used >= 9_800, "{used} in window {window} at {latency} ms");
        }
    }
}

#[test]
fn a_small_mailbox_is_not_slowed_down() {
    let mut window = Window::default();
    assert!((0..UNPACED).all(|_| window.take(Duration::from_secs(5), 1).is_ok()));
    assert_eq!(window.take(Duration::from_secs(5), 1), Ok(()));
    assert!(window.take(Duration::from_secs(5), 1).is_err());
}

#[test]
fn it_neither_bursts_nor_stalls_once_it_is_paced() {
    let sent = saturated(Duration::from_millis(40));
    let paced = &sent[UNPACED as usize + 1..];
    let longest = paced.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest < Duration::from_secs(3), "{longest:?}");
    let shortest = paced.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
    assert!(shortest >= SHORTEST, "{shortest:?}");
}

#[test]
fn a_batch_weighs_what_it_holds() {
    let mut window = Window::default();
    let at = Duration::from_secs;
    assert_eq!(window.take(at(5), 380), Ok(()));
    assert_eq!(window.take(at(5), 20), Ok(()));
    // What is left, 9,500, is spread over 601 seconds: twenty of them take one and a quarter.
    let wait = window.take(at(5), 20).unwrap_err();
    assert!((1_200..1_350).contains(&wait.as_millis()), "{wait:?}");
    assert_eq!(window.take(at(7), 9_490), Ok(()));
    assert_eq!(window.take(at(605), 20), Err(at(1)));
    assert_eq!(window.take(at(606), 20), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn it_counts_by_the_clock() {
    let budget = Budget::default();
    let start = Instant::now();
    for _ in 0..11_000 {
        while let Err(wait) = budget.take(1) {
            sleep(wait).await;
        }
    }
    assert!(start.elapsed() > WINDOW);
    assert!(start.elapsed() < WINDOW + Duration::from_secs(60), "{:?}", start.elapsed());
}
