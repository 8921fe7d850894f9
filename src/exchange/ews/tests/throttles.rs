//! A server that wants to be left alone, for a time that it names or without one.

use std::time::Duration;

use futures::{StreamExt, future::join_all};
use tokio::time::{Instant, sleep};

use super::{
    super::{Access, Ews, Settings},
    script::{Canned, Script, answer, ews, folder, mailbox, refusal, success},
};
use crate::{
    event::Event,
    exchange::{Exchange, Verdict, fence::PATIENT},
    mail::{Address, ItemId, Listed, Mailbox},
    watch::Events,
};

const OP: &str = "SyncFolderItems";
const SECOND: Duration = Duration::from_secs(1);

fn good() -> Canned {
    answer(OP, &success(OP, "<m:SyncState>s</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes/>"))
}

/// Busy, without a time.
fn busy() -> Canned {
    answer(OP, &refusal(OP, "ErrorServerBusy", ""))
}

fn named(seconds: u64) -> Canned {
    Canned { retry_after: Some(SECOND * u32::try_from(seconds).unwrap()), ..Canned::status(503, "") }
}

fn late(latency: Duration, canned: Canned) -> Canned {
    Canned { latency, ..canned }
}

fn listed(ids: &[&str]) -> Vec<Listed> {
    ids.iter().map(|id| Listed::bare(ItemId((*id).into()))).collect()
}

async fn page(ews: &Ews) -> Result<(), Verdict> {
    ews.page(&mailbox(), &folder("F"), None, 10).await.map(drop).map_err(|error| error.verdict)
}

/// The waits that were told of so far.
fn waits(told: &mut tokio::sync::broadcast::Receiver<Event>) -> Vec<Duration> {
    let events = std::iter::from_fn(|| told.try_recv().ok());
    events.filter_map(|event| if let Event::RequestThrottled { wait, .. } = event { Some(wait) } else { None }).collect()
}

/// The mean of waits whose ceiling has grown to five minutes is half of that.
fn grown(waits: &[Duration]) {
    let sum: Duration = waits.iter().sum();
    let mean = sum / u32::try_from(waits.len()).unwrap();
    assert!((SECOND * 105..=SECOND * 195).contains(&mean) && waits.iter().all(|wait| *wait <= SECOND * 300), "{mean:?} of {waits:?}");
}

#[tokio::test(start_paused = true)]
async fn growth_survives_requests_and_rounds_and_ends_with_an_answer() {
    const REFUSALS: usize = 104;
    let script = Script::new([vec![busy(); REFUSALS], vec![good(), busy(), good()]].concat());
    let (ews, events) = ews(&script);
    let mut told = events.listen();
    // A round ends with a wait that is too long to be sat out; the next begins after it.
    while let Err(verdict) = page(&ews).await {
        let Verdict::WaitFor(wait) = verdict else { panic!("{verdict:?}") };
        sleep(wait).await;
    }
    let waits_of = waits(&mut told);
    assert_eq!(waits_of.len(), REFUSALS);
    for (wait, ceiling) in waits_of.iter().zip([30, 60, 120, 240, 300]) {
        assert!(*wait <= SECOND * ceiling, "{waits_of:?}");
    }
    grown(&waits_of[4..]);
    page(&ews).await.unwrap();
    assert!(matches!(waits(&mut told).as_slice(), [wait] if *wait <= SECOND * 30));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_it_waits() {
    for canned in [busy(), named(20), Canned::status(503, ""), Canned::status(429, "")] {
        let script = Script::new([canned, good()]);
        let (ews, events) = ews(&script);
        let mut told = events.listen();
        page(&ews).await.unwrap();
        let (times, waits) = (script.times(), waits(&mut told));
        let apart = times[1] - times[0];
        assert!((waits[0]..=waits[0] + Duration::from_millis(2)).contains(&apart), "{apart:?} for {waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_refused_together_wait_together() {
    // Two on their way at once. The second refusal may come long after the first was waited out.
    for latency in [Duration::from_millis(200), SECOND * 40] {
        let script = Script::new([late(SECOND / 10, busy()), late(latency, busy()), good(), good(), good()]);
        let (ews, events) = ews(&script);
        let (mut told, desk) = (events.listen(), ews.session(&mailbox()).desk);
        let most = desk.gate.width();
        let both = join_all([page(&ews), page(&ews)]).await;
        assert_eq!(both, [Ok(()), Ok(())]);
        let waits = waits(&mut told);
        let left = waits[0].saturating_sub(latency - SECOND / 10);
        assert!(waits[1] <= left + Duration::from_millis(2) && waits[1] + Duration::from_millis(2) >= left, "one draw: {waits:?}");
        assert!(desk.gate.width() >= most / 2, "halved once");
        let (first, times) = (script.times()[0], script.times());
        assert!(times[2..].iter().all(|time| *time - first >= waits[0]), "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_queues_for_a_connection_while_the_fence_goes_up_waits_again() {
    let script = Script::new([late(SECOND / 10, named(20)), good(), good()]);
    let (ews, _) = ews(&script);
    script.queue.lock().unwrap().extend([Duration::ZERO, SECOND * 5]);
    assert_eq!(join_all([page(&ews), page(&ews)]).await, [Ok(()), Ok(())]);
    let times = script.times();
    assert!(times.len() == 3 && times[1..].iter().all(|time| *time - times[0] >= SECOND * 20), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn items_that_are_all_refused_are_no_good_answer() {
    const GET: &str = "GetItem";
    let message = |id: &str| success(GET, &format!("<m:Items><t:Message><t:ItemId Id=\"{id}\"/></t:Message></m:Items>"));
    let both = answer(GET, &refusal(GET, "ErrorServerBusy", "").repeat(2));
    let script = Script::new([vec![both; 104], vec![answer(GET, &(message("1") + &message("2")))]].concat());
    let (ews, events) = ews(&script);
    let mut told = events.listen();
    while let Err(error) = ews.lookup(&mailbox(), &folder("F"), &listed(&["1", "2"])).await {
        let Verdict::WaitFor(wait) = error.verdict else { panic!("{error}") };
        sleep(wait).await;
    }
    grown(&waits(&mut told)[4..]);
}

#[tokio::test(start_paused = true)]
async fn a_long_rest_gives_the_place_back_at_once() {
    let script = Script::new([named(100), good()]);
    let (ews, _) = ews(&script);
    let start = Instant::now();
    for _ in 0..3 {
        assert!(matches!(page(&ews).await, Err(Verdict::WaitFor(wait)) if wait >= SECOND * 100));
        let lookup = ews.lookup(&mailbox(), &folder("F"), &listed(&["1"])).await;
        assert!(matches!(lookup.unwrap_err().verdict, Verdict::WaitFor(_)));
        let parts: Vec<_> = ews.fetch(&mailbox(), &folder("F"), listed(&["1"])).collect().await;
        assert!(matches!(parts.as_slice(), [Err(error)] if matches!(error.verdict, Verdict::WaitFor(_))), "{parts:?}");
    }
    assert_eq!((start.elapsed(), script.asked().len()), (Duration::ZERO, 1), "nobody slept, nothing was sent");
    // Near its end it is sat out: the clock decides, and not what was drawn.
    sleep(SECOND * 103 - PATIENT).await;
    page(&ews).await.unwrap();
    assert!(start.elapsed() >= SECOND * 100);
}

#[tokio::test(start_paused = true)]
async fn delegates_share_a_budget_and_name_the_mailbox() {
    let denied = answer("FindFolder", &refusal("FindFolder", "ErrorAccessDenied", ""));
    let script = Script::new([named(100), denied]);
    let settings = Settings { access: Access::Delegate, ..Default::default() };
    let ews = Ews::new(settings, script.clone(), Events::new());
    let other = Mailbox { address: Address::new("b@example.com"), ..mailbox() };
    assert!(matches!(page(&ews).await, Err(Verdict::WaitFor(_))));
    let Verdict::WaitFor(wait) = ews.folders(&other, &Default::default()).await.unwrap_err().verdict else { panic!("it was asked") };
    assert!(wait >= SECOND * 100 && script.asked().len() == 1);
    sleep(wait).await;
    let _ = ews.folders(&other, &Default::default()).await;
    let asked = script.asked();
    assert!(asked[1].contains("<t:EmailAddress>b@example.com</t:EmailAddress>") && !asked[1].contains("ExchangeImpersonation"));
}

#[tokio::test(start_paused = true)]
async fn endless_throttling_ends_in_a_wait() {
    let busy = refusal(OP, "ErrorServerBusy", "<m:MessageXml><t:Value Name=\"BackOffMilliseconds\">1000</t:Value></m:MessageXml>");
    let script = Script::new(vec![answer(OP, &busy); 40]);
    let page = ews(&script).0.page(&mailbox(), &folder("F"), None, 10).await;
    assert!(matches!(page.unwrap_err().verdict, Verdict::WaitFor(_)));
}

#[tokio::test(start_paused = true)]
async fn busy_without_a_time_makes_the_gate_narrower_and_good_answers_widen_it() {
    let busy = |more| answer(OP, &refusal(OP, "ErrorServerBusy", more));
    let policy = "<m:MessageXml><t:Value Name=\"Policy\">MaxConcurrency</t:Value></m:MessageXml>";
    let named = "<m:MessageXml><t:Value Name=\"BackOffMilliseconds\">5000</t:Value></m:MessageXml>";
    for (more, widths) in [(policy, Some(true)), ("", Some(true)), (named, None)] {
        let script = Script::new([busy(more), good()]);
        let (ews, _) = ews(&script);
        let desk = ews.session(&mailbox()).desk;
        let most = desk.gate.width();
        ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap();
        // Halved by the refusal where it named no time; the good answer after it is not yet a whole round of them.
        assert_eq!(desk.gate.width() < most, widths.is_some(), "{more}");
    }
}
