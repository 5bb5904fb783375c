//! Every call of the interface: who may, and what is refused before anything is done.

use axum::body::Body;
use axum::http::{Method, Request, header};
use pki_config::role::{Permission as P, Role, Setup, authorize};
use pki_config::{Actor, Channel, TenantId};
use serde_json::json;
use web::router::Door;
use web::serve::Peer;

use crate::house::{EC_CSR, House, api, stranger};

/// Every call and its right, written down a second time on purpose.
const CALLS: &[(&str, P)] = &[
    ("cert/issue", P::IssueCertificate),
    ("cert/submit", P::RequestCertificate),
    ("cert/approve", P::ApproveRequest),
    ("cert/reject", P::ApproveRequest),
    ("cert/requests", P::ReadCertificates),
    ("cert/revoke", P::RevokeCertificate),
    ("cert/hold", P::RevokeCertificate),
    ("cert/release", P::RevokeCertificate),
    ("cert/list", P::ReadCertificates),
    ("cert/show", P::ReadCertificates),
    ("cert/check", P::RequestCertificate),
    ("dual/show", P::ReadCertificates),
    ("dual/deliver", P::RequestCertificate),
    ("centre/list", P::ReadCentre),
    ("centre/show", P::ReadCentre),
    ("centre/orders", P::ReadCentre),
    ("centre/envelope", P::ReadCentre),
    ("centre/ask", P::AskRecovery),
    ("centre/approve", P::ApproveRecovery),
    ("centre/refuse", P::ApproveRecovery),
    ("profile/list", P::ReadProfiles),
    ("profile/show", P::ReadProfiles),
    ("profile/diff", P::ReadProfiles),
    ("profile/propose", P::ProposeProfile),
    ("profile/approve", P::ApproveProfile),
    ("profile/reject", P::ApproveProfile),
    ("cert/renew", P::RequestCertificate),
    ("cert/rekey", P::RequestCertificate),
    ("cert/reissue", P::RequestCertificate),
    ("cert/revoke-all", P::RevokeCertificate),
    ("request/queues", P::ReadCertificates),
    ("request/show", P::ReadCertificates),
    ("request/review", P::ReviewRequest),
    ("request/invite", P::RequestCertificate),
    ("request/link", P::RequestCertificate),
    ("evidence/add", P::RequestCertificate),
    ("evidence/file", P::ReadCertificates),
    ("batch/preview", P::RequestCertificate),
    ("batch/submit", P::RequestCertificate),
    ("batch/approve", P::ApproveRequest),
    ("batch/show", P::ReadCertificates),
    ("batch/list", P::ReadCertificates),
    ("branch/list", P::ReadCertificates),
    ("branch/add", P::ManageBranches),
    ("branch/close", P::ManageBranches),
    ("branch/join", P::ManageBranches),
    ("branch/leave", P::ManageBranches),
    ("issuer/list", P::ReadIssuers),
    ("issuer/show", P::ReadIssuers),
    ("issuer/crl", P::PublishCrl),
    ("issuer/crls", P::ReadIssuers),
    ("issuer/cross", P::ReadIssuers),
    ("ceremony/request", P::ManageIssuers),
    ("ceremony/propose", P::ManageIssuers),
    ("ceremony/confirm", P::ManageIssuers),
    ("ceremony/reject", P::ManageIssuers),
    ("ceremony/show", P::ReadIssuers),
    ("ceremony/list", P::ReadIssuers),
    ("key/list", P::ReadSystem),
    ("officer/add", P::ManageOfficers),
    ("officer/list", P::ReadOfficers),
    ("officer/disable", P::ManageOfficers),
    ("officer/link", P::ManageOfficers),
    ("audit/verify", P::ReadAudit),
    ("audit/proof", P::ReadAudit),
    ("audit/export", P::ReadAudit),
    ("audit/search", P::ReadAudit),
    ("audit/show", P::ReadAudit),
    ("audit/events", P::ReadAudit),
    ("audit/growth", P::ReadSystem),
    ("audit/checkpoint", P::ReadAudit),
    ("system/status", P::ReadSystem),
    ("system/doctor", P::Diagnose),
    ("system/unseal", P::Unseal),
    ("root/show", P::ReadSystem),
    ("root/ask", P::ManageRoot),
    ("root/rotate", P::ManageRoot),
    ("root/reseal", P::ManageRoot),
    ("root/confirm", P::ManageRoot),
    ("system/accept-clock", P::AcceptClock),
    ("system/mail-test", P::Diagnose),
    ("system/backup", P::Backup),
];

#[tokio::test]
async fn a_stranger_may_call_nothing() {
    let house = House::trial().await;
    for (call, _) in CALLS {
        for token in [None, Some("yx_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")] {
            let answer = house.https(call, json!({"nonsense": 1}), token).await;
            // Refused before the body is looked at; after some bad tokens the address waits.
            assert!(
                matches!(answer.code().as_str(), "UNAUTHENTICATED" | "TOO_MANY_TRIES"),
                "{call}: {}",
                answer.code()
            );
            assert!(matches!(answer.status.as_u16(), 401 | 429), "{call}");
        }
    }
}

#[tokio::test]
async fn each_role_may_call_what_the_table_of_rights_grants_and_nothing_else() {
    let house = House::trial().await;
    for role in Role::ACCOUNTS {
        let (_, token) = house.officer(role.as_str()).await;
        let actor = Actor::new(TenantId::house(), "x", role, Channel::Https);
        for (call, permission) in CALLS {
            // A body no call takes: who may call gets as far as being told that.
            let answer = house.https(call, json!({"nonsense": 1}), Some(&token)).await;
            let expected =
                if authorize(&actor, *permission, Setup::Trial).is_ok() { "BAD_REQUEST" } else { "FORBIDDEN" };
            assert_eq!(answer.code(), expected, "{role} {call}");
        }
    }
}

#[tokio::test]
async fn a_denied_call_is_in_the_log() {
    let house = House::trial().await;
    let (auditor, token) = house.officer("auditor").await;
    house.https("cert/issue", json!({"csr": EC_CSR}), Some(&token)).await;
    let log = house.socket("audit/export", json!({"limit": 1000})).await.json();
    let last = log["entries"].as_array().unwrap().last().unwrap().clone();
    let wanted = ("access.denied", "cert/issue", "refused:FORBIDDEN", auditor.as_str());
    let seen = ["event", "object", "outcome", "person"].map(|k| last[k].as_str().unwrap().to_owned());
    assert_eq!((seen[0].as_str(), seen[1].as_str(), seen[2].as_str(), seen[3].as_str()), wanted);
}

#[tokio::test]
async fn another_user_on_the_socket_may_call_nothing() {
    let house = House::trial().await;
    let peer = Peer::Socket { uid: house.app.owner() + 1 };
    let answer = house.ask(Door::Socket, peer, api("system/status", json!({}), None)).await;
    assert_eq!(answer.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn plain_http_has_no_interface() {
    let house = House::trial().await;
    let peer = Peer::Http { address: crate::house::address() };
    let answer = house.ask(Door::Http, peer, api("error/list", json!({}), None)).await;
    assert_eq!(answer.code(), "NOT_FOUND");
}

#[tokio::test]
async fn get_and_foreign_types_and_encodings_are_refused() {
    let house = House::trial().await;
    let owner = || Peer::Socket { uid: house.app.owner() };
    let request = |method: Method, kind: &str, body: &[u8]| {
        let request = Request::builder().method(method).uri("/api/v1/system/status").header(header::CONTENT_TYPE, kind);
        request.body(Body::from(body.to_vec())).unwrap()
    };
    for (request, code, status) in [
        (request(Method::GET, "application/json", b""), "METHOD_NOT_ALLOWED", 405),
        (request(Method::PUT, "application/json", b"{}"), "METHOD_NOT_ALLOWED", 405),
        (request(Method::POST, "text/plain", b"{}"), "UNSUPPORTED_TYPE", 415),
        (request(Method::POST, "application/json; charset=gbk", b"{}"), "UNSUPPORTED_TYPE", 415),
        // "{}" with a name in GBK.
        (request(Method::POST, "application/json", b"{\"a\":\"\xd6\xd0\"}"), "BAD_REQUEST", 400),
        (request(Method::POST, "application/json", b"{"), "BAD_REQUEST", 400),
        (request(Method::POST, "application/json", b"{\"more\":1}"), "BAD_REQUEST", 400),
        (request(Method::POST, "application/json", &vec![b' '; 70_000]), "TOO_LARGE", 413),
    ] {
        let answer = house.ask(Door::Socket, owner(), request).await;
        assert_eq!((answer.code().as_str(), answer.status.as_u16()), (code, status));
    }
}

#[tokio::test]
async fn a_request_id_comes_back_and_one_that_could_forge_a_log_line_does_not() {
    let house = House::trial().await;
    let ask = |id: &str| {
        let mut request = api("nothing/here", json!({}), None);
        request.headers_mut().insert("x-request-id", id.parse().unwrap());
        request
    };
    let answer = house.ask(Door::Https, stranger(), ask("order-17")).await;
    assert_eq!(
        (answer.headers["x-request-id"].to_str().unwrap(), &answer.json()["request_id"]),
        ("order-17", &json!("order-17"))
    );
    let answer = house.ask(Door::Https, stranger(), ask("a b")).await;
    let given = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_ne!(given, "a b");
    assert_eq!(answer.json()["request_id"], json!(given));
}

#[tokio::test]
async fn two_officers_issue_together_and_one_alone_does_not() {
    let house = House::trial().await;
    let ((_, one), (_, two)) = (house.officer("ra-officer").await, house.officer("ra-officer").await);
    let filed = house.https("cert/submit", json!({"csr": EC_CSR}), Some(&one)).await.json();
    assert_eq!(filed["state"], "submitted");
    let approve = json!({"request": filed["request"]});
    assert_eq!(house.https("cert/approve", approve.clone(), Some(&one)).await.code(), "SAME_OFFICER");
    let issued = house.https("cert/approve", approve.clone(), Some(&two)).await;
    assert_eq!(issued.status, 200, "{}", issued.code());
    assert_eq!(house.https("cert/approve", approve, Some(&two)).await.code(), "REQUEST_STATE");
}

#[tokio::test]
async fn a_certificate_is_listed_shown_held_released_and_revoked() {
    let house = House::trial().await;
    let issued = house.socket("cert/issue", json!({"csr": EC_CSR})).await.json();
    let named = json!({"serial": issued["serial"]});
    let list = house.socket("cert/list", json!({"name": "www.example"})).await.json();
    assert_eq!(list["certificates"][0]["serial"], issued["serial"]);
    assert_eq!(house.socket("cert/show", named.clone()).await.json()["certificate"], issued["certificate"]);
    assert_eq!(house.socket("cert/hold", named.clone()).await.json()["status"], "hold");
    assert_eq!(house.socket("cert/release", named.clone()).await.json()["status"], "good");
    let revoke = json!({"serial": issued["serial"], "reason": "key-compromise"});
    let revoked = house.socket("cert/revoke", revoke.clone()).await.json();
    assert_eq!((&revoked["status"], &revoked["reason"]), (&json!("revoked"), &json!("keyCompromise")));
    assert_eq!(house.socket("cert/revoke", revoke).await.code(), "CERTIFICATE_STATE");
    assert_eq!(house.socket("cert/release", named).await.code(), "CERTIFICATE_STATE");
}

#[tokio::test]
async fn proofs_and_checkpoints_of_the_log_are_given() {
    let house = House::trial().await;
    let issued = house.socket("cert/issue", json!({"csr": EC_CSR})).await.json();
    let old = house.socket("audit/checkpoint", json!({})).await.json();
    house.socket("cert/issue", json!({"csr": EC_CSR})).await;
    let proofs = house.socket("audit/proof", json!({"serial": issued["serial"], "since": old["size"]})).await.json();
    assert_eq!(proofs["receipts"][0]["entry"], issued["receipt"]["entry"]);
    assert!(!proofs["consistency"].as_array().unwrap().is_empty());
    let verified = house.socket("audit/verify", json!({"expect": old["checkpoint"]})).await.json();
    assert_eq!(verified["ok"], true, "{verified}");
    assert_eq!(house.socket("audit/proof", json!({"seq": 999_999})).await.code(), "PROOF_IMPOSSIBLE");
    assert_eq!(house.socket("audit/proof", json!({})).await.code(), "BAD_REQUEST");
}

#[tokio::test]
async fn error_codes_can_be_looked_up_by_anybody() {
    let house = House::trial().await;
    let info = house.https("error/describe", json!({"code": "SEALED"}), None).await.json();
    assert_eq!((&info["num"], &info["http"]), (&json!(50201), &json!(503)));
    assert_eq!(house.https("error/describe", json!({"code": "NO_SUCH"}), None).await.code(), "NOT_FOUND");
    assert!(house.https("error/list", json!({}), None).await.json()["errors"].as_array().unwrap().len() > 30);
}

#[tokio::test]
async fn a_backup_is_written_where_it_is_asked_and_never_over_another_file() {
    let house = House::trial().await;
    let file = house.temp.path().join("b.yinxin");
    let made = house.socket("system/backup", json!({"file": file, "passphrase": crate::house::PASSPHRASE})).await;
    assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
    assert_eq!(made.json()["size"].as_u64().unwrap(), std::fs::metadata(&file).unwrap().len());
    assert_eq!(house.socket("system/backup", json!({"file": file})).await.code(), "BAD_REQUEST");
    assert_eq!(house.socket("system/backup", json!({"file": "relative"})).await.code(), "BAD_REQUEST");
}
