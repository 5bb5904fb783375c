//! SM3 and SM4 as the installed `openssl` computes them. Says what it leaves out where there is none, or
//! where it was built without them.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Stdio};

use engine::sm3;
use engine::sm4::{Cbc, Ctr, Ecb};

/// What the program makes of `input`; none, said aloud, if it cannot.
fn openssl(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("SKIPPED: openssl {}: not installed", arguments.join(" "));
        return None;
    };
    // A program that does not know the algorithm goes away without reading.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        let unknown = ["nsupported", "nknown", "nrecognized"].iter().any(|word| why.contains(word));
        assert!(unknown, "openssl {}: {why}", arguments.join(" "));
        println!("SKIPPED: openssl {}: built without it", arguments.join(" "));
        return None;
    }
    Some(output.stdout)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Some bytes of a length.
fn text(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * i + 3 * length + i / 251) as u8).collect()
}

const LENGTHS: [usize; 8] = [0, 1, 16, 63, 64, 119, 1024, 40_003];

#[test]
fn digests_and_codes_are_those_of_openssl() {
    let key = text(40);
    for text in LENGTHS.map(text) {
        if let Some(digest) = openssl(&["dgst", "-sm3", "-binary"], &text) {
            assert_eq!(sm3::hash(&text).to_vec(), digest, "{} bytes", text.len());
        }
        let option = format!("hexkey:{}", hex(&key));
        if let Some(code) = openssl(&["dgst", "-sm3", "-mac", "hmac", "-macopt", &option, "-binary"], &text) {
            assert_eq!(sm3::hmac(&key, &[&text]).to_vec(), code, "{} bytes", text.len());
        }
    }
}

#[test]
fn ciphertexts_are_those_of_openssl() {
    let key = [0x31; 16];
    // The counter carries into its upper 64 bits within the text.
    let mut iv = [0xff; 16];
    (iv[0], iv[15]) = (0x12, 0xf0);
    for text in LENGTHS.map(text) {
        let (key_hex, iv_hex) = (hex(&key), hex(&iv));
        let (key_hex, iv_hex) = (key_hex.as_str(), iv_hex.as_str());
        if let Some(expected) = openssl(&["enc", "-sm4-ctr", "-K", key_hex, "-iv", iv_hex], &text) {
            let mut ours = text.clone();
            Ctr::new(&key).apply(&iv, &mut ours);
            assert_eq!(ours, expected, "{} bytes", text.len());
        }
        if let Some(expected) = openssl(&["enc", "-sm4-cbc", "-K", key_hex, "-iv", iv_hex], &text) {
            assert_eq!(Cbc::new(&key).encrypt_padded(&iv, &text), expected, "{} bytes", text.len());
            assert_eq!(*Cbc::new(&key).decrypt_padded(&iv, &expected).unwrap(), text);
        }
        let whole = &text[..text.len() / 16 * 16];
        if let Some(expected) = openssl(&["enc", "-sm4-ecb", "-K", key_hex, "-nopad"], whole) {
            let mut ours = whole.to_vec();
            Ecb::new(&key).encrypt(&mut ours).unwrap();
            assert_eq!(ours, expected, "{} bytes", whole.len());
        }
    }
}
