use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use pki_config::role::Setup;
use tower::ServiceExt as _;

use super::*;

fn facts(setup: Setup) -> Facts {
    Facts::new("7F3A9C", setup)
}

fn cards() -> Vec<IssuerCard> {
    let end = "2046-11-20T23:59:59Z".parse().unwrap();
    vec![
        IssuerCard::new("ec-root", None, "CN=EC Root", "p256", end, b"other root"),
        IssuerCard::new("sm2-root", None, "CN=<b>Root</b>,O=Yinxin,C=CN", "sm2", end, b"root"),
        IssuerCard::new("sm2-issuing", Some("sm2-root"), "CN=Issuing", "sm2", end, b"issuing"),
    ]
}

fn home() -> Router {
    home_routes(facts(Setup::Production), Arc::new(cards))
}

async fn get(router: Router, uri: &str) -> (StatusCode, HeaderMap, String) {
    let response = router.oneshot(Request::get(uri).body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status, head.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn pages_are_chinese_unless_english_is_asked_for() {
    for uri in ["/setup", "/setup?lang=zh", "/setup?lang=enx", "/setup?%ff&lang", "/claim"] {
        let (status, _, html) = get(setup_routes(facts(Setup::Trial)), uri).await;
        assert_eq!(status, StatusCode::OK);
        assert!(html.contains("lang=\"zh-CN\"") && html.contains("领取登录凭据"), "{uri}");
    }
    let (_, _, html) = get(setup_routes(facts(Setup::Trial)), "/setup?x=1&lang=en").await;
    assert!(html.contains("<html lang=\"en\"") && html.contains("Claim your credential"));
}

#[tokio::test]
async fn every_page_names_the_product_in_both_scripts() {
    for lang in ["", "?lang=en"] {
        for (router, path) in [(setup_routes(facts(Setup::Trial)), "/setup"), (home(), "/")] {
            let (_, _, html) = get(router, &format!("{path}{lang}")).await;
            assert!(html.contains("印信") && html.contains("Yinxin"), "{path}{lang}");
        }
    }
}

#[tokio::test]
async fn no_page_carries_a_script_style_or_address_of_elsewhere() {
    for (router, path) in [(setup_routes(facts(Setup::Trial)), "/setup"), (home(), "/")] {
        let (_, headers, html) = get(router, path).await;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'") && !policy.contains("unsafe")
        );
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert!(
            !html.contains("<style")
                && !html.contains(" style=")
                && !html.contains("http:")
                && !html.contains("https:")
        );
        assert!(!html.contains(" onclick=") && !html.contains("<script>"));
    }
}

#[tokio::test]
async fn what_the_pages_load_is_there_with_its_type() {
    for (name, kind) in [
        ("yinxin.css", "text/css; charset=utf-8"),
        ("setup.js", "text/javascript; charset=utf-8"),
        ("seal.svg", "image/svg+xml"),
    ] {
        let (status, headers, body) = get(home(), &format!("/assets/{name}")).await;
        assert_eq!((status, headers[header::CONTENT_TYPE].to_str().unwrap()), (StatusCode::OK, kind));
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(!body.is_empty());
        let again = Request::get(format!("/assets/{name}")).header(header::IF_NONE_MATCH, &headers[header::ETAG]);
        let answer = home().oneshot(again.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn what_is_no_asset_is_not_found() {
    for name in ["other.js", "..%2fsetup.html", "%2e%2e/x"] {
        let (status, ..) = get(home(), &format!("/assets/{name}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{name}");
    }
}

#[tokio::test]
async fn names_are_escaped_issuers_stand_below_their_root_and_sm2_comes_first() {
    let (_, _, html) = get(home(), "/").await;
    assert!(!html.contains("<b>Root</b>"));
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    assert!(
        place("/ca/sm2-root.cer") < place("/ca/sm2-issuing.cer")
            && place("/ca/sm2-issuing.cer") < place("/ca/ec-root.cer")
    );
    assert!(html.contains("/ca/sm2-issuing-chain.pem") && !html.contains("/ca/sm2-root-chain.pem"));
    for path in ["/ca/ec-root.pem", "/crl/sm2-issuing.crl", "/crl/ec-root.crl", "/health"] {
        assert!(html.contains(path), "{path}");
    }
}

#[tokio::test]
async fn a_fingerprint_is_the_sha_256_of_the_certificate() {
    let (_, _, html) = get(
        home_routes(
            facts(Setup::Trial),
            Arc::new(|| {
                vec![IssuerCard::new("a-root", None, "CN=A", "p256", "2046-11-20T23:59:59Z".parse().unwrap(), b"abc")]
            }),
        ),
        "/",
    )
    .await;
    // FIPS 180-4, the digest of "abc".
    let expected = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
    assert!(html.contains(expected));
}

#[tokio::test]
async fn a_trial_says_on_every_page_what_it_is_and_a_production_does_not() {
    for (setup, says) in [(Setup::Trial, true), (Setup::Production, false)] {
        let (_, _, page) = get(setup_routes(facts(setup)), "/setup").await;
        let (_, _, front) = get(home_routes(facts(setup), Arc::new(Vec::new)), "/").await;
        assert!(page.contains("试用安装") == says && front.contains("试用安装") == says);
    }
}

#[test]
fn every_element_the_script_asks_for_is_on_the_page() {
    let script = include_str!("../../assets/setup.js");
    let page = include_str!("../../templates/setup.html").to_owned() + include_str!("../../templates/frame.html");
    let ids = script.split("byId(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let states = script.split("show(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    assert!(ids.clone().count() > 5 && states.clone().count() > 5);
    for id in ids {
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
    for state in states {
        assert!(page.contains(&format!("data-state=\"{state}\"")), "{state}");
    }
}

fn visitor(language: Language) -> Visitor {
    Visitor::new(visitor::Seen {
        facts: facts(Setup::Production),
        setup: Setup::Production,
        language,
        known: None,
        https: true,
        path: "/desk/ocsp".to_owned(),
        query: "a=1&after=x&done=saved".to_owned(),
        csrf: String::new(),
        organisation: "".into(),
    })
}

fn ocsp(state: OcspState, language: Language) -> String {
    use askama::Template as _;
    let never_issued = state.never_issued();
    desk::OcspPage { visitor: &visitor(language), state, never_issued }.render().unwrap()
}

#[test]
fn the_desk_shows_counts_in_groups_and_warns_of_serials_never_issued() {
    let quiet = OcspState { per_second: 1234.6, issuers: vec![OcspIssuer::default()], ..OcspState::default() };
    let html = ocsp(quiet.clone(), Language::English);
    assert!(html.contains("1\u{202f}235") && html.contains("none yet"), "{html}");
    assert!(!html.contains("Look into this") && !html.contains("class=\"alarm\""));
    let asked = OcspIssuer { subject: "CN=<b>".to_owned(), never_issued: 7, ..OcspIssuer::default() };
    let html = ocsp(OcspState { issuers: vec![asked], ..quiet }, Language::Chinese);
    assert!(html.contains("请核查") && html.contains("class=\"alarm\"") && !html.contains("<b>\""), "{html}");
    assert!(html.contains("CN=&#60;b&#62;"), "names come from outside: {html}");
}

#[test]
fn an_address_changes_one_field_and_forgets_the_message() {
    let visitor = visitor(Language::Chinese);
    assert_eq!(visitor.address_with("after", "b&c=ü"), "/desk/ocsp?a=1&after=b%26c%3D%C3%BC");
    assert_eq!(visitor.other_language(), "/desk/ocsp?a=1&after=x&lang=en");
    assert_eq!(visitor.told(), Some("已保存。"));
}

#[test]
fn the_pages_about_seals_have_what_their_scripts_ask_for() {
    let asked = |script: &str, call: &str| -> Vec<String> {
        let pieces = script.split(call).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        let found: Vec<String> = pieces.filter(|id| !id.is_empty()).collect();
        assert!(found.len() > 2, "{call}");
        found
    };
    for (page, script, call) in [
        (include_str!("../../templates/verify.html"), include_str!("../../assets/verify.js"), "byId(\""),
        (include_str!("../../templates/seal/place.html"), include_str!("../../assets/seal.js"), "getElementById(\""),
        (
            include_str!("../../templates/seal/apply.html"),
            include_str!("../../assets/seal-picture.js"),
            "getElementById(\"",
        ),
    ] {
        for id in asked(script, call) {
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
    let place = include_str!("../../templates/seal/place.html");
    for field in asked(include_str!("../../assets/seal.js"), "field(\"") {
        assert!(place.contains(&format!("name=\"{field}\"")), "{field}");
    }
}
