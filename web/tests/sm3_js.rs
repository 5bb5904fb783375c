//! What the pages compute themselves: SM3 and the proofs of the log, in JavaScript, against the standard's vectors and
//! against the ledger. Run by `node`; without it nothing is tested and the test says so.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use ledger::audit::{leaf_hash, node_hash, tree_root};

/// Runs the scripts of the pages as a browser would find them, then `code`; `None` without `node`.
fn node(scripts: &[&str], code: &str) -> Option<String> {
    if Command::new("node").arg("--version").output().is_err() {
        println!("LEFT OUT: node is not installed, so the scripts of the pages were not run");
        return None;
    }
    let mut program = String::from(
        "globalThis.window = globalThis;\n\
         globalThis.document = { documentElement: { lang: 'en' }, querySelectorAll: () => [] };\n",
    );
    for script in scripts {
        let path = format!("{}/assets/{script}", env!("CARGO_MANIFEST_DIR"));
        program.push_str(&std::fs::read_to_string(path).unwrap());
        program.push('\n');
    }
    program.push_str(code);
    let mut child = Command::new("node")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

const HEX: &str = "const hex = (bytes) => Buffer.from(bytes).toString('hex');\n\
                   const unhex = (text) => new Uint8Array(Buffer.from(text, 'hex'));\n";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_pages_sm3_gives_the_digests_of_the_standard() {
    let code = format!(
        "{HEX}const text = (t) => new TextEncoder().encode(t);\n\
         console.log(hex(yinxin.hash(text('abc'))));\n\
         console.log(hex(yinxin.hash(text('abcd'.repeat(16)))));"
    );
    // GB/T 32905-2016, A.1 and A.2.
    let expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0\n\
                    debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732";
    if let Some(said) = node(&["sm3.js"], &code) {
        assert_eq!(said, expected);
    }
}

#[test]
fn the_pages_sm3_agrees_with_the_engine_at_every_length_around_a_block() {
    let code = format!(
        "{HEX}const all = [];\n\
         for (let n = 0; n < 200; n++) {{\n\
           const bytes = Uint8Array.from({{ length: n }}, (_, i) => (i * 7 + n) & 255);\n\
           const making = yinxin.sm3();\n\
           making.update(bytes.subarray(0, n >> 1));\n\
           making.update(bytes.subarray(n >> 1));\n\
           all.push(hex(making.finish()));\n\
         }}\n\
         console.log(all.join('\\n'));"
    );
    let expected: Vec<String> = (0..200_usize)
        .map(|n| {
            let bytes: Vec<u8> = (0..n).map(|i| u8::try_from((i * 7 + n) & 255).unwrap()).collect();
            hex(&engine::sm3::hash(&bytes))
        })
        .collect();
    if let Some(said) = node(&["sm3.js"], &code) {
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }
}

/// The path of RFC 9162 2.1.3.1, by its recursive definition.
fn path(leaves: &[[u8; 32]], place: usize) -> Vec<[u8; 32]> {
    if leaves.len() < 2 {
        return vec![];
    }
    let half = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(half);
    let (mut inner, sibling) =
        if place < half { (path(left, place), tree_root(right)) } else { (path(right, place - half), tree_root(left)) };
    inner.push(sibling);
    inner
}

#[test]
fn the_page_accepts_every_true_path_and_refuses_every_false_one() {
    let leaves: Vec<[u8; 32]> = (0..70_u8).map(|n| leaf_hash(&[n])).collect();
    let mut cases = String::new();
    let mut expected = Vec::new();
    for size in [1, 2, 3, 5, 8, 13, 64, 70] {
        let root = tree_root(&leaves[..size]);
        for place in 0..size {
            let steps = path(&leaves[..size], place);
            let mut case = |place: usize, size: usize, steps: &[[u8; 32]], root: &[u8; 32], holds: bool| {
                let steps: Vec<String> = steps.iter().map(|step| format!("'{}'", hex(step))).collect();
                let leaf = hex(&leaves[place]);
                cases.push_str(&format!("['{leaf}',{place},{size},[{}],'{}'],\n", steps.join(","), hex(root)));
                expected.push(holds.to_string());
            };
            case(place, size, &steps, &root, true);
            case(place, size, &steps, &node_hash(&root, &root), false);
            case(place, size + 1, &[steps.clone(), vec![root]].concat(), &root, false);
            if size > 1 {
                case(place, size, &steps[1..], &root, false);
                case((place + 1) % size, size, &steps, &root, false);
            }
        }
    }
    let code = format!(
        "{HEX}const cases = [{cases}];\n\
         console.log(cases.map(([leaf, seq, size, path, root]) =>\n\
           yinxin.leadsTo(unhex(leaf), seq, size, path.map(unhex), unhex(root))).join('\\n'));"
    );
    if let Some(said) = node(&["sm3.js", "proof.js"], &code) {
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_pages_leaf_and_node_hashes_are_the_ledgers() {
    let code = format!(
        "{HEX}console.log(hex(yinxin.leafHash(unhex('0102'))));\n\
         console.log(hex(yinxin.nodeHash(new Uint8Array(32), new Uint8Array(32).fill(255))));"
    );
    let expected = format!("{}\n{}", hex(&leaf_hash(&[1, 2])), hex(&node_hash(&[0; 32], &[255; 32])));
    if let Some(said) = node(&["sm3.js", "proof.js"], &code) {
        assert_eq!(said, expected);
    }
}
