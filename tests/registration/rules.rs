//! Profiles and rules that only the database can hold: two officers for a profile, one holder for a key, serials far
//! from each other; and that trying a request out says what filing it says.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ca::core::lint::Severity;
use ca::{Error, Trial};
use ledger::{DbError, Importance};
use pki_config::ports::RandomFailed;
use pki_config::{ErrorCode, Identity, Random};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_lets_nobody_approve_a_profile_they_proposed() {
    let (house, _, _dir) = house().await;
    let source = BuiltIn::TlsServer.source().replacen("version = 1", "version = 2", 1);
    house.ca.propose_profile(&owner(Permission::ProposeProfile), &source, "the same again").await.unwrap();
    for forced in [
        "UPDATE ca_profile SET state = 'approved', decider = 'owner', decided_at = 1",
        "UPDATE ca_profile SET state = 'approved', decided_at = 1",
        "UPDATE ca_profile SET state = 'approved', decider = 'second'",
        "UPDATE ca_profile SET decided_at = 1",
    ] {
        let refused = house.db.write(Importance::Normal, move |tx| tx.execute(forced, &[])).await;
        assert!(matches!(refused, Err(DbError::Constraint(_))), "{forced}: {refused:?}");
    }
    let own = authorize(owner(Permission::ProposeProfile).actor(), Permission::ApproveProfile, Setup::Trial).unwrap();
    let refused = house.ca.approve_profile(&own, "tls-server", 2).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::SameOfficer);
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_profile_is_not_issued_from() {
    let (house, _, dir) = house().await;
    ask_for_review(&house, BuiltIn::TlsServer).await;
    let edit = "UPDATE ca_profile SET source = replace(source, 'days = 199', 'days = 200')";
    assert_eq!(house.db.write(Importance::Normal, move |tx| tx.execute(edit, &[])).await, Ok(1));
    let shown = house.ca.profile_versions("tls-server").await.unwrap_err();
    assert_eq!(shown.code(), ErrorCode::AuditBroken, "its digest no longer fits");
    house.close().await;
    drop(dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_tenant_is_not_certified() {
    let (house, _, _dir) = house().await;
    let ask = server(&house, "www.example.cn");
    issue(&house, ask.clone()).await;
    // The same holder may have several certificates.
    issue(&house, ask.clone()).await;
    let give_away = "UPDATE ca_certificate SET tenant_id = 'somebody' WHERE profile = 'tls-server'";
    assert_eq!(house.db.write(Importance::Normal, move |tx| tx.execute(give_away, &[])).await, Ok(2));
    let id = house.ca.submit(&files("li"), ask).await.unwrap();
    let refused = house.ca.approve(&approves("wang"), id).await.unwrap_err();
    let Error::Lint(findings) = refused else { panic!("{refused}") };
    assert_eq!(findings.iter().map(|finding| finding.lint).collect::<Vec<_>>(), ["key_shared"]);
    house.close().await;
}

/// The machine's source until it gets stuck: then its upper half stays as it is, and its lower half counts.
struct Stuck {
    real: Arc<dyn Random>,
    stuck: AtomicBool,
    count: AtomicU64,
}

impl Random for Stuck {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        if !self.stuck.load(Ordering::Relaxed) || out.len() != 16 {
            return self.real.fill(out);
        }
        out[..8].fill(0x5a);
        out[8..].copy_from_slice(&self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_random_source_that_counts_is_noticed_at_the_second_serial() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at("2026-06-01T12:00:00Z".parse().unwrap()));
    let parts = Parts::real();
    let random =
        Arc::new(Stuck { real: parts.random.clone(), stuck: AtomicBool::new(false), count: AtomicU64::new(1) });
    let house = TestHouse::open(dir.path(), Parts { clock, random: random.clone(), ..parts }).await;
    let one = owner(Permission::IssueCertificate);
    let (first, second) = (server(&house, "a.example.cn"), server(&house, "b.example.cn"));
    random.stuck.store(true, Ordering::Relaxed);
    house.ca.issue(&one, first).await.unwrap();
    let refused = house.ca.issue(&one, second.clone()).await.unwrap_err();
    let Error::Lint(findings) = refused else { panic!("{refused}") };
    assert_eq!(findings.iter().map(|finding| finding.lint).collect::<Vec<_>>(), ["serial_sibling"]);
    random.stuck.store(false, Ordering::Relaxed);
    house.ca.issue(&one, second).await.unwrap();
    finish(house).await;
}

fn trial(ask: &NewRequest) -> Trial {
    Trial {
        csr: Some(ask.csr.clone()),
        subject: ask.subject.clone(),
        sans: ask.sans.clone(),
        identity: ask.identity.clone(),
        profile: ask.profile.clone(),
        issuer: ask.issuer.clone(),
        days: ask.days,
    }
}

/// What stands against a request: codes of refusals, then the rules broken.
async fn said(house: &TestHouse, ask: &NewRequest) -> Vec<String> {
    let checked = house.ca.check(&files("li"), trial(ask)).await.unwrap();
    let errors = checked.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let refused = checked.refused.iter().map(|error| error.code().as_str().to_owned());
    refused.chain(errors.map(|finding| finding.lint.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn trying_a_request_out_says_what_filing_it_says() {
    let (house, _, _dir) = house().await;
    let good = server(&house, "www.example.cn");
    let with = |change: &dyn Fn(&mut NewRequest)| {
        let mut ask = good.clone();
        change(&mut ask);
        ask
    };
    let asks = [
        good.clone(),
        with(&|ask| ask.days = Some(201)),
        with(&|ask| ask.subject = Some("CN=other.example.cn".parse().unwrap())),
        with(&|ask| ask.subject = Some("CN=www.example.cn,OU=x".parse().unwrap())),
        with(&|ask| ask.sans = "dns:www.example.cn,email:a@example.cn".parse().unwrap()),
        with(&|ask| ask.identity = "passport:E1".parse::<Identity>().unwrap()),
        with(&|ask| ask.issuer = Some("ec-issuing".parse().unwrap())),
        with(&|ask| ask.csr.truncate(40)),
    ];
    for (place, ask) in asks.into_iter().enumerate() {
        let said = said(&house, &ask).await;
        match house.ca.submit(&files("li"), ask).await {
            Ok(_) => assert_eq!(said, Vec::<String>::new(), "ask {place}"),
            Err(Error::Lint(findings)) => {
                let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
                assert_eq!(said, errors.map(|finding| finding.lint.to_owned()).collect::<Vec<_>>(), "ask {place}");
            }
            Err(other) => assert!(said.contains(&other.code().as_str().to_owned()), "ask {place}: {other} {said:?}"),
        }
    }
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_while_it_is_typed() {
    let (house, _, _dir) = house().await;
    let ask = server(&house, "www.example.cn");
    let issued = issue(&house, ask.clone()).await;
    assert_eq!(said(&house, &ask).await, Vec::<String>::new());
    let reason = pki_config::status::Reason::KeyCompromise;
    house.ca.revoke(&officer("li", Permission::RevokeCertificate), &issued.serial, None, reason, None).await.unwrap();
    assert_eq!(said(&house, &ask).await, ["KEY_REFUSED"]);
    let denied = house.ca.check(&officer("li", Permission::RevokeCertificate), trial(&ask)).await.unwrap_err();
    assert!(matches!(denied, Error::WrongProof { .. }));
    finish(house).await;
}
