//! A seal from its application to the verification of a document by a stranger.

use serde_json::{Value, json};

use crate::clients::{Browser, Page};
use crate::pages::pictures;
use crate::people::{House, send_anyway, usable, well};

/// A4. Unit: points.
const PAPER: (u32, u32) = (595, 842);

/// A PDF of so many A4 pages with a line of text on each.
pub fn pdf(pages: usize) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Count {pages} /Kids [{}] >>",
            (0..pages).map(|page| format!("{} 0 R ", 4 + 2 * page)).collect::<String>()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    for page in 0..pages {
        let text = format!(
            "BT /F1 24 Tf 72 760 Td (Contract, page {} of {pages}) Tj 0 -560 Td /F1 14 Tf (Sealed here) Tj ET",
            page + 1
        );
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {} {}] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
            PAPER.0,
            PAPER.1,
            5 + 2 * page
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()));
    }
    let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(file.len());
        file.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let start = file.len();
    file.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for place in places {
        file.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    let trailer = format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    file.extend_from_slice(trailer.as_bytes());
    file
}

/// Leaves a picture if they are wanted.
pub fn shot(browser: &Browser, name: &str) {
    let Some(folder) = pictures() else { return };
    for (look, page) in [("desktop", Page::DESKTOP), ("phone", Page::PHONE)] {
        browser.look(page);
        browser.picture(&folder.join(format!("{name}-zh-{look}.png")));
    }
    browser.look(Page::DESKTOP);
}

/// Waits until the pictures that can be seen are there.
fn settled(browser: &Browser) {
    let script = "return [...document.querySelectorAll('main img')].filter((i) => i.getBoundingClientRect().top < \
                  innerHeight).every((i) => i.complete && i.naturalWidth > 0)";
    browser.until("pictures", |browser| (browser.run(script, &[]) == true).then_some(()));
}

/// Fills in and files an application; gives the address of the seal.
fn apply(house: &House, browser: &Browser, name: &str) -> String {
    browser.open(&house.at("/desk/seals/new"));
    browser.choose("#kind", "contract");
    browser.fill("#owner", "示例科技有限公司");
    browser.fill("#name", name);
    browser.fill("#line", "合同专用章");
    browser.fill("#code", "1101081234567");
    browser.fill("#note", "与供应商签订合同");
    // The picture is drawn as it is described.
    browser.wait_for("#picture:not([hidden])");
    browser.until("the size of the picture", |browser| browser.text("#picture-size").contains("mm").then_some(()));
    usable(browser);
    shot(browser, "seal-apply");
    browser.follow("#submit");
    browser.wait_for("#state[data-state=applied]");
    let address = browser.url();
    address.split('?').next().unwrap().strip_prefix(&house.service.https).unwrap().to_owned()
}

/// Sends a file to the public page and ends on its report; gives the verdict.
fn verdict(house: &House, browser: &Browser, file: &std::path::Path) -> String {
    browser.open(&house.at("/verify"));
    // Choosing the file sends it.
    browser.leave_by(|browser| browser.keys("#file", file.to_str().unwrap()));
    browser.wait_for("#report");
    browser.run("return document.getElementById('report').dataset.verdict", &[]).as_str().unwrap().to_owned()
}

#[test]
fn a_seal_is_made_by_two_dragged_onto_a_document_and_verified_by_a_stranger() {
    let Some(house) = House::set_up() else { return };
    let (Some(li), Some(stranger)) = (house.invite("李雷", "ra-officer"), house.stranger()) else { return };
    let wang = &house.administrator;

    // Applied for by one; who cannot decide on it alone.
    wang.open(&house.at("/desk/seals"));
    usable(wang);
    let seal = apply(&house, wang, "示例科技有限公司合同专用章");
    usable(wang);
    wang.wait_for("#obstacle");
    assert!(!wang.has("#approve"));
    assert_eq!(send_anyway(wang, &format!("{seal}/approve")), 403, "four eyes");

    // Decided on and enabled by another.
    li.open(&house.at("/desk/seals?state=applied"));
    settled(&li);
    usable(&li);
    li.follow(&format!("a[href='{seal}']"));
    usable(&li);
    li.follow("#approve");
    li.wait_for("#state[data-state=made]");
    li.follow("#enable");
    li.wait_for("#state[data-state=enabled]");
    usable(&li);

    // Dropped on the page, the document is shown page by page.
    let folder = house.service.scratch("documents");
    let original = folder.join("合同.pdf");
    std::fs::write(&original, pdf(5)).unwrap();
    wang.open(&house.at(&seal));
    settled(wang);
    shot(wang, "seal-enabled");
    wang.follow("#use");
    usable(wang);
    shot(wang, "seal-start");
    wang.leave_by(|browser| browser.keys("#file", original.to_str().unwrap()));
    wang.wait_for(".stamp.grip");
    settled(wang);
    usable(wang);

    // Dragged onto the first page: its middle to the middle of the page.
    wang.fill("#on", "1");
    wang.until("the seal on the first page", |browser| browser.has("figure[data-page='1'] .stamp.grip").then_some(()));
    wang.run("document.querySelector('#pages').scrollTo(0, 0); window.scrollTo(0, 0)", &[]);
    wang.drag("figure[data-page='1'] .stamp.grip", "figure[data-page='1'] .paper", (0.5, 0.25));
    let number = |css: &str| wang.property(css, "value").as_str().unwrap().parse::<f64>().unwrap();
    let (x, y) = (number("#x"), number("#y"));
    let (width, height) = size_of(wang);
    // The paper is 209.9 by 297.0 mm; a pixel of the picture is a millimetre at most.
    assert!((x + width / 2.0 - 104.95).abs() < 1.5, "{x}");
    assert!((y + height / 2.0 - 74.25).abs() < 1.5, "{y}");
    // The keyboard moves it as well: ten millimetres to the right, one up.
    wang.keys(".stamp.grip", "\u{e008}\u{e014}\u{e008}\u{e013}");
    wang.until("the seal moved by keys", |_| ((number("#x") - x - 10.0).abs() < 0.05).then_some(()));
    assert!((number("#y") - y + 1.0).abs() < 0.05);
    wang.wait_for_words("将盖在 1 页上");
    shot(wang, "seal-place");
    let (x, y) = (number("#x"), number("#y"));
    wang.follow("#seal");
    settled(wang);
    usable(wang);
    shot(wang, "seal-sealed");
    wang.click("a[download]");
    let sealed = wang.downloaded("合同-已盖章.pdf");
    assert!(sealed.starts_with(&std::fs::read(&original).unwrap()), "what was there is untouched");

    // A stranger verifies it: where the seal lies, and that everything holds.
    let good = folder.join("收到的合同.pdf");
    std::fs::write(&good, &sealed).unwrap();
    assert_eq!(verdict(&house, &stranger, &good), "valid", "{}", stranger.words());
    usable(&stranger);
    stranger.run("document.querySelector('.report figure').scrollIntoView()", &[]);
    settled(&stranger);
    shot(&stranger, "report-valid");
    let report = report_of(&stranger);
    let boundary = &report["signatures"][0]["stamps"][0]["boundary"];
    assert!((boundary["x"].as_f64().unwrap() - x).abs() < 0.2 && (boundary["y"].as_f64().unwrap() - y).abs() < 0.2);
    assert_eq!(report["signatures"][0]["seal"]["name"], "示例科技有限公司合同专用章");
    stranger.click("#pdf");
    assert!(stranger.downloaded("report.pdf").starts_with(b"%PDF-"));
    well(&stranger);

    // A copy with one letter changed is refused, and the report says why.
    let mut forged = sealed;
    let place = forged.windows(8).position(|part| part == b"Contract").unwrap();
    forged[place] = b'K';
    let bad = folder.join("changed.pdf");
    std::fs::write(&bad, &forged).unwrap();
    assert_eq!(verdict(&house, &stranger, &bad), "invalid");
    assert!(stranger.has(".signature li.fail[data-check=data-hash]"), "{}", stranger.words());
    usable(&stranger);
    shot(&stranger, "report-invalid");

    // Suspended, it cannot be used, and the public page says so.
    let id = seal.rsplit('/').next().unwrap();
    stranger.open(&house.at(&format!("/seal/{id}")));
    stranger.wait_for("#status[data-status=valid]");
    usable(&stranger);
    li.open(&house.at(&seal));
    li.click("details:has(#suspend) summary");
    li.fill("#reason-suspend", "公司更名");
    li.follow("#suspend");
    li.wait_for("#state[data-state=suspended]");
    usable(&li);
    assert!(!li.has("#use"));
    stranger.open(&house.at(&format!("/seal/{id}")));
    stranger.wait_for("#status[data-status=suspended]");
}

fn size_of(browser: &Browser) -> (f64, f64) {
    let found = browser.run("const d = document.getElementById('place').dataset; return [d.width, d.height]", &[]);
    let of = |place: usize| found[place].as_str().unwrap().parse().unwrap();
    (of(0), of(1))
}

/// The report in JSON, as the page offers it.
fn report_of(browser: &Browser) -> Value {
    let script =
        "const done = arguments[0]; fetch(document.getElementById('json').href).then((r) => r.json()).then(done)";
    browser.run_until_called(script, &[])
}

#[test]
fn a_riding_seal_lies_over_all_pages_and_a_keyword_is_found() {
    let Some(house) = House::set_up() else { return };
    let wang = &house.administrator;
    let made = house.service.call(
        "seal/create",
        &json!({
            "name": "示例科技有限公司公章", "owner": "示例科技有限公司",
            "picture": { "drawn": { "shape": "round" } },
        }),
    );
    let seal = format!("/desk/seals/{}", made["id"].as_str().unwrap());
    let folder = house.service.scratch("documents");
    let original = folder.join("contract.pdf");
    std::fs::write(&original, pdf(5)).unwrap();
    wang.open(&house.at(&format!("{seal}/use")));
    wang.leave_by(|browser| browser.keys("#file", original.to_str().unwrap()));
    wang.wait_for(".stamp.grip");

    // Shown before it is made: over the text, then as five slices.
    wang.click("input[name=mode][value=keyword]");
    wang.fill("#text", "nothing says this");
    wang.wait_for(".said.failed");
    wang.fill("#text", "Sealed here");
    wang.until("five seals over the text", |browser| {
        (browser.run("return document.querySelectorAll('.stamp').length", &[]) == 5).then_some(())
    });
    wang.complaints();
    wang.click("input[name=mode][value=riding]");
    wang.until("a slice on each page", |browser| {
        let script = "return [...document.querySelectorAll('.stamp')].filter((s) => s.style.clipPath !== '').length";
        (browser.run(script, &[]) == 5).then_some(())
    });
    settled(wang);
    usable(wang);
    shot(wang, "seal-riding");
    wang.follow("#seal");
    settled(wang);
    shot(wang, "seal-riding-sealed");
    assert_eq!(wang.texts("figure figcaption"), ["1", "2", "3", "4", "5"]);
    well(wang);
}
