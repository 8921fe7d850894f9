use futures::{FutureExt, future::join_all};
use tokio::time::advance;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn fence() -> Fence {
    Fence::new(Backoff { first: SECOND * 30, cap: SECOND * 300 })
}

/// Lets a request through that is refused without a time.
async fn refused(fence: &Fence) -> Duration {
    fence.strike(fence.pass().await.unwrap(), None).wait
}

#[tokio::test(start_paused = true)]
async fn a_named_time_is_kept_and_bounded() {
    for (named, at_least, at_most) in
        [(0, 1_000, 1_050), (10_000, 10_000, 10_500), (300_000, 300_000, 303_000), (90_000_000, 900_000, 903_000)]
    {
        let fence = fence();
        let sent = fence.pass().await.unwrap();
        let struck = fence.strike(sent, Some(Duration::from_millis(named)));
        assert!((at_least..=at_most).contains(&struck.wait.as_millis()), "{named}: {struck:?}");
        advance(Duration::from_millis(at_least as u64 - 1)).await;
        assert_eq!(fence.pass().now_or_never(), None, "{named}: before its time");
        advance(SECOND * 4).await;
        assert!(fence.pass().now_or_never().unwrap().is_ok());
        // What names a time says nothing of those that name none.
        assert_eq!(fence.state().strikes, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn it_never_comes_down_earlier_than_told_before() {
    let fence = fence();
    let (start, sent) = (Instant::now(), fence.pass().await.unwrap());
    fence.strike(sent, Some(SECOND * 20));
    let shorter = fence.strike(sent, Some(SECOND * 5));
    assert!(shorter.wait >= SECOND * 20, "{shorter:?}");
    assert!(fence.strike(sent, None).wait >= SECOND * 20);
    fence.pass().await.unwrap();
    assert!((20_000..=21_001).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn unnamed_times_are_a_share_of_what_doubles_until_something_works() {
    let (fences, mut sum) = ((0..200).map(|_| fence()).collect::<Vec<_>>(), Duration::ZERO);
    for seconds in [30, 60, 120, 240, 300, 300] {
        let waits = join_all(fences.iter().map(refused)).await;
        assert!(waits.iter().all(|wait| *wait >= SHORTEST && *wait <= SECOND * seconds), "{waits:?}");
        sum = waits.iter().sum();
        advance(SECOND * 301).await;
    }
    assert!((120..180).contains(&(sum / 200).as_secs()), "about half on the average, not {:?}", sum / 200);
    assert!(fences[0].calm(fences[0].pass().await.unwrap()));
    assert!(refused(&fences[0]).await <= SECOND * 30);
}

#[tokio::test(start_paused = true)]
async fn requests_refused_together_count_as_one_however_late_they_learn_it() {
    let fence = fence();
    let sent = fence.pass().await.unwrap();
    let first = fence.strike(sent, None);
    advance(SECOND / 2).await;
    assert_eq!(fence.strike(sent, None), Struck { wait: first.wait - SECOND / 2, raised: first.raised });
    advance(first.wait).await;
    assert_eq!(fence.strike(sent, None), Struck { wait: Duration::ZERO, raised: first.raised }, "it is down already");
    assert_eq!(fence.state().strikes, 1);
    // An answer to one of them proves nothing either.
    assert!(!fence.calm(sent));
    assert_eq!(fence.state().strikes, 1);
    assert!(fence.calm(fence.pass().await.unwrap()));
    assert_eq!(fence.state().strikes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_long_rest_is_told_at_once_and_a_short_one_sat_out() {
    let fence = fence();
    let (start, sent) = (Instant::now(), fence.pass().await.unwrap());
    fence.strike(sent, Some(SECOND * 100));
    let left = fence.pass().now_or_never().unwrap().unwrap_err();
    assert!((100..=103).contains(&left.as_secs()));
    advance(left - PATIENT).await;
    fence.pass().await.unwrap();
    assert!((left..=left + Duration::from_millis(2)).contains(&start.elapsed()), "by the clock, and not by what was named");
}

#[tokio::test(start_paused = true)]
async fn who_waits_looks_again_when_it_is_put_up_meanwhile() {
    let fence = fence();
    let sent = fence.pass().await.unwrap();
    fence.strike(sent, Some(SECOND * 10));
    let late = async {
        sleep(SECOND * 9).await;
        fence.strike(sent, Some(SECOND * 100))
    };
    let start = Instant::now();
    let (waited, _) = tokio::join!(fence.pass(), late);
    assert!(waited.unwrap_err() > SECOND * 90 && start.elapsed() < SECOND * 11);
}
