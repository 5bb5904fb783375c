//! Judges of signed and sealed PDF documents: Poppler's `pdfsig` and `pdftoppm`, qpdf, and pyHanko through
//! `pdf_judge.py`. None knows SM2; what they say of form and looks holds for every seal.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Verdict, capture, judges_dir, left_out};

/// Whether a program of Debian's is here; says so if not.
fn has(program: &str, asks: &str, package: &str) -> bool {
    let found = capture(Command::new(program).arg(asks)).is_ok_and(|run| run.code == Some(0));
    if !found {
        left_out(&format!("{program}: not installed (Debian: {package})"));
    }
    found
}

/// Poppler: whether signatures verify, and how pages look.
#[derive(Debug, Clone, Copy)]
pub struct Poppler(());

impl Poppler {
    /// The judge, if its programs are installed.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<bool> = OnceLock::new();
        let look = || has("pdfsig", "-v", "poppler-utils") && has("pdftoppm", "-v", "poppler-utils");
        FOUND.get_or_init(look).then_some(Self(()))
    }

    /// Whether every signature verifies over the octets it covers; whom it believes is not asked.
    pub fn signatures(self, document: &Path) -> Verdict {
        match capture(Command::new("pdfsig").arg("-nocert").arg(document)) {
            Err(why) => Verdict::Broken(why),
            Ok(run) => {
                let said = run.output();
                let of = |words: &str| said.lines().filter(|line| line.contains(words)).count();
                let (all, good) = (of("Signature Validation:"), of("Signature Validation: Signature is Valid."));
                match run.code {
                    Some(0) if all > 0 && good == all => Verdict::Accepts(said),
                    Some(0..=2) => Verdict::Refuses(said),
                    _ => Verdict::Broken(said),
                }
            }
        }
    }

    /// How many signatures it finds.
    pub fn count(self, document: &Path) -> usize {
        let run = capture(Command::new("pdfsig").arg("-nocert").arg(document)).expect("pdfsig runs");
        run.stdout.lines().filter(|line| line.starts_with("Signature #")).count()
    }

    /// Every page as it is shown, at so many pixels per inch.
    pub fn pages(self, document: &Path, per_inch: u32) -> Vec<Pixels> {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let mut draw = Command::new("pdftoppm");
        draw.args(["-r", &per_inch.to_string(), "-cropbox"]).arg(document).arg(dir.path().join("page"));
        let run = capture(&mut draw).expect("pdftoppm runs");
        assert_eq!(run.code, Some(0), "{}", run.output());
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(dir.path()).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files.iter().map(|file| Pixels::read(&std::fs::read(file).expect("a page"))).collect()
    }
}

/// A picture of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Unit: pixels.
    pub width: usize,
    /// Unit: pixels.
    pub height: usize,
    /// Three octets each, row by row.
    rgb: Vec<u8>,
}

impl Pixels {
    /// A PPM (P6), as `pdftoppm` writes it.
    fn read(ppm: &[u8]) -> Self {
        let mut fields = ppm.splitn(4, |byte| byte.is_ascii_whitespace());
        let mut next = || std::str::from_utf8(fields.next().expect("a header")).expect("text").to_owned();
        assert_eq!(next(), "P6");
        let (width, height): (usize, usize) = (next().parse().expect("a width"), next().parse().expect("a height"));
        let rest = fields.next().expect("pixels");
        let rgb = rest.strip_prefix(b"255\n").expect("eight bits").to_vec();
        assert_eq!(rgb.len(), width * height * 3);
        Self { width, height, rgb }
    }

    /// The smallest rectangle (left, top, right, bottom; pixels, the last two included) outside of which two pictures
    /// are the same; none if they are the same.
    pub fn difference(&self, other: &Self) -> Option<(usize, usize, usize, usize)> {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let pairs = self.rgb.chunks_exact(3).zip(other.rgb.chunks_exact(3)).enumerate();
        let differing = pairs.filter(|(_, (a, b))| a != b).map(|(place, _)| (place % self.width, place / self.width));
        differing.map(|(x, y)| (x, y, x, y)).reduce(|a, b| (a.0.min(b.0), a.1.min(b.1), a.2.max(b.2), a.3.max(b.3)))
    }

    /// How many pixels are clearly red, as seals are.
    pub fn red(&self) -> usize {
        self.rgb.chunks_exact(3).filter(|p| p[0] > 150 && p[1] < 110 && p[2] < 110).count()
    }
}

/// qpdf: whether the form of a document is right.
#[derive(Debug, Clone, Copy)]
pub struct Qpdf(());

impl Qpdf {
    /// The judge, if it is installed.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<bool> = OnceLock::new();
        FOUND.get_or_init(|| has("qpdf", "--version", "qpdf")).then_some(Self(()))
    }

    /// Every object and every stream read; a warning is a refusal.
    pub fn check(self, document: &Path) -> Verdict {
        match capture(Command::new("qpdf").arg("--check").arg(document)) {
            Err(why) => Verdict::Broken(why),
            Ok(run) => match run.code {
                Some(0) => Verdict::Accepts(run.output()),
                Some(2 | 3) => Verdict::Refuses(run.output()),
                _ => Verdict::Broken(run.output()),
            },
        }
    }
}

const SCRIPT: &str = include_str!("pdf_judge.py");

/// pyHanko: whole signatures on PDF, chains and time-stamps included.
#[derive(Debug, Clone)]
pub struct PyHanko {
    python: PathBuf,
    script: PathBuf,
}

impl PyHanko {
    /// The judge, if `YINXIN_JUDGE_STAMPS` names the `bin` of a Python environment that has it, or `cargo gate` put one
    /// under `target/judges`.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            let bin = std::env::var_os("YINXIN_JUDGE_STAMPS")
                .map_or_else(|| judges_dir().join("venv-stamps").join("bin"), PathBuf::from);
            let python = bin.join("python3");
            let run = capture(Command::new(&python).args(["-c", "import pyhanko.sign.validation"])).ok()?;
            (run.code == Some(0)).then_some(python)
        });
        let Some(python) = found.clone() else {
            left_out("pyHanko: not installed; `cargo gate --only judges` installs it");
            return None;
        };
        let script = judges_dir().join(format!("pdf_judge-{}.py", std::process::id()));
        std::fs::create_dir_all(judges_dir()).ok()?;
        std::fs::write(&script, SCRIPT).ok()?;
        Some(Self { python, script })
    }

    /// Every signature under this root (PEM), revocation not looked at. Facts: `signature`, `format`, `coverage`,
    /// `changes`, `stamped`.
    pub fn document(&self, document: &Path, root: &Path) -> Verdict {
        self.ask("now", document, root)
    }

    /// The same, and nothing is known of revocation but what the document carries (PAdES B-LT).
    pub fn kept(&self, document: &Path, root: &Path) -> Verdict {
        self.ask("kept", document, root)
    }

    fn ask(&self, mode: &str, document: &Path, root: &Path) -> Verdict {
        match capture(Command::new(&self.python).arg(&self.script).arg(mode).args([document, root])) {
            Err(why) => Verdict::Broken(why),
            Ok(run) => match run.code {
                Some(0) => Verdict::Accepts(run.output()),
                Some(1) if run.stdout.contains("refused: ") => Verdict::Refuses(run.output()),
                _ => Verdict::Broken(run.output()),
            },
        }
    }
}
