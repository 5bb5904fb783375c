use std::sync::atomic::AtomicUsize;

use super::*;

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

/// Sessions are numbers, counted as they are opened.
fn counted(most: usize) -> (Hands<usize>, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    (Hands::new("test", most, move || Ok(count.fetch_add(1, Ordering::SeqCst))), opened)
}

#[test]
fn a_session_is_opened_once_and_kept() {
    let (hands, opened) = counted(1);
    for _ in 0..3 {
        assert_eq!(hands.ask(LONG, true, |session| Ok(*session)), Ok(0));
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[test]
fn a_dead_session_is_replaced_and_the_work_repeated_once() {
    let (hands, opened) = counted(1);
    assert_eq!(hands.ask(LONG, true, |session| Ok(*session)), Ok(0));
    let work = |session: &mut usize| if *session == 0 { Err(Fault::Session("gone".into())) } else { Ok(*session) };
    assert_eq!(hands.ask(LONG, true, work), Ok(1));
    let dead = |_: &mut usize| -> Result<(), Fault> { Err(Fault::Session("gone".into())) };
    assert_eq!(hands.ask(LONG, true, dead), Err(Fault::Away("gone".into())));
    assert_eq!(opened.load(Ordering::SeqCst), 3, "twice, and not for ever");
}

#[test]
fn what_must_not_be_repeated_is_not() {
    let (hands, _) = counted(1);
    assert_eq!(hands.ask(LONG, true, |session| Ok(*session)), Ok(0));
    let calls = Arc::new(AtomicUsize::new(0));
    let mine = Arc::clone(&calls);
    let dead = move |_: &mut usize| -> Result<(), Fault> {
        mine.fetch_add(1, Ordering::SeqCst);
        Err(Fault::Session("gone".into()))
    };
    assert!(hands.ask(LONG, false, dead).is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_device_that_hangs_is_away_for_the_next_caller_at_once() {
    let (hands, _) = counted(1);
    let (free, hold) = mpsc::channel::<()>();
    let hold = Mutex::new(hold);
    let hangs = move |_: &mut usize| -> Result<(), Fault> {
        let _ = hold.lock().unwrap().recv();
        Ok(())
    };
    assert!(matches!(hands.ask(SHORT, true, hangs), Err(Fault::Away(_))));
    // Long as it may wait, it is told without waiting: the only thread is still held.
    assert!(matches!(hands.ask(LONG, true, |_| Ok(())), Err(Fault::Away(_))));
    assert!(hands.known_away().is_some());
    drop(free);
    std::thread::sleep(FIRST_PAUSE);
    assert_eq!(hands.ask(LONG, true, |_| Ok(7)), Ok(7));
    assert!(hands.known_away().is_none());
}

#[test]
fn a_refusal_is_no_absence() {
    let (hands, _) = counted(1);
    let refused = |_: &mut usize| -> Result<(), Fault> { Err(Fault::Refused("no".into())) };
    assert_eq!(hands.ask(LONG, true, refused), Err(Fault::Refused("no".into())));
    assert!(hands.known_away().is_none());
    assert_eq!(hands.ask(LONG, true, |session| Ok(*session)), Ok(0), "and the session is kept");
}

#[test]
fn no_more_sessions_than_allowed() {
    let (hands, opened) = counted(2);
    let hands = Arc::new(hands);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let hands = Arc::clone(&hands);
            std::thread::spawn(move || {
                hands.ask(LONG, true, |_| {
                    std::thread::sleep(SHORT);
                    Ok(())
                })
            })
        })
        .collect();
    callers.into_iter().for_each(|caller| caller.join().unwrap().unwrap());
    assert!((1..=2).contains(&opened.load(Ordering::SeqCst)));
}

#[test]
fn a_panic_costs_the_request_and_the_session_only() {
    let (hands, opened) = counted(1);
    assert!(matches!(hands.ask(LONG, true, |_| -> Result<(), Fault> { panic!("vendor") }), Err(Fault::Away(_))));
    std::thread::sleep(FIRST_PAUSE);
    assert_eq!(hands.ask(LONG, true, |session| Ok(*session)), Ok(1));
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}
