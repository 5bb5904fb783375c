//! All fuzz targets in one program: `YINXIN_FUZZ` names the one to run, then libFuzzer's own
//! options follow. `YINXIN_FUZZ=list` lists them; with `YINXIN_FUZZ_SEEDS=FOLDER` the target's seeds
//! are written into the folder and nothing is run.
//!
//! One program instead of one per target, because each would be linked with the whole suite.
#![no_main]

use std::path::Path;
use std::process::exit;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

#[path = "targets.rs"]
mod targets;
use targets::{TARGETS, Target};

static TARGET: OnceLock<&Target> = OnceLock::new();

fn choose() {
    let name = std::env::var("YINXIN_FUZZ").unwrap_or_default();
    if name == "list" {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        exit(0);
    }
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        eprintln!("YINXIN_FUZZ={name}: there is no such target; YINXIN_FUZZ=list lists them");
        exit(2);
    };
    if let Some(folder) = std::env::var_os("YINXIN_FUZZ_SEEDS") {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            let file = Path::new(&folder).join(format!("seed-{number}"));
            if let Err(why) = std::fs::write(&file, seed) {
                eprintln!("{}: {why}", file.display());
                exit(1);
            }
        }
        exit(0);
    }
    TARGET.get_or_init(|| target);
}

fuzz_target!(init: choose(), |data: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(data);
    }
});
