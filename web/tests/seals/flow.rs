//! What people do: make a seal, put it on documents in every way, verify, suspend, revoke.

use crate::house::{House, TEXT, bad, good};
use crate::paper;

#[test]
fn a_seal_is_made_put_on_both_kinds_of_documents_and_verified_by_a_stranger() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(5, ""));
    house.put_ofd("c.ofd");
    let before = (house.read("c.pdf"), house.read("c.ofd"));

    let list = house.json("seal list");
    let [one] = list.as_array().unwrap().as_slice() else { panic!("{list:#}") };
    assert_eq!(
        (&one["id"], &one["name"], &one["state"]),
        (&house.seal.as_str().into(), &"示例科技有限公司".into(), &"enabled".into())
    );
    assert_eq!(house.json(&format!("seal show {}", &house.seal[..8]))["id"], house.seal.as_str());
    assert!(house.is_valid("seal.esl")["name"].as_str().unwrap().contains(&house.seal));

    // Each place that can be typed, on each kind of document.
    for (number, (file, words, stamps)) in [
        ("c.pdf", "--at 1:120,200", 1),
        ("c.pdf", "--at 1-2:20,20 --at last:100,100", 3),
        ("c.pdf", "--keyword Sign --pages 1,3", 2),
        ("c.pdf", "--riding right --pages all", 5),
        ("c.pdf", "--riding left --pages 2-4 --along 80", 3),
        ("c.ofd", "--at 1:120,200", 1),
        ("c.ofd", "--keyword 盖章 --shift 10,0", 1),
    ]
    .into_iter()
    .enumerate()
    {
        let ending = file.rsplit('.').next().unwrap();
        let out = format!("out{number}.{ending}");
        let told = house.seal(file, words, &out);
        assert_eq!(told[0]["stamps"].as_array().unwrap().len(), stamps, "{words}: {told:#}");
        assert!(told[0]["time_stamp"].is_string(), "{told:#}");
        let item = house.is_valid(&out);
        let signature = &item["report"]["signatures"][0];
        assert_eq!(signature["seal"]["name"], "示例科技有限公司");
        assert_eq!(signature["time_source"], "time-stamp");
        assert_eq!(signature["stamps"].as_array().unwrap().len(), stamps);
    }
    assert_eq!((house.read("c.pdf"), house.read("c.ofd")), before, "the originals are not touched");
    let uses = house.json(&format!("seal uses --seal {}", house.seal));
    assert_eq!(uses["uses"].as_array().unwrap().len(), 7);
    assert!(good(house.run("audit verify")).contains("entries"));
}

#[test]
fn a_second_seal_leaves_the_first_valid() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(2, ""));
    house.put_ofd("c.ofd");
    for ending in ["pdf", "ofd"] {
        house.seal(&format!("c.{ending}"), "--at 1:20,200", &format!("one.{ending}"));
        house.seal(&format!("one.{ending}"), "--at 1:120,200", &format!("two.{ending}"));
        let item = house.is_valid(&format!("two.{ending}"));
        assert_eq!(item["report"]["signatures"].as_array().unwrap().len(), 2, "{ending}");
    }
}

#[test]
fn a_seal_at_rest_is_not_used_and_what_it_sealed_before_stays_valid() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(1, ""));
    house.seal("c.pdf", "--at 1:20,200", "before.pdf");
    let apply = format!("seal apply c.pdf --seal {} --at 1:20,200 -o after.pdf", house.seal);
    let state = |words: &str| house.json(words)["state"].as_str().unwrap().to_owned();
    assert_eq!(state(&format!("seal suspend {} --reason holiday", house.seal)), "suspended");
    assert!(bad(house.run(&apply), 1).contains("SEAL_STATE"));
    assert!(!house.path("after.pdf").exists(), "nothing is written");
    assert_eq!(state(&format!("seal enable {}", house.seal)), "enabled");
    good(house.run(&apply));
    assert_eq!(state(&format!("seal revoke {} --reason lost", house.seal)), "revoked");
    assert!(bad(house.run(&apply.replace("after", "late")), 1).contains("SEAL_STATE"));
    house.is_valid("before.pdf");
    assert_eq!(house.json(&format!("seal status {}", house.seal))["status"], "revoked");
}

#[test]
fn an_order_that_is_repeated_is_carried_out_once() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(1, ""));
    let first = house.seal("c.pdf", "--at 1:20,200 --request order-7", "a.pdf");
    let again = house.seal("c.pdf", "--at 1:20,200 --request order-7", "b.pdf");
    assert_eq!(house.read("a.pdf"), house.read("b.pdf"));
    assert_eq!(first[0]["audit_seq"], again[0]["audit_seq"]);
    assert_eq!(house.json("seal uses")["uses"].as_array().unwrap().len(), 1);
    // The same id for something else is a mistake.
    let other = format!("seal apply c.pdf --seal {} --at 1:30,200 --request order-7 -o c2.pdf", house.seal);
    bad(house.run(&other), 1);
    assert!(!house.path("c2.pdf").exists());
}

#[test]
fn what_cannot_be_sealed_is_refused_by_name_and_nothing_is_written() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(1, ""));
    house.put("broken.pdf", b"%PDF-1.7\nnothing\n");
    house.put("text.txt", TEXT.as_bytes());
    let apply = |file: &str, words: &str| house.run(&format!("seal apply {file} --seal {} {words} -o out", house.seal));
    assert!(bad(apply("broken.pdf", "--at 1:1,1"), 1).contains("DOCUMENT_REFUSED"));
    assert!(bad(apply("text.txt", "--at 1:1,1"), 1).contains("DOCUMENT_REFUSED"));
    assert!(bad(apply("c.pdf", "--at 9:1,1"), 1).contains("PLACE_REFUSED"));
    assert!(bad(apply("c.pdf", "--at 1:500,1"), 1).contains("PLACE_REFUSED"));
    assert!(bad(apply("c.pdf", "--keyword nowhere"), 1).contains("PLACE_REFUSED"));
    assert!(bad(apply("c.pdf", "--riding right"), 1).contains("PLACE_REFUSED"), "one page has no fellow");
    bad(apply("none.pdf", "--at 1:1,1"), 1);
    bad(house.run("seal apply c.pdf --seal nobody --at 1:1,1 -o out"), 1);
    assert!(!house.path("out").exists());
    // Nothing is written over.
    house.put("out", b"mine");
    bad(apply("c.pdf", "--at 1:1,1"), 1);
    assert_eq!(house.read("out"), b"mine");
    // Of several files the good ones are sealed, and the others told.
    let output = house.run(&format!("seal apply c.pdf broken.pdf --seal {} --at 1:1,1 -o some --json", house.seal));
    let lines: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(lines[0]["out"].is_string() && lines[1]["error"]["code"] == "DOCUMENT_REFUSED", "{lines:#}");
    house.is_valid("some/c.pdf");
}

#[test]
fn what_bears_no_seal_or_is_no_document_is_not_valid() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(1, ""));
    house.put_ofd("c.ofd");
    house.put("broken.pdf", b"%PDF-1.7\nnothing\n");
    for file in ["c.pdf", "c.ofd"] {
        let (code, items) = house.verify(file);
        assert_eq!((code, &items[0]["good"]), (2, &false.into()), "{file}");
    }
    assert_eq!(house.verify("broken.pdf").0, 1);
    // Without the roots nothing is known to be good.
    house.seal("c.pdf", "--at 1:1,1", "sealed.pdf");
    assert_eq!(house.verify_code("sealed.pdf"), 0);
    assert_eq!(house.verify_code("sealed.pdf --root data/roots/ec-root.pem"), 2, "another root");
}
