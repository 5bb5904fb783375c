//! Certificates between authorities of two installations.

use super::*;

/// A plan by which `ec-root` here certifies the other's root.
fn cross(of: &Cert, more: &str) -> String {
    plan(&format!(
        "[[step]]\ndo = \"cross\"\nunder = \"ec-root\"\ndays = 365\npath_length = 1\n{more}\nof = \"\"\"\n{}\"\"\"\n",
        pem("CERTIFICATE", of.der())
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cross_certificate_leads_from_one_root_to_what_another_issued() {
    let (ours, theirs) = (Place::open("ours").await, Place::open("theirs").await);
    // Names of the two houses are alike; a root of another name is made first.
    let made = "[[step]]\ndo = \"root\"\nissuer = \"partner\"\nalgorithm = \"p256\"\nsubject = \"CN=Partner Root,O=Partner\"\n\
                url = \"http://partner.cn\"\n\n[[step]]\ndo = \"issuer\"\nissuer = \"partner-issuing\"\nunder = \"partner\"\n\
                algorithm = \"p256\"\nsubject = \"CN=Partner Issuing,O=Partner\"\n\n[[step]]\ndo = \"crl\"\nissuer = \"partner\"\n";
    theirs.hold(&plan(made), None).await;
    let root = theirs.certificate("partner");
    ours.hold(&cross(&root, "permit = [\"dns:example.cn\"]"), None).await;
    let given = ours.house.ca.cross_certificates().await.unwrap();
    assert_eq!(
        (given.len(), given[0].direction.as_str(), given[0].other.as_str()),
        (1, "given", "CN=Partner Root,O=Partner")
    );
    let bridge = Cert::from_der(&given[0].certificate).unwrap();
    assert_eq!((bridge.subject(), bridge.spki()), (root.subject(), root.spki()));
    assert_eq!(bridge.extensions().basic_constraints.unwrap().path_len, Some(1));

    let inside = theirs.issue("www.example.cn", KeyAlgorithm::P256, Some("partner-issuing")).await.unwrap();
    let outside = theirs.issue("www.elsewhere.cn", KeyAlgorithm::P256, Some("partner-issuing")).await.unwrap();
    ours.house.ca.publish_due_crls(&Actor::system()).await.unwrap();
    theirs.house.ca.publish_due_crls(&Actor::system()).await.unwrap();
    let issuing = theirs.certificate("partner-issuing");
    let crls = [ours.list("ec-root").await, theirs.list("partner").await, theirs.list("partner-issuing").await];
    let anchor = ours.certificate("ec-root");
    // The self-signed root among the certificates is one more way that leads nowhere.
    let between = [issuing.clone(), root.clone(), bridge.clone()];
    let said = ours.valid(&inside.der, &between, vec![anchor.clone()], &crls);
    assert!(said.is_ok(), "{said:?}");
    assert!(ours.valid(&inside.der, &[issuing.clone(), root.clone()], vec![anchor.clone()], &crls).is_err());
    let said = ours.valid(&outside.der, &between, vec![anchor.clone()], &crls);
    assert!(said.is_err(), "a name outside the constraints is believed");
    assert!(theirs.valid(&outside.der, &between, vec![root.clone()], &crls).is_ok(), "under their own root it is good");

    let anchor_file = bundle(&ours, "root.pem", &[anchor.der()]);
    let between = bundle(&ours, "between.pem", &[issuing.der(), bridge.der()]);
    let text: String = crls.iter().map(|list| pem("X509 CRL", list.der())).collect();
    let text = ours.write("all.crl", text.as_bytes());
    for (leaf, good) in [(&inside, true), (&outside, false)] {
        let file = bundle(&ours, "leaf.pem", &[&leaf.der]);
        if let Some(said) = openssl(&anchor_file, &between, &file, &text, &ours.clock) {
            assert_eq!(said.is_ok(), good, "{said:?}");
        }
    }

    // They take it over: it is for their root's key and name, signed by ours.
    let adopt = |certificate: &Cert, above: &Cert| {
        plan(&format!(
            "[[step]]\ndo = \"adopt\"\nissuer = \"partner\"\ncertificate = \"\"\"\n{}\"\"\"\nsigned_by = \"\"\"\n{}\"\"\"\n",
            pem("CERTIFICATE", certificate.der()),
            pem("CERTIFICATE", above.der())
        ))
    };
    let others = ours.certificate("sm2-root");
    assert!(theirs.refuses(&adopt(&bridge, &others), None).await.contains("not signed by"));
    assert!(theirs.refuses(&adopt(&issuing, &root), None).await.contains("another name or key"));
    assert!(theirs.refuses(&adopt(&root, &root), None).await.contains("signed this certificate itself"));
    theirs.hold(&adopt(&bridge, &anchor), None).await;
    assert_eq!(theirs.house.ca.cross_certificates().await.unwrap()[0].direction.as_str(), "received");

    // And it is revoked like any authority: by serial number, with the list of whoever gave it.
    let serial: String = bridge.serial().iter().map(|octet| format!("{octet:02X}")).collect();
    let gone = plan(&format!(
        "[[step]]\ndo = \"revoke\"\nunder = \"ec-root\"\nserial = \"{serial}\"\nreason = \"cessationOfOperation\"\n"
    ));
    ours.hold(&gone, None).await;
    assert!(ours.list("ec-root").await.find(bridge.serial()).is_some());
    ours.finish().await;
    theirs.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_certified_who_does_not_show_the_key_or_is_of_another_family() {
    let (ours, theirs) = (Place::open("ours").await, Place::open("theirs").await);
    // What their root signed shows nothing of their issuing key's holder.
    let said = ours.refuses(&cross(&theirs.certificate("ec-issuing"), ""), None).await;
    assert!(said.contains("signed itself"), "{said}");
    let row = ours.propose("one", &cross(&theirs.certificate("sm2-root"), ""), None).await.unwrap();
    let said = ours.confirm("two", &row).await.unwrap_err().to_string();
    assert!(said.contains("own family"), "{said}");
    let row = ours.house.ca.ceremony(&TenantId::house(), row.id).await.unwrap();
    assert_eq!(row.state.as_str(), "failed");
    assert!(row.transcript.unwrap().contains("IT ENDED EARLY"), "the paper tells it too");
    ours.finish().await;
    theirs.finish().await;
}
