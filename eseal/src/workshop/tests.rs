//! The parent's side, with programs that are no workers. The child's side is tested with the real program, in `web`.

use super::*;

fn workshop(program: &str, told: &[&str], queue: usize) -> Workshop {
    Workshop::new(WorkshopOptions {
        program: Some((program.into(), told.iter().map(Into::into).collect())),
        workers: 1,
        queue,
        time: Duration::from_millis(200),
        jobs: 10,
        limits: Limits { document: 1000, ..Limits::default() },
    })
}

#[tokio::test]
async fn a_program_that_is_not_there_starts_no_child() {
    let failed = workshop("/no/such/program", &[], 1).run(Job::Inspect, b"%PDF-".to_vec()).await;
    assert!(matches!(failed, Err(Failed::NoChild(_))), "{failed:?}");
}

#[tokio::test]
async fn a_child_that_never_answers_is_ended_and_only_its_document_fails() {
    let workshop = workshop("/bin/sleep", &["1000"], 1);
    for _ in 0..2 {
        assert_eq!(workshop.run(Job::Inspect, b"%PDF-".to_vec()).await, Err(Failed::Limit));
        assert_eq!(workshop.idle(), [0_u32; 0], "it is not used again");
    }
}

#[tokio::test]
async fn a_child_that_ends_or_talks_nonsense_is_not_believed() {
    // The first octets that come back are those of the question: a length far too great.
    assert_eq!(workshop("/bin/cat", &[], 1).run(Job::Inspect, b"%PDF-".to_vec()).await, Err(Failed::Limit));
    assert_eq!(workshop("/bin/true", &[], 1).run(Job::Inspect, b"%PDF-".to_vec()).await, Err(Failed::Limit));
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_anybody_reads_it() {
    let failed = workshop("/no/such/program", &[], 1).run(Job::Inspect, vec![0; 1001]).await;
    assert!(matches!(failed, Err(Failed::Refused(Refused::TooLarge(_)))), "{failed:?}");
}

#[tokio::test]
async fn when_too_many_wait_the_next_is_sent_away_and_may_come_back() {
    let workshop = workshop("/bin/sleep", &["1000"], 1);
    let first = tokio::spawn({
        let workshop = workshop.clone();
        async move { workshop.run(Job::Inspect, b"%PDF-".to_vec()).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(workshop.run(Job::Inspect, b"%PDF-".to_vec()).await, Err(Failed::Busy));
    assert_eq!(first.await.unwrap(), Err(Failed::Limit));
    assert_eq!(workshop.run(Job::Inspect, b"%PDF-".to_vec()).await, Err(Failed::Limit), "there is room again");
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_the_child_along() {
    let workshop = workshop("/bin/sleep", &["1000"], 1);
    let gone = tokio::time::timeout(Duration::from_millis(20), workshop.run(Job::Inspect, b"%PDF-".to_vec())).await;
    assert!(gone.is_err());
    assert_eq!(workshop.idle(), [0_u32; 0]);
}
