//! A root that is offline: made, asked, answering, and what is refused of its answers.

use super::*;

const ROOT: &str = "[[step]]\ndo = \"root\"\nissuer = \"root-x\"\nalgorithm = \"p256\"\nsubject = \"CN=Root X,O=Example,C=CN\"\n\
                    url = \"http://pki.example.cn\"\ndays = 7300\n\n[[step]]\ndo = \"crl\"\nissuer = \"root-x\"\ndays = 180\n";

fn certify(issuer: &str, more: &str) -> String {
    plan(&format!(
        "[[step]]\ndo = \"certify\"\nissuer = \"{issuer}\"\nunder = \"root-x\"\nalgorithm = \"p256\"\n\
         subject = \"CN=Issuing X,O=Example,C=CN\"\nurl = \"http://pki.example.cn\"\ndays = 3650\n{more}\n\n\
         [[step]]\ndo = \"crl\"\nissuer = \"root-x\"\ndays = 180\n"
    ))
}

async fn request(place: &Place, plan: &str) -> String {
    place.house.ca.request_ceremony(&admin("one"), place.name, plan).await.unwrap().text
}

/// Both machines, with the root made on the one without a network.
async fn both() -> (Place, Place) {
    let (online, offline) = (Place::open(ONLINE).await, Place::open(OFFLINE).await);
    offline.hold(&plan(ROOT), None).await;
    (online, offline)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offline_root_certifies_an_issuer_that_then_works() {
    let (online, offline) = both().await;
    let step = certify("issuing-x", "permit = [\"dns:example.cn\"]");
    let asked = request(&online, &step).await;
    let done = offline.hold(&step, Some(&asked)).await;
    let answer = done.response.clone().unwrap();
    // The root signs in ceremonies only: no leaf, no responder, no list of the schedule.
    let refused = offline.issue("www.example.cn", KeyAlgorithm::P256, Some("root-x")).await.unwrap_err();
    assert!(matches!(refused, ca::Error::IssuerAtRest { .. }), "{refused}");
    let due = offline.house.ca.publish_due_crls(&Actor::system()).await.unwrap();
    assert!(due.iter().all(|record| record.issuer != id("root-x")));

    let taken = online.hold(&answer, None).await;
    assert!(taken.transcript.unwrap().contains("Issuer issuing-x came to be."));
    let leaf = online.issue("www.example.cn", KeyAlgorithm::P256, Some("issuing-x")).await.unwrap();
    let chain = online.house.ca.chain(&leaf.issuer).unwrap();
    let root = offline.certificate("root-x");
    assert_eq!(chain.root, root.der());
    let issuing = Cert::from_der(&chain.issuers[0]).unwrap();
    let lists = [online.list("root-x").await, online.list("issuing-x").await];
    let half_a_year = lists[0].next_update().unwrap().since(lists[0].this_update());
    assert_eq!(half_a_year.as_secs() / 86_400, 179, "180 days, both ends counted");
    let said = online.valid(&leaf.der, std::slice::from_ref(&issuing), vec![root.clone()], &lists);
    assert!(said.is_ok(), "{said:?}");
    // The issuing authority names no responder for itself, since its root has none.
    let text = |cert: &Cert| String::from_utf8_lossy(cert.der()).into_owned();
    assert!(text(&issuing).contains("http://pki.example.cn/crl/root-x.crl"));
    assert!(!text(&issuing).contains("/ocsp"));

    let root_file = bundle(&online, "root.pem", &[root.der()]);
    let between = bundle(&online, "between.pem", &[issuing.der()]);
    let crls: String = lists.iter().map(|list| pem("X509 CRL", list.der())).collect();
    let (crls, file) = (online.write("all.crl", crls.as_bytes()), bundle(&online, "leaf.pem", &[&leaf.der]));
    if let Some(said) = openssl(&root_file, &between, &file, &crls, &online.clock) {
        assert!(said.is_ok(), "{said:?}");
    }
    let outside = online.issue("www.elsewhere.cn", KeyAlgorithm::P256, Some("issuing-x")).await.unwrap_err();
    assert_eq!(outside.code().as_str(), "LINT_FAILED", "its certificate confines it: {outside}");

    // The root revokes it half a year later; the news comes with the next list.
    let serial: String = issuing.serial().iter().map(|octet| format!("{octet:02X}")).collect();
    let revoke =
        format!("[[step]]\ndo = \"revoke\"\nunder = \"root-x\"\nserial = \"{serial}\"\nreason = \"superseded\"\n");
    assert!(offline.refuses(&plan(&revoke), None).await.contains("add a step do = \"crl\""));
    let list = "\n[[step]]\ndo = \"crl\"\nissuer = \"root-x\"\ndays = 180\n";
    let done = offline.hold(&plan(&format!("{revoke}{list}")), None).await;
    let news = done.response.unwrap();
    let told = online.hold(&news, None).await;
    assert!(told.transcript.unwrap().contains("Issuer issuing-x is REVOKED by root-x"));
    assert_eq!(online.house.ca.issuer(&id("issuing-x")).unwrap().state.as_str(), "revoked");
    assert!(online.issue("late.example.cn", KeyAlgorithm::P256, Some("issuing-x")).await.is_err());
    let key = online.house.ca.issuer(&id("issuing-x")).unwrap().key;
    assert_eq!(online.house.kms.record(key).await.unwrap().state, crypto_pool::key::KeyState::Retired);
    assert!(online.list("root-x").await.find(issuing.serial()).is_some(), "the list it publishes is the new one");
    // A lost or changed file of a list nobody here can sign is written again, after a restart too.
    let served = online.list("root-x").await.der().to_vec();
    let file = online.house.ca.crl_path(&id("root-x"));
    let parts = Parts { clock: online.clock.clone(), setup: Setup::Production, ..Parts::real() };
    online.house.close().await;
    std::fs::write(&file, b"damaged").unwrap();
    let online = Place { house: TestHouse::open(online.dir.path(), parts).await, ..online };
    assert!(online.house.ca.crl(&id("root-x")).await.is_err());
    online.house.ca.publish_due_crls(&Actor::system()).await.unwrap();
    assert_eq!(online.list("root-x").await.der(), served);
    // The older answer comes too late, in either order.
    assert!(online.refuses(&answer, None).await.contains("imported already"));
    online.finish().await;
    offline.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_ours_or_not_whole_or_not_new_is_refused() {
    let (online, offline) = both().await;
    let step = certify("issuing-x", "");
    let first = request(&online, &step).await;
    let asked = request(&online, &step).await;
    let stale = offline.hold(&step, Some(&first)).await.response.unwrap();
    let answer = offline.hold(&step, Some(&asked)).await.response.unwrap();
    // The request does not go with another plan, nor without one, nor twice.
    let other = certify("issuing-y", "");
    assert!(offline.refuses(&other, Some(&asked)).await.contains("another plan"));
    assert!(offline.refuses(&step, None).await.contains("bring the request"));
    assert!(offline.refuses(&step, Some(&asked)).await.contains("done before"));
    assert!(offline.refuses(&step, Some(&asked.replace("key", "kee"))).await.contains("changed on its way"));
    assert!(online.refuses(&step, Some(&asked)).await.contains("made by this installation itself"));

    assert!(online.refuses(&stale, None).await.contains("a later request took the place"), "replaced");
    assert!(online.refuses(&answer.replace("A test", "A jest"), None).await.contains("changed on its way"));
    assert!(offline.refuses(&answer, None).await.contains("wrote the answer itself"));
    let stranger = Place::open("stranger").await;
    assert!(stranger.refuses(&answer, None).await.contains("never made"), "foreign");
    // Somebody makes the digest fit after a change: the parts vouch for themselves.
    let resealed = |text: &str| {
        let (_, body) = text.split_once('\n').unwrap();
        let digest = ca::core::ceremony::hex(&engine::sm3::hash(body.as_bytes()));
        format!("sm3 = \"{digest}\"\n{body}")
    };
    // Mixed: the head of one answer with the certificate of the other.
    let part = |text: &str| text[text.find("[[certificate]]").unwrap()..].to_owned();
    let mixed = resealed(&answer.replace(&part(&answer), &part(&stale)));
    let said = online.refuses(&mixed, None).await;
    assert!(said.contains("for another key than the request"), "{said}");
    let listless = resealed(&answer[..answer.find("[[list]]").unwrap()]);
    assert!(online.refuses(&listless, None).await.contains("list did not come along"));
    let bare = resealed(&answer.replace(&part(&answer), &answer[answer.find("[[list]]").unwrap()..]));
    assert!(online.refuses(&bare, None).await.contains("lacks the certificate"));
    let foreign = pem("CERTIFICATE", stranger.certificate("ec-root").der());
    let own = pem("CERTIFICATE", offline.certificate("root-x").der());
    let swapped = resealed(&answer.replace(&own, &foreign));
    assert!(online.refuses(&swapped, None).await.contains("does not lead to a root"));

    // The right one is taken once; what it brought cannot be brought back by an older list.
    online.hold(&answer, None).await;
    assert!(online.refuses(&answer, None).await.contains("imported already"));
    let old_list = resealed(&listless_of(&stale));
    let said = online.refuses(&old_list, None).await;
    assert!(said.contains("this answer is older"), "{said}");
    for place in [online, offline, stranger] {
        place.finish().await;
    }
}

/// An answer with its list alone.
fn listless_of(text: &str) -> String {
    let from = text.find("[[certificate]]").unwrap();
    let to = text.find("[[list]]").unwrap();
    let head: String =
        text[..from].lines().filter(|line| !line.starts_with("request")).map(|l| format!("{l}\n")).collect();
    format!("{head}{}", &text[to..])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_under_an_offline_root_gets_a_new_key() {
    let (online, offline) = both().await;
    let step = certify("issuing-x", "");
    let answer = offline.hold(&step, Some(&request(&online, &step).await)).await.response.unwrap();
    online.hold(&answer, None).await;
    let old = online.issue("old.example.cn", KeyAlgorithm::P256, Some("issuing-x")).await.unwrap();
    let said = online.refuses(&plan("[[step]]\ndo = \"roll\"\nissuer = \"issuing-x\"\nnew = \"x-2\"\n"), None).await;
    assert!(said.contains("the key of root-x is not here"), "{said}");
    let next = certify("issuing-x-2", "follows = \"issuing-x\"");
    let answer = offline.hold(&next, Some(&request(&online, &next).await)).await.response.unwrap();
    online.hold(&answer, None).await;
    let new = online.issue("new.example.cn", KeyAlgorithm::P256, Some("issuing-x")).await.unwrap();
    assert_eq!((old.issuer.as_str(), new.issuer.as_str()), ("issuing-x", "issuing-x-2"));
    let lists = [online.list("root-x").await, online.list("issuing-x").await, online.list("issuing-x-2").await];
    let between = [online.certificate("issuing-x"), online.certificate("issuing-x-2")];
    for leaf in [&old, &new] {
        let said = online.valid(&leaf.der, &between, vec![offline.certificate("root-x")], &lists);
        assert!(said.is_ok(), "{said:?}");
    }
    online.finish().await;
    offline.finish().await;
}
