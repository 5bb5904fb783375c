//! Who may review and approve what, with which evidence, in which branch.

use std::time::Duration;

use ca::store::{Queue, QueueQuery, RequestRow};
use ca::{Standing, Submission};
use ledger::{DbError, Importance};
use pki_config::profile::BuiltIn;
use pki_config::{Clock as _, ErrorCode, Permission, TenantId};

use crate::support::{TestHouse, owner};
use crate::{approves, ask_for_review, evidence, files, finish, house, request, reviews, server, state, who};

fn query(queue: Queue) -> QueueQuery {
    QueueQuery { queue, branch: None, profile: None, after: None, limit: 50 }
}

async fn queue(house: &TestHouse, person: &str, queue: Queue) -> Vec<RequestRow> {
    house.ca.queue(&who(person), query(queue)).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn three_people_decide_where_the_profile_asks_for_a_reviewer() {
    let (house, _, _dir) = house().await;
    ask_for_review(&house, BuiltIn::CodeSigning).await;
    let asked = request(&house, "code-signing", "CN=Example,O=Example,C=CN", "");
    let id = house.ca.submit(&files("li"), asked).await.unwrap();
    assert_eq!(queue(&house, "wang", Queue::Review).await.len(), 1);
    assert!(queue(&house, "wang", Queue::Approval).await.is_empty());

    let early = house.ca.approve(&approves("wang"), id).await.unwrap_err();
    assert_eq!(early.code(), ErrorCode::RequestState, "not reviewed");
    let own = house.ca.review(&reviews("li"), id).await.unwrap_err();
    assert_eq!(own.code(), ErrorCode::SameOfficer);
    let reviewed = house.ca.review(&reviews("zhao"), id).await.unwrap();
    assert_eq!(reviewed.reviewer.as_deref(), Some("zhao"));
    let twice = house.ca.review(&reviews("wang"), id).await.unwrap_err();
    assert_eq!(twice.code(), ErrorCode::RequestState);
    assert_eq!(queue(&house, "wang", Queue::Approval).await.len(), 1);
    for same in ["li", "zhao"] {
        let refused = house.ca.approve(&approves(same), id).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::SameOfficer, "{same}");
    }
    let standing = |person: &str| house.ca.standing(person, &reviewed, true);
    assert_eq!(
        [standing("li"), standing("zhao"), standing("wang")],
        [Standing::Own, Standing::ReviewedByYou, Standing::MayApprove]
    );
    let issued = house.ca.approve(&approves("wang"), id).await.unwrap();
    assert_eq!((issued.requester.as_str(), issued.approver.as_deref()), ("li", Some("wang")));
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_keeps_the_three_apart_and_leaves_none_out() {
    let (house, _, _dir) = house().await;
    ask_for_review(&house, BuiltIn::CodeSigning).await;
    let asked = request(&house, "code-signing", "CN=Example,O=Example,C=CN", "");
    house.ca.submit(&files("li"), asked).await.unwrap();
    // Each alone, on the row as filed, past every check of the program.
    for forced in [
        "UPDATE ca_request SET reviewer = 'li', reviewed_at = 1 WHERE one_step = 0",
        "UPDATE ca_request SET approver = 'li' WHERE one_step = 0",
        "UPDATE ca_request SET reviewer = 'zhao', reviewed_at = 1, approver = 'zhao' WHERE one_step = 0",
        "UPDATE ca_request SET state = 'issuing', approver = 'wang' WHERE one_step = 0",
        "UPDATE ca_request SET state = 'issued', reviewer = 'zhao', reviewed_at = 1 WHERE one_step = 0",
    ] {
        let refused = house.db.write(Importance::Normal, move |tx| tx.execute(forced, &[])).await;
        assert!(matches!(refused, Err(DbError::Constraint(_))), "{forced}: {refused:?}");
    }
    let allowed = "UPDATE ca_request SET reviewer = 'zhao', reviewed_at = 1, approver = 'wang', state = 'issuing' WHERE one_step = 0";
    assert_eq!(house.db.write(Importance::Normal, move |tx| tx.execute(allowed, &[])).await, Ok(1));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_asks_for_evidence_gets_it_before_filing_and_still_at_approval() {
    let (house, clock, _dir) = house().await;
    let ask = || request(&house, "tls-server-dv", "CN=www.example.com", "dns:www.example.com");
    let without = house.ca.submit(&files("li"), ask()).await.unwrap_err();
    assert_eq!(without.code(), ErrorCode::EvidenceMissing);
    let with = |days| Submission { evidence: vec![evidence(clock.now(), days, b"TXT")], ..ask().into() };
    let short = house.ca.submit(&files("li"), with(1)).await.unwrap();
    let long = house.ca.submit(&files("li"), with(398)).await.unwrap();
    clock.advance(Duration::from_secs(2 * 86_400));
    let late = house.ca.approve(&approves("wang"), short).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::EvidenceMissing, "it expired while the request waited");
    assert_eq!(state(&house, short).await, "submitted");
    house.ca.approve(&approves("wang"), long).await.unwrap();
    // New evidence mends it.
    house.ca.add_evidence(&files("li"), short, evidence(clock.now(), 30, b"TXT again")).await.unwrap();
    house.ca.approve(&approves("wang"), short).await.unwrap();
    let decided = house.ca.add_evidence(&files("li"), short, evidence(clock.now(), 30, b"late")).await.unwrap_err();
    assert_eq!(decided.code(), ErrorCode::RequestState);
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_older_than_the_profile_allows_does_not_count() {
    let (house, clock, _dir) = house().await;
    let ask = request(&house, "tls-server-dv", "CN=www.example.com", "dns:www.example.com");
    let submission = Submission { evidence: vec![evidence(clock.now(), 390, b"TXT")], ..ask.into() };
    let id = house.ca.submit(&files("li"), submission).await.unwrap();
    // 200 days by BR 4.2.1, whatever the officer wrote.
    clock.advance(Duration::from_secs(201 * 86_400));
    let old = house.ca.approve(&approves("wang"), id).await.unwrap_err();
    assert_eq!(old.code(), ErrorCode::EvidenceMissing);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_evidence_comes_back_as_it_was_and_a_changed_one_does_not() {
    let (house, clock, _dir) = house().await;
    let given = evidence(clock.now(), 30, b"%PDF the register says so");
    let submission = Submission { evidence: vec![given], ..server(&house, "www.example.cn").into() };
    let id = house.ca.submit(&files("li"), submission).await.unwrap();
    let kept = house.ca.evidence_of(&TenantId::house(), id).await.unwrap().remove(0);
    let (file, content) = house.ca.evidence_file(&who("wang"), kept.id).await.unwrap();
    assert_eq!((file.name.as_str(), content.as_slice()), ("record.txt", &b"%PDF the register says so"[..]));
    let change = "UPDATE ca_evidence_file SET content = x'00'";
    house.db.write(Importance::Normal, move |tx| tx.execute(change, &[])).await.unwrap();
    let changed = house.ca.evidence_file(&who("wang"), kept.id).await.unwrap_err();
    assert_eq!(changed.code(), ErrorCode::AuditBroken);
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn officers_of_a_branch_see_and_decide_its_requests_only() {
    let (house, _, _dir) = house().await;
    let manage = owner(Permission::ManageBranches);
    for (branch, title, people) in [("north", "北方受理点", ["li", "wang"]), ("south", "南方受理点", ["sun", "zhou"])]
    {
        house.ca.open_branch(&manage, branch.parse().unwrap(), title).await.unwrap();
        for person in people {
            house.ca.assign(&manage, branch.parse().unwrap(), person, true).await.unwrap();
        }
    }
    let north = house.ca.submit(&files("li"), server(&house, "n.example.cn")).await.unwrap();
    let nowhere = house.ca.submit(&files("head"), server(&house, "h.example.cn")).await.unwrap();
    let row = house.ca.request(&TenantId::house(), north).await.unwrap();
    assert_eq!(row.branch.as_ref().map(pki_config::BranchId::as_str), Some("north"), "an officer of one need not say");

    let seen = async |person: &str| queue(&house, person, Queue::Waiting).await.len();
    assert_eq!([seen("wang").await, seen("zhou").await, seen("head").await], [1, 0, 2]);
    for foreign in [north, nowhere] {
        let refused = house.ca.approve(&approves("zhou"), foreign).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::NotFound);
        let refused = house.ca.reject(&approves("zhou"), foreign, "not mine").await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::NotFound);
    }
    let elsewhere = Submission { branch: Some("south".parse().unwrap()), ..server(&house, "x.example.cn").into() };
    assert_eq!(house.ca.submit(&files("li"), elsewhere).await.unwrap_err().code(), ErrorCode::BadRequest);
    house.ca.approve(&approves("wang"), north).await.unwrap();
    house.ca.approve(&approves("boss"), nowhere).await.unwrap();

    // A closed branch takes nothing new; who left every branch sees all again.
    house.ca.close_branch(&manage, "south".parse().unwrap()).await.unwrap();
    let closed = house.ca.submit(&files("sun"), server(&house, "s.example.cn")).await.unwrap_err();
    assert_eq!(closed.code(), ErrorCode::BadRequest);
    house.ca.assign(&manage, "south".parse().unwrap(), "sun", false).await.unwrap();
    house.ca.submit(&files("sun"), server(&house, "s.example.cn")).await.unwrap();
    let branches = house.ca.branches(&TenantId::house()).await.unwrap();
    assert_eq!(branches.iter().map(|b| (b.open, b.officers.len())).collect::<Vec<_>>(), [(true, 2), (false, 1)]);
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_paged_without_losing_or_repeating_anybody() {
    let (house, clock, _dir) = house().await;
    let mut filed = Vec::new();
    for n in 0..5 {
        filed.push(house.ca.submit(&files("li"), server(&house, &format!("n{n}.example.cn"))).await.unwrap());
        // Two of the same moment, so that the moment alone does not order them.
        if n % 2 == 0 {
            clock.advance(Duration::from_secs(1));
        }
    }
    for decided in [false, true] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let queue = if decided { Queue::Decided } else { Queue::Mine };
            let (rows, next) =
                house.ca.queue(&who("li"), QueueQuery { after, limit: 2, ..query(queue) }).await.unwrap();
            seen.extend(rows.iter().map(|row| row.id));
            match next {
                // As the interface carries it.
                Some(place) => after = Some(place.to_string().parse().unwrap()),
                None => break,
            }
        }
        seen.sort_unstable();
        filed.sort_unstable();
        assert_eq!(seen, filed, "decided: {decided}");
        for id in filed.iter().filter(|_| !decided) {
            house.ca.reject(&approves("wang"), *id, "not needed").await.unwrap();
        }
    }
    let lengths = house.ca.queue_lengths(&who("li")).await.unwrap();
    assert_eq!((lengths.approval, lengths.mine), (0, 0));
    finish(house).await;
}
