//! Builds the device that tests speak to.

#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The double, built in `folder` with these definitions; `None`, and a word why, where that cannot be.
pub fn double(folder: &Path, defines: &[&str]) -> Option<PathBuf> {
    let source = source();
    let library = folder.join(format!("libdouble{}.so", defines.join("").replace(['=', '-'], "_")));
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source);
    cc.args(defines.iter().map(|define| format!("-D{define}"))).arg("-ldl");
    let built = match cc.output() {
        Ok(built) => built,
        Err(why) => {
            eprintln!("LEFT OUT: the device for tests cannot be built: cc: {why} (Debian: gcc)");
            return None;
        }
    };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let has_crypto = ["/usr/lib", "/usr/lib64", "/lib"].iter().any(|root| {
        let found = Command::new("find").args([root, "-name", "libcrypto.so.3", "-print", "-quit"]).output();
        found.is_ok_and(|found| !found.stdout.is_empty())
    });
    if !has_crypto {
        eprintln!("LEFT OUT: the device for tests has nothing to compute with: no libcrypto.so.3 (Debian: libssl3)");
        return None;
    }
    Some(library)
}

/// The double's source: from the crate itself, or from the crate whose folder this one lies in.
fn source() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found =
        ["tests/double.c", "sdf/tests/double.c"].map(|path| here.join(path)).into_iter().find(|path| path.exists());
    found.expect("the double's source is part of the project")
}
