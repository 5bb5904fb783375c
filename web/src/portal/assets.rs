//! What the pages load, built into the program.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::guarded;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

static ASSETS: &[Asset] = &[
    Asset { name: "yinxin.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("../../assets/yinxin.css") },
    Asset { name: "desk.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("../../assets/desk.css") },
    Asset { name: "desk.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../../assets/desk.js") },
    Asset {
        name: "passkey.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/passkey.js"),
    },
    Asset {
        name: "signin.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/signin.js"),
    },
    Asset {
        name: "account.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/account.js"),
    },
    Asset { name: "setup.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../../assets/setup.js") },
    Asset {
        name: "verify.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/verify.js"),
    },
    Asset { name: "ra.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("../../assets/ra.css") },
    Asset { name: "lists.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../../assets/lists.js") },
    Asset { name: "der.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../../assets/der.js") },
    Asset {
        name: "pickup.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/pickup.js"),
    },
    Asset {
        name: "compose.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/compose.js"),
    },
    Asset {
        name: "envelope.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/envelope.js"),
    },
    Asset { name: "p12.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../../assets/p12.js") },
    Asset {
        name: "centre.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/centre.js"),
    },
    Asset {
        name: "convert.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/convert.js"),
    },
    Asset { name: "sm3.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../../assets/sm3.js") },
    Asset { name: "proof.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../../assets/proof.js") },
    Asset { name: "seals.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("../../assets/seals.css") },
    Asset { name: "seal.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../../assets/seal.js") },
    Asset {
        name: "seal-drop.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/seal-drop.js"),
    },
    Asset {
        name: "seal-picture.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/seal-picture.js"),
    },
    Asset { name: "seal.svg", kind: "image/svg+xml", bytes: include_bytes!("../../assets/seal.svg") },
];

pub(super) fn routes() -> Router {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return guarded((StatusCode::NOT_FOUND, "没有此文件。 / There is no such file.\n"));
    };
    let digest = engine::sm3::hash(asset.bytes);
    let tag: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let Ok(tag) = HeaderValue::try_from(format!("\"{tag}\"")) else {
        return guarded(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let kept = request.get(header::IF_NONE_MATCH).is_some_and(|have| *have == tag);
    // A browser asks each time whether it changed: after an update no old script meets a new page.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, tag),
    ];
    if kept { guarded((StatusCode::NOT_MODIFIED, headers).into_response()) } else { guarded((headers, asset.bytes)) }
}
