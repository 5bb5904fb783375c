//! Who may read the measurements and the desk's page.

use axum::body::Body;
use axum::http::{Request, header};
use web::router::Door;
use web::serve::Peer;

use crate::house::{Answer, House, stranger};

async fn get(house: &House, door: Door, peer: Peer, path: &str, token: Option<&str>) -> Answer {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    house.ask(door, peer, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn measurements_are_for_those_who_may_see_how_the_system_does() {
    let house = House::trial().await;
    let (_, operator) = house.officer("operator").await;
    let (_, clerk) = house.officer("ra-officer").await;
    let owner = Peer::Socket { uid: house.app.owner() };
    for answer in [
        get(&house, Door::Https, stranger(), "/metrics", Some(&operator)).await,
        get(&house, Door::Socket, owner, "/metrics", None).await,
    ] {
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert_eq!(answer.status, 200, "{text}");
        assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        assert!(text.contains("yinxin_ocsp_answers_total{issuer=\"sm2-issuing\",outcome=\"good\"} 0\n"), "{text}");
        assert!(text.contains("yinxin_ocsp_responder_end_seconds{issuer=\"ec-issuing\"}"), "{text}");
    }
    assert_eq!(get(&house, Door::Https, stranger(), "/metrics", None).await.status, 401);
    assert_eq!(get(&house, Door::Https, stranger(), "/metrics", Some(&clerk)).await.status, 403);
    assert_eq!(get(&house, Door::Http, stranger(), "/metrics", Some(&operator)).await.status, 404);
}

#[tokio::test]
async fn the_desk_shows_the_responder_to_officers_only() {
    let house = House::trial().await;
    let (_, auditor) = house.officer("auditor").await;
    let page = get(&house, Door::Https, stranger(), "/desk/ocsp", Some(&auditor)).await;
    let html = String::from_utf8(page.body).unwrap();
    assert_eq!(page.status, 200, "{html}");
    let responder = house.app.ocsp().responder(&"sm2-issuing".parse().unwrap()).unwrap().0;
    let cert = crypto_pool::path::Cert::from_der(&responder.certificate).unwrap();
    let serial: String = cert.serial().iter().skip_while(|byte| **byte == 0).map(|b| format!("{b:02X}")).collect();
    assert!(html.contains(&serial), "{serial} in {html}");
    let refused = get(&house, Door::Https, stranger(), "/desk/ocsp", None).await;
    assert_eq!((refused.status.as_u16(), refused.location()), (303, "/signin?next=/desk/ocsp"));
    assert!(!String::from_utf8(refused.body).unwrap().contains(&serial));
    assert_eq!(get(&house, Door::Http, stranger(), "/desk/ocsp", Some(&auditor)).await.status, 404);
}
